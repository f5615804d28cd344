"""Invalid or impossible options: one line that says what is wrong, where and what to do, a status, and no device."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import zmq

ANY = "tcp://127.0.0.1:*"
QUEUE = ("run", "queue", "--bind-in", ANY, "--bind-out", ANY)
Refused = Callable[..., tuple[int, str]]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run",), ("TYPE",)),
        (("run", "qeue"), ("'qeue'", "'monitored-queue', 'queue', 'forwarder', 'streamer'")),
        (("run", "queue"), ("in", "--bind-in or --connect-in")),
        (("run", "queue", "--bind-in", ANY), ("out", "--bind-out or --connect-out")),
        (("run", "monitored-queue", *QUEUE[2:]), ("mon", "--bind-mon or --connect-mon")),
        (("run", "queue", "--bind-inn", ANY), ("--bind-inn", "--bind-in")),
        ((*QUEUE, "extra"), ("extra",)),
    ],
)
def test_a_command_line_that_lacks_or_mistakes_something_says_what_to_write(
    refused: Refused, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    status, line = refused(*arguments)
    assert status == 64
    assert line.startswith("zdev run: ")
    assert line.endswith("(see 'zdev run --help')")
    assert all(word in line for word in words), line


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--mon-type", "PUB"),
        ("--in-prefix", "x"),
        ("--dropped-prefix", "x"),
        ("--mon-on-full", "drop"),
        ("--setsockopt-ctrl", "LINGER=0"),
    ],
)
def test_a_setting_of_a_socket_that_is_not_there_is_refused(refused: Refused, option: str, value: str) -> None:
    status, line = refused(*QUEUE, option, value)
    role = "ctrl" if "ctrl" in option else "mon"
    assert status == 64
    assert f"{option} needs a {role} socket: add --bind-{role} or --connect-{role}" in line


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("127.0.0.1:5559", "transport://address"),
        ("tcp:/127.0.0.1:5559", "transport://address"),
        ("tcp://", "transport://address"),
        ("tcp://127.0.0.1", ":PORT"),
        ("tcp://127.0.0.1:65536", "1 to 65535"),
        ("tcp://127.0.0.1:http", "1 to 65535"),
        ("inproc://here", "use tcp:// or ipc://"),
    ],
)
def test_an_endpoint_that_is_none_is_refused(refused: Refused, endpoint: str, words: str) -> None:
    status, line = refused("run", "queue", "--bind-in", endpoint, "--bind-out", ANY)
    assert status == 64
    assert f"'--bind-in': '{endpoint}'" in line
    assert words in line


def test_an_option_that_would_break_the_device_is_refused_with_its_reason(refused: Refused) -> None:
    endpoints = ("--bind-in", ANY, "--bind-out", ANY)
    status, line = refused("run", "streamer", *endpoints, "--setsockopt-in", "SOCKS_PROXY=127.0.0.1:1080")
    assert status == 64
    assert "'SOCKS_PROXY=127.0.0.1:1080': not supported: libzmq aborts the process" in line
    status, line = refused("run", "streamer", *endpoints, "--setsockopt-in", "CURVE_SERVER=1")
    assert status == 64
    assert "streamer: cannot set the options of in (PULL): CURVE_SERVER needs CURVE_SECRETKEY" in line


def test_a_transport_that_does_not_exist_is_refused_with_role_and_endpoint(refused: Refused) -> None:
    status, line = refused("run", "queue", "--bind-in", ANY, "--connect-out", "tpc://127.0.0.1:5559")
    assert status == 64
    assert "'--connect-out': 'tpc://127.0.0.1:5559': unknown transport tpc: did you mean tcp://?" in line


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("RCVHMW=5", "unknown socket option RCVHMW (did you mean RCVHWM?)"),
        ("routing-id=x", "did you mean ROUTING_ID?"),
        ("xyzzy=5", "unknown socket option xyzzy (see zmq_setsockopt(3)"),
        ("RCVHWM=many", "RCVHWM must be a whole number"),
        ("RCVHWM=", "RCVHWM must be a whole number"),
        ("RCVHWM", "NAME=VALUE"),
    ],
)
def test_a_socket_option_that_does_not_exist_or_fit_is_refused(refused: Refused, assignment: str, words: str) -> None:
    status, line = refused(*QUEUE, "--setsockopt-out", assignment)
    assert status == 64
    assert f"'--setsockopt-out': '{assignment}'" in line
    assert words in line


@pytest.mark.parametrize("assignment", ["SNDHWM=-5", "ROUTING_ID="])
def test_what_libzmq_refuses_to_set_names_the_option_and_the_socket(refused: Refused, assignment: str) -> None:
    status, line = refused(*QUEUE, "--setsockopt-out", assignment)
    assert status == 64
    assert f"queue: cannot set option {assignment.partition('=')[0]} of out (DEALER)" in line


@pytest.mark.parametrize("types", [("PUSH", "PUSH"), ("PULL", "PULL"), ("SUB", "SUB"), ("REP", "PUSH")])
def test_types_that_cannot_work_together_are_both_named(refused: Refused, types: tuple[str, str]) -> None:
    status, line = refused(*QUEUE, "--in-type", types[0], "--out-type", types[1])
    assert status == 64
    assert f"{types[0]} as in and {types[1]} as out" in line


@pytest.mark.parametrize(("option", "kind"), [("--mon-type", "SUB"), ("--ctrl-type", "PUB"), ("--in-type", "STREAM")])
def test_a_type_that_no_socket_in_that_role_can_have_is_refused(refused: Refused, option: str, kind: str) -> None:
    status, line = refused(*QUEUE, "--bind-mon", ANY, "--bind-ctrl", ANY, option, kind)
    assert status == 64
    assert f"'{option}': '{kind}'" in line


def test_an_endpoint_bound_twice_is_refused(refused: Refused) -> None:
    status, line = refused("run", "queue", "--bind-in", "ipc:///tmp/zdev-test", "--bind-out", "ipc:///tmp/zdev-test")
    assert status == 64
    assert "ipc:///tmp/zdev-test is bound twice, by in and by out" in line


def test_a_device_that_would_connect_to_itself_is_refused(refused: Refused) -> None:
    status, line = refused("run", "queue", "--bind-in", "ipc:///tmp/zdev-test", "--connect-out", "ipc:///tmp/zdev-test")
    assert status == 64
    assert "ipc:///tmp/zdev-test is bound by in: out would connect to its own device" in line


@pytest.mark.parametrize("role", ["in", "out", "mon", "ctrl"])
def test_an_address_in_use_names_role_and_endpoint_and_what_to_do(
    refused: Refused, bound: Callable[..., tuple[zmq.Socket[bytes], str]], role: str
) -> None:
    _, taken = bound(zmq.PULL)
    endpoints = {"in": ANY, "out": ANY, "mon": ANY, "ctrl": ANY} | {role: taken}
    options = [word for name, endpoint in endpoints.items() for word in (f"--bind-{name}", endpoint)]
    status, line = refused("run", "monitored-queue", *options)
    assert status == 69
    assert line.startswith(f"zdev: monitored-queue: cannot bind {role} (")
    assert f"to {taken}: address already in use" in line
    assert "end the program that is bound there" in line


@pytest.mark.parametrize("endpoint", ["tcp://192.0.2.1:5559", "tcp://no-such-interface:5559", "ipc:///no/such/folder/x"])
def test_an_address_that_this_machine_does_not_have_is_unavailable(refused: Refused, endpoint: str) -> None:
    status, line = refused("run", "queue", "--insecure", "--bind-in", ANY, "--bind-out", endpoint)
    assert status == 69
    assert f"queue: cannot bind out (DEALER) to {endpoint}" in line


@pytest.mark.parametrize("option", ["CURVE_SECRETKEY", "plain_password"])
def test_a_secret_is_not_taken_on_the_command_line_nor_reported(refused: Refused, option: str) -> None:
    status, line = refused(*QUEUE, "--setsockopt-in", f"{option}=hunter2")
    assert status == 64
    assert f"{option.upper()} is a secret" in line
    assert "hunter2" not in line
