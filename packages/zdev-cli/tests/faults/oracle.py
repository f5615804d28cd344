"""The fate of every message, from the accounts of all peers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .crew import Crew


class Entry(NamedTuple):
    """The account of one peer, closed. sent: of a worker, the answers to the first messages of `got`."""

    number: int
    role: str
    fate: str
    sent: int
    got: Sequence[tuple[int, int]]
    wrong: int = 0


@dataclass
class Leg:
    """One direction: requests and other messages from in to out, or replies. Each message sent is in one of the other four.

    with_sender: not delivered, the last ones of a peer that was killed. with_receiver: not delivered, to one that was killed.
    """

    sent: int = 0
    delivered: int = 0
    with_sender: int = 0
    with_receiver: int = 0
    lost: int = 0
    duplicated: int = 0
    disordered: int = 0
    overtaken: int = 0
    """Out of order, of a peer whose connection broke: what it sent by the next one overtook what the device still had."""


@dataclass(frozen=True)
class Balance:
    requests: Leg
    replies: Leg
    missed: Mapping[int, int]
    """Of each subscriber, what it missed between its first message and the last one published."""
    wrong: int
    lost: Sequence[tuple[int, int]]
    """(client or source, number) of each request that was lost, and of each whose reply was."""


def entries_of(crew: Crew) -> list[Entry]:
    return [
        Entry(each.job.number, each.role, each.fate, each.account.sent, each.account.records(), each.account.wrong)
        for each in crew.members
    ]


def balance_of(entries: Iterable[Entry]) -> Balance:
    entries = list(entries)
    by_number = {each.number: each for each in entries}
    takers = [each for each in entries if each.role in ("worker", "sink")]
    senders = [each for each in entries if each.role in ("client", "source")]
    lost: list[tuple[int, int]] = []
    requests, replies = Leg(), Leg()
    arrived = {(sender, number) for each in takers for sender, number in each.got}
    for each in senders:
        lost += _weigh(requests, each, [(each.number, number) for number in range(each.sent)], arrived)
    _look_for_disorder(requests, takers, by_number)
    returned = {(each.number, number) for each in senders for _, number in each.got}
    for each in takers:
        if each.role == "worker":
            lost += _weigh(replies, each, each.got[: each.sent], returned, by_number)
    _look_for_disorder_of_replies(replies, senders, by_number)
    missed = {each.number: _missed(each, by_number, requests) for each in entries if each.role == "subscriber"}
    return Balance(requests, replies, missed, sum(each.wrong for each in entries), lost)


def _weigh(
    leg: Leg,
    sender: Entry,
    sent: Sequence[tuple[int, int]],
    arrived: set[tuple[int, int]],
    receivers: Mapping[int, Entry] | None = None,
) -> list[tuple[int, int]]:
    """Add the messages of a sender to the leg; those lost."""
    leg.sent += len(sent)
    last = max((at for at, message in enumerate(sent) if message in arrived), default=-1)
    lost = []
    for at, message in enumerate(sent):
        if message in arrived:
            leg.delivered += 1
        elif receivers and receivers[message[0]].fate != "alive":
            leg.with_receiver += 1
        elif sender.fate == "cut" or (sender.fate == "killed" and at > last):
            leg.with_sender += 1
        else:
            leg.lost += 1
            lost.append(message)
    return lost


def _note_disorder(leg: Leg, sender: Entry) -> None:
    if sender.fate == "cut":
        leg.overtaken += 1
    else:
        leg.disordered += 1


def _look_for_disorder(leg: Leg, receivers: Iterable[Entry], by_number: Mapping[int, Entry]) -> None:
    seen: set[tuple[int, int]] = set()
    for each in receivers:
        latest: dict[int, int] = {}
        for sender, number in each.got:
            leg.duplicated += (sender, number) in seen
            if number < latest.get(sender, -1):
                _note_disorder(leg, by_number[sender])
            latest[sender] = number
            seen.add((sender, number))


def _look_for_disorder_of_replies(leg: Leg, clients: Iterable[Entry], by_number: Mapping[int, Entry]) -> None:
    workers = [each for each in by_number.values() if each.role == "worker"]
    places = {each.number: {message: at for at, message in enumerate(each.got)} for each in workers}
    for each in clients:
        latest: dict[int, int] = {}
        seen: set[int] = set()
        for worker, number in each.got:
            place = places[worker].get((each.number, number), -1)
            leg.duplicated += number in seen
            if place <= latest.get(worker, -1) and number not in seen:
                _note_disorder(leg, by_number[worker])
            latest[worker] = place
            seen.add(number)


def _missed(subscriber: Entry, by_number: Mapping[int, Entry], leg: Leg) -> int:
    _look_for_disorder(leg, [subscriber], by_number)
    first: dict[int, int] = {}
    for sender, number in subscriber.got:
        first.setdefault(sender, number)
    live = {number for number in first if by_number[number].fate == "alive"}
    last = dict(subscriber.got) if subscriber.fate == "killed" else {}
    due = sum(last.get(sender, by_number[sender].sent - 1) + 1 - first[sender] for sender in live)
    got = len({message for message in subscriber.got if message[0] in live})
    leg.sent, leg.delivered = leg.sent + due, leg.delivered + got
    return due - got
