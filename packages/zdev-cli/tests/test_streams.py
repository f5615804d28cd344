"""docs/cli/terminal.md: what every command does if its streams are closed, left by their readers, or full."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from commands_of import Done, every_command

pytest_plugins = ("trying",)
Try = Callable[..., Done]
Usual = Callable[[str], Done]
needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")


@every_command
def test_a_command_ends_as_documented_and_says_something(usual: Usual, path: str) -> None:
    done = usual(path)
    assert done.status in (0, 64, 69, 78), done.err
    assert done.out or done.err


@every_command
@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&- 2>&-"])
def test_closed_streams_change_nothing_else(attempt: Try, usual: Usual, path: str, closed: str) -> None:
    done, expected = attempt(path, how=closed), usual(path)
    assert done.status == expected.status
    assert bool(done.out) == (bool(expected.out) and " >&-" not in f" {closed}")
    assert bool(done.err) == (bool(expected.err) and "2>&-" not in closed)


@every_command
def test_a_reader_that_has_left_ends_a_command_with_status_0(attempt: Try, usual: Usual, path: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done, expected = attempt(path, out=writer), usual(path)
    finally:
        os.close(writer)
    statuses = (0,) if expected.out else (0, expected.status)  # some notice before they print anything
    assert done.status in statuses, done.err
    assert "roken pipe" not in done.err


@needs_full
@every_command
def test_an_output_that_is_full_is_reported_with_status_69(attempt: Try, usual: Usual, path: str) -> None:
    done, expected = attempt(path, how=">/dev/full"), usual(path)
    if not expected.out:
        assert done.status == expected.status
        return
    assert done.err.splitlines()[-1] == "zdev: cannot write the output: No space left on device"
    assert done.status == 69


@needs_full
@every_command
def test_an_error_output_that_is_full_changes_nothing_else(attempt: Try, usual: Usual, path: str) -> None:
    done, expected = attempt(path, how="2>/dev/full"), usual(path)
    assert (done.status, bool(done.out)) == (expected.status, bool(expected.out))
