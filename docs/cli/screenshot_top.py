"""Draws top.svg beside this file: `zdev top` of the zdev of screenshots.py, after a minute of traffic.

python docs/cli/screenshot_top.py [WIDTH HEIGHT [SECONDS [FILE]]]
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from msgspec.structs import replace
from screenshots import MINUTE, running

from zdev_cli.screen.app import Top
from zdev_cli.screen.feed import SnapshotReceived


async def draw(control: str, size: tuple[int, int], seconds: float, file: Path) -> None:
    app = Top(control, 0.5)
    async with app.run_test(size=size) as pilot:
        await pilot.pause(seconds)
        for _ in range(len(app.table.devices)):
            if app.table.chosen and app.table.chosen.name != "orders":
                await pilot.press("down")
        await pilot.pause(1.5)
        app.feed.stop()
        await pilot.pause(1.5)
        assert app.snapshot
        app.snapshot = replace(app.snapshot, config="/etc/zdev/zdev.toml")  # instead of a temporary folder
        app.on_snapshot_received(SnapshotReceived(app.snapshot))
        await pilot.pause()
        file.write_text(app.export_screenshot(title="zdev top"))


def main() -> None:
    words = sys.argv[1:]
    size = (int(words[0]), int(words[1])) if words else (100, 30)
    seconds = float(words[2]) if len(words) > 2 else MINUTE
    file = Path(words[3]) if len(words) > 3 else Path(__file__).with_name("top.svg")
    with running() as (_, control):
        asyncio.run(draw(control, size, seconds, file))


if __name__ == "__main__":
    main()
