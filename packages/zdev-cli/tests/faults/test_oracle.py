"""The oracle finds what is lost, doubled or out of order, and whose it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from faults.account import Account
from faults.crew import Crew
from faults.oracle import Balance, Entry, balance_of

DIES = """
import os, pathlib, signal, sys
from faults.account import Account
account = Account(pathlib.Path(sys.argv[1]))
for number in range(10):
    account.note_got(7, number)
os.kill(os.getpid(), signal.SIGKILL)
"""
CLIENT, OTHER, WORKER, SECOND = 1, 2, 3, 4


def client(sent: int, got: list[tuple[int, int]], number: int = CLIENT, fate: str = "alive") -> Entry:
    return Entry(number, "client", fate, sent, got)


def worker(got: list[tuple[int, int]], number: int = WORKER, fate: str = "alive", sent: int | None = None) -> Entry:
    return Entry(number, "worker", fate, len(got) if sent is None else sent, got)


def judged(*entries: Entry) -> Balance:
    return balance_of(entries)


def test_all_is_well() -> None:
    found = judged(
        client(3, [(WORKER, 0), (SECOND, 1), (WORKER, 2)]), worker([(CLIENT, 0), (CLIENT, 2)]), worker([(CLIENT, 1)], SECOND)
    )
    assert (found.requests.sent, found.requests.delivered, found.requests.lost) == (3, 3, 0)
    assert (found.replies.sent, found.replies.delivered, found.replies.lost) == (3, 3, 0)
    assert not found.requests.disordered + found.replies.disordered + found.requests.duplicated + found.replies.duplicated


def test_a_request_that_nobody_got_is_lost() -> None:
    found = judged(client(3, [(WORKER, 0), (WORKER, 2)]), worker([(CLIENT, 0), (CLIENT, 2)]))
    assert found.requests.lost == 1
    assert found.lost == [(CLIENT, 1)]


def test_a_reply_that_did_not_come_is_lost() -> None:
    found = judged(client(2, [(WORKER, 0)]), worker([(CLIENT, 0), (CLIENT, 1)]))
    assert (found.requests.lost, found.replies.lost) == (0, 1)


def test_the_last_messages_of_the_dead_are_theirs_and_earlier_ones_are_lost() -> None:
    found = judged(client(5, [], fate="killed"), worker([(CLIENT, 0), (CLIENT, 2)]))
    assert (found.requests.lost, found.requests.with_sender) == (1, 2)


def test_replies_to_the_dead_are_theirs() -> None:
    found = judged(client(1, [], fate="killed"), client(1, [], OTHER), worker([(CLIENT, 0), (OTHER, 0)]))
    assert (found.replies.with_receiver, found.replies.lost) == (1, 1)


def test_a_request_that_came_twice_is_seen_whoever_got_it() -> None:
    assert judged(client(1, []), worker([(CLIENT, 0)]), worker([(CLIENT, 0)], SECOND)).requests.duplicated == 1


def test_a_reply_that_came_twice_is_seen() -> None:
    assert judged(client(1, [(WORKER, 0), (WORKER, 0)]), worker([(CLIENT, 0)])).replies.duplicated == 1


def test_the_order_of_each_pair_of_peers_is_looked_at() -> None:
    found = judged(client(2, [(WORKER, 0), (WORKER, 1)]), worker([(CLIENT, 1), (CLIENT, 0)]))
    assert (found.requests.disordered, found.replies.disordered) == (1, 1)


def test_a_peer_that_connects_again_may_overtake_itself() -> None:
    found = judged(client(2, [], fate="cut"), worker([(CLIENT, 1), (CLIENT, 0)]))
    assert (found.requests.disordered, found.requests.overtaken) == (0, 1)


def test_the_order_of_messages_of_different_peers_is_free() -> None:
    found = judged(client(1, [(WORKER, 0)]), client(1, [(WORKER, 0)], OTHER), worker([(OTHER, 0), (CLIENT, 0)]))
    assert not found.requests.disordered + found.replies.disordered


def test_a_subscriber_misses_what_came_after_its_first_message() -> None:
    publisher = Entry(CLIENT, "publisher", "alive", 6, [])
    subscribers = [
        Entry(5, "subscriber", "alive", 0, [(CLIENT, 2), (CLIENT, 4)]),
        Entry(6, "subscriber", "killed", 0, [(CLIENT, 2)]),
    ]
    assert judged(publisher, *subscribers).missed == {5: 2, 6: 0}


def test_an_account_is_whole_when_its_peer_was_killed(tmp_path: Path) -> None:
    account = Account(tmp_path / "account", create=True)
    command = [sys.executable, "-c", DIES, str(tmp_path / "account")]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}, timeout=30, check=False)
    assert done.returncode == -signal.SIGKILL
    assert account.records() == [(7, number) for number in range(10)]
    assert account.latest == 9
    account.close()


def test_a_peer_that_dies_by_itself_is_noticed(tmp_path: Path) -> None:
    crew = Crew(tmp_path)
    member = crew.hire("client", "no endpoint")
    member._process.join(30)
    assert not member.is_running()
    crew.close()
