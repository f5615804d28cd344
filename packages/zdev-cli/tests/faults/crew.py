"""The peers of a scenario, as handles for the process that watches them."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

from .account import END, Account
from .peer import Job, work

# Peers are forked by a server that has imported zmq: a process takes some milliseconds to start.
_processes = get_context("forkserver")
_processes.set_forkserver_preload(["zmq"])

PATIENCE = 30.0  # seconds for what takes a moment, on a busy machine


class Member:
    """A peer.

    fate: "cut" is one that lives on, and whose connection broke, or was closed by its end.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.fate: Literal["alive", "killed", "cut"] = "alive"
        self.is_far = False
        """Whether it is behind a link."""
        self.may_miss = False
        """Whether it is slow, or was: to a subscriber that is, messages are dropped."""
        self.account = Account(job.account, create=True)
        self._process = _processes.Process(target=work, args=(job,), daemon=True)
        self._process.start()

    @property
    def role(self) -> str:
        return self.job.role

    def kill(self) -> None:
        self.fate = "killed"
        self._process.kill()
        self._process.join(PATIENCE)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def is_running(self) -> bool:
        return self._process.is_alive()

    def end(self) -> None:
        self.account.order = END
        with suppress(ProcessLookupError):
            self.thaw()
        self._process.join(PATIENCE)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _signal(self, number: int) -> None:
        if self._process.pid is not None and self._process.is_alive():
            os.kill(self._process.pid, number)

    def __str__(self) -> str:
        return f"{self.role} {self.job.number}"


class Crew:
    """All peers, also those that were killed, in the order in which they came."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.members: list[Member] = []

    def hire(self, role: str, endpoint: str, **details: Any) -> Member:
        number = len(self.members) + 1
        job = Job(number=number, role=role, endpoint=endpoint, account=self._folder / f"peer-{number}", **details)
        self.members.append(Member(job))
        return self.members[-1]

    def living(self, *roles: str) -> list[Member]:
        return [each for each in self.members if each.fate != "killed" and (not roles or each.role in roles)]

    def replace(self, member: Member) -> Member:
        """A new peer like one that was killed."""
        job = member.job
        details = {
            name: getattr(job, name) for name in ("rate", "reads", "window", "size", "request_ids", "options", "network")
        }
        return self.hire(job.role, job.endpoint, **details)

    def order(self, order: int) -> None:
        for each in self.members:
            each.account.order = order

    def close(self) -> None:
        self.order(END)
        for each in self.members:
            each.end()
        for each in self.members:
            each.account.close()
