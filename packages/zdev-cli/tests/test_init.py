"""`zdev init` writes a valid file with every key."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from devices_text import with_engine

from zdev_cli.config import Config, SocketConfig, WorkersConfig, read
from zdev_cli.config.authoring import starter, whole
from zdev_cli.config.model import DeviceType

PAGE = Path(__file__).parents[3] / "docs" / "cli" / "configuration.md"
TYPES: tuple[str, ...] = get_args(DeviceType)

Init = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def init(zdev_path: str, tmp_path: Path) -> Init:
    """Runs `zdev init` in an empty folder."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [zdev_path, "init", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False, cwd=tmp_path)

    return run


def uncommented(text: str, pattern: str) -> str:
    """`text` with the settings in it that were commented out."""
    return re.sub(rf"^# ({pattern})", r"\1", text, flags=re.MULTILINE)


def tables(kind: Any = Config) -> Iterator[type[msgspec.Struct]]:
    """Config and every table in it."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
        for hint in get_type_hints(kind).values():
            yield from tables(hint)
    else:
        for each in get_args(kind):
            yield from tables(each)


KEYS = sorted({field.encode_name for table in tables() for field in msgspec.structs.fields(table)})


def test_it_writes_zdev_toml_by_default(init: Init, tmp_path: Path) -> None:
    done = init()
    assert (done.stdout, done.stderr) == ("zdev.toml: a monitored-queue; run it with: zdev run -c zdev.toml\n", "")
    assert Path(tmp_path, "zdev.toml").read_text() == starter("monitored-queue")


def test_it_overwrites_only_with_force(init: Init, tmp_path: Path) -> None:
    file = Path(tmp_path, "mine.toml")
    file.write_text("mine")
    done = init("mine.toml")
    assert (done.stdout, done.stderr, done.returncode) == (
        "",
        "zdev: mine.toml already exists: pass --force to overwrite it\n",
        64,
    )
    assert file.read_text() == "mine"
    assert init("mine.toml", "--force", "--type", "streamer").returncode == 0
    assert file.read_text() == starter("streamer")


def test_it_reports_why_it_cannot_write(init: Init) -> None:
    done = init("no/such/zdev.toml")
    assert (done.stderr, done.returncode) == ("zdev: cannot write no/such/zdev.toml: No such file or directory\n", 69)


@pytest.mark.parametrize("device_type", TYPES)
def test_the_file_is_right_and_has_a_device_of_the_type(init: Init, device_type: str) -> None:
    done = init("-", "--type", device_type)
    assert done.stderr == ""
    assert [each.type for each in read(done.stdout.encode(), "-").device] == [device_type]


@pytest.mark.parametrize("device_type", TYPES)
def test_the_file_runs_where_no_other_is_named(
    zdev: Callable[..., Any], folder: Path, device_type: str, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_any_port = re.sub(r"(tcp://127\.0\.0\.1):\d+", r"\1:*", starter(device_type)).replace(":9595", ":0")
    Path(folder, "zdev.toml").write_text(with_engine(on_any_port, engine))
    monkeypatch.chdir(folder)
    program = zdev("run", "--control", str(folder / "control.sock"))
    while not (line := program.out.next()).startswith("started:"):
        pass
    assert line == "started: 1 of 1 device active"
    program.send(signal.SIGTERM)
    assert program.status() == 0


@pytest.mark.parametrize("device_type", TYPES)
def test_devices_that_were_commented_out_are_right_too(device_type: str) -> None:
    text = uncommented(starter(device_type), r"(?:\[\[|\[device|(?:name|type|bind|in\.bind|out\.bind) = ).*")
    assert [each.type for each in read(text.encode(), "-").device] == list(TYPES)


def test_settings_that_were_commented_out_are_right_and_those_said_to_be_defaults_are() -> None:
    config = read(uncommented(whole(), r"(?:\[device|\w+ = ).*").encode(), "-")
    changed, default = config.devices()["plain-requests"], read(whole().encode(), "-").devices()["plain-requests"]
    assert config.defaults.options
    assert config.control.endpoint
    requests = config.devices()["requests"]
    assert requests.ctrl
    assert requests.in_.prefix == "in"
    assert changed.workers == WorkersConfig()
    assert msgspec.structs.replace(changed, workers=None, in_=SocketConfig(), out=SocketConfig()) == msgspec.structs.replace(
        default, in_=SocketConfig(), out=SocketConfig(), on_full="drop"
    )


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_in_the_documentation(key: str) -> None:
    assert f"`{key}`" in PAGE.read_text()


def test_every_key_that_the_documentation_lists_exists() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE)
    assert sorted(set(listed)) == KEYS


def test_there_are_keys() -> None:
    assert {"device", "in", "bind", "drain_timeout", "listen"} <= set(KEYS)


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_in_the_starter_file(key: str) -> None:
    assert re.search(rf"\b{key}\b", whole()), key
