"""`zdev top` in the process of a test, against a control server of the test."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from patience import PATIENCE
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Static

from zdev_cli.control.protocol import Reply, Request
from zdev_cli.control.server import ControlServer
from zdev_cli.screen.app import Top
from zdev_cli.snapshot import DeviceView, DirectionView, Snapshot, SocketView

WIDE, NARROW = (160, 50), (80, 24)
Scene = Callable[[Top, Pilot[None]], Awaitable[None]]


def device(name: str, rate: float = 0, **more: Any) -> DeviceView:
    sockets = [SocketView(role="in", type="ROUTER", binds=[f"ipc:///{name}/in"], connects=[])]
    way = DirectionView(messages_per_second=rate, bytes_per_second=100 * rate, history=[rate] * 5)
    return DeviceView(
        **{"name": name, "type": "queue", "isolation": "thread", "state": "active", "sockets": sockets, "in_": way, **more}
    )


class Server:
    """A control socket that answers with given devices and replies, and notes the requests."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.devices = [device("orders", 300), device("billing", 4000), device("ticks", 20)]
        self.replies: dict[str, Reply] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.kicked: list[int | None] = []
        self.drained: list[int | None] = []
        self.start()

    def start(self) -> None:
        self._server = ControlServer(self.path, self._answer)
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def _answer(self, request: Request) -> Reply:
        if request.verb != "status":
            self.asked.append((request.verb, request.device))
            self.kicked += [request.peer] if request.verb == "kick" else []
            self.drained += [request.worker] if request.verb == "drain" else []
            return self.replies.get(request.verb, Reply(lines=[f"{request.device}: done"]))
        now = time.time()
        snapshot = Snapshot(
            version="1", pid=42, time=now, started=now - 60, config="/etc/zdev.toml", ready=True, devices=self.devices
        )
        return Reply(snapshot=snapshot)


def play(server: Server, scene: Scene, size: tuple[int, int] = NARROW, interval: float = 0.2) -> None:
    """Play a scene on a screen of some size, once it shows the devices."""

    async def run() -> None:
        app = Top(str(server.path), interval)
        async with app.run_test(size=size, notifications=True) as pilot:
            await until(pilot, lambda: len(names(app)) == len(server.devices))
            await scene(app, pilot)

    asyncio.run(asyncio.wait_for(run(), 2 * PATIENCE))


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "\n".join(lines_of(pilot.app))
        await pilot.pause(0.02)


def lines_of(app: App[None]) -> list[str]:
    """Return the characters on the screen."""
    return [strip.text for strip in app.screen._compositor.render_strips()]


def names(app: Top) -> list[str]:
    """Of the devices, in the order of their rows."""
    return [device.name for device in app.table.devices]


def cells(app: Top, name: str) -> dict[str, str]:
    """Of a device, by the column's title."""
    table = app.table
    row = table.get_row_at(names(app).index(name))
    return {str(key.value): text.plain.strip() for key, text in zip(table.columns, row, strict=True)}


def text_of(app: Top, where: str) -> str:
    return str(app.screen_stack[0].query_one(where, Static).content)


def notifications(app: Top) -> list[tuple[str, str]]:
    return [(each.severity, each.message) for each in app._notifications]
