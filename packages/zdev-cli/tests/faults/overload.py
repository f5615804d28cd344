"""More than there is capacity for."""

from __future__ import annotations

import time
from dataclasses import dataclass

from .crew import Member
from .stage import Stage

LONGEST_PAUSE = 1.0  # seconds in which a direction may stand still
SHARE = 0.5  # of what it gets on average, that each peer gets at least


@dataclass(frozen=True)
class Overload:
    """Peers send more than others take, for so many seconds; both directions go on, and each peer has its share."""

    seconds: float

    def inject(self, stage: Stage) -> None:
        clients, workers = stage.crew.living("client"), stage.crew.living("worker")
        pauses = [_Pause(workers), _Pause(clients)]
        before = {each: each.account.got for each in (*clients, *workers)}
        refused = sum(each.account.refused for each in clients)

        def look() -> None:
            stage.look_at_memory()
            for each in pauses:
                each.look()

        stage.run_for(stage.seconds(self.seconds), look)
        if sum(each.account.refused for each in clients) == refused:
            stage.broken.append("there was no overload: everything that clients sent found room")
        for name, members in (("client", clients), ("worker", workers)):
            self._compare(stage, name, [each.account.got - before[each] for each in members])
        stage.figures["longest pause"] = f"in {pauses[0].longest:.2f} s, out {pauses[1].longest:.2f} s"
        if max(each.longest for each in pauses) > LONGEST_PAUSE and not stage.is_test:
            stage.broken.append("a direction stood still")

    def _compare(self, stage: Stage, name: str, got: list[int]) -> None:
        average = sum(got) / len(got)
        stage.figures[f"{name}s' shares"] = f"{min(got) / average:.0%} to {max(got) / average:.0%} of the average"
        if min(got) < SHARE * average:
            stage.broken.append(f"a {name} got {min(got)} messages, {average:.0f} on average")


class _Pause:
    """The longest time in which none of these got a message."""

    def __init__(self, members: list[Member]) -> None:
        self._members = members
        self._got, self._since, self.longest = 0, time.monotonic(), 0.0

    def look(self) -> None:
        got, now = sum(each.account.got for each in self._members), time.monotonic()
        if got != self._got:
            self._got, self._since = got, now
        self.longest = max(self.longest, now - self._since)


@dataclass(frozen=True)
class FillAll:
    """All workers stand still until no queue has room for another message; then they go on."""

    def inject(self, stage: Stage) -> None:
        for each in stage.crew.living("worker"):
            each.freeze()
        for each in stage.crew.living("client"):
            self._until_full(stage, each)
        stage.look_at_memory()
        stage.figures["queued"] = (
            f"{sum(each.account.sent - each.account.got for each in stage.crew.living('client')):,} messages"
        )
        for each in stage.crew.living("worker"):
            each.thaw()
        stage.until_each_gets(stage.receivers(), 20)

    def _until_full(self, stage: Stage, client: Member) -> None:
        goal = client.account.refused + 20
        stage.until(lambda: client.account.refused > goal, f"{client} has no more room")
