"""Draws top.svg beside this file: `zdev top` of a real zdev with five devices, after a minute of traffic.

python docs/cli/screenshot_top.py [WIDTH HEIGHT [SECONDS [FILE]]]
"""

from __future__ import annotations

import asyncio
import math
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import zmq

from zdev_cli.screen.app import Top

DEVICES = {"orders": 4100, "billing": 900, "ticks": 12000, "thumbnails": 300, "legacy": 0}  # messages a second
ANY = '"tcp://127.0.0.1:*"'
CONFIG = f"""
[[device]]
name = "orders"
type = "monitored-queue"
in.bind = {ANY}
out.bind = {ANY}
mon.bind = {ANY}

[[device]]
name = "billing"
type = "queue"
isolation = "process"
in.bind = {ANY}
out.bind = {ANY}

[[device]]
name = "ticks"
type = "forwarder"
in.bind = {ANY}
out.bind = {ANY}

[[device]]
name = "thumbnails"
type = "streamer"
in.bind = {ANY}
out.bind = {ANY}

[[device]]
name = "legacy"
type = "queue"
in.bind = "tcp://{{taken}}"
out.bind = {ANY}
"""
PEERS = {"orders": (zmq.DEALER, zmq.DEALER), "billing": (zmq.DEALER, zmq.DEALER), "ticks": (zmq.PUB, zmq.SUB)}


@contextmanager
def service(folder: Path, context: zmq.Context[zmq.Socket[bytes]]) -> Iterator[tuple[str, dict[str, str]]]:
    """The control socket of a zdev that runs, and the endpoints of its devices."""
    with context.socket(zmq.PULL) as holder:
        holder.bind("tcp://127.0.0.1:*")
        file, control = folder / "zdev.toml", str(folder / "control.sock")
        file.write_text(CONFIG.format(taken=holder.get_string(zmq.LAST_ENDPOINT).removeprefix("tcp://")))
        command = [sys.executable, "-m", "zdev_cli", "run", "-c", file.name, "--control", control]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL, cwd=folder) as process:
            try:
                assert process.stdout
                at: dict[str, str] = {}
                while not (line := process.stdout.readline()).startswith("started:"):
                    assert line, "zdev did not start"
                    at[" ".join(line.split()[:2])] = line.split()[-1]
                yield control, at
            finally:
                process.terminate()


def send(socket: zmq.Socket[bytes], rate: float) -> None:
    """So many messages a second, up and down; until the context is terminated."""
    for turn in range(10**9):
        share = 0.75 + 0.25 * math.sin(turn / 300) + 0.1 * math.sin(turn / 37)
        for _ in range(round(rate * share / 50)):
            socket.send(bytes(200))
        with suppress(zmq.Again):
            while socket.type == zmq.DEALER:
                socket.recv_multipart(zmq.DONTWAIT)
        time.sleep(0.02)


def answer(socket: zmq.Socket[bytes]) -> None:
    while True:
        message = socket.recv_multipart()
        if socket.type == zmq.DEALER:
            socket.send_multipart(message)


def start(context: zmq.Context[zmq.Socket[bytes]], at: dict[str, str]) -> None:
    """The peers of the devices; the streamer has no receiver."""
    for name, rate in DEVICES.items():
        if f"{name} in" not in at or not rate:
            continue
        client_type, worker_type = PEERS.get(name, (zmq.PUSH, None))
        for kind, where, act, arguments in ((client_type, "in", send, (rate,)), (worker_type, "out", answer, ())):
            if kind is None:
                continue
            socket = context.socket(kind)
            socket.linger = 0
            if kind == zmq.SUB:
                socket.subscribe(b"")
            socket.connect(at[f"{name} {where}"])
            threading.Thread(target=act, args=(socket, *arguments), daemon=True).start()


async def draw(control: str, size: tuple[int, int], seconds: float, file: Path) -> None:
    app = Top(control, 0.5)
    async with app.run_test(size=size) as pilot:
        await pilot.pause(seconds)
        await pilot.press("down", "down")
        await pilot.pause(1.5)
        file.write_text(app.export_screenshot(title="zdev top"))


def main() -> None:
    words = sys.argv[1:]
    size = (int(words[0]), int(words[1])) if words else (86, 26)
    seconds = float(words[2]) if len(words) > 2 else 60.0
    file = Path(words[3]) if len(words) > 3 else Path(__file__).with_name("top.svg")
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    with tempfile.TemporaryDirectory() as folder, service(Path(folder), context) as (control, at):
        start(context, at)
        asyncio.run(draw(control, size, seconds, file))


if __name__ == "__main__":
    main()
