"""`zdev top`: what it draws and what its keys do, against a control server of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot
from textual.widgets import Static
from top_screen import NARROW, WIDE, Server, cells, device, names, notifications, play, text_of, until

from zdev_cli.control.protocol import Reply
from zdev_cli.screen.app import Top
from zdev_cli.screen.detail import chart, facts_text
from zdev_cli.screen.dialogs import Help, Question
from zdev_cli.screen.peers import PeersScreen
from zdev_cli.screen.workers import WorkersScreen
from zdev_cli.snapshot import DirectionView, Dropped, SocketView
from zdev_cli.snapshot.connections import ConnectionsView, ConnectView, PeerCounts
from zdev_cli.snapshot.peers import PeerView
from zdev_cli.snapshot.requests import RequestsView, WorkerCounts, WorkerView


def test_the_detail_shows_the_security_of_a_socket() -> None:
    socket = SocketView(role="out", type="XPUB", binds=["tcp://127.0.0.1:1"], connects=[], security="CURVE", has_rights=True)
    assert "out  XPUB   tcp://127.0.0.1:1  CURVE with rights\n" in facts_text(device("prices", sockets=[socket])).plain


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    server = Server(folder / "control.sock")
    yield server
    server.stop()


@pytest.fixture
def watch(server: Server) -> Callable[..., None]:
    """`play` with this server."""
    return partial(play, server)


def test_a_device_is_a_row(server: Server, watch: Callable[..., None]) -> None:
    dropped = Dropped(malformed=1, unroutable=20, overflowed=300)
    way = DirectionView(messages_per_second=12345.6, bytes_per_second=2.5e6, dropped=dropped, backpressure=0.25)
    server.devices = [device("orders", in_=way, two_ways=False, in_flight=7, restarts=2, state="paused")]

    async def scene(app: Top, _: Pilot[None]) -> None:
        assert cells(app, "orders") == {
            "DEVICE": "orders",
            "STATE": "paused",
            "IN/S": "12,346",
            "OUT/S": "-",
            "IN B/S": "2.5 MB",
            "OUT B/S": "-",
            "FLIGHT": "7",
            "DROPPED": "321",
            "HELD": "25%",
            "RST": "2",
        }

    watch(scene)


def test_a_wide_terminal_shows_drops_by_reason(server: Server, watch: Callable[..., None]) -> None:
    dropped = Dropped(malformed=1, unroutable=20, overflowed=300)
    server.devices = [device("orders", in_=DirectionView(dropped=dropped), uptime=61)]

    async def scene(app: Top, pilot: Pilot[None]) -> None:
        shown = cells(app, "orders")
        assert (shown["MALFORMED"], shown["UNROUTABLE"], shown["OVERFLOWED"]) == ("1", "20", "300")
        assert (shown["TYPE"], shown["UPTIME"], shown["RESTARTS"]) == ("queue", "1m1s", "0")
        await pilot.resize_terminal(*NARROW)
        await until(pilot, lambda: "DROPPED" in cells(app, "orders"))

    watch(scene, WIDE)


@pytest.mark.parametrize("size", [NARROW, WIDE])
def test_all_columns_fit(server: Server, watch: Callable[..., None], size: tuple[int, int]) -> None:
    server.devices = [device("a-name-of-64-characters-" + "x" * 40), device("orders")]

    async def scene(app: Top, _: Pilot[None]) -> None:
        table = app.table
        assert sum(column.width for column in table.ordered_columns) <= table.content_size.width

    watch(scene, size)


def test_figures_go_on(server: Server, watch: Callable[..., None]) -> None:
    async def scene(app: Top, pilot: Pilot[None]) -> None:
        assert cells(app, "orders")["IN/S"] == "300"
        server.devices = [device("orders", 700), device("audit")]
        await until(pilot, lambda: names(app) == ["audit", "orders"])
        assert cells(app, "orders")["IN/S"] == "700"

    watch(scene)


def test_keys_choose_the_column_that_sorts(watch: Callable[..., None]) -> None:
    async def scene(app: Top, pilot: Pilot[None]) -> None:
        assert names(app) == ["billing", "orders", "ticks"]
        await pilot.press("right", "right")  # by state, then by rate
        assert names(app) == ["billing", "orders", "ticks"]
        await pilot.press("i")
        assert names(app) == ["ticks", "orders", "billing"]
        await pilot.press("left", "left")
        assert names(app) == ["billing", "orders", "ticks"]

    watch(scene)


def test_a_click_on_a_head_sorts_and_a_second_one_inverts(watch: Callable[..., None]) -> None:
    async def scene(app: Top, pilot: Pilot[None]) -> None:
        head = app.table.region.offset.x + 5, app.table.region.offset.y
        await pilot.click(offset=head)  # it is sorted by names already
        assert names(app) == ["ticks", "orders", "billing"]
        await pilot.click(offset=head)
        assert names(app) == ["billing", "orders", "ticks"]

    watch(scene)


def test_the_selected_device_stays_selected_wherever_its_row_goes(server: Server, watch: Callable[..., None]) -> None:
    async def scene(app: Top, pilot: Pilot[None]) -> None:
        await pilot.press("down")
        await pilot.press("i", "right", "right")
        server.devices = [device("orders", 9000), device("new", 1), device("billing", 4000)]
        await until(pilot, lambda: names(app) == ["orders", "billing", "new"])
        await pilot.press("p")
        await until(pilot, lambda: server.asked == [("pause", "orders")])

    watch(scene)


@pytest.mark.parametrize(("key", "verb"), [("p", "pause"), ("r", "resume"), ("s", "start")])
def test_a_key_steers_the_selected_device_and_the_answer_is_reported(
    server: Server, watch: Callable[..., None], key: str, verb: str
) -> None:
    async def scene(app: Top, pilot: Pilot[None]) -> None:
        await pilot.press("down", key)
        await until(pilot, lambda: notifications(app) == [("information", "orders: done")])
        assert server.asked == [(verb, "orders")]

    watch(scene)


def test_what_a_command_could_not_do_is_reported(server: Server, watch: Callable[..., None]) -> None:
    server.replies["pause"] = Reply(status=69, lines=["billing is [stopped]: zdev start billing"])

    async def scene(app: Top, pilot: Pilot[None]) -> None:
        await pilot.press("p")
        await until(pilot, lambda: notifications(app) == [("error", "billing is [stopped]: zdev start billing")])

    watch(scene)


@pytest.mark.parametrize(("key", "verb"), [("d", "drain"), ("x", "stop"), ("R", "restart")])
@pytest.mark.parametrize(("answer", "does"), [("y", True), ("n", False), ("escape", False)])
def test_a_key_that_ends_connections_asks_first(
    server: Server, watch: Callable[..., None], key: str, verb: str, answer: str, does: bool
) -> None:
    server.devices = [device("orders", in_flight=1234)]

    async def scene(app: Top, pilot: Pilot[None]) -> None:
        await pilot.press(key)
        assert isinstance(app.screen, Question)
        assert f"{verb.capitalize()} orders? 1,234 messages are in flight." in str(app.screen.content)
        await pilot.press(answer)
        assert not isinstance(app.screen, Question)
        await pilot.press("r")  # commands are sent in threads: this one is sent in any case
        await until(pilot, lambda: sorted(server.asked) == sorted([(verb, "orders")] * does + [("resume", "orders")]))

    watch(scene)


def test_a_filter_shows_what_matches_until_escape(watch: Callable[..., None]) -> None:
    async def scene(app: Top, pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"ing", "enter")
        assert names(app) == ["billing"]
        assert "billing" in str(app.detail.border_title)
        await pilot.press("slash", *"-nobody", "enter")
        assert names(app) == []
        assert app.detail.border_title == "no device"
        await pilot.press("p", "d")  # of no device
        assert not isinstance(app.screen, Question)
        await pilot.press("escape")
        assert names(app) == ["billing", "orders", "ticks"]

    watch(scene)


def test_help_shows_the_keys(watch: Callable[..., None]) -> None:
    async def scene(app: Top, pilot: Pilot[None]) -> None:
        await pilot.press("question_mark")
        assert isinstance(app.screen, Help)
        await pilot.press("q")
        assert not isinstance(app.screen, Help)

    watch(scene)


def test_the_detail_shows_sockets_drops_and_what_is_wrong(server: Server, watch: Callable[..., None]) -> None:
    sockets = [
        SocketView(role="in", type="ROUTER", binds=["tcp://127.0.0.1:5559"], connects=[]),
        SocketView(role="mon", type="PUB", binds=[], connects=["tcp://[::1]:7"]),
    ]
    dropped = DirectionView(dropped=Dropped(malformed=3), monitor_sent=5, monitor_dropped=6)
    server.devices = [
        device("orders", sockets=sockets, in_=dropped, state="waiting", error="cannot bind: [taken]", retry_in=2.5, lost=9)
    ]

    async def scene(app: Top, _: Pilot[None]) -> None:
        text = text_of(app, "#facts")
        assert text.splitlines()[0] == "cannot bind: [taken]; retrying in 2.5 s"
        for words in (
            "in   ROUTER tcp://127.0.0.1:5559",
            "→ tcp://[::1]:7",
            "malformed 3",
            "lost 9",
            "mon copies 5  dropped 6",
        ):
            assert words in text
        assert str(app.detail.border_title) == "orders: queue in a thread, waiting"

    watch(scene)


def test_the_detail_shows_the_engine_the_connections_and_each_connect_that_is_down(
    server: Server, watch: Callable[..., None]
) -> None:
    down = ConnectView(endpoint="tcp://10.0.0.6:5560", connected=False, failure="connection refused", retry_in=1.2)
    out = SocketView(
        role="out",
        type="DEALER",
        binds=[],
        connects=["tcp://10.0.0.5:5560", "tcp://10.0.0.6:5560"],
        connections=ConnectionsView(connections=1),
        peers=PeerCounts(up=1, retrying=1),
        connect_states=[ConnectView(endpoint="tcp://10.0.0.5:5560", connected=True), down],
    )
    server.devices = [device("orders", sockets=[out], engine="wire", engine_reason="as set")]

    async def scene(app: Top, _: Pilot[None]) -> None:
        lines = text_of(app, "#facts").splitlines()
        assert lines[0] == "out: 1 of 2 connected; tcp://10.0.0.6:5560 connection refused, retrying in 1.2 s"
        assert lines[2] == "peers out 1 up, 1 retrying"
        assert lines[-1] == "engine wire  as set"

    watch(scene, WIDE)


def peer(number: int, **more: Any) -> PeerView:
    return PeerView(
        **{"device": "billing", "number": number, "role": "in", "state": "up", "address": "", "endpoint": "", **more}
    )


def test_enter_shows_the_peers_of_the_device_and_k_kicks_one_after_a_question(
    server: Server, watch: Callable[..., None]
) -> None:
    retrying = {"state": "retrying", "failure": "connection refused", "endpoint": "tcp://10.0.0.6:5560", "retry_in": 1.2}
    peers = [peer(7, routing_id="anna", address="tcp://10.0.0.7:1"), peer(8, routing_id="bert", waiting=5), peer(0, **retrying)]
    server.replies["peers"] = Reply(peers=peers)

    async def scene(app: Top, pilot: Pilot[None]) -> None:
        await pilot.press("enter")
        shown = app.screen
        assert isinstance(shown, PeersScreen)
        await until(pilot, lambda: shown.table.row_count == 3)
        row = [cell.plain.strip() for cell in shown.table.get_row_at(0)]
        assert row[:4] == ["7", "in", "up", "10.0.0.7:1"]
        failures = str(shown.query_one("#failures", Static).content)
        assert failures == "billing: in: tcp://10.0.0.6:5560 connection refused, retrying in 1.2 s"
        await pilot.press("down", "k")
        assert isinstance(app.screen, Question)
        assert "Kick bert" in str(app.screen.content)
        await pilot.press("y")
        await until(pilot, lambda: ("kick", "billing") in server.asked)
        assert server.kicked == [8]
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.screen_stack[0])

    watch(scene)


def test_the_peers_of_a_device_that_does_not_show_them_are_why(server: Server, watch: Callable[..., None]) -> None:
    server.replies["peers"] = Reply(status=69, lines=["billing: only the wire engine knows its peers"])

    async def scene(app: Top, pilot: Pilot[None]) -> None:
        await pilot.press("enter")
        title = app.screen.query_one("#title", Static)
        await until(pilot, lambda: "only the wire engine knows its peers" in str(title.content))
        await pilot.press("k", "q")
        await until(pilot, lambda: app.screen is app.screen_stack[0])

    watch(scene)


def test_the_detail_shows_the_requests_of_a_queue_that_knows_its_workers(server: Server, watch: Callable[..., None]) -> None:
    requests = RequestsView(waiting=12, at_work=2, expired=5, late=1, workers=WorkerCounts(busy=2, set_aside=1))
    server.devices = [device("orders", requests=requests)]

    async def scene(app: Top, _: Pilot[None]) -> None:
        facts = text_of(app, "#facts")
        assert "requests 12 waiting  2 at work  workers 2 busy, 1 set-aside" in facts
        assert "failed 5 expired, 1 late" in facts

    watch(scene, WIDE)


def test_w_shows_the_workers_of_the_device_and_d_drains_one(server: Server, watch: Callable[..., None]) -> None:
    workers = [
        WorkerView(device="billing", number=number, state="busy", address=f"tcp://10.0.0.{number}:1", at_work=1, p99=0.25)
        for number in (7, 8)
    ]
    server.replies["workers"] = Reply(workers=workers)

    async def scene(app: Top, pilot: Pilot[None]) -> None:
        await pilot.press("w")
        shown = app.screen
        assert isinstance(shown, WorkersScreen)
        await until(pilot, lambda: shown.table.row_count == 2)
        row = [cell.plain.strip() for cell in shown.table.get_row_at(0)]
        assert row[:5] == ["7", "busy", "10.0.0.7:1", "1", "0"]
        await pilot.press("down", "d")
        await until(pilot, lambda: ("drain", "billing") in server.asked)
        assert server.drained == [8]
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.screen_stack[0])

    watch(scene)


def test_a_device_of_one_way_has_one_chart(server: Server, watch: Callable[..., None]) -> None:
    server.devices = [device("tasks", 500, two_ways=False)]

    async def scene(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "█████" in text_of(app, "#charts"))
        assert "500/s  50.0 kB/s" in text_of(app, "#charts")
        assert "out to in" not in text_of(app, "#charts")

    watch(scene)


def test_a_zdev_without_devices_is_shown_as_such(server: Server, watch: Callable[..., None]) -> None:
    server.devices = []

    async def scene(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: text_of(app, "#head").startswith("ready  0 devices"))
        await pilot.press("p", "d", "down", "right")

    watch(scene)


def test_a_zdev_that_goes_away_is_reported_and_comes_back(server: Server, watch: Callable[..., None]) -> None:
    async def scene(app: Top, pilot: Pilot[None]) -> None:
        assert text_of(app, "#head").startswith("ready  3 devices: 3 active  up 1m0s  pid 42")
        server.stop()
        await until(pilot, lambda: f"cannot reach zdev at {server.path}" in text_of(app, "#head"))
        assert names(app) == ["billing", "orders", "ticks"]  # as they were last seen
        server.devices = [device("audit")]
        server.start()
        await until(pilot, lambda: names(app) == ["audit"])
        assert "no zdev" not in text_of(app, "#head")

    watch(scene)


@given(values=st.lists(st.floats(0, 1e12), max_size=80), width=st.integers(1, 80), height=st.integers(1, 8))
def test_a_chart_stands_on_zero_and_reaches_its_top_at_the_greatest_value(values: list[float], width: int, height: int) -> None:
    lines = chart(values, width, height)
    assert [len(line) for line in lines] == [width] * height
    shown = values[-width:]
    bars = ["".join(line[width - len(shown) + each] for line in lines).strip() for each in range(len(shown))]
    assert [not bar for bar in bars] == [value == 0 for value in shown]
    for value, bar in zip(shown, bars, strict=True):
        if value and value == max(shown):
            assert bar == "█" * height
