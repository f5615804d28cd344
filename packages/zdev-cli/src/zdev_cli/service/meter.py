"""Rates: what changes between readings a second apart."""

from __future__ import annotations

from collections import deque
from time import monotonic

from .ledger import Counters, Ledger, Reading
from .snapshot import DirectionView, Dropped

PERIOD = 1.0  # seconds between samples
KEPT = 60  # samples
OLD = 2.5  # seconds after which a reading tells nothing of the present


class Meter:
    """Of one device. `sample` is for one thread, which calls it once a second; `views` for any."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._before = ledger.read()
        self._in, self._out = _Rates(), _Rates()

    def sample(self) -> None:
        now, before = self._ledger.read(), self._before
        for rates, new, old in ((self._in, now.in_, before.in_), (self._out, now.out, before.out)):
            rates.sample(new, old, now.time - before.time, is_old=monotonic() - now.time > OLD)
        self._before = now

    def views(self, reading: Reading) -> tuple[DirectionView, DirectionView]:
        return self._in.view(reading.in_), self._out.view(reading.out)


class _Rates:
    def __init__(self) -> None:
        self._messages = self._bytes = self._blocked = 0.0
        self._history: deque[float] = deque(maxlen=KEPT)

    def sample(self, new: Counters, old: Counters, seconds: float, *, is_old: bool) -> None:
        if is_old:
            self._messages = self._bytes = self._blocked = 0.0
        elif seconds > 0:  # else the device has not answered again yet: the rates stay
            self._messages = round((new.messages_sent - old.messages_sent) / seconds, 1)
            self._bytes = round((new.bytes_sent - old.bytes_sent) / seconds, 1)
            blocked = (new.blocked_nanoseconds - old.blocked_nanoseconds) / 1e9 / seconds
            self._blocked = round(min(1.0, blocked), 3)
        self._history.append(self._messages)

    def view(self, now: Counters) -> DirectionView:
        return DirectionView(
            messages_received=now.messages_received,
            messages_sent=now.messages_sent,
            bytes_received=now.bytes_received,
            bytes_sent=now.bytes_sent,
            dropped=Dropped(malformed=now.malformed, unroutable=now.unroutable, overflowed=now.overflowed),
            monitor_sent=now.monitor_sent,
            monitor_dropped=now.monitor_dropped,
            backpressure_seconds=round(now.blocked_nanoseconds / 1e9, 3),
            messages_per_second=self._messages,
            bytes_per_second=self._bytes,
            backpressure=self._blocked,
            history=list(self._history),
        )
