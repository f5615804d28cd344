"""Replies of `zdev rep`: the output of a command that gets the request."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from subprocess import PIPE, Popen, TimeoutExpired
from time import monotonic
from typing import TYPE_CHECKING

from .._progress import say

if TYPE_CHECKING:
    from ..traffic.receiver import Receiver

LARGEST = 16 * 2**20  # bytes of a reply

_TURN = 0.1  # seconds between two looks at signals, and at the size of the output


class Command:
    """words: the command, which gets each request on stdin and may take `timeout` seconds. Failures are reported on stderr."""

    def __init__(self, words: Sequence[str], timeout: float, receiver: Receiver) -> None:
        self._words = words
        self._timeout = timeout
        self._receiver = receiver

    def answer(self, request: Sequence[bytes]) -> bytes:
        """Return what the command printed; nothing if it failed."""
        try:
            process = Popen(self._words, stdin=PIPE, stdout=PIPE, start_new_session=True)
        except OSError as error:
            return self._failed(f"cannot run it: {error.strerror}")
        with process:
            output = self._output(process, b"".join(request))
        if output is None:
            return b"" if self._receiver.stopped else self._failed(f"not finished within {self._timeout:g} s")
        if len(output) > LARGEST:
            return self._failed(f"printed more than {LARGEST // 2**20} MiB")
        if process.returncode:
            status = process.returncode
            return self._failed(f"ended by signal {-status}" if status < 0 else f"exit status {status}")
        return output

    def _output(self, process: Popen[bytes], content: bytes | None) -> bytes | None:
        """Return what it printed. The command and its children are killed if that is too much, and, with None as the result, when
        the time is over or a signal came.
        """
        deadline = monotonic() + self._timeout
        while True:
            try:
                return process.communicate(content, timeout=max(0.0, min(_TURN, deadline - monotonic())))[0]
            except TimeoutExpired as waiting:
                content = None  # may be given only once
                output = waiting.output or b""
            is_over = self._receiver.check_signals() or monotonic() >= deadline
            if is_over or len(output) > LARGEST:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                return None if is_over else output

    def _failed(self, why: str) -> bytes:
        say(f"{self._words[0]}: {why}; replied with an empty message")
        return b""
