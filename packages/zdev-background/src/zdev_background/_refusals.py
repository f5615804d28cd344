"""Log lines about refused peers, who may try a thousand times a second."""

from __future__ import annotations

import logging
import time

from zmq.utils import z85

logger = logging.getLogger("zdev.security")

LOG_INTERVAL = 10.0  # seconds between log lines


class RefusalLog:
    """Logs refused peers, in at most one line in `LOG_INTERVAL`.

    Args:
        owner: The device, for log lines.
    """

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._refused = 0
        self._said = float("-inf")

    def add(self, role: str, address: str, reason: str, key: bytes = b"", level: int = logging.WARNING) -> None:
        """Count a refused peer, and log it if a line is due.

        Args:
            role: The socket that refused it.
            address: Where it connects from.
            reason: Why it was refused.
            key: Its public key, if it has one. Its name is not logged: it may be a password, typed in the wrong place.
            level: Of the log line.
        """
        self._refused += 1
        if time.monotonic() < self._said + LOG_INTERVAL:
            return
        self._said = time.monotonic()
        last = f"{self._refused} peers, the last" if self._refused > 1 else "a peer"
        whose = f" with key {z85.encode(key).decode()}" if key else ""
        logger.log(
            level, "%s: refused %s at %s from %s%s: %s", self._owner, last, role, address or "this machine", whose, reason
        )
        self._refused = 0
