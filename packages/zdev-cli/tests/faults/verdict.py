"""The verdict on a scenario."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from zdev_cli.snapshot import DeviceView, Snapshot
from zdev_cli.snapshot.requests import RequestsView

from .memory import MB, most
from .oracle import Balance, balance_of, entries_of
from .scenario import held
from .stage import Stage


@dataclass
class Evidence:
    """The evidence to judge by, once nothing moves any longer."""

    stage: Stage
    balance: Balance
    snapshot: Snapshot

    @property
    def figures(self) -> dict[str, str]:
        return self.stage.figures

    @property
    def views(self) -> list[DeviceView]:
        return self.snapshot.devices

    @property
    def in_doubt(self) -> int:
        """Messages that connections may have held which broke, and the device when it was killed; each way."""
        stage = self.stage
        connections = len(stage.crew.living())
        broken = stage.deaths + sum(link.breaks for link in stage.links)
        return held() * (broken + stage.device_deaths * connections)


def collect(stage: Stage) -> Evidence:
    return Evidence(stage, balance_of(entries_of(stage.crew)), stage.device.snapshot())


def every_message_is_accounted_for(evidence: Evidence) -> Iterator[str]:
    """Delivered once and in order, with a peer that died, or counted by the device; nothing else."""
    balance, views = evidence.balance, evidence.views
    broken = sum(link.breaks for link in evidence.stage.links)
    if broken:
        overtaken = balance.requests.overtaken + balance.replies.overtaken
        evidence.figures["connections broken"] = f"{broken}; {overtaken} messages overtaken by the next connection's"
    evidence.figures["messages"] = f"{balance.requests.sent + balance.replies.sent:,}"
    if balance.wrong:
        yield f"{balance.wrong} messages came to the wrong peer or damaged"
    # What waited for a worker that died, or whose connection broke, goes to the others, after later messages.
    returned = (evidence.stage.deaths > 0 or broken > 0) and any(view.engine == "wire" for view in views)
    for name, leg in (("requests", balance.requests), ("replies", balance.replies)):
        may_overtake = returned and name == "requests"
        if leg.duplicated or (leg.disordered and not may_overtake):
            yield f"{leg.duplicated} {name} came twice, {leg.disordered} out of order"
    lost = sum(view.lost for view in views)
    in_hand = sum(w.messages_received - w.messages_sent - w.dropped.total for v in views for w in (v.in_, v.out))
    if in_hand and not evidence.stage.device_deaths:
        yield f"{in_hand} messages are received and neither sent nor counted as dropped"
    doubtful = evidence.stage.doubtful
    outside = [each for each in balance.lost if doubtful and not any(each[1] in kill.get(each[0], ()) for kill in doubtful)]
    if outside:
        yield f"{len(outside)} messages are lost that no device held when it was killed"
    yield from _check_requests(evidence, lost)
    yield from _check_replies(evidence, lost)


def _check_requests(evidence: Evidence, lost: int) -> Iterator[str]:
    leg, dropped = evidence.balance.requests, sum(view.in_.dropped.total for view in evidence.views)
    missed = sum(evidence.balance.missed.values())
    evidence.figures["not delivered"] = _told(evidence, missed)
    if dropped:
        yield f"{dropped} requests were dropped"
    if leg.lost > lost + evidence.in_doubt:
        yield f"{leg.lost} requests are lost; what broke could hold {evidence.in_doubt}"


def _check_replies(evidence: Evidence, lost: int) -> Iterator[str]:
    leg, ways = evidence.balance.replies, [view.out.dropped for view in evidence.views]
    overflowed, unroutable = sum(way.overflowed for way in ways), sum(way.unroutable for way in ways)
    if leg.lost > overflowed + lost + evidence.in_doubt:
        yield f"{leg.lost} replies are lost; {overflowed} were counted as overflowed"
    nobody_left = all(each.fate == "alive" for each in evidence.stage.crew.members) and not evidence.stage.device_deaths
    if nobody_left and leg.lost != overflowed + unroutable:
        yield f"{leg.lost} replies are lost; {overflowed} overflowed and {unroutable} unroutable were counted"


def _told(evidence: Evidence, missed: int) -> str:
    requests, replies = evidence.balance.requests, evidence.balance.replies
    overflowed = sum(view.out.dropped.overflowed for view in evidence.views)
    broken = requests.lost + replies.lost - overflowed
    lost = min(broken, sum(view.lost for view in evidence.views))
    parts = {
        "with peers that were killed or cut off": sum(leg.with_sender + leg.with_receiver for leg in (requests, replies)),
        f"in connections or devices that broke, which can hold {evidence.in_doubt:,}": broken - lost,
        "counted as lost": lost,
        "counted as overflowed": overflowed,
        "missed by subscribers": missed,
    }
    return "; ".join(f"{count:,} {what}" for what, count in parts.items() if count) or "0"


def only_the_slow_miss_something(evidence: Evidence) -> Iterator[str]:
    """A subscriber that reads as fast as others publish gets every message; the others miss whole messages."""
    missed = evidence.balance.missed
    for each in evidence.stage.crew.living("subscriber"):
        if missed[each.job.number] and not each.may_miss:
            yield f"{each} missed {missed[each.job.number]} messages"


def memory_is_bounded(evidence: Evidence) -> Iterator[str]:
    """The bound of docs/reliability.md, held against the most memory that zdev had."""
    stage = evidence.stage
    grown, bound = stage.most_memory - stage.memory_before, most(stage.scenario)
    evidence.figures["memory"] = f"{grown / MB:.1f} MB above idle; bound: {bound / MB:.1f} MB"
    if grown > bound:
        yield f"it took {grown / MB:.1f} MB of memory; {bound / MB:.1f} MB are the bound"


def only_what_was_published_to_nobody_is_missed(evidence: Evidence) -> Iterator[str]:
    """The one subscriber misses what arrived while it was not connected, which the device counts, and what never arrived.

    A PUB drops what waits for a connection that ends.
    """
    (missed,) = evidence.balance.missed.values()
    unsent = evidence.balance.requests.sent - sum(view.in_.messages_received for view in evidence.views)
    out = [each.connections for view in evidence.views for each in view.sockets if each.role == "out" and each.connections]
    unmatched, dropped = sum(each.unmatched for each in out), sum(each.subscriber_drops + each.departed_copies for each in out)
    lost = sum(view.lost for view in evidence.views)
    evidence.figures["published while nobody was subscribed"] = f"{unmatched:,}"
    evidence.figures["dropped by their publisher, whose connection had ended"] = f"{unsent:,}"
    if lost or dropped or missed != unmatched + unsent:
        text = f"{missed} messages missed, {unmatched} published to nobody, {unsent} dropped by their publishers"
        yield f"{text}, {dropped} copies dropped, {lost} lost"


def only_requests_on_the_wire_are_lost(evidence: Evidence) -> Iterator[str]:
    """At most what the clients had under way at each drain, all of it counted by the device; and no reply."""
    requests, replies = evidence.balance.requests, evidence.balance.replies
    windows = sum(each.job.window for each in evidence.stage.crew.living("client"))
    counted = sum(view.lost for view in evidence.views)
    if requests.lost != counted or requests.lost > windows * evidence.stage.restarts:
        yield f"{requests.lost} requests are lost, and {counted} counted; {windows} were under way at each restart"
    if replies.lost:
        yield f"{replies.lost} replies are lost"


def nothing_is_lost(evidence: Evidence) -> Iterator[str]:
    """Not a message, either way."""
    for name, leg in (("requests", evidence.balance.requests), ("replies", evidence.balance.replies)):
        if leg.delivered != leg.sent:
            yield f"{leg.sent - leg.delivered} of {leg.sent} {name} were not delivered"


def _settled_requests(stage: Stage, sent: int) -> RequestsView:
    """Return the counts of requests once they are those of the end: a snapshot may have those of a second ago."""
    found = RequestsView()

    def are_settled() -> bool:
        nonlocal found
        found = stage.device.view().requests or found
        return found.answered >= sent

    with suppress(TimeoutError):
        stage.until(are_settled, "the device counts every reply", 5.0)
    return found


def every_request_is_answered_once(evidence: Evidence) -> Iterator[str]:
    """Every request of a queue that knows its workers has one reply, and the device counts each of them."""
    clients = evidence.stage.crew.living("client")
    sent = sum(each.account.sent for each in clients)
    replies = [(each, number) for each in clients for _, number in each.account.records()]
    twice, unanswered = len(replies) - len(set(replies)), sent - len(set(replies))
    counted = _settled_requests(evidence.stage, sent)
    evidence.figures["requests"] = f"{sent:,}"
    evidence.figures["unanswered"] = f"{unanswered:,}"
    evidence.figures["given to another worker"] = f"{counted.retried:,}"
    evidence.figures["replies dropped"] = f"{counted.late:,} late, {counted.unsolicited:,} unsolicited"
    if unanswered or twice or evidence.balance.wrong:
        yield f"{unanswered} requests have no reply, {twice} more than one; {evidence.balance.wrong} messages are wrong"
    if (counted.received, counted.answered) != (sent, sent):
        yield f"{sent} requests; the device counted {counted.received} received, {counted.answered} answered"
