"""A scenario under way: its device, its peers, and what faults do with them."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from zdev_cli._failure import Status

from .account import CEASE
from .crew import PATIENCE, Crew, Member
from .device import ZdevRun
from .link import Link
from .packets import Packets
from .peer import SENDERS
from .scenario import PEER_OPTIONS, PeerSpec, Scenario

STILL = 0.3  # seconds without a message, with turns of every peer, after which nothing is on its way;
STILL_MISSING = 1.0  # where some are missing: TCP may wait before it tries again;
STILL_LOSSY = 2.0  # and for longer where packets get lost
STILL_TURNS = 5


class Stage:
    """scale: of times and numbers of faults, 1: as the scenario says. is_test: no promise of time is held to."""

    def __init__(self, scenario: Scenario, scale: float = 1.0, *, is_test: bool = False) -> None:
        self.scenario, self.scale, self.is_test = scenario, scale, is_test
        self.random = random.Random(1)
        self.figures: dict[str, str] = {}
        self.deaths = self.device_deaths = 0
        """Receivers and device processes killed."""
        self.restarts = 0
        """Of the device, by reloads."""
        self.doubtful: list[dict[int, range]] = []
        """For each kill of a device: the requests of each client that may be lost, or their replies."""
        self.broken: list[str] = []
        """Promises that were broken while faults were injected."""

    def __enter__(self) -> Self:
        self._temporary = tempfile.TemporaryDirectory(prefix="zdev-")
        self.folder = Path(self._temporary.name)
        self.links: list[Link] = []
        self.crew = Crew(self.folder)
        self.packets = Packets() if self.scenario.packets else None
        try:
            before = self.packets.before_device() if self.packets else ()
            self.device = ZdevRun(self.folder, self.scenario.devices, before)
        except BaseException:
            self._leave()
            raise
        self.most_memory = self.memory_before = self.device.memory()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if error:
                error.add_note(f"zdev said:\n{self.device.said()[-2000:]}")
            if self.device.process.poll() is None:
                self.device.close()
        finally:
            self._leave()

    def end_device(self) -> None:
        """As an operator does."""
        status = self.device.close()
        if status not in (Status.OK, Status.DRAIN_TIMED_OUT):
            self.broken.append(f"zdev ended with {status}: {self.device.said()[-1000:]}")
        self.broken += [f"{each.name} was left behind" for each in self.folder.iterdir() if each.is_socket()]

    def _leave(self) -> None:
        self.crew.close()
        for link in self.links:
            link.close()
        if self.packets:
            self.packets.close()
        self._temporary.cleanup()

    # For faults

    def seconds(self, full: float) -> float:
        return max(0.5, full * self.scale)

    def times(self, full: int) -> int:
        return max(1, round(full * self.scale))

    def until(self, condition: Callable[[], object], what: str, patience: float = PATIENCE) -> float:
        """Wait until the condition holds; the seconds that it took."""
        begin = time.monotonic()
        while not condition():
            if time.monotonic() > begin + patience:
                raise TimeoutError(f"{what}: not within {patience:g} s")
            time.sleep(0.002)
        return time.monotonic() - begin

    def until_each_gets(self, members: list[Member], more: int = 1) -> float:
        """Wait until each of these has got so many more messages."""
        goals = {each: each.account.got + more for each in members}
        return self.until(
            lambda: all(each.account.got >= goal for each, goal in goals.items()),
            f"{', '.join(map(str, members))}: {more} more messages each",
        )

    def run_for(self, seconds: float, each_turn: Callable[[], object] = lambda: None) -> None:
        """Let messages flow."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            each_turn()
            time.sleep(0.02)

    def look_at_memory(self) -> None:
        self.most_memory = max(self.most_memory, self.device.memory())

    def receivers(self, *roles: str) -> list[Member]:
        """Peers that live and have something to get."""
        return [each for each in self.crew.living(*roles) if each.role not in ("source", "publisher")]

    # For who runs it

    def hire(self) -> None:
        """Those that receive come first, and all messages flow when this returns."""
        for spec in sorted(self.scenario.peers, key=lambda spec: spec.role in SENDERS):
            endpoints = self.device.endpoints("in" if spec.role in SENDERS else "out", spec.device)
            if spec.via:
                self.links.append(Link(endpoints[0], spec.via))
                endpoints = [self.links[-1].endpoint]
            for number in range(spec.count):
                self._hire_one(spec, endpoints[number % len(endpoints)])
        self.until_each_gets(self.receivers())

    def _hire_one(self, spec: PeerSpec, endpoint: str) -> None:
        if self.packets:
            endpoint = endpoint.replace("0.0.0.0", self.packets.device_address)
        options = PEER_OPTIONS | dict(spec.options)
        details = {name: getattr(spec, name) for name in ("rate", "reads", "window", "size", "request_ids")}
        network = self.packets.peers if self.packets else ""
        member = self.crew.hire(spec.role, endpoint, network=network, options=options, **details)
        member.may_miss, member.is_far = bool(spec.reads), bool(spec.via)
        if spec.via and spec.via.breaks:
            member.fate = "cut"

    def settle(self) -> None:
        """Let senders cease, and wait until nothing is on its way."""
        self.crew.order(CEASE)
        self.until(self._is_still, "no message moves any longer", 2 * PATIENCE)

    def _is_still(self) -> bool:
        before = self._moved()
        turns = {each: each.account.turns + STILL_TURNS for each in self.crew.living() if each.is_running()}
        begin, still = time.monotonic(), self._still()
        self.until(
            lambda: time.monotonic() > begin + still and all(each.account.turns >= goal for each, goal in turns.items()),
            "every peer looks for messages",
        )
        return self._moved() == before and not any(link.holding for link in self.links)

    def _still(self) -> float:
        if self.packets:
            return STILL_LOSSY
        accounts = [each.account for each in self.crew.members if each.role in ("client", "source")]
        got = sum(each.account.got for each in self.crew.members if each.role in ("client", "sink"))
        return STILL if got == sum(each.sent for each in accounts) else STILL_MISSING

    def _moved(self) -> list[int]:
        ways = [way for view in self.device.snapshot().devices for way in (view.in_, view.out)]
        passed = [link.passed for link in self.links]
        return [*(way.messages_received for way in ways), *(each.account.got for each in self.crew.members), *passed]
