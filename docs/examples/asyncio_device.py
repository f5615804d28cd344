"""Run a queue in an asyncio program whose coroutines talk through it with zmq.asyncio; it prints:

0 and 1 are 1
1 and 1 are 2
2 and 1 are 3
"""

import asyncio

import zmq
import zmq.asyncio

from zdev_background import ThreadDevice


async def work(context: zmq.asyncio.Context, endpoint: str) -> None:
    with context.socket(zmq.REP) as socket:
        socket.connect(endpoint)
        while True:
            await socket.send_string(str(int(await socket.recv_string()) + 1))


async def ask(context: zmq.asyncio.Context, endpoint: str, number: int) -> str:
    with context.socket(zmq.REQ) as socket:
        socket.connect(endpoint)
        await socket.send_string(str(number))
        return f"{number} and 1 are {await socket.recv_string()}"


async def main() -> None:
    queue = ThreadDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
    queue.bind_in("tcp://127.0.0.1:*")
    queue.bind_out("tcp://127.0.0.1:*")
    async with asyncio.timeout(10), queue:  # starts the queue without blocking the event loop
        with zmq.asyncio.Context() as context:
            front, back = (queue.endpoints[role][0] for role in ("in", "out"))
            worker = asyncio.create_task(work(context, back))
            for answer in await asyncio.gather(*(ask(context, front, number) for number in range(3))):
                print(answer)
            worker.cancel()
            await asyncio.wait([worker])


if __name__ == "__main__":
    asyncio.run(main())
