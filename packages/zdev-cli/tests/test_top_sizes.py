"""`zdev top` on terminals of any size: nothing touches, and nothing is cut without a sign."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from patience import PATIENCE
from textual.pilot import Pilot
from top_screen import Server, device, lines_of, names, play, until

from zdev_cli.control.protocol import Reply
from zdev_cli.screen.app import SHORT, Top
from zdev_cli.screen.detail import facts_text
from zdev_cli.screen.dialogs import Help, Question
from zdev_cli.screen.layout import shortened
from zdev_cli.snapshot import DEVICE_STATES, DeviceView, DirectionView, Dropped, SocketView
from zdev_cli.snapshot.peers import PeerView

SIZES = [(40, 10), (60, 15), (80, 24), (120, 40), (200, 50)]
LONG = "a-name-of-64-characters-" + "x" * 36
KEYS = {
    "q Quit",
    "? Help",
    "←→ Sort",
    "Enter Peers",
    "i Invert",
    "/ Filter",
    "p Pause",
    "r Resume",
    "d Drain",
    "s Start",
    "x Stop",
    "R Restart",
    "w Workers",
}


def many(count: int) -> list[DeviceView]:
    """Devices with long names, long endpoints, large numbers and errors."""
    sockets = [
        SocketView(role="in", type="ROUTER", binds=["tcp://127.0.0.1:5559", "ipc:///run/" + "y" * 90], connects=[]),
        SocketView(role="out", type="DEALER", binds=[], connects=["tcp://10.0.0.5:5560"], security="CURVE", has_rights=True),
    ]
    way = DirectionView(
        messages_per_second=123_456.0,
        bytes_per_second=9.9e7,
        backpressure=1.0,
        dropped=Dropped(malformed=1_234_567, unroutable=7, overflowed=1),
        history=[9.0, 0.5] * 30,
    )
    states = [DEVICE_STATES[(number % 7) if number % 3 == 0 else 1] for number in range(count)]
    return [
        device(
            f"{LONG}-{number:03}" if number % 2 == 0 else f"short-{number:03}",
            type="monitored-queue",
            state=state,
            sockets=sockets,
            in_=way,
            out=way,
            in_flight=12_345,
            lost=7,
            restarts=99,
            uptime=90_000.0,
            error=f"in: bind ipc:///run/{'y' * 90}: address already in use" if state in ("waiting", "failed") else None,
        )
        for number, state in enumerate(states)
    ]


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    server = Server(folder / "control.sock")
    yield server
    server.stop()


async def checked(app: Top, pilot: Pilot[None]) -> None:
    """Check each line of the screen, once it is drawn."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return check(app)
        except AssertionError:
            if time.monotonic() > deadline:
                raise
            await pilot.pause(0.02)


def check(app: Top) -> None:
    lines, (width, height) = lines_of(app), app.size
    assert [len(line) for line in lines] == [width] * height
    check_table(app, lines)
    assert set(re.split(r" {2,}", lines[-1].strip())) <= KEYS
    assert lines[0].startswith(" ready  ")
    assert lines[0].rstrip().endswith(("…", "/etc/zdev.toml"))
    assert app.detail.display == (height >= SHORT)
    if app.detail.display:
        top = app.detail.region.y
        assert top + app.detail.region.height == height - 1
        assert f"{shortened(names(app)[app.table.cursor_row], width // 2)[:8]}" in lines[top]
        assert f": {app.table.chosen.state}" in lines[top] or f", {app.table.chosen.state}" in lines[top]  # type: ignore[union-attr]
        inside = [line[2:-2].rstrip() for line in lines[top + 1 : -2]]
        assert all(line.startswith("│") and line.endswith("│") for line in lines[top + 1 : -2])
        last = facts_text(app.table.chosen).plain.split()[-1]  # type: ignore[arg-type]
        shown = next(line for line in reversed(inside) if line[app.detail.query_one("#facts").region.x :].strip() or not line)
        assert "more lines" in " ".join(inside[-1:]) or last in " ".join(inside), shown


