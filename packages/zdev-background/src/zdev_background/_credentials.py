"""Credentials of a device on the wire engine: its files are watched, and the engine gets what they contain."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ._refusals import DenialLog, RefusalLog
from ._rights import UserRights, WireRights, wire_rights
from ._security import Credentials, Server
from ._threads import start_thread

if TYPE_CHECKING:
    from zdev_core import WireDevice

logger = logging.getLogger("zdev.security")

POLL_INTERVAL = 0.5  # seconds between two looks at the files: a withdrawn key loses its connections within a second
REST = 4  # times as long as it reads, the thread rests, however many files there are and peers connect
LONGEST_REST = 5.0  # seconds, where reading takes very long
MOST_READS = 3  # for peers that connect while the files are read


class CredentialsWatch:
    """Reads the files twice a second, and whenever a peer connects, which waits until this is done.

    Args:
        engine: The device, which has these servers.
        owner: Its name, for log lines.
        servers: By role.
        own_threads: Takes the identifier of the thread, in which the log handlers of the application run too.
    """

    def __init__(
        self, engine: WireDevice, owner: str, servers: Mapping[str, Server], own_threads: set[int] | None = None
    ) -> None:
        self._engine = engine
        self._owner = owner
        self._own_threads = set() if own_threads is None else own_threads
        self._servers = dict(servers)
        self._readers = {role: server.reader() for role, server in servers.items()}
        self._rights = {role: wire_rights(server.rights) for role, server in servers.items()}
        self._current: dict[str, tuple[Credentials | str, WireRights | None]] = {}  # by role; a text: why they cannot be read
        self._updating = threading.Lock()
        self._refusals = RefusalLog(owner)
        self._denials = DenialLog(owner)
        self._reporting = threading.Lock()
        self._ended = threading.Event()
        self._update(is_awaited=False)
        if self._readers:
            start_thread(self._watch, f"{owner} credentials")

    def replace(self, servers: Mapping[str, Server]) -> None:
        """Read the files of these servers from now on, and apply their rights at once. The roles and the mechanisms are those given before."""
        changed = {role: server for role, server in servers.items() if server != self._servers.get(role)}
        with self._updating:
            self._servers = dict(servers)
            self._readers |= {role: server.reader() for role, server in changed.items()}
            self._rights |= {role: wire_rights(server.rights) for role, server in changed.items()}
        if changed:
            self._update(is_awaited=False)

    def stop(self) -> None:
        """End the thread, which notices when the run has ended. Every refusal has been logged when this returns."""
        self._ended.set()
        self._report()

    def set_rights(self, role: str, rights: UserRights | None) -> None:
        """Replace the rights of the users of a role, at once."""
        with self._updating:
            self._rights[role] = wire_rights(rights)
        self._update(is_awaited=False)

    def _watch(self) -> None:
        self._own_threads.add(threading.get_ident())
        while not self._ended.is_set():
            is_awaited = self._engine.await_peer(POLL_INTERVAL)
            if self._ended.is_set():
                return
            begin = time.monotonic()
            self._update(is_awaited=is_awaited)
            self._report()
            self._ended.wait(min((time.monotonic() - begin) * REST, LONGEST_REST))

    def _update(self, *, is_awaited: bool) -> None:
        """Give the engine the rights, and what the files contain; without changes, only if peers wait for it."""
        with self._updating:
            found = self._read_all()
            for _ in range(MOST_READS):
                if not self._engine.await_peer(0):
                    break
                is_awaited, found = True, self._read_all()
            for role, credentials in found.items():
                now = credentials, self._rights[role]
                if now == self._current.get(role) and not is_awaited:
                    continue
                self._current[role] = now
                if isinstance(credentials, str):
                    self._engine.set_credentials(role, {}, unreadable=True, rights=now[1])
                else:
                    self._engine.set_credentials(role, credentials.known, anyone=credentials.anyone, rights=now[1])

    def _read_all(self) -> dict[str, Credentials | str]:
        return {role: self._read(role, read) for role, read in self._readers.items()}

    def _read(self, role: str, read: Callable[[], Credentials]) -> Credentials | str:
        try:
            return read()
        except Exception as error:  # noqa: BLE001  the thread must not end
            if self._current.get(role, ("", None))[0] != str(error):
                text = "%s: nobody new may connect to %s: %s"
                logger.error(text, self._owner, role, error, extra={"device": self._owner})
            return str(error)

    def _report(self) -> None:
        with self._reporting:
            for role in self._readers:
                for address, key, reason in self._engine.take_refused(role):
                    self._refusals.add(role, address, reason, key)
                if denied := self._engine.take_denied(role):
                    address, user, is_subscription, topic = denied
                    counters = self._engine.connections(role)
                    total = counters.denied_messages + counters.denied_subscriptions
                    self._denials.add(role, total, address, os.fsdecode(user), is_subscription=is_subscription, topic=topic)
