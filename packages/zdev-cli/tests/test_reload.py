"""A reload does what the file says by now, and touches nothing else."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zmq
from exchange import exchange, queue
from patience import PATIENCE

if TYPE_CHECKING:
    from conftest import Program, Service

Start = Callable[..., "Service"]
Connected = Callable[..., "zmq.Socket[bytes]"]


def mon(program: Service) -> str:
    """A line for the file that changes a device."""
    return f'mon.bind = "ipc://{program.file.parent}/mon"'


def test_the_answer_lists_what_was_done(service: Start) -> None:
    program = service(queue("orders") + queue("billing") + queue("old"))
    program.until_ready()
    program.write(queue("orders") + queue("new") + queue("billing", mon(program)))
    said = program.do("reload")
    assert said[:2] == ["orders: unchanged", "new: started"]
    assert said[2].startswith("billing: restarted (mon: the socket is new), drained in 0.")
    assert said[3].startswith("old: removed, drained in 0.")
    assert len(said) == 4
    snapshot = program.snapshot()
    assert [each["name"] for each in snapshot["devices"]] == ["orders", "new", "billing"]
    assert snapshot["ready"] is True


def test_sighup_reloads_too(service: Start) -> None:
    program = service(queue("orders"))
    program.until_ready()
    program.write(queue("orders") + queue("new"))
    program.send(signal.SIGHUP)
    deadline = time.monotonic() + PATIENCE
    while len(program.snapshot()["devices"]) != 2:
        assert time.monotonic() < deadline
    program.until("new", lambda device: device["state"] == "active")


def test_sighup_while_devices_start_reloads_once_they_have(service: Start) -> None:
    devices = "".join(queue(f"device-{number}", 'isolation = "process"') for number in range(2))
    program = service(devices)
    assert program.out.next().startswith("control")
    program.write(devices + queue("new"))
    program.send(signal.SIGHUP)
    program.until_ready()
    deadline = time.monotonic() + PATIENCE
    while len(program.snapshot()["devices"]) != 3:
        assert time.monotonic() < deadline


def test_a_bad_file_changes_nothing_and_all_faults_are_reported(service: Start) -> None:
    program = service(queue("orders"))
    program.until_ready()
    before = program.device("orders")
    program.write(queue("orders", 'isolation = "thred"\nonfull = "drop"'))
    done = program.ask("reload")
    assert done.returncode == 78
    assert "thred" in done.stderr
    assert "onfull" in done.stderr
    assert f"{program.file}:7:" in done.stderr
    after = program.device("orders")
    assert after["sockets"] == before["sockets"]
    assert after["uptime"] >= before["uptime"]


def test_a_file_that_has_vanished_changes_nothing(service: Start) -> None:
    program = service(queue("orders"))
    program.until_ready()
    program.file.unlink()
    done = program.ask("reload")
    assert done.returncode == 78
    assert "No such file" in done.stderr
    assert program.snapshot()["ready"] is True


@pytest.mark.slow
def test_a_control_endpoint_that_changes_is_refused(zdev: Callable[..., Program], zdev_path: str, folder: Path) -> None:
    file, control = folder / "zdev.toml", folder / "control.sock"
    file.write_text(f'control.endpoint = "ipc://{control}"' + queue("orders"))
    program = zdev("run", "-c", str(file))
    while not program.out.next().startswith("started:"):
        pass
    file.write_text(f'control.endpoint = "ipc://{control}.other"' + queue("orders"))
    done = subprocess.run([zdev_path, "reload", "--control", str(control)], capture_output=True, text=True, check=False)
    assert done.returncode == 78
    assert "control.endpoint cannot be changed by a reload" in done.stderr


def listens(address: str) -> bool:
    host, _, port = address.removeprefix("http://").rpartition(":")
    try:
        with socket.create_connection((host, int(port)), PATIENCE):
            return True
    except ConnectionRefusedError:
        return False


@pytest.mark.slow
def test_the_http_address_changes_first_or_nothing_does(service: Start) -> None:
    def http(port: int) -> str:
        return f'[http]\nlisten = "127.0.0.1:{port}"\n'

    program = service(http(0) + queue("orders"))
    program.until_ready()
    first = program.http
    assert listens(first)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        program.write(http(port) + queue("new"))
        done = program.ask("reload")
        assert done.returncode == 69
        assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
        assert program.device("orders")["state"] == "active"
        assert listens(first)
    second = f"http://127.0.0.1:{port}"
    assert f"http: {second}/" in program.do("reload")
    assert listens(second)
    assert not listens(first)
    program.write(queue("new"))
    assert program.do("reload") == ["new: unchanged", "http: off"]
    assert not listens(second)


@pytest.mark.slow
def test_the_http_address_may_change_on_the_same_port(service: Start) -> None:
    program = service('[http]\nlisten = "127.0.0.1:0"\n' + queue("orders"))
    program.until_ready()
    first = program.http
    port = first.rpartition(":")[2]

    def reloaded(host: str, more: str = "") -> list[str]:
        program.write(f'[http]\nlisten = "{host}:{port}"\n{more}' + queue("orders"))
        return program.do("reload")

    open_to_all = "insecure = true\n"
    assert reloaded("localhost") == ["orders: unchanged", f"http: {first}/"]
    assert reloaded("0.0.0.0", open_to_all) == ["orders: unchanged", f"http: http://0.0.0.0:{port}/"]
    assert listens(first)
    assert reloaded("127.0.0.1") == ["orders: unchanged", f"http: {first}/"]
    assert reloaded("127.0.0.1", open_to_all) == ["orders: unchanged"]
    assert listens(first)


def test_the_old_http_address_is_kept_when_another_on_its_port_can_not_be_had(service: Start) -> None:
    program = service('[http]\nlisten = "127.0.0.1:0"\n' + queue("orders"))
    program.until_ready()
    port = program.http.rpartition(":")[2]
    with socket.create_server(("127.0.0.2", int(port))):
        program.write(f'[http]\nlisten = "127.0.0.2:{port}"\n' + queue("orders"))
        done = program.ask("reload")
    assert done.returncode == 69
    assert f"cannot listen on 127.0.0.2:{port}" in done.stderr
    assert listens(program.http)
    program.write(queue("orders"))
    assert program.do("reload") == ["orders: unchanged", "http: off"]
    assert not listens(program.http)


def test_what_its_keeper_alone_must_know_changes_without_a_restart(service: Start, connected: Connected) -> None:
    program = service(queue("orders"))
    at = program.until_ready()
    program.write(queue("orders", "drain_timeout = 0.2"))
    assert program.do("reload") == ["orders: changed live: drain_timeout 30.0 -> 0.2"]
    client, worker = connected(zmq.REQ, at["orders in"]), connected(zmq.REP, at["orders out"])
    client.send(b"hello")
    assert worker.recv() == b"hello"
    assert program.ask("drain", "orders").returncode == 75


def test_an_endpoint_may_move_from_one_device_to_another(service: Start, connected: Connected, folder: Path) -> None:
    here, there = f"ipc://{folder}/here", f"ipc://{folder}/there"
    program = service(queue("orders", front=here) + queue("billing", front=there))
    program.until_ready()
    program.write(queue("orders", front=there) + queue("billing", front=here))
    said = program.do("reload")
    assert [line.split(",")[0] for line in said] == [
        f"orders: restarted ({there} was in use)",
        f"billing: restarted ({here} was in use)",
    ]
    backs = {each["name"]: each["sockets"][1]["binds"][0] for each in program.snapshot()["devices"]}
    exchange(connected(zmq.REQ, there), connected(zmq.REP, backs["orders"]), b"hello")


def test_what_an_operator_stopped_or_paused_stays_so(service: Start) -> None:
    program = service(queue("orders") + queue("billing") + queue("stopped"))
    program.until_ready()
    for verb, name in (("pause", "orders"), ("pause", "billing"), ("stop", "stopped")):
        program.do(verb, name)
    more = "in.options = { BACKLOG = 7 }"
    program.write(queue("orders") + queue("billing", more) + queue("stopped", more))
    said = program.do("reload")
    assert said[0] == "orders: unchanged"
    assert said[1].startswith("billing: restarted")
    assert said[2] == "stopped: changed, already stopped"
    states = {each["name"]: each["state"] for each in program.snapshot()["devices"]}
    assert states == {"orders": "paused", "billing": "paused", "stopped": "stopped"}
    assert program.do("start", "stopped") == ["stopped: started"]


def test_a_reload_waits_for_a_drain_and_two_reloads_for_each_other(service: Start, connected: Connected) -> None:
    program = service(queue("orders"))
    at = program.until_ready()
    client, worker = connected(zmq.REQ, at["orders in"]), connected(zmq.REP, at["orders out"])
    client.send(b"hello")
    assert worker.recv() == b"hello"
    program.write(queue("orders", mon(program)))
    said: list[list[str]] = []
    reloads = [threading.Thread(target=lambda: said.append(program.do("reload"))) for _ in range(2)]
    for each in reloads:
        each.start()
    program.until("orders", lambda device: device["state"] == "draining")
    worker.send(b"HELLO")
    assert client.recv() == b"HELLO"
    for each in reloads:
        each.join(PATIENCE)
    assert sorted(line.split(",")[0] for lines in said for line in lines) == [
        "orders: restarted (mon: the socket is new)",
        "orders: unchanged",
    ]


def test_a_termination_during_a_reload_ends_all(service: Start, connected: Connected) -> None:
    program = service(queue("orders", "drain_timeout = 20"))
    at = program.until_ready()
    client, worker = connected(zmq.REQ, at["orders in"]), connected(zmq.REP, at["orders out"])
    client.send(b"hello")
    assert worker.recv() == b"hello"
    program.write(queue("orders", mon(program)) + queue("new"))
    program.send(signal.SIGHUP)
    program.until("orders", lambda device: device["state"] == "draining")
    program.send(signal.SIGTERM)
    while "shutting down: draining" not in program.err.next():
        pass
    worker.send(b"HELLO")
    assert client.recv() == b"HELLO"
    assert program.status() == 0
    assert not any("new: started" in line for line in program.err.rest())


class Traffic:
    """Clients and a worker that keep a queue busy; the clients ask again what was not answered within a while."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], front: str, back: str, ask_again: bool) -> None:
        self.answered = self.asked_again = 0
        self._over = threading.Event()
        self._ask_again = ask_again
        self._served: set[bytes] = set()
        self.failures: list[str] = []
        worker = threading.Thread(target=self._work, args=(context, back))
        clients = [threading.Thread(target=self._ask, args=(context, front, number)) for number in range(3)]
        self._threads = [*clients, worker]
        for each in self._threads:
            each.start()

    def until_answered(self, count: int) -> None:
        goal, deadline = self.answered + count, time.monotonic() + PATIENCE
        while self.answered < goal and not self.failures:
            assert time.monotonic() < deadline
            time.sleep(0.001)

    def end(self) -> None:
        self._over.set()
        for each in self._threads:
            each.join(PATIENCE)
        assert self.failures == []

    def _work(self, context: zmq.Context[zmq.Socket[bytes]], back: str) -> None:
        with context.socket(zmq.REP) as worker:
            worker.connect(back)
            while any(each.is_alive() for each in self._threads[:-1]) or not self._over.is_set():
                if worker.poll(50):
                    text = worker.recv()
                    self._served.add(text)
                    worker.send(text)

    def _ask(self, context: zmq.Context[zmq.Socket[bytes]], front: str, number: int) -> None:
        with context.socket(zmq.REQ) as client:
            client.setsockopt(zmq.REQ_RELAXED, 1)
            client.setsockopt(zmq.REQ_CORRELATE, 1)
            client.connect(front)
            count = 0
            while not self._over.is_set():
                count += 1
                self._exchange(client, b"%d %d" % (number, count))

    def _exchange(self, client: zmq.Socket[bytes], text: bytes) -> None:
        for _ in range(100):
            client.send(text)
            if client.poll(1000 if self._ask_again else int(PATIENCE * 1000)):
                assert client.recv() == text
                self.answered += 1
                return
            if text in self._served:
                self.failures.append(f"{text!r} was served, and its reply lost")
            if not self._ask_again:
                break
            self.asked_again += 1
        self.failures.append(f"{text!r} was not answered")
        self._over.set()


