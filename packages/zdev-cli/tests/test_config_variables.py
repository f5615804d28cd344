"""Variables of the environment in a configuration file."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from zdev_cli.config import ConfigError, read

Start = Callable[..., Any]

QUEUE = """\
[[device]]
name = "a"
type = "${TYPE:-queue}"
in.bind = "tcp://${HOST:-127.0.0.1}:5559"
out.bind = "tcp://127.0.0.1:5560"
"""


def errors(text: str) -> list[str]:
    with pytest.raises(ConfigError) as refusal:
        read(text.encode(), "f")
    return str(refusal.value).splitlines()


def test_a_variable_is_replaced_and_an_unset_or_empty_one_has_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "127.0.0.2")
    monkeypatch.setenv("TYPE", "")
    device = read(QUEUE.encode(), "f").device[0]
    assert (device.type, device.in_.bind) == ("queue", "tcp://127.0.0.2:5559")


@pytest.mark.parametrize(
    ("value", "expected"), [("5", 5), ("0.5", 0.5), ("1e1", 10), ("x", None), ("true", None), ("-1", None), ("nan", None)]
)
def test_a_string_with_a_variable_may_be_the_number_that_a_key_needs(
    monkeypatch: pytest.MonkeyPatch, value: str, expected: float | None
) -> None:
    monkeypatch.setenv("TIME", value)
    text = QUEUE + "drain_timeout = '${TIME}'\n"
    if expected is None:
        said = "f:6:17  device.drain_timeout: invalid value of ${TIME}: must be 0 to 86400 seconds"
        assert errors(text) == [said]
    else:
        assert read(text.encode(), "f").device[0].drain_timeout == expected


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("false", False)])
def test_a_string_with_a_variable_may_be_true_or_false(monkeypatch: pytest.MonkeyPatch, value: str, expected: bool) -> None:
    monkeypatch.setenv("OPEN", value)
    assert read((QUEUE + "insecure = '${OPEN}'\n").encode(), "f").device[0].insecure is expected


def test_a_number_in_a_string_without_a_variable_stays_an_error() -> None:
    assert errors(QUEUE + "drain_timeout = '5'\n") == [
        "f:6:17  device.drain_timeout: invalid value '5': must be 0 to 86400 seconds"
    ]


def test_an_option_takes_a_number_from_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWM", "50")
    assert read((QUEUE + "in.options.SNDHWM = '${HWM}'\n").encode(), "f").device[0].in_.options == {"SNDHWM": "50"}


@pytest.mark.parametrize("text", ["$", "$$", "$x", "a$", "$$$", "$(x)"])
def test_a_dollar_that_no_brace_follows_stands_for_itself(text: str) -> None:
    assert (
        read(
            f"{QUEUE}in.options.SUBSCRIBE = []\ndropped_prefix = '{text}'\nmon.bind = []\nmon.connect = 'ipc:///m'".encode(),
            "f",
        )
        .device[0]
        .dropped_prefix
        == text
    )


def test_two_dollars_before_a_brace_stand_for_one() -> None:
    text = QUEUE + "dropped_prefix = '$${HOST}'\nmon.connect = 'ipc:///m'"
    assert read(text.encode(), "f").device[0].dropped_prefix == "${HOST}"


UNSET = "variable NOT_SET_1 is not set (set it in the environment of zdev, or write ${NOT_SET_1:-default})"
INVALID = "invalid variable: write ${NAME} or ${NAME:-default} ($${ stands for ${ itself)"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("${NOT_SET_1}", UNSET),
        ("a${X:-}${NOT_SET_1}", UNSET),
        ("${}", INVALID),
        ("${1}", INVALID),
        ("${A", INVALID),
        ("${A-b}", INVALID),
    ],
)
def test_an_unset_or_invalid_variable_is_one_error_with_its_place(value: str, message: str) -> None:
    assert errors(QUEUE.replace("tcp://127.0.0.1:5560", value)) == [f"f:5:12  device.out.bind: {message}"]


def test_a_value_cannot_change_the_structure_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TYPE", 'queue"\ninsecure = true\n')
    (said,) = errors(QUEUE)
    assert said.startswith("f:3:8  device.type: invalid value of ${TYPE:-queue}: must be one of ")
    monkeypatch.setenv("TYPE", "${HOST}")
    assert errors(QUEUE) == [said]


def test_errors_show_the_name_of_a_variable_and_not_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "hunter 2")
    monkeypatch.setenv("KEY", "hunter2\n")
    text = QUEUE.replace("tcp://${HOST:-127.0.0.1}:5559", "${HOST}") + "in.options.SUBSCRIBE = '${KEY}'\n${MORE}"
    said = errors(text.replace("${MORE}", "on_full = '${KEY}'\nnon = '${KEY}'\n"))
    assert said == [
        "f:4:11  device.in.bind: '${HOST}': invalid endpoint: write transport://address, like tcp://127.0.0.1:5559",
        "f:6:12  device.in.options.SUBSCRIBE: libzmq refuses SUBSCRIBE = '${KEY}' for a ROUTER socket (see zmq_setsockopt(3))",
        "f:7:11  device.on_full: invalid value of ${KEY}: must be one of block, drop",
        "f:8:1  device.non: unknown key (did you mean mon?)",
    ]


def test_a_reload_reads_the_environment_of_the_running_zdev(service: Start, zdev_path: str) -> None:
    text = "[[device]]\nname = '${NAME}'\ntype = 'queue'\nin.bind = 'tcp://127.0.0.1:*'\nout.bind = 'tcp://127.0.0.1:*'\n"
    program = service(text, NAME="orders")
    program.until_ready()
    program.write(text + "drain_timeout = '${TIME:-5}'\n")
    assert program.do("reload") == ["orders: changed live: drain_timeout 30.0 -> 5.0"]
    program.write(text + "drain_timeout = '${TIME}'\n")
    done = program.ask("reload")
    assert (done.returncode, "6:17  device.drain_timeout: variable TIME is not set" in done.stderr) == (78, True)
    done = subprocess.run([zdev_path, "validate", str(program.file)], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 78
    assert [line.partition(": variable ")[2].partition(" ")[0] for line in done.stderr.splitlines()] == ["NAME", "TIME"]
