"""The log on stderr: its lines, and its handler, which never blocks, even if stderr is a pipe that nobody reads."""

from __future__ import annotations

import json
import logging
import os
import queue
import threading
from contextlib import suppress
from datetime import datetime

from .._words import printable
from ..config import LogConfig

LIMIT = 1000  # lines that may wait; further ones are dropped and counted
FLUSH = 0.5  # seconds for lines that wait when zdev ends

_STDERR = 2
_LOGGERS = ("zdev.service", "zdev.security")
_FIELDS = ("device", "command", "who", "outcome")
"""Attributes of records, set by `extra`, that JSON has as separate fields."""


def log_to_stderr() -> StderrHandler:
    """Write the records of the service and its devices to stderr, as `configure` says."""
    logging.getLogger("zdev").addHandler(logging.NullHandler())  # the service logs what devices do, with their names
    handler = StderrHandler()
    for name in _LOGGERS:
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).propagate = False
    configure(LogConfig())
    return handler


def configure(config: LogConfig) -> None:
    """Apply level and format to all further records."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(config.level.upper())
        for handler in logger.handlers:
            handler.setFormatter(JsonFormatter() if config.format == "json" else TextFormatter())


class TextFormatter(logging.Formatter):
    """One line: time, level and message. A traceback follows on indented lines."""

    def format(self, record: logging.LogRecord) -> str:
        lines = [f"{_time(record)} {record.levelname.lower()} {printable(record.getMessage())}"]
        if record.exc_info:
            lines += [f"  {printable(line)}" for line in self.formatException(record.exc_info).splitlines()]
        return "\n".join(lines)


class JsonFormatter(logging.Formatter):
    """One line: an object with time, level, message and the fields of the record. It is ASCII: no reader splits it elsewhere."""

    def format(self, record: logging.LogRecord) -> str:
        found = {name: getattr(record, name, None) for name in _FIELDS}
        shown = {
            "time": _time(record),
            "level": record.levelname.lower(),
            **{name: value for name, value in found.items() if value is not None},
            "message": record.getMessage().removeprefix(f"{found['device']}: "),
        }
        if record.exc_info:
            shown["exception"] = self.formatException(record.exc_info)
        return json.dumps(shown).encode(errors="backslashreplace").decode()


def _time(record: logging.LogRecord) -> str:
    """Return the local time of a record with its offset, as in RFC 3339."""
    return datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds")


class StderrHandler(logging.Handler):
    """Writes the lines in order, in a thread."""

    def __init__(self) -> None:
        super().__init__()
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
            self._lines.put_nowait(
                self.format(logging.makeLogRecord({"msg": text, "levelno": logging.WARNING, "levelname": "WARNING"}))
            )
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
