"""The control socket: operators steer devices, whoever else talks to it does no harm."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import zmq
from devices_text import BIND, device
from exchange import exchange
from patience import PATIENCE
from raw_control import open_control, read_answer, say

from zdev_cli.control import server
from zdev_cli.control.client import Refusal, ask
from zdev_cli.control.protocol import Reply, Request
from zdev_cli.control.server import ControlServer

if TYPE_CHECKING:
    from conftest import Program, Service

Start = Callable[..., "Service"]
Connected = Callable[..., "zmq.Socket[bytes]"]
FILE = (
    device("orders", "queue", in_=BIND, out=BIND)
    + "drain_timeout = 20\n"
    + device("billing", "queue", in_=BIND, out=BIND)
    + 'isolation = "process"\ndrain_timeout = 0.1\n'
)


def test_a_paused_device_holds_its_messages_until_it_is_resumed(service: Start, connected: Connected) -> None:
    program = service(FILE)
    at = program.until_ready()
    for name in ("orders", "billing"):  # in a thread, in a process
        client, worker = connected(zmq.REQ, at[f"{name} in"]), connected(zmq.REP, at[f"{name} out"])
        exchange(client, worker, b"hello")
        assert program.do("pause", name) == [f"{name}: paused"]
        assert program.device(name)["state"] == "paused"
        client.send(b"held")
        assert program.do("pause", name) == [f"{name}: already paused"]
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
    assert program.do("drain", "orders") == ["orders: already stopped"]
    assert program.ask("pause", "orders").returncode == 69
    assert program.do("start", "orders") == ["orders: started"]
    assert program.do("start", "orders") == ["orders: already running"]


def test_a_drain_that_takes_too_long_or_is_cut_short_by_a_stop_has_status_75(service: Start, connected: Connected) -> None:
    program = service(FILE)
    at = program.until_ready()
    for name in ("orders", "billing"):
        client, worker = connected(zmq.REQ, at[f"{name} in"]), connected(zmq.REP, at[f"{name} out"])
        client.send(b"never answered")
        assert worker.recv() == b"never answered"
    done = program.ask("drain", "billing")
    assert done.returncode == 75
    assert re.fullmatch(
        r"billing: drain timed out after \d\.\d s: 1 reply outstanding", done.stderr.rstrip().removeprefix("zdev: ")
    )
    with _command(program, "drain", "orders") as drain:
        program.until("orders", lambda device: device["state"] == "draining")
        assert program.do("stop", "orders") == ["orders: stopped: 1 reply outstanding"]
        said = drain.communicate(timeout=PATIENCE)[1].rstrip()
        assert re.fullmatch(r"zdev: orders: drain cut short by a stop after \d\.\d s: 1 reply outstanding", said)
        assert drain.returncode == 75
    assert program.do("restart", "orders") == ["orders: already stopped", "orders: started"]
    assert program.do("restart", "billing") == ["billing: already stopped", "billing: started"]


LOST = [
    pytest.param(
        "LINGER ended while messages waited in libzmq for a slow or absent peer: they are lost, and not counted",
        marks=pytest.mark.engine("libzmq"),
    ),
    pytest.param(r"[0-9,]+ messages lost: received, but not delivered in time", marks=pytest.mark.engine("wire")),
]


@pytest.mark.parametrize("warning", LOST, ids=["libzmq", "wire"])
@pytest.mark.parametrize("verb", ["restart", "drain", "stop"])
def test_messages_that_a_slow_receiver_left_are_reported_and_make_a_drain_incomplete(
    service: Start, connected: Connected, verb: str, warning: str
) -> None:
    program = service(device("tasks", "streamer", in_=BIND, out=f"{BIND}, options = {{ LINGER = 50 }}"))
    at = program.until_ready()
    connected(zmq.PULL, at["tasks out"], rcvhwm=1, rcvbuf=4096)  # and never reads
    sender = connected(zmq.PUSH, at["tasks in"])
    for _ in range(500):
        sender.send(bytes(10_000))
    program.until("tasks", lambda device: device["in"]["messages_sent"] >= 500)
    done = program.ask(verb, "tasks")
    assert re.search(f"; {warning}$", done.stdout + done.stderr, re.MULTILINE)
    assert done.returncode == (0 if verb == "stop" else 75)


@pytest.mark.engine("libzmq")  # the wire engine has no socket for commands
def test_a_command_on_its_own_ctrl_socket_stops_a_device(service: Start, connected: Connected) -> None:
    program = service(device("orders", "queue", in_=BIND, out=BIND, ctrl=BIND))
    at = program.until_ready()
    operator = connected(zmq.REQ, at["orders ctrl"])
    operator.send(b"TERMINATE")
    assert operator.recv() == b""
    program.until("orders", lambda device: device["state"] == "stopped")
    program.send(signal.SIGTERM)
    assert program.status() == 0
    assert any("orders: ended by a command on its ctrl socket" in line for line in program.err.rest())


def test_an_unknown_device_is_reported_with_those_that_there_are(service: Start) -> None:
    program = service(FILE)
    program.until_ready()
    for verb in ("status", "drain"):
        done = program.ask(verb, "biling")
        assert done.returncode == 64
        assert done.stderr == 'zdev: unknown device "biling" (did you mean billing? available: orders, billing)\n'


@pytest.mark.parametrize("verb", ["status", "reload", "pause"])
def test_no_zdev_that_runs_is_reported_with_where_it_was_sought(
    refused: Callable[..., tuple[int, str]], folder: Path, verb: str
) -> None:
    status, said = refused(verb, *(["orders"] if verb == "pause" else []), "--control", f"{folder}/nobody.sock")
    assert status == 69
    assert f"cannot reach zdev at {folder}/nobody.sock (--control): there is no such socket (start one" in said


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


HOSTILE: dict[str, bytes] = {
    "no JSON": b"hello\n",
    "no UTF-8": b"\xff\xfe\n",
    "another JSON": b"[1, 2, 3]\n",
    "an unknown verb": b'{"verb": "explode"}\n',
    "an unknown field": b'{"verb": "status", "colour": "red"}\n',
    "a name that is a number": b'{"verb": "pause", "device": 5}\n',
    "no name": b'{"verb": "pause"}\n',
    "nesting": b"[" * 30000 + b"\n",
    "an empty line": b"\n",
    "half a request": b'{"verb": "stat',
    "strange names": json.dumps({"verb": "stop", "device": "\0\n\x1b[2J" * 100}).encode() + b"\n",
    "two requests": b'{"verb": "nothing"}\n{"verb": "stop", "device": "orders"}\n',
    "a ZMTP greeting": b"\xff\0\0\0\0\0\0\0\1\x7f\3\0NULL" + bytes(48),
}


def test_invalid_requests_get_an_error(service: Start) -> None:
    program = service(FILE)
    program.until_ready()
    for name, request in HOSTILE.items():
        if name != "an empty line":
            reply: dict[str, Any] = json.loads(say(program.control, request))
            assert reply["status"] == 64, name
            assert reply["lines"], name
    assert say(program.control, b"") == b""
    assert say(program.control, b"\n") == b""
    assert program.snapshot()["ready"] is True


def test_a_request_that_is_too_long_is_refused_and_not_kept(service: Start) -> None:
    program = service(FILE)
    program.until_ready()
    answer = say(program.control, b"x" * 10_000_000)
    assert answer in (b"", b'{"status":64,"lines":["invalid request: longer than 65536 bytes"]}\n')
    assert program.snapshot()["ready"] is True
    program.send(signal.SIGTERM)
    assert program.status() == 0
    assert any("invalid request: longer than 65536 bytes" in line for line in program.err.rest())


def test_a_request_may_come_in_pieces(service: Start) -> None:
    program = service(FILE)
    program.until_ready()
    with open_control(program.control) as client:
        for byte in b'{"verb": "pause", "device": "orders"}\n':
            client.sendall(bytes([byte]))
        assert json.loads(read_answer(client)) == {"lines": ["orders: paused"]}


def test_silent_and_slow_clients_hold_up_nobody(service: Start) -> None:
    program = service(FILE)
    program.until_ready()
    with ExitStack() as stack:
        for _ in range(3 * server.CONNECTIONS):
            client = stack.enter_context(open_control(program.control))
            with suppress(OSError):  # its place is another's already
                client.sendall(b'{"verb": "sta')
        assert program.snapshot()["ready"] is True
        deaf = stack.enter_context(open_control(program.control))
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        deaf.sendall(b'{"verb": "status"}\n')
        assert program.snapshot()["ready"] is True


def test_clients_that_are_late_are_disconnected(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "TIMEOUT", 0.2)
    listening = ControlServer(folder / "c.sock", lambda _: Reply(lines=["x" * 10_000_000]))
    listening.start()
    with open_control(folder / "c.sock") as silent, open_control(folder / "c.sock") as deaf:
        deaf.sendall(b'{"verb": "status"}\n')
        assert read_answer(silent) == b""
        deadline = time.monotonic() + PATIENCE
        while listening._connections and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not listening._connections
    listening.stop()


def test_many_commands_at_once_hold_up_no_status(service: Start, connected: Connected) -> None:
    program = service(FILE)
    at = program.until_ready()
    client, worker = connected(zmq.REQ, at["orders in"]), connected(zmq.REP, at["orders out"])
    client.send(b"hello")
    assert worker.recv() == b"hello"
    with ExitStack() as stack:
        crowd = []
        for _ in range(server.COMMANDS):
            crowd.append(stack.enter_context(open_control(program.control)))
            crowd[-1].sendall(b'{"verb": "drain", "device": "orders"}\n')
        program.until("orders", lambda device: device["state"] == "draining")
        turned_away = [json.loads(say(program.control, b'{"verb": "pause", "device": "orders"}\n')) for _ in range(3)]
        assert {each["status"] for each in turned_away} == {69}
        assert program.device("orders")["state"] == "draining"
        worker.send(b"HELLO")
        assert client.recv() == b"HELLO"
        assert all(json.loads(read_answer(each))["lines"][0].startswith("orders: ") for each in crowd)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc")
def test_a_zdev_whose_peers_took_all_descriptors_is_steered_and_lives_on(service: Start) -> None:
    limited = service(FILE, limit_files=128, NOTIFY_SOCKET="/nobody", WATCHDOG_USEC="200000")
    at = limited.until_ready()
    host, _, port = at["orders in"].removeprefix("tcp://").rpartition(":")
    with ExitStack() as stack:
        descriptors = Path(f"/proc/{limited.process.pid}/fd")
        more = 50  # that libzmq wants to accept, and tries again and again
        while more:
            stack.enter_context(socket.create_connection((host, int(port)), PATIENCE))
            more -= len(list(descriptors.iterdir())) == 128
        for _ in range(3):
            assert limited.do("status", "orders")
        assert limited.do("pause", "orders") == ["orders: paused"]
        assert limited.process.poll() is None
    assert limited.do("resume", "orders") == ["orders: resumed"]
    limited.send(signal.SIGTERM)
    assert limited.status() == 0


@pytest.mark.slow
def test_a_process_that_does_not_answer_holds_up_nobody_else(service: Start, connected: Connected) -> None:
    program = service(FILE)
    at = program.until_ready()
    (suspended,) = program.device_processes()
    os.kill(suspended, signal.SIGSTOP)
    program.until("billing", lambda device: device["error"] and "unresponsive" in device["error"])
    assert program.snapshot()["ready"] is False
    client, worker = connected(zmq.REQ, at["orders in"]), connected(zmq.REP, at["orders out"])
    exchange(client, worker, b"hello")
    os.kill(suspended, signal.SIGCONT)
    program.until("billing", lambda device: device["error"] is None)
    assert program.snapshot()["ready"] is True


def test_the_socket_is_made_in_a_directory_of_its_own(zdev: Callable[..., Program], folder: Path) -> None:
    file = folder / "zdev.toml"
    file.write_text(f'control.endpoint = "unix://{folder}/new/deep/control.sock"\n{FILE}')
    program = zdev("run", "-c", str(file))
    assert program.out.next() == f"control  unix://{folder}/new/deep/control.sock"
    assert (folder / "new/deep").stat().st_mode & 0o777 == 0o700


def test_a_directory_that_others_can_enter_is_refused(refused: Callable[..., tuple[int, str]], folder: Path) -> None:
    file, shared = folder / "zdev.toml", folder / "shared"
    file.write_text(FILE)
    shared.mkdir()
    shared.chmod(0o755)
    status, said = refused("run", "-c", str(file), "--control", str(shared / "control.sock"))
    assert status == 69
    assert f"chmod 0700 {shared}" in said


@pytest.mark.parametrize("command", ["run", "status"])
def test_a_path_that_is_too_long_for_a_socket_is_refused(
    refused: Callable[..., tuple[int, str]], folder: Path, command: str
) -> None:
    file = folder / "zdev.toml"
    file.write_text(FILE)
    status, said = refused(command, *(["-c", str(file)] if command == "run" else []), "--control", str(folder / ("x" * 120)))
    assert status == 64
    assert f"control socket {folder}/{'x' * 120}: its path is too long: " in said


STEERING = "a\x1b]0;b\x07\x9b"
HARMLESS = rb"a\x1b]0;b\x07\x9b"


@pytest.mark.parametrize(
    ("command", "reply", "printed"),
    [
        (["pause", "a"], {"lines": [STEERING]}, HARMLESS + b"\n"),
        (["pause", "a"], {"status": 69, "lines": [STEERING]}, b"zdev: " + HARMLESS + b"\n"),
        (["pause", "a"], {"status": 78, "lines": [STEERING, STEERING]}, 2 * (HARMLESS + b"\n")),
        (["peers", "a"], {"lines": [STEERING], "peers": []}, HARMLESS),
        (["status"], {"snapshot": STEERING}, HARMLESS),
        (["top", "--once"], {"snapshot": STEERING}, HARMLESS),
    ],
)
def test_an_answer_does_not_steer_the_terminal(
    service: Start, zdev_path: str, folder: Path, command: list[str], reply: dict[str, Any], printed: bytes
) -> None:
    """Root asks the program of any user, at the socket that a zdev.toml in the current directory names."""
    if "snapshot" in reply:
        name = json.dumps(STEERING)[1:-1].encode()
        program = service(FILE)
        program.until_ready()
        answer = say(program.control, b'{"verb": "status"}\n').replace(b'"orders"', b'"%b"' % name)
    else:
        answer = json.dumps(reply).encode() + b"\n"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "hostile.sock"))
        listener.listen()
        listener.settimeout(PATIENCE)
        words = [zdev_path, *command, "--control", str(folder / "hostile.sock")]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as asking:
            with listener.accept()[0] as client:
                client.recv(65536)
                client.sendall(answer)
            assert asking.stdout
            output = asking.stdout.read()
    assert printed in output
    assert not any(each in output for each in (b"\x1b", b"\x07", b"\xc2\x9b"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's link")
def test_a_link_of_another_user_in_place_of_the_directory_is_refused(
    refused: Callable[..., tuple[int, str]], folder: Path
) -> None:
    file, mine, link = folder / "zdev.toml", folder / "mine", folder / "link"
    file.write_text(FILE)
    mine.mkdir(mode=0o700)
    link.symlink_to(mine)
    os.chown(link, 65534, 65534, follow_symlinks=False)
    status, said = refused("run", "-c", str(file), "--control", str(link / "control.sock"))
    assert status == 69
    assert f"{link} is a symbolic link of another user (uid 65534): set another path with --control" in said
    assert not any(mine.iterdir())


def test_a_file_that_is_not_a_socket_is_left_alone(refused: Callable[..., tuple[int, str]], folder: Path) -> None:
    file = folder / "zdev.toml"
    file.write_text(FILE)
    status, said = refused("run", "-c", str(file), "--control", str(file))
    assert status == 69
    assert "a file that is not a socket has this path" in said
    assert file.read_text() == FILE


def test_the_path_of_the_socket_may_be_any_bytes(service: Start, folder: Path) -> None:
    program = service(FILE, control=folder / os.fsdecode(b"caf\xe9"))
    program.until_ready()
    assert program.said[0] == f"control  unix://{folder}/caf\\xe9"
    assert program.do("pause", "orders") == ["orders: paused"]


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


def test_an_answer_that_can_not_be_sent_is_reported_as_a_bug_and_ends_nothing(folder: Path) -> None:
    listening = ControlServer(folder / "control.sock", lambda _: Reply(lines=["\udce9"]))
    listening.start()
    for verb in ("status", "pause", "status"):  # of the server's own thread, and of another
        with pytest.raises(Refusal, match="UnicodeEncodeError.*this is a bug in zdev") as caught:
            ask(Request(verb=verb), str(folder / "control.sock"))
        assert caught.value.status == 70
    listening.stop()


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
