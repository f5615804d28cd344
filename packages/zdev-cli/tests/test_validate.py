"""`zdev validate`: what it prints where, and its exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from zdev_cli.config import ConfigError, load

RIGHT = """\
[[device]]
name = "a"
type = "queue"
in.bind = "tcp://127.0.0.1:5559"
out.bind = "tcp://127.0.0.1:5560"
"""
SUMMARY = "1 device, 2 sockets: ok"
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the wire engine is for Linux only")
WIRE = "wire on this machine: it supports all that the device asks for"
ENGINE = f"a: engine {WIRE if sys.platform == 'linux' else 'libzmq on this machine: wire is for Linux only'}"
WRONG = RIGHT + "out.bnd = 'x'\n\n[htp]\n"
ERRORS = ["6:5  device.out.bnd: unknown key (did you mean bind?)", "8:2  htp: unknown key (did you mean http?)"]

Validate = Callable[..., "subprocess.CompletedProcess[str]"]


def valid(file: str) -> str:
    """Return the output for a file with RIGHT."""
    return f"{file}: {SUMMARY}\n{file}: {ENGINE}\n"


@pytest.fixture
def validate(zdev_path: str, tmp_path: Path) -> Validate:
    """Runs `zdev validate` in a folder with right.toml and wrong.toml."""
    Path(tmp_path, "right.toml").write_text(RIGHT)
    Path(tmp_path, "wrong.toml").write_text(WRONG)

    def run(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        command = [zdev_path, "validate", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False, cwd=tmp_path, input=given)

    return run


def test_a_right_file_is_counted_on_stdout(validate: Validate) -> None:
    done = validate("right.toml")
    assert (done.stdout, done.stderr, done.returncode) == (valid("right.toml"), "", 0)


def test_every_error_of_every_file_is_one_line_on_stderr(validate: Validate) -> None:
    done = validate("wrong.toml", "right.toml", "none.toml")
    said = [f"wrong.toml:{each}" for each in ERRORS]
    assert done.stderr.splitlines() == [*said, "none.toml  No such file or directory (zdev init writes a starter file)"]
    assert (done.stdout, done.returncode) == (valid("right.toml"), 78)


@pytest.mark.parametrize(
    ("defaults", "options", "is_warned"),
    [
        ("", "{ IMMEDIATE = 0 }", True),
        ("IMMEDIATE = 0", "{}", True),
        ("IMMEDIATE = 0", "{ IMMEDIATE = 1 }", False),
        ("", "{}", False),
    ],
)
@pytest.mark.parametrize(
    ("engine", "effect"),
    [
        ("libzmq", "messages queue for a receiver that is not connected"),
        pytest.param(
            "wire",
            'no effect with the wire engine, which sends to connected receivers only (engine = "libzmq" queues for all)',
            marks=linux_only,
        ),
    ],
)
def test_an_out_with_immediate_0_is_a_warning_that_names_its_effect_with_the_engine(
    validate: Validate, defaults: str, options: str, is_warned: bool, engine: str, effect: str
) -> None:
    out = f"engine = '{engine}'\nout = {{ connect = 'tcp://127.0.0.1:1', options = {options} }}"
    given = RIGHT.replace('out.bind = "tcp://127.0.0.1:5560"', out) + f"[defaults.options]\n{defaults}\n"
    done = validate("-", given=given)
    place = "8:1  warning: defaults.options.IMMEDIATE" if defaults else "6:52  warning: device.out.options.IMMEDIATE"
    warning = f"-:{place}: a.out connects with IMMEDIATE = 0: {effect}\n"
    assert (done.stderr, done.returncode) == (warning * is_warned, 0)


@pytest.mark.parametrize(
    ("line", "engine"),
    [
        ("", WIRE),
        ('engine = "wire"', "wire on this machine: as set"),
        ('engine = "libzmq"', "libzmq on this machine: as set"),
        ('ctrl.bind = "tcp://127.0.0.1:5561"', "libzmq on this machine: it has a ctrl socket"),
        (
            "out.options.TCP_MAXRT = 5000",
            "libzmq on this machine: option TCP_MAXRT of out (DEALER) is supported by libzmq only",
        ),
    ],
)
@linux_only
def test_the_engine_of_a_device_on_this_machine_is_shown_with_its_reason(validate: Validate, line: str, engine: str) -> None:
    done = validate("-", given=f"{RIGHT}{line}\n")
    assert (done.stdout.splitlines()[1:], done.stderr) == ([f"-: a: engine {engine}"], "")


CTRL = 'ctrl.bind = "tcp://127.0.0.1:5561"\n'
CANNOT = 'the wire engine cannot run this device: it has a ctrl socket (set engine to "auto" or "libzmq")'


@linux_only
def test_a_device_that_cannot_have_the_engine_it_insists_on_is_an_error_where_that_is_set(validate: Validate) -> None:
    done = validate("-", given=f'{RIGHT}{CTRL}engine = "wire"\n')
    assert (done.stderr, done.returncode) == (f"-:7:10  device.engine: {CANNOT}\n", 78)
    done = validate("-", given=f'{RIGHT}{CTRL}[defaults]\nengine = "wire"\n')
    assert (done.stderr, done.returncode) == (f"-:8:10  defaults.engine: a: {CANNOT}\n", 78)
    assert validate("-", given=f'{RIGHT}{CTRL}engine = "auto"\n[defaults]\nengine = "wire"\n').returncode == 0


def test_an_out_that_binds_queues_for_nobody(validate: Validate) -> None:
    assert validate("-", given=RIGHT + "out.options.IMMEDIATE = 0\n").stderr == ""


def test_run_reports_the_same_errors_and_runs_nothing(zdev_path: str, validate: Validate, tmp_path: Path) -> None:
    file = str(tmp_path / "wrong.toml")
    said = validate(file).stderr
    done = subprocess.run([zdev_path, "run", "-c", file], capture_output=True, text=True, timeout=20, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("", said, 78)


def test_standard_input_is_a_file_too(validate: Validate) -> None:
    assert validate("-", given=RIGHT).stdout == valid("-")
    assert validate("-", given=WRONG).stderr.splitlines() == [f"-:{each}" for each in ERRORS]


def test_json_has_the_same_for_programs(validate: Validate) -> None:
    done = validate("--json", "wrong.toml", "right.toml", "none.toml")
    found = json.loads(done.stdout)
    assert found[0] == {
        "file": "wrong.toml",
        "line": 6,
        "column": 5,
        "key": "device.out.bnd",
        "message": "unknown key (did you mean bind?)",
        "severity": "error",
    }
    assert [(each["file"], each["line"]) for each in found] == [("wrong.toml", 6), ("wrong.toml", 8), ("none.toml", None)]
    assert (done.stderr, done.returncode) == ("", 78)


def test_json_shows_a_file_whose_name_is_not_text(validate: Validate) -> None:
    done = validate("--json", os.fsdecode(b"no\xffne.toml"))
    assert [each["file"] for each in json.loads(done.stdout)] == [r"no\xffne.toml"]
    assert (done.stderr, done.returncode) == ("", 78)


def test_json_of_right_files_is_an_empty_list(validate: Validate) -> None:
    done = validate("--json", "right.toml")
    assert (json.loads(done.stdout), done.stderr, done.returncode) == ([], "", 0)


def test_the_default_file_is_zdev_toml(validate: Validate, tmp_path: Path) -> None:
    missing = "zdev.toml  No such file or directory (zdev init writes a starter file)\n"
    assert (validate().stderr, validate().returncode) == (missing, 78)
    Path(tmp_path, "zdev.toml").write_text(RIGHT)
    assert (validate().stdout, validate().returncode) == (valid("zdev.toml"), 0)


def test_an_unreadable_file_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Is a directory") as refusal:
        load(tmp_path)
    assert (refusal.value.status, len(refusal.value.diagnostics)) == (78, 1)
    with pytest.raises(ConfigError, match="null"):
        load(Path("a\0b"))
    with pytest.raises(ConfigError, match="larger than 16777216 bytes"):
        load(Path("/dev/zero"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_read_permission_is_one_error(tmp_path: Path) -> None:
    file = tmp_path / "secret.toml"
    file.touch(mode=0)
    with pytest.raises(ConfigError, match="Permission denied"):
        load(file)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_byte_that_is_not_utf_8_is_reported_with_its_place(tmp_path: Path, mark: bytes) -> None:
    file = tmp_path / "latin.toml"
    file.write_bytes(mark + "# é\n# é: ".encode() + "é".encode("latin-1"))
    with pytest.raises(ConfigError) as refusal:
        load(file)
    assert str(refusal.value) == f"{file}:2:6  byte 0xe9 is not UTF-8 (save the file as UTF-8)"


def test_a_byte_order_mark_and_line_ends_of_windows_are_accepted(tmp_path: Path) -> None:
    file = tmp_path / "windows.toml"
    file.write_bytes(b"\xef\xbb\xbf" + RIGHT.replace("\n", "\r\n").encode())
    assert list(load(file).devices()) == ["a"]
    file.write_bytes(b"\xef\xbb\xbf" + WRONG.replace("\n", "\r\n").encode())
    with pytest.raises(ConfigError) as refusal:
        load(file)
    assert str(refusal.value).splitlines() == [f"{file}:{each}" for each in ERRORS]


LOOK = """
import sys, zdev_cli
sys.argv = ["zdev", "validate", sys.argv[1]]
try:
    zdev_cli.main()
finally:
    print(*sys.modules)
"""


@pytest.mark.parametrize("text", [RIGHT, WRONG])
def test_only_what_is_needed_is_loaded(tmp_path: Path, text: str) -> None:
    file = tmp_path / "zdev.toml"
    file.write_text(text)
    command = [sys.executable, "-c", LOOK, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    modules = {each.partition(".")[0] for each in done.stdout.splitlines()[-1].split()}
    assert {"msgspec", "zmq", "zdev_core"} <= modules
    assert not {"rich", "textual", "mcap", "prometheus_client"} & modules
    assert ("tree_sitter" in modules) == (text == WRONG)
