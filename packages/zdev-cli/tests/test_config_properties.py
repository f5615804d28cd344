"""Reading any file gives a configuration, or errors whose places are in the file; never anything else."""

from __future__ import annotations

import string
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zdev_cli.config import Config, ConfigError, Diagnostic, read
from zdev_cli.config.authoring import whole
from zdev_cli.config.positions import Positions

WHOLE = whole()
MANY = settings(max_examples=100, deadline=None)

KEYS = (
    "device",
    "defaults",
    "control",
    "http",
    "name",
    "type",
    "in",
    "out",
    "mon",
    "ctrl",
    "bind",
    "connect",
    "options",
    "prefix",
)
VALUES = st.one_of(
    st.sampled_from(["queue", "monitored-queue", "ROUTER", "PULL", "tcp://127.0.0.1:5559", "tcp://*:5559", "ipc:///a", "a"]),
    st.text(max_size=8),
    st.integers(),
    st.floats(),
    st.booleans(),
)


def toml(value: Any) -> str:
    """As an inline value."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{quoted(key)} = {toml(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return quoted(value)
    return str(value).lower() if isinstance(value, bool | float) else str(value)


def quoted(text: str) -> str:
    """As a basic string, all but plain characters as escapes."""
    plain = string.ascii_letters + string.digits + " :/*.-_é€"
    return '"' + "".join(each if each in plain else f"\\U{ord(each):08x}" for each in text) + '"'


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NESTED = st.recursive(
    VALUES.filter(lambda each: not isinstance(each, str) or each.isascii()) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | TEXT, inner, max_size=6),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(st.sampled_from(KEYS) | TEXT, NESTED, max_size=5)
SOCKETS = st.dictionaries(st.sampled_from(["type", "bind", "connect", "options", "prefix"]), NESTED, max_size=3)
DEVICES = st.fixed_dictionaries({"name": VALUES, "type": VALUES, "in": SOCKETS, "out": SOCKETS}, optional={"mon": SOCKETS})


def diagnostics_of(data: bytes) -> tuple[Diagnostic, ...]:
    try:
        config = read(data, "f")
    except ConfigError as error:
        found, text = error.diagnostics, str(error)
    else:
        assert isinstance(config, Config)
        return ()
    assert found
    assert text.splitlines() == [str(each) for each in found]
    return found


def assert_in_file(diagnostic: Diagnostic, text: str) -> None:
    assert diagnostic.line is not None
    assert diagnostic.column is not None
    lines = text.split("\n")
    assert 1 <= diagnostic.line <= len(lines)
    assert 1 <= diagnostic.column <= len(lines[diagnostic.line - 1]) + 1


def check(text: str) -> tuple[Diagnostic, ...]:
    found = diagnostics_of(text.encode())
    for each in found:
        assert_in_file(each, text)
    return found


@MANY
@given(st.sampled_from([b"", b"\xef\xbb\xbf", b"a = 1\n"]), st.binary(max_size=60))
def test_any_bytes(start: bytes, rest: bytes) -> None:
    data = start + rest
    for each in diagnostics_of(data):
        assert_in_file(each, data.decode("utf-8-sig", errors="replace"))


@MANY
@given(DOCUMENTS)
def test_any_document(document: dict[str, Any]) -> None:
    check("\n".join(f"{quoted(key)} = {toml(value)}" for key, value in document.items()))


@pytest.mark.slow
@MANY
@given(st.lists(DEVICES, min_size=1, max_size=3))
def test_anything_as_devices(devices: list[dict[str, Any]]) -> None:
    check(f"device = {toml(devices)}\n")


@MANY
@given(
    st.integers(0, len(WHOLE)), st.integers(0, 40), TEXT | st.sampled_from(["\n", '"', "[", "]", "#", "=", ".", "[[device]]\n"])
)
def test_a_starter_file_in_which_something_was_replaced(start: int, length: int, text: str) -> None:
    check(WHOLE[:start] + text + WHOLE[start + length :])


@MANY
@given(st.data())
def test_a_starter_file_of_other_lines(data: st.DataObject) -> None:
    lines = WHOLE.splitlines()
    chosen = data.draw(st.lists(st.sampled_from(lines), max_size=40))
    check("\n".join(chosen))


@MANY
@given(st.sampled_from([each for each in WHOLE.splitlines() if " = " in each and not each.startswith("#")]), NESTED)
def test_a_starter_file_with_another_value_has_errors_only_in_the_file(line: str, value: Any) -> None:
    key = line.partition(" = ")[0]
    changed = WHOLE.replace(line, f"{key} = {toml(value)}", 1)
    check(changed)


@st.composite
def spelled(draw: st.DrawFn) -> tuple[str, dict[tuple[str | int, ...], str]]:
    """A document written in the ways that TOML has, and by its path what each value begins with there."""
    lines: list[str] = []
    values: dict[tuple[str | int, ...], str] = {}

    def pairs(path: tuple[str | int, ...]) -> None:
        for key in draw(
            st.lists(
                st.sampled_from("abc") | TEXT.filter(lambda each: each not in ("t", "u", "é", "list", "sub")),
                unique=True,
                max_size=3,
            )
        ):
            way = draw(st.sampled_from(["plain", "dotted", "inline", "array"]))
            text = quoted(draw(TEXT))
            if way == "plain":
                values[(*path, key)] = text
                lines.append(f"{quoted(key)}\t= {text} # é")
            elif way == "dotted":
                values[(*path, key, "x y")] = text
                lines.append(f"  {quoted(key)} . 'x y' = {text}")
            elif way == "inline":
                values[(*path, key, "é")] = text
                lines.append(f'{quoted(key)} = {{ "é" = {text}, f = 1 }}')
            else:
                values[(*path, key, 1)] = text
                lines.append(f"{quoted(key)} = [ # é\n  'é', # [\n  {text}\n ]")

    pairs(())
    for name in draw(st.lists(st.sampled_from(["t", "u.'v.w'", '"\\u00e9"']), unique=True)):
        lines.append(f" [ {name} ] # é")
        pairs(tuple({"t": ["t"], "u.'v.w'": ["u", "v.w"]}.get(name, ["é"])))
    for number in range(draw(st.integers(0, 3))):
        lines.append("[[ list ]]")
        pairs(("list", number))
        lines.append("[list.sub.'s']")
        pairs(("list", number, "sub", "s"))
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines), values


@MANY
@given(spelled())
def test_every_value_is_found_however_it_is_written(written: tuple[str, dict[tuple[str | int, ...], str]]) -> None:
    text, values = written
    tomllib.loads(text)
    positions, lines = Positions(text), text.split("\n")
    for path, begins in values.items():
        line, column = positions.find(path)
        assert lines[line - 1][column - 1 :].startswith(begins), path
