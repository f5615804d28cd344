"""The log on stderr, which may be a pipe that nobody reads: whoever has something to tell never waits for it."""

from __future__ import annotations

import logging
import os
import queue
import threading
from contextlib import suppress

LIMIT = 1000  # lines that may wait; those beyond are counted
FLUSH = 0.5  # seconds for what waits when zdev ends

_STDERR = 2


class StderrHandler(logging.Handler):
    """Has a thread write the lines, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
        self._lines: queue.Queue[str] = queue.Queue(LIMIT)
        self._dropped = 0
        threading.Thread(target=self._write, name="zdev log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """One thread at a time: `handle` sees to that."""
        try:
            self._tell_dropped()
            self._lines.put_nowait(self.format(record))
        except queue.Full:
            self._dropped += 1

    def flush(self) -> None:
        """Wait a short time until all is written."""
        self.is_written(FLUSH)

    def is_written(self, timeout: float) -> bool:
        """Whether all is written, within `timeout` seconds."""
        self.acquire()
        with suppress(queue.Full):
            self._tell_dropped()
        self.release()
        with self._lines.all_tasks_done:
            return self._lines.all_tasks_done.wait_for(lambda: not self._lines.unfinished_tasks, timeout)

    def _tell_dropped(self) -> None:
        if self._dropped:
            text = f"{self._dropped} lines are missing here: nobody read stderr for a while"
            self._lines.put_nowait(self.format(logging.makeLogRecord({"msg": text})))
            self._dropped = 0

    def _write(self) -> None:
        """Without sys.stderr, whose lock a write that hangs would keep when the interpreter ends."""
        while True:
            rest = f"{self._lines.get()}\n".encode(errors="backslashreplace")
            try:
                while rest:
                    rest = rest[os.write(_STDERR, rest) :]
            except OSError:  # nobody can be told
                pass
            self._lines.task_done()
