"""The control socket: operators steer devices, whoever else talks to it does no harm."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import zmq
from exchange import ANY, exchange

from zdev_cli.control.client import Refusal, ask
from zdev_cli.control.protocol import Reply, Request
from zdev_cli.control.server import ControlServer

if TYPE_CHECKING:
    from conftest import Program, Service

PATIENCE = 20.0
Start = Callable[..., "Service"]
Connected = Callable[..., "zmq.Socket[bytes]"]
FILE = f"""
[[device]]
name = "orders"
type = "queue"
drain_timeout = 20
in.bind = "{ANY}"
out.bind = "{ANY}"
ctrl.bind = "{ANY}"
[[device]]
name = "billing"
type = "queue"
isolation = "process"
drain_timeout = 0.1
in.bind = "{ANY}"
out.bind = "{ANY}"
"""


def test_a_paused_device_holds_its_messages_until_it_is_resumed(service: Start, connected: Connected) -> None:
    program = service(FILE)
    at = program.until_ready()
    for name in ("orders", "billing"):  # in a thread, in a process
        client, worker = connected(zmq.REQ, at[f"{name} in"]), connected(zmq.REP, at[f"{name} out"])
        exchange(client, worker, b"hello")
        assert program.do("pause", name) == [f"{name}: paused"]
        assert program.device(name)["state"] == "paused"
        client.send(b"held")
        assert program.do("pause", name) == [f"{name}: was paused already"]
        assert not worker.poll(50)
        assert program.do("resume", name) == [f"{name}: resumed"]
        assert program.device(name)["state"] == "active"
        assert worker.recv() == b"held"
        worker.send(b"HELD")
        assert client.recv() == b"HELD"


def test_a_drain_brings_home_what_is_owed_and_leaves_the_device_stopped(service: Start, connected: Connected) -> None:
    program = service(FILE)
    at = program.until_ready()
    client, worker = connected(zmq.REQ, at["orders in"]), connected(zmq.REP, at["orders out"])
    client.send(b"hello")
    assert worker.recv() == b"hello"
    with _command(program, "drain", "orders") as drain:
        program.until("orders", lambda device: device["state"] == "draining")
        worker.send(b"HELLO")
        assert client.recv() == b"HELLO"
        assert drain.communicate(timeout=PATIENCE)[0].startswith("orders: drained in ")
        assert drain.returncode == 0
    assert program.device("orders")["state"] == "stopped"
    assert program.snapshot()["ready"] is True  # for it was an operator's wish
    assert program.do("drain", "orders") == ["orders: was stopped already"]
    assert program.ask("pause", "orders").returncode == 69
    assert program.do("start", "orders") == ["orders: started"]
    assert program.do("start", "orders") == ["orders: runs already"]


def test_a_drain_that_takes_too_long_or_is_cut_short_by_a_stop_has_status_75(service: Start, connected: Connected) -> None:
    program = service(FILE)
    at = program.until_ready()
    for name in ("orders", "billing"):
        client, worker = connected(zmq.REQ, at[f"{name} in"]), connected(zmq.REP, at[f"{name} out"])
        client.send(b"never answered")
        assert worker.recv() == b"never answered"
    done = program.ask("drain", "billing")
    assert done.returncode == 75
    assert "billing: its drain timed out after 0." in done.stderr
    with _command(program, "drain", "orders") as drain:
        program.until("orders", lambda device: device["state"] == "draining")
        assert program.do("stop", "orders") == ["orders: stopped"]
        assert "orders: its drain was cut short after " in drain.communicate(timeout=PATIENCE)[1]
        assert drain.returncode == 75
    assert program.do("restart", "orders") == ["orders: was stopped already", "orders: started"]
    assert program.do("restart", "billing") == ["billing: was stopped already", "billing: started"]


def test_a_command_on_its_own_ctrl_socket_stops_a_device(service: Start, connected: Connected) -> None:
    program = service(FILE)
    at = program.until_ready()
    operator = connected(zmq.REQ, at["orders ctrl"])
    operator.send(b"TERMINATE")
    assert operator.recv() == b""
    program.until("orders", lambda device: device["state"] == "stopped")
    program.send(signal.SIGTERM)
    assert program.status() == 0
    assert any("orders: ended by a command on its ctrl socket" in line for line in program.err.rest())


def test_an_unknown_device_is_told_with_those_that_there_are(service: Start) -> None:
    program = service(FILE)
    program.until_ready()
    for verb in ("status", "drain"):
        done = program.ask(verb, "biling")
        assert done.returncode == 64
        assert done.stderr == "zdev: there is no device biling; did you mean billing? there are: orders, billing\n"


@pytest.mark.parametrize("verb", ["status", "reload", "pause"])
def test_no_zdev_that_runs_is_told_with_where_it_was_sought(
    refused: Callable[..., tuple[int, str]], folder: Path, verb: str
) -> None:
    status, said = refused(verb, *(["orders"] if verb == "pause" else []), "--control", f"{folder}/nobody.sock")
    assert status == 69
    assert f"no zdev answers at {folder}/nobody.sock: start one" in said


def test_a_command_ends_when_the_zdev_ended_before_it_answered(service: Start, connected: Connected) -> None:
    program = service(FILE)
    at = program.until_ready()
    client, worker = connected(zmq.REQ, at["orders in"]), connected(zmq.REP, at["orders out"])
    client.send(b"never answered")
    assert worker.recv() == b"never answered"
    with _command(program, "drain", "orders") as drain:
        program.until("orders", lambda device: device["state"] == "draining")
        program.send(signal.SIGKILL)
        assert "ended before it answered" in drain.communicate(timeout=PATIENCE)[1]
        assert drain.returncode == 69


def test_the_shell_completes_the_names_of_devices(service: Start) -> None:
    program = service(FILE)
    program.until_ready()
    words = {"_ZDEV_COMPLETE": "bash_complete", "COMP_WORDS": "zdev pause bi", "COMP_CWORD": "2"}
    environment = {**os.environ, **words, "ZDEV_CONTROL": str(program.control)}
    done = subprocess.run(program.command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert done.stdout == "plain,billing\n"


HOSTILE: dict[str, list[bytes]] = {
    "no JSON": [b"", b"hello"],
    "no UTF-8": [b"", b"\xff\xfe"],
    "another JSON": [b"", b"[1, 2, 3]"],
    "an unknown verb": [b"", b'{"verb": "explode"}'],
    "an unknown field": [b"", b'{"verb": "status", "colour": "red"}'],
    "a name that is none": [b"", b'{"verb": "pause", "device": 5}'],
    "no name": [b"", b'{"verb": "pause"}'],
    "nesting": [b"", b"[" * 30000],
    "nothing": [b"", b""],
    "strange names": [b"", json.dumps({"verb": "stop", "device": "\0\n\x1b[2J" * 100}).encode()],
    "many frames": [b"", *[b"x"] * 1000],
    "no envelope": [b'{"verb": "status"}'],
    "too much": [b"", b"x" * 100_000],
}


def test_requests_that_make_no_sense_get_an_error_or_nothing(service: Start, connected: Connected) -> None:
    program = service(FILE)
    program.until_ready()
    for message in HOSTILE.values():
        stranger = connected(zmq.DEALER, f"ipc://{program.control}")
        stranger.send_multipart(message)
        if len(message) == 2 and len(message[1]) < 65536:
            reply: dict[str, Any] = json.loads(stranger.recv_multipart()[1])
            assert reply["status"] == 64
            assert reply["lines"]
        assert program.snapshot()["ready"] is True
        stranger.close()


def test_many_commands_at_once_hold_up_no_status(service: Start, connected: Connected) -> None:
    program = service(FILE)
    at = program.until_ready()
    client, worker = connected(zmq.REQ, at["orders in"]), connected(zmq.REP, at["orders out"])
    client.send(b"hello")
    assert worker.recv() == b"hello"
    crowd = connected(zmq.DEALER, f"ipc://{program.control}")
    for _ in range(100):
        crowd.send_multipart([b"", b'{"verb": "drain", "device": "orders"}'])
    turned_away = [json.loads(crowd.recv_multipart()[1]) for _ in range(36)]
    assert {each["status"] for each in turned_away} == {69}
    assert program.device("orders")["state"] == "draining"
    worker.send(b"HELLO")
    assert client.recv() == b"HELLO"
    done = [json.loads(crowd.recv_multipart()[1]) for _ in range(64)]
    assert all(each["lines"][0].startswith("orders: ") for each in done)


def test_a_process_that_does_not_answer_holds_up_nobody_else(service: Start, connected: Connected) -> None:
    program = service(FILE)
    at = program.until_ready()
    (suspended,) = program.device_processes()
    os.kill(suspended, signal.SIGSTOP)
    program.until("billing", lambda device: device["error"] and "has not moved" in device["error"])
    assert program.snapshot()["ready"] is False
    client, worker = connected(zmq.REQ, at["orders in"]), connected(zmq.REP, at["orders out"])
    exchange(client, worker, b"hello")
    os.kill(suspended, signal.SIGCONT)
    program.until("billing", lambda device: device["error"] is None)
    assert program.snapshot()["ready"] is True


def test_the_socket_is_made_in_a_directory_of_its_own(zdev: Callable[..., Program], folder: Path) -> None:
    file = folder / "zdev.toml"
    file.write_text(f'control.endpoint = "ipc://{folder}/new/deep/control.sock"\n{FILE}')
    program = zdev("run", "-c", str(file))
    assert program.out.next() == f"control  ipc://{folder}/new/deep/control.sock"
    assert (folder / "new/deep").stat().st_mode & 0o777 == 0o700


def test_a_directory_that_others_can_enter_is_refused(refused: Callable[..., tuple[int, str]], folder: Path) -> None:
    file, shared = folder / "zdev.toml", folder / "shared"
    file.write_text(FILE)
    shared.mkdir()
    shared.chmod(0o755)
    status, said = refused("run", "-c", str(file), "--control", str(shared / "control.sock"))
    assert status == 69
    assert f"chmod 0700 {shared}" in said


@pytest.mark.parametrize(
    ("name", "shown", "why"),
    [
        ("x" * 120, "x" * 120, "is too long for a socket"),
        (os.fsdecode(b"caf\xe9"), "caf\\xe9", "libzmq takes no path that is not UTF-8"),
    ],
)
@pytest.mark.parametrize("command", ["run", "status"])
def test_a_path_that_no_socket_can_have_is_refused(
    refused: Callable[..., tuple[int, str]], folder: Path, command: str, name: str, shown: str, why: str
) -> None:
    file = folder / "zdev.toml"
    file.write_text(FILE)
    status, said = refused(command, *(["-c", str(file)] if command == "run" else []), "--control", str(folder / name))
    assert status == 64
    assert f"control socket {folder}/{shown}: " in said
    assert why in said


def test_a_file_that_is_no_socket_is_left_alone(refused: Callable[..., tuple[int, str]], folder: Path) -> None:
    file = folder / "zdev.toml"
    file.write_text(FILE)
    status, said = refused("run", "-c", str(file), "--control", str(file))
    assert status == 69
    assert "no socket" in said
    assert file.read_text() == FILE


def test_a_file_whose_path_is_not_utf_8_is_steered_like_any_other(service: Start, folder: Path) -> None:
    strange = folder / os.fsdecode(b"caf\xe9")
    strange.mkdir(mode=0o700)
    program = service(FILE, file=strange / "zdev.toml")
    program.until_ready()
    assert program.snapshot()["config"] == f"{folder}/caf\\xe9/zdev.toml"
    program.file.unlink()
    done = program.ask("reload")
    assert (done.returncode, "No such file" in done.stderr) == (78, True)
    assert program.do("pause", "orders") == ["orders: paused"]
    program.send(signal.SIGTERM)
    assert program.status() == 0


def test_an_answer_that_can_not_be_sent_is_told_as_a_bug_and_ends_nothing(folder: Path) -> None:
    server = ControlServer(folder / "control.sock", lambda _: Reply(lines=["\udce9"]))
    server.start()
    for verb in ("status", "pause", "status"):  # of the server's own thread, and of another
        with pytest.raises(Refusal, match="UnicodeEncodeError.*this is a bug in zdev") as caught:
            ask(Request(verb=verb), str(folder / "control.sock"))
        assert caught.value.status == 70
    server.stop()


class _command:
    """A command that takes a while."""

    def __init__(self, program: Service, *arguments: str) -> None:
        pipe = subprocess.PIPE
        command = [*program.command, *arguments, "--control", str(program.control)]
        self._process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)

    def __enter__(self) -> subprocess.Popen[str]:
        return self._process

    def __exit__(self, *_: object) -> None:
        with self._process:
            self._process.kill()
