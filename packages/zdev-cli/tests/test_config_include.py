"""A configuration of several files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from exchange import queue

from zdev_background import create_key
from zdev_cli.config import ConfigError, load

Start = Callable[..., Any]

INCLUDE = "include = ['conf.d/*.toml']\n"

KEPT = "not reloaded: the running configuration stays as it was"


@pytest.fixture
def write(folder: Path) -> Callable[[str, str], Path]:
    """Writes a file below the folder of the main file."""

    def write(name: str, text: str) -> Path:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write


Write = Callable[[str, str], Path]


def errors(main: Path) -> list[str]:
    with pytest.raises(ConfigError) as refusal:
        load(main)
    return [line.replace(f"{main.parent}/", "") for line in str(refusal.value).splitlines()]


def test_devices_of_all_files_run_and_a_reload_reads_the_files_again(service: Start, write: Write) -> None:
    write("conf.d/b.toml", queue("b"))
    a = write("conf.d/a.toml", queue("a"))
    write("conf.d/.hidden.toml", queue("hidden"))
    write("conf.d/more.txt", queue("other"))
    program = service(INCLUDE + "[defaults]\ndrain_timeout = 7\n" + queue("main"))
    program.until_ready()
    assert [each["name"] for each in program.snapshot()["devices"]] == ["main", "a", "b"]
    a.unlink()
    write("conf.d/c.toml", queue("c"))
    assert [line.partition(",")[0] for line in program.do("reload")] == [
        "main: unchanged",
        "b: unchanged",
        "c: started",
        "a: removed",
    ]
    write("conf.d/c.toml", queue("c") + "onfull = 1\n")
    done = program.ask("reload")
    assert (done.returncode, done.stderr) == (
        78,
        f"{program.file.parent}/conf.d/c.toml:8:1  device.onfull: unknown key (did you mean on_full?)\n{KEPT}\n",
    )


def test_a_zdev_that_takes_over_reads_all_files(service: Start, write: Write) -> None:
    write("conf.d/a.toml", queue("a"))
    former = service(INCLUDE + queue("main"))
    former.until_ready()
    write("conf.d/b.toml", queue("b"))
    successor = service(INCLUDE + queue("main"), arguments=("--take-over",))
    assert {name.split()[0] for name in successor.until_ready()} == {"main", "a", "b"}
    assert former.status() == 0


def test_a_file_that_is_a_cycle_of_links_is_an_error(write: Write, folder: Path) -> None:
    (folder / "loop.toml").symlink_to("loop.toml")
    (said,) = errors(write("zdev.toml", "include = ['loop.toml']\n" + queue("a")))
    assert said.startswith("zdev.toml:1:12  include: ")


def test_an_included_pipe_is_an_error_that_delays_nothing(write: Write, folder: Path) -> None:
    main = write("zdev.toml", INCLUDE + queue("orders"))
    (folder / "conf.d").mkdir()
    os.mkfifo(folder / "conf.d" / "pipe.toml")
    assert errors(main) == ["zdev.toml:1:12  include: cannot read conf.d/pipe.toml: not a regular file"]


def test_defaults_of_the_main_file_apply_to_the_devices_of_all(write: Write) -> None:
    write("conf.d/a.toml", queue("a"))
    main = write("zdev.toml", INCLUDE + "[defaults]\ndrain_timeout = 7\n")
    assert load(main).devices()["a"].drain_timeout == 7


def test_an_error_is_in_the_file_that_has_it_and_names_the_other(write: Write) -> None:
    write("conf.d/a.toml", queue("a", front="tcp://127.0.0.1:5559"))
    write("conf.d/b.toml", queue("a", front="tcp://127.0.0.1:5559"))
    main = write("zdev.toml", INCLUDE + queue("main", "onfull = 1"))
    assert errors(main) == [
        "zdev.toml:8:1  device.onfull: unknown key (did you mean on_full?)",
        "conf.d/b.toml:3:8  device.name: duplicate name a: device names must be unique (conf.d/a.toml:3)",
        "conf.d/b.toml:5:11  device.in.bind: tcp://127.0.0.1:5559 is already bound by a.in (conf.d/a.toml:5)",
    ]


def test_an_included_file_has_devices_only(write: Write) -> None:
    write("conf.d/a.toml", "[defaults]\ndrain_timeout = 7\n" + queue("a"))
    main = write("zdev.toml", INCLUDE)
    assert errors(main) == ["conf.d/a.toml:1:2  defaults: unknown key (available: include, device)"]


def test_a_file_that_is_not_toml_is_an_error_beside_those_of_the_other_files(write: Write) -> None:
    write("conf.d/a.toml", "a =")
    write("conf.d/b.toml", queue("b", "onfull = 1"))
    main = write("zdev.toml", INCLUDE)
    assert errors(main) == [
        "conf.d/b.toml:7:1  device.onfull: unknown key (did you mean on_full?)",
        "conf.d/a.toml:1:4  Invalid value",
    ]


def test_a_missing_file_is_an_error_and_a_pattern_without_files_is_none(write: Write) -> None:
    main = write("zdev.toml", "include = ['*.d/*', 'gone.toml']\n" + queue("a"))
    assert errors(main) == ["zdev.toml:1:21  include: cannot read gone.toml: No such file or directory"]
    assert list(load(write("zdev.toml", "include = ['*.d/*']\n" + queue("a"))).devices()) == ["a"]


def test_a_cycle_and_a_file_included_twice_are_errors_that_name_both_places(write: Write) -> None:
    write("conf.d/a.toml", "include = ['b.toml', '../zdev.toml']\n" + queue("a"))
    write("conf.d/b.toml", "include = ['a.toml']\n" + queue("b"))
    main = write("zdev.toml", "include = ['conf.d/a.toml']\n")
    assert errors(main) == [
        "conf.d/a.toml:1:22  include: conf.d/../zdev.toml is the main file: it cannot be included",
        "conf.d/b.toml:1:12  include: conf.d/a.toml is already included at zdev.toml:1",
    ]


def test_a_name_of_a_wrong_type_is_one_error(write: Write) -> None:
    main = write("zdev.toml", "include = 'a.toml'\n" + queue("a"))
    said = "zdev.toml:1:11  include: invalid value 'a.toml': must be an array of paths or patterns, like [\"conf.d/*.toml\"]"
    assert errors(main) == [said]


def test_paths_of_keys_are_relative_to_the_file_that_has_them(write: Write, folder: Path) -> None:
    create_key(folder / "conf.d", "server")
    create_key(folder / "conf.d" / "clients", "anna")
    write("conf.d/a.toml", queue("a", "in.curve = { secret_key = 'server.key_secret', clients = 'clients' }"))
    curve = load(write("zdev.toml", INCLUDE)).device[0].in_.curve
    assert curve
    assert curve.clients == str(folder / "conf.d/clients")


def test_variables_name_files_and_are_replaced_in_all(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITE", "west")
    write("conf.d/west.toml", queue("${SITE}"))
    main = write("zdev.toml", "include = ['conf.d/${SITE}.toml']\n")
    assert list(load(main).devices()) == ["west"]
    write("conf.d/west.toml", queue("${NOT_SET_1}"))
    assert errors(main)[0].startswith("conf.d/west.toml:3:8  device.name: variable NOT_SET_1 is not set")
