"""A peer that runs as a program."""

from __future__ import annotations

import subprocess
from types import TracebackType
from typing import Self

LONG, SHORT = 10_000, 100  # milliseconds to wait for a message that must come, and for one that may


class Unsupported(Exception):
    """The implementation was built without what the socket needs."""


class Peer:
    """One socket of another implementation; see the package for what its program obeys."""

    def __init__(
        self,
        command: list[str],
        kind: str,
        endpoint: str,
        routing_id: str = "",
        how: str = "connect",
        security: tuple[str, ...] = (),
    ) -> None:
        words = [*command, kind, how, endpoint, routing_id, *security]
        self._program = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def send(self, *frames: bytes) -> None:
        self._obey(">", *frames)

    def receive(self, timeout: int = LONG) -> list[bytes] | None:
        """Return the next message, or None if no message arrives within `timeout` milliseconds."""
        print("<" + str(timeout), file=self._program.stdin, flush=True)
        line = self._line()
        return None if line == "nothing" else [bytes.fromhex(frame) for frame in line.split(",")]

    def subscribe(self, topic: bytes) -> None:
        self._obey("+", topic)

    def unsubscribe(self, topic: bytes) -> None:
        self._obey("-", topic)

    def _obey(self, word: str, *frames: bytes) -> None:
        print(word + ",".join(frame.hex() for frame in frames), file=self._program.stdin, flush=True)

    def _line(self) -> str:
        assert self._program.stdout
        line = self._program.stdout.readline()
        assert line.endswith("\n"), f"the peer ended: {self._program.wait(LONG / 1000)}"
        return line[:-1]

    def kill(self) -> None:
        """Kill it, and wait until its ports are free."""
        self._program.kill()
        self._program.wait(LONG / 1000)

    def __enter__(self) -> Self:
        try:
            self.version = self._line()
            if self.version.startswith("without "):
                raise Unsupported(self.version)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._program.communicate(timeout=LONG / 1000)
        finally:
            self._program.kill()
            self._program.wait()
