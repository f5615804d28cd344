"""Reloads under load, of files right and wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass

from zdev_cli.snapshot import Snapshot

from .stage import Stage

EXTRA = '[[device]]\nname = "extra"\ntype = "streamer"\nin.bind = "tcp://127.0.0.1:*"\nout.bind = "tcp://127.0.0.1:*"\n'
RIGHT = (EXTRA, EXTRA + 'mon.bind = "tcp://127.0.0.1:*"\n', EXTRA + "drain_timeout = 5\n", "")
WRONG = (
    "[[device]\n",
    EXTRA + "onfull = 1\n",
    EXTRA.replace("extra", "main"),
    EXTRA.replace("streamer", "stream"),
    EXTRA + 'mon.type = "SUB"\n',
    EXTRA + "in.options = { SNDHMW = 1 }\n",
    EXTRA + 'in.type = "PUB"\n',
    EXTRA.replace("tcp:", "tpc:"),
    "\0",
    '[http]\nlisten = "nowhere"\n',
)
BY_PROGRAM = 50  # one in so many is asked for by the program `zdev reload`


@dataclass(frozen=True)
class Reload:
    """So many reloads, of a right file and a wrong one by turns. The device under load is the same in all of them."""

    times: int

    def inject(self, stage: Stage) -> None:
        base = stage.device.file.read_text()
        was = stage.device.snapshot()
        for number in range(stage.times(self.times)):
            right = number % 2 == 0
            texts = RIGHT if right else WRONG
            stage.device.file.write_text(base + "\n" + texts[number // 2 % len(texts)])
            by_program = number % BY_PROGRAM in (0, 1)
            said = stage.device.reload_by_program() if by_program else stage.device.reload()
            now = stage.device.snapshot()
            self._check(stage, number, right=right, said=said, was=was, now=now)
            was = now
        stage.until_each_gets(stage.receivers(), 20)
        stage.figures["reloads"] = f"{stage.times(self.times)}, every second one refused"

    def _check(self, stage: Stage, number: int, *, right: bool, said: str, was: Snapshot, now: Snapshot) -> None:
        if right and said:
            stage.broken.append(f"reload {number}: a right file was refused: {said}")
        if not right and not said:
            stage.broken.append(f"reload {number}: a wrong file was taken")
        names = [each.name for each in now.devices]
        wanted = ["main", "extra"] if RIGHT[number // 2 % len(RIGHT)] else ["main"]
        if names != wanted or not now.ready:
            stage.broken.append(f"reload {number}: now there are {names}, ready: {now.ready}")
        kept = was.devices if not right else was.devices[:1]
        for before, after in zip(kept, now.devices, strict=False):
            if before.sockets != after.sockets or (after.uptime or 0) < (before.uptime or 0):
                stage.broken.append(f"reload {number}: {before.name} is not as it was")


@dataclass(frozen=True)
class ReloadChanged:
    """So many reloads of the device under load: by turns with a change that it takes over live, and one that restarts it."""

    times: int

    def inject(self, stage: Stage) -> None:
        text = stage.device.file.read_text()
        for number in range(stage.times(self.times)):
            restarts = number % 2 == 1
            changed = f"options = {{ BACKLOG = {200 + (number + 1) // 2}, RECONNECT_IVL = {100 + number}, "
            stage.device.file.write_text(text.replace("options = { ", changed))
            (said,) = stage.device.reloaded()
            stage.restarts += restarts or number == 0
            pattern = (
                r"main: restarted \(in: backlog .*\), drained in " if restarts else "main: changed live: in: reconnect_ivl "
            )
            if number > 0 and not re.match(pattern, said):
                stage.broken.append(f"reload {number}: {said}")
            stage.until_each_gets(stage.receivers(), 20)
        stage.figures["reloads"] = f"{stage.times(self.times)}, every second one with a restart"
