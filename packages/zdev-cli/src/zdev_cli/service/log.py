"""The log on stderr. Logging never blocks, also when stderr is a pipe that nobody reads."""

from __future__ import annotations

import logging
import os
import queue
import threading
from contextlib import suppress

LIMIT = 1000  # lines that may wait; further ones are dropped and counted
FLUSH = 0.5  # seconds for lines that wait when zdev ends

_STDERR = 2


class StderrHandler(logging.Handler):
    """Writes the lines in order, in a thread."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
        self._lines: queue.Queue[str] = queue.Queue(LIMIT)
        self._dropped = 0
        threading.Thread(target=self._write, name="zdev log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a line. `handle` calls it in one thread at a time."""
        try:
            self._report_dropped()
            self._lines.put_nowait(self.format(record))
        except queue.Full:
            self._dropped += 1

    def flush(self) -> None:
        """Wait briefly until all is written."""
        self.is_written(FLUSH)

    def is_written(self, timeout: float) -> bool:
        """Return whether all is written within `timeout` seconds."""
        self.acquire()
        with suppress(queue.Full):
            self._report_dropped()
        self.release()
        with self._lines.all_tasks_done:
            return self._lines.all_tasks_done.wait_for(lambda: not self._lines.unfinished_tasks, timeout)

    def _report_dropped(self) -> None:
        if self._dropped:
            text = f"{self._dropped} log lines dropped: stderr was not read in time"
            self._lines.put_nowait(self.format(logging.makeLogRecord({"msg": text})))
            self._dropped = 0

    def _write(self) -> None:
        """Write without sys.stderr: a blocked write would hold its lock when the interpreter ends."""
        while True:
            rest = f"{self._lines.get()}\n".encode(errors="backslashreplace")
            try:
                while rest:
                    rest = rest[os.write(_STDERR, rest) :]
            except OSError:  # stderr is gone
                pass
            self._lines.task_done()