def check_table(app: Top, lines: list[str]) -> None:
    """Check that each cell is whole, or shows that it is not, and that there is a blank between two."""
    table = app.table
    x, y, _, height = table.region
    rows = lines[y : y + height]
    offset, first = x + 1, int(table.scroll_y)
    for column, spread in table._widths.items():
        cells = [row[offset : offset + spread] for row in rows]
        end = offset + spread
        assert {row[end] for row in rows} == {" "}, (column.short, rows)
        assert cells[0].strip(" ▴▾") == column.short
        for cell, shown in zip(cells[1:], table.devices[first:], strict=False):
            assert cell.strip() == shortened(column.text(shown), spread)
            assert column.short == "DEVICE" or "…" not in cell
        offset = end + (2 if app.size.width > 100 else 1)
    assert y + 1 <= y + 1 + table.cursor_row - first < y + height  # the selected row is visible


@pytest.mark.parametrize(
    "size", [pytest.param(size, id=f"{size[0]}x{size[1]}", marks=[pytest.mark.slow] * (size in SIZES[1::2])) for size in SIZES]
)
def test_nothing_touches_and_nothing_is_cut_without_a_sign_at_any_size_and_after_a_resize(
    server: Server, size: tuple[int, int]
) -> None:
    server.devices = many(1)

    async def scene(app: Top, pilot: Pilot[None]) -> None:
        for count in (1, 30, 300):
            server.devices = many(count)
            await until(pilot, lambda: app.table.row_count == len(server.devices))
            await pilot.press("end")
            assert app.table.cursor_row == count - 1
            await checked(app, pilot)
        await pilot.press("right", "right")
        for other in (SIZES[(SIZES.index(size) + 3) % len(SIZES)], size):
            await pilot.resize_terminal(*other)
            await checked(app, pilot)

    play(server, scene, size, interval=0.5)  # drawing 300 devices takes its time


@pytest.mark.parametrize("size", SIZES[::2], ids=lambda size: "{}x{}".format(*size))
def test_peers_questions_help_and_outcomes_fit_at_any_size(server: Server, size: tuple[int, int]) -> None:
    server.devices = many(1)
    [only] = server.devices
    peers = [
        PeerView(
            device=only.name,
            number=number,
            role="in",
            state="up",
            address=f"tcp://192.168.100.{number}:40312",
            endpoint="",
            routing_id=f"[b]client {number}",
            user="anna" * 10,
            messages_received=123_456_789,
            failure="connection refused" if number == 7 else "",
        )
        for number in range(1, 60)
    ]
    server.replies["peers"] = Reply(peers=peers)

    async def scene(app: Top, pilot: Pilot[None]) -> None:
        await pilot.press("enter")
        await until(pilot, lambda: "59 peers" in lines_of(app)[0])
        await until(pilot, lambda: any("192.168" in line for line in lines_of(app)))
        for row in (line for line in lines_of(app)[2:] if "192.168" in line):
            number, *texts = re.split(r" {2,}", row.strip(" ▁▂▃▄▅▆▇█"))
            assert number.isdecimal()
            assert "up" in texts[:2], row
            assert "…" in row or f"192.168.100.{number}:40312" in texts
        await until(pilot, lambda: lines_of(app)[-1].strip() == "Esc Back  k Kick")
        await pilot.press("k")
        await until(pilot, lambda: isinstance(app.screen, Question) and "y yes  n no" in "\n".join(lines_of(app)))
        assert "[b]client 1" in "\n".join(lines_of(app))
        await pilot.press("n", "escape", "question_mark")
        await until(pilot, lambda: isinstance(app.screen, Help) and "Esc close" in "\n".join(lines_of(app)))
        await pilot.press("end")
        await until(pilot, lambda: "RST" in "\n".join(lines_of(app)))
        await pilot.press("escape", "p")
        await until(pilot, lambda: ": done" in "\n".join(lines_of(app)))

    play(server, scene, size)
