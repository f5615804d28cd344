"""Log lines about refused peers, who may try a thousand times a second."""

from __future__ import annotations

import logging
import time

from zmq.utils import z85

logger = logging.getLogger("zdev.security")

LOG_INTERVAL = 10.0  # seconds between log lines


class DenialLog:
    """Logs messages and subscriptions that the rights of their peer do not allow, in at most one line in `LOG_INTERVAL`.

    Args:
        owner: The device, for log lines.
    """

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._shown: dict[str, int] = {}  # by role: how many of them the last line has counted
        self._said = float("-inf")

    def add(self, role: str, total: int, address: str, user: str, *, is_subscription: bool, topic: bytes) -> None:
        """Log one of those that were denied, if a line is due.

        Args:
            role: The socket that denied it.
            total: How many it has denied so far.
            address: Where its peer connects from.
            user: The name of the peer, if it has one.
            is_subscription: Whether it is a subscription, and no message.
            topic: The beginning of its topic.
        """
        if time.monotonic() < self._said + LOG_INTERVAL:
            return
        self._said = time.monotonic()
        count = total - self._shown.get(role, 0)
        self._shown[role] = total
        kind = "subscription" if is_subscription else "message"
        which = f"{count} messages or subscriptions" if count > 1 else f"a {kind}"
        such = f", such as a {kind}" if count > 1 else ""
        text = "%s: denied %s at %s%s of %s from %s: its rights do not allow the topic %r"
        logger.warning(
            text,
            self._owner,
            which,
            role,
            such,
            user or "a peer",
            address or "this machine",
            topic.decode(errors="backslashreplace"),
            extra={"device": self._owner},
        )


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
        text = f"refused {last} at {role} from {address or 'this machine'}{whose}: {reason}"
        logger.log(level, "%s: %s", self._owner, text, extra={"device": self._owner})
        self._refused = 0
