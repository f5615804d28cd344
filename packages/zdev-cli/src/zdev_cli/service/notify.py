"""Notifications to the service manager: sd_notify(3), which is a datagram."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress


class Notifier:
    """Notifies the service manager that the environment names, if any. For any thread."""

    def __init__(self) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "")
        # Kept open: when peers have taken every descriptor, the watchdog is to be fed all the same.
        self._sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sender.settimeout(1.0)
        self._lock = threading.Lock()
        self._said = ""
        self._is_stopping = False

    @property
    def watchdog(self) -> float | None:
        """Seconds within which WATCHDOG=1 is expected; None: it is not."""
        period = os.environ.get("WATCHDOG_USEC", "")
        ours = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        return int(period) / 1e6 if self._address and ours and period.isdigit() and int(period) > 0 else None

    def ready(self) -> None:
        self._send("READY=1")

    def reloading(self) -> None:
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        self._send("STOPPING=1")
        self._is_stopping = True

    def hand_over(self, successor: int | None) -> None:
        """Name the process that goes on as the service. Nothing is sent after that."""
        self._send(f"MAINPID={successor}")
        self._address = ""

    def alive(self) -> None:
        """Must be repeated within `watchdog` seconds."""
        self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """For people. The same text is not sent twice."""
        if text != self._said:
            self._said = text
            self._send(f"STATUS={text}")

    def _send(self, text: str) -> None:
        if not self._address or (self._is_stopping and text == "READY=1"):
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with self._lock, suppress(OSError):  # the manager is gone, or does not read: keep running
            self._sender.sendto(text.encode(), address)
