"""Hosts that are network namespaces of this machine, each with its own address, at switches that are joined by links."""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

PATIENCE = 60.0  # seconds for a program to end, on a busy machine
ETC = Path("/etc/netns")  # `ip netns exec` puts the files there in the place of those of /etc

_networks = itertools.count(1)


def missing() -> str:
    """Why there can be no such network here; nothing: there can."""
    if os.geteuid():
        return "network namespaces are made by root only"
    absent = [name for name in ("ip", "tc") if not shutil.which(name)]
    if absent:
        return f"the program {absent[0]} is missing (Debian: iproute2)"
    probe = f"zdev{os.getpid()}-probe"
    try:
        _run("ip", "netns", "add", probe)
        _run("ip", "-n", probe, "link", "add", "bridge", "type", "bridge")
        _run("ip", "-n", probe, "link", "add", "one", "type", "veth", "peer", "name", "other")
    except OSError as error:
        return f"this system has no network namespaces, bridges or veth: {error}"
    finally:
        subprocess.run(["ip", "netns", "del", probe], capture_output=True, check=False)
    return ""


class Host:
    """A namespace with one interface, eth0."""

    def __init__(self, network: Network, name: str, address: str) -> None:
        self.namespace, self.address = network.namespace(name), address
        self._network = network

    def before(self) -> tuple[str, ...]:
        """Words before a command that is to run here."""
        return ("ip", "netns", "exec", self.namespace)

    def start(self, *command: str, **how: int) -> subprocess.Popen[str]:
        """Run a program here; how: stdout and stderr of Popen."""
        return self._network.start([*self.before(), *command], **how)


class Link:
    """Joins two switches."""

    def __init__(self, ends: Sequence[tuple[str, str]]) -> None:
        self._ends = ends

    def down(self) -> None:
        """Packets vanish, without any notice."""
        self._set("down")

    def up(self) -> None:
        self._set("up")

    def _set(self, state: str) -> None:
        for switch, interface in self._ends:
            _run("ip", "-n", switch, "link", "set", interface, state)


class Network:
    """All of it is gone after close(), and when this program ends; programs that run in it are killed first."""

    def __init__(self) -> None:
        self._prefix = f"zdev{os.getpid()}-{next(_networks)}-"
        self._namespaces: list[str] = []
        self._hosts: list[Host] = []
        self._ports: dict[str, str] = {}  # of a host's namespace, its switch
        self._programs: list[subprocess.Popen[str]] = []
        atexit.register(self.close)

    def namespace(self, name: str) -> str:
        return self._prefix + name

    def switch(self, name: str) -> str:
        switch = self._make(name)
        _run("ip", "-n", switch, "link", "add", "bridge", "type", "bridge")
        _run("ip", "-n", switch, "link", "set", "bridge", "up")
        return switch

    def host(self, name: str, switch: str) -> Host:
        """A new host at a switch, with the next address of 10.88.0.0/24."""
        address = f"10.88.0.{len(self._hosts) + 1}"
        host = Host(self, name, address)
        etc = ETC / self._make(name)
        etc.mkdir(parents=True)
        (etc / "hosts").write_text("127.0.0.1 localhost\n")
        port = f"port{len(self._hosts)}"
        self._cable(host.namespace, "eth0", switch, port)
        _run("ip", "-n", switch, "link", "set", port, "master", "bridge")
        _run("ip", "-n", host.namespace, "addr", "add", f"{address}/24", "dev", "eth0")
        self._hosts.append(host)
        self._ports[host.namespace] = switch
        return host

    def join(self, one: str, other: str) -> Link:
        ends = [(one, "wan"), (other, "wan")]
        self._cable(one, "wan", other, "wan")
        for switch, interface in ends:
            _run("ip", "-n", switch, "link", "set", interface, "master", "bridge")
        return Link(ends)

    def limit(self, host: Host, megabits: float) -> None:
        """So much a second leaves a host, and so much comes."""
        port = f"port{self._hosts.index(host)}"
        for namespace, interface in ((host.namespace, "eth0"), (self._ports[host.namespace], port)):
            rate = ["rate", f"{megabits}mbit", "burst", "64k", "latency", "500ms"]  # it queues all that is under way
            _run("tc", "-n", namespace, "qdisc", "replace", "dev", interface, "root", "tbf", *rate)

    def name(self, names: Mapping[str, Sequence[Host]]) -> None:
        """Set the addresses of each name for every host, as a name server would."""
        lines = [f"{host.address} {name}\n" for name, hosts in names.items() for host in hosts]
        for host in self._hosts:  # in place: the file is mounted
            (ETC / host.namespace / "hosts").write_text("".join(["127.0.0.1 localhost\n", *lines]))

    def start(self, command: Sequence[str], **how: int) -> subprocess.Popen[str]:
        self._programs.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, text=True, **how))  # type: ignore[call-overload]
        return self._programs[-1]

    def close(self) -> None:
        atexit.unregister(self.close)
        for program in self._programs:
            if program.poll() is None:
                program.kill()
        for program in self._programs:
            with suppress(subprocess.TimeoutExpired):
                program.wait(PATIENCE)
        while self._namespaces:
            namespace = self._namespaces.pop()
            subprocess.run(["ip", "netns", "del", namespace], capture_output=True, check=False)
            shutil.rmtree(ETC / namespace, ignore_errors=True)
        with suppress(OSError):  # it was there before, or others use it
            ETC.rmdir()

    def _make(self, name: str) -> str:
        namespace = self.namespace(name)
        self._namespaces.append(namespace)
        _run("ip", "netns", "add", namespace)
        _run("ip", "-n", namespace, "link", "set", "lo", "up")
        return namespace

    def _cable(self, one: str, interface: str, other: str, its: str) -> None:
        _run("ip", "link", "add", interface, "netns", one, "type", "veth", "peer", "name", its, "netns", other)
        _run("ip", "-n", one, "link", "set", interface, "up")
        _run("ip", "-n", other, "link", "set", its, "up")


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(words)}: {done.stderr.strip()}")
