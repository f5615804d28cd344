"""A bad network: a TCP proxy that delays, cuts into pieces, stalls, resets, half-closes, or goes silent."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: a close is a reset


@dataclass(frozen=True)
class Behaviour:
    """The faults of a connection, in each direction.

    delay: seconds for each piece, at most; piece: bytes, at most, 0: any; stall: seconds without a byte, about once a second;
    reset, half_close: bytes, at most, after which it happens; 0: never.
    """

    delay: float = 0.0
    piece: int = 0
    stall: float = 0.0
    reset: int = 0
    half_close: int = 0

    @property
    def breaks(self) -> bool:
        return bool(self.reset or self.half_close)


class Link:
    """Listens at `endpoint`, and connects each connection there on to another endpoint, in a separate thread."""

    def __init__(self, endpoint: str, behaviour: Behaviour, seed: int = 1) -> None:
        self._host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
        self._port = int(port)
        self._behaviour, self._random = behaviour, random.Random(seed)
        self.breaks = 0
        """Connections broken so far."""
        self.connections = 0
        self.passed = self.holding = 0
        """Bytes that have passed, and pieces that are held back."""
        self.is_silent = False
        """True: nothing passes, nothing is closed, and the ends get no notice."""
        self.endpoint = ""
        self._listens = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="link", daemon=True)
        self._thread.start()
        self._listens.wait()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._listen())

    async def _listen(self) -> None:
        self._over = asyncio.Event()
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.endpoint = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._listens.set()
        await self._over.wait()
        server.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            there, on = await asyncio.open_connection(self._host, self._port)
        except OSError:
            writer.transport.abort()
            return
        ends = [writer, on]
        for end in ends:
            end.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ways = [asyncio.create_task(self._pump(*way)) for way in ((reader, on), (there, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            if not any(way.done() and way.result() for way in ways):
                await asyncio.wait(ways, timeout=1.0)  # a half-closed connection goes on, one way
        except asyncio.CancelledError:  # the link is closed; raised, asyncio's streams would log it
            pass
        finally:
            for way in ways:
                way.cancel()
            for end in ends:
                self._half_close_senders(end)

    def _half_close_senders(self, end: asyncio.StreamWriter) -> None:
        if self._behaviour.breaks:
            with suppress(OSError):
                end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection is to be reset."""
        how, passed = self._behaviour, 0
        reset, half = (self._random.randint(1, most) if most else 0 for most in (how.reset, how.half_close))
        with suppress(OSError):
            while data := await reader.read(how.piece or 65536):
                self.holding += 1
                try:
                    await self._hold_back()
                finally:
                    self.holding -= 1
                self.passed += len(data)
                writer.write(data)
                await writer.drain()
                passed += len(data)
                if reset and passed >= reset:
                    self.breaks += 1
                    return True
                if half and passed >= half:
                    self.breaks += 1
                    break
            writer.write_eof()
        return False

    async def _hold_back(self) -> None:
        how = self._behaviour
        while self.is_silent:
            await asyncio.sleep(0.05)
        if how.delay:
            await asyncio.sleep(self._random.uniform(0, how.delay))
        if how.stall and self._random.random() < 0.02:
            await asyncio.sleep(how.stall)
