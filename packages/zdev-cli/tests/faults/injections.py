"""Faults: each a value with its measure, and what it does."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass

from .crew import Member
from .device import count
from .peer import SENDERS
from .scenario import held
from .stage import Stage
from .strangers import WORDS, Storm, closed, silent


@dataclass(frozen=True)
class Flow:
    """No fault: messages flow for so many seconds."""

    seconds: float

    def inject(self, stage: Stage) -> None:
        stage.run_for(stage.seconds(self.seconds), stage.look_at_memory)


@dataclass(frozen=True)
class Kill:
    """SIGKILL for peers of a role, one after the other, each in the midst of its work and replaced by a new one."""

    role: str
    times: int

    def inject(self, stage: Stage) -> None:
        for _ in range(stage.times(self.times)):
            victim = stage.random.choice([each for each in stage.crew.living(self.role) if each.fate == "alive"])
            self._await_work(stage, victim)
            victim.kill()
            stage.deaths += self.role not in SENDERS
            new = stage.crew.replace(victim)
            self._await_work(stage, new)
        stage.until_each_gets(stage.receivers(), 20)
        stage.figures["kills"] = str(stage.times(self.times))

    def _await_work(self, stage: Stage, member: Member) -> None:
        goal = member.account.sent + member.account.got + 20
        stage.until(lambda: member.account.sent + member.account.got >= goal, f"{member} works")


@dataclass(frozen=True)
class Freeze:
    """SIGSTOP for a peer of a role, for so many seconds, while all others go on; then SIGCONT."""

    role: str
    times: int
    seconds: float = 1.0

    def inject(self, stage: Stage) -> None:
        for _ in range(stage.times(self.times)):
            victim = stage.random.choice(stage.crew.living(self.role))
            victim.freeze()
            victim.may_miss = True
            others = [each for each in stage.receivers() if each is not victim]
            begin = time.monotonic()
            stage.until_each_gets(others, 20)
            stage.run_for(begin + self.seconds - time.monotonic())
            stage.until_each_gets(others, 20)
            victim.thaw()
            stage.until_each_gets(stage.receivers(), 20)
        stage.figures["freezes"] = str(stage.times(self.times))


@dataclass(frozen=True)
class ConnectionStorm:
    """So many connections a second at `in` and `out` by turns, each said hello and left; all peers go on."""

    per_second: int
    seconds: float

    def inject(self, stage: Stage) -> None:
        made, rates, descriptors = 0, [], stage.device.descriptors()
        for role, words in (("in", 3), ("out", 2)):  # a peer that shakes hands at `out` is a worker and gets requests
            before = {each: each.account.got for each in stage.receivers()}
            storm = Storm(stage.device.endpoints(role)[0], self.per_second, list(WORDS.values())[:words])
            rates.append(storm.rage(stage.seconds(self.seconds) / 2))
            made += storm.made - storm.refused
            stage.broken += [f"{each} got nothing in a storm" for each, got in before.items() if each.account.got == got]
        stage.figures["connections"] = f"{made:,}, {min(rates):,.0f} a second"
        stage.until(lambda: stage.device.descriptors() <= descriptors, "the descriptors of a storm are given back")


@dataclass(frozen=True)
class HalfOpen:
    """Connections whose other end says nothing any more, and never closes."""

    count: int
    within: float
    """Seconds until the device has given them up, by its heartbeats."""

    def inject(self, stage: Stage) -> None:
        descriptors = stage.device.descriptors()
        count = stage.times(self.count)
        connections = silent(stage.device.endpoints("in")[0], count)
        stage.until_each_gets(stage.receivers(), 20)
        begin = time.monotonic()
        gone = closed(connections, self.within if not stage.is_test else 10 * self.within)
        stage.figures["closed"] = f"{gone} of {count} within {time.monotonic() - begin:.1f} s"
        if gone < count:
            stage.broken.append(f"{count - gone} half-open connections are kept")
        stage.until(lambda: stage.device.descriptors() <= descriptors, "their descriptors are given back")
        for each in connections:
            each.close()


@dataclass(frozen=True)
class Silence:
    """The network of the peers behind links carries nothing for a while, without any notice."""

    seconds: float

    def inject(self, stage: Stage) -> None:
        for link in stage.links:
            link.is_silent = True
        near = [each for each in stage.receivers() if not each.is_far]
        stage.until_each_gets(near, 20)
        stage.run_for(stage.seconds(self.seconds))
        stage.until_each_gets(near, 20)
        for link in stage.links:
            link.is_silent = False
        stage.until_each_gets(stage.receivers(), 5)


@dataclass(frozen=True)
class FreezeDevice:
    """SIGSTOP for zdev itself, for so many seconds; then SIGCONT."""

    times: int
    seconds: float = 1.0

    def inject(self, stage: Stage) -> None:
        for _ in range(stage.times(self.times)):
            os.kill(stage.device.process.pid, signal.SIGSTOP)
            stage.run_for(self.seconds)
            os.kill(stage.device.process.pid, signal.SIGCONT)
            stage.until_each_gets(stage.receivers(), 20)
        stage.figures["freezes"] = str(stage.times(self.times))


@dataclass(frozen=True)
class KillDevice:
    """SIGKILL for the device's process, so often, each time after it has run for so many seconds."""

    times: int
    runs: float = 1.1
    within: float = 1.0
    """Seconds in which every client has an answer to a request that it sent after the kill."""

    def inject(self, stage: Stage) -> None:
        took = []
        holds = self._held_by_zdev(stage)
        for number in range(stage.times(self.times)):
            stage.run_for(self.runs)
            (victim,) = stage.device.device_processes()
            os.kill(victim, signal.SIGKILL)
            before = {each: each.account.sent for each in stage.crew.living("client")}
            took.append(self._until_answered(stage, f"every client is answered again after kill {number + 1}"))
            stage.device_deaths += 1
            stage.doubtful.append(
                {each.job.number: range(sent - held() - each.job.window, each.account.sent) for each, sent in before.items()}
            )
        stage.until(
            lambda: self._held_by_zdev(stage) <= holds, "zdev holds as many descriptors and threads as before the kills"
        )
        self._tell(stage, sorted(took))

    def _held_by_zdev(self, stage: Stage) -> tuple[int, int]:
        pid = stage.device.process.pid
        return count(pid, "fd"), count(pid, "task")

    def _until_answered(self, stage: Stage, what: str) -> float:
        goals = {each: each.account.sent for each in stage.crew.living("client")}
        return stage.until(lambda: all(each.account.latest >= goal for each, goal in goals.items()), what)

    def _tell(self, stage: Stage, took: list[float]) -> None:
        stage.figures["device kills"] = str(len(took))
        stage.figures["recovered in"] = f"{took[len(took) // 2]:.2f} s (median), {took[-1]:.2f} s (longest)"
        late = sum(each > self.within for each in took)
        if late and not stage.is_test:
            stage.broken.append(f"{late} times not all clients had an answer within {self.within:g} s")