def test_under_load_a_reload_loses_nothing_of_a_device_that_it_leaves_alone(service: Start) -> None:
    program = service(queue("orders") + queue("billing"))
    at = program.until_ready()
    with zmq.Context() as context:
        traffic = Traffic(context, at["orders in"], at["orders out"], ask_again=False)
        for more in (mon(program), ""):
            traffic.until_answered(200)
            program.write(queue("orders") + queue("billing", more))
            assert program.do("reload")[0] == "orders: unchanged"
        traffic.until_answered(200)
        traffic.end()
    seen = program.device("orders")
    assert seen["in"]["messages_sent"] == seen["out"]["messages_sent"] == traffic.answered
    assert seen["lost"] == 0


def test_under_load_a_reload_that_changes_a_device_loses_no_reply(service: Start, folder: Path) -> None:
    front, back = f"ipc://{folder}/front", f"ipc://{folder}/back"
    program = service(queue("orders", front=front, back=back))
    program.until_ready()
    with zmq.Context() as context:
        traffic = Traffic(context, front, back, ask_again=True)
        for more in (mon(program), ""):
            traffic.until_answered(200)
            program.write(queue("orders", more, front, back))
            assert program.do("reload")[0].startswith("orders: restarted (mon: the socket ")
        traffic.until_answered(200)
        traffic.end()
    seen = program.device("orders")
    assert seen["out"]["messages_sent"] == seen["in"]["messages_sent"]  # of what it took, all was answered
    assert traffic.asked_again <= seen["lost"] + 6  # what it had not taken: three clients, twice
