"""A bad network of packets: two namespaces, joined by a program that drops, delays and reorders what it carries."""

from __future__ import annotations

import fcntl
import heapq
import itertools
import os
import random
import select
import shutil
import struct
import subprocess
import threading
import time
from contextlib import suppress

DROPPED = 0.02  # share of the packets
DELAY = 0.002  # seconds, at most
LATE, LATER = 0.05, 0.02  # a share of the packets comes so many seconds later, behind others

_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 1, 0x1000
_numbers = itertools.count()


def missing() -> str:
    """Why there can be no such network here; nothing: there can."""
    if os.geteuid():
        return "network namespaces are made by root only"
    if not shutil.which("ip"):
        return "the program ip is missing (Debian: iproute2)"
    try:
        Packets().close()
    except OSError as error:  # in many containers
        return str(error)
    return ""


class Packets:
    """`device` and `peers` are the namespaces; a message between them is in packets that meet with accidents."""

    device_address, peers_address = "10.77.0.1", "10.77.0.2"

    def __init__(self) -> None:
        number = f"{os.getpid()}-{next(_numbers)}"
        self.device, self.peers = f"zdev-d{number}", f"zdev-p{number}"
        self._random = random.Random(1)
        self.carried = self.dropped = self.overtaken = 0
        self._ends: list[int] = []
        self._over = threading.Event()
        try:
            self._ends.append(self._make(self.device, self.device_address, self.peers_address))
            self._ends.append(self._make(self.peers, self.peers_address, self.device_address))
        except BaseException:
            self._remove()
            raise
        self._thread = threading.Thread(target=self._carry, name="packets", daemon=True)
        self._thread.start()

    def before_device(self) -> tuple[str, ...]:
        """Words before a command that is to run where the device does."""
        return ("ip", "netns", "exec", self.device)

    def summary(self) -> str:
        return f"{self.carried:,}, of which {self.dropped:,} dropped, and {self.overtaken:,} came before one sent earlier"

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        self._remove()

    def _remove(self) -> None:
        for end in self._ends:
            os.close(end)
        for name in (self.device, self.peers):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)

    def _make(self, namespace: str, address: str, other: str) -> int:
        _ip("netns", "add", namespace)
        end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        named = fcntl.ioctl(end, _TUNSETIFF, struct.pack("16sH22x", b"zdev%d", _IFF_TUN | _IFF_NO_PI))
        name = named[:16].rstrip(b"\0").decode()
        _ip("link", "set", name, "netns", namespace)
        _ip("-n", namespace, "addr", "add", address, "peer", other, "dev", name)
        for each in (name, "lo"):
            _ip("-n", namespace, "link", "set", each, "up")
        return end

    def _carry(self) -> None:
        waiting: list[tuple[float, int, int, bytes]] = []
        for number in itertools.count():
            if self._over.is_set():
                return
            timeout = min(0.1, max(0.0, waiting[0][0] - time.monotonic())) if waiting else 0.1
            for end in select.select(self._ends, [], [], timeout)[0]:
                with suppress(BlockingIOError):
                    self._take(waiting, number, end, os.read(end, 65536))
            while waiting and waiting[0][0] <= time.monotonic():
                _, turn, end, packet = heapq.heappop(waiting)
                self.overtaken += any(other[1] < turn and other[2] == end for other in waiting)
                with suppress(OSError):
                    os.write(end, packet)

    def _take(self, waiting: list[tuple[float, int, int, bytes]], number: int, end: int, packet: bytes) -> None:
        self.carried += 1
        if self._random.random() < DROPPED:
            self.dropped += 1
            return
        delay = self._random.uniform(0, DELAY) + (LATER if self._random.random() < LATE else 0.0)
        other = self._ends[1 - self._ends.index(end)]
        heapq.heappush(waiting, (time.monotonic() + delay, number, other, packet))


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")
