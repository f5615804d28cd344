"""The part on keys of the page Security, followed word by word: made, let in, used to look at traffic, revoked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from followed import Terminals, commands

PAGE = (Path(__file__).parents[3] / "docs" / "security.md").read_text()
KEYS = PAGE.partition("\n## Keys\n")[2].partition("\n## ")[0]
BLOCK = re.compile(r"^```(console|toml)\n(.*?)^```$|^ {4}(zdev [^\n]*)$", re.MULTILINE | re.DOTALL)
DEVICE = """
[[device]]
name = "orders"
type = "monitored-queue"
in.bind = "tcp://127.0.0.1:*"
out.bind = "tcp://127.0.0.1:*"
mon.bind = "tcp://127.0.0.1:*"
"""


@pytest.mark.slow
def test_each_step_does_what_the_page_says(folder: Path) -> None:
    ran = []
    with Terminals(folder) as terminals:
        for kind, block, line in BLOCK.findall(KEYS):
            if kind == "toml":
                Path(folder, "zdev.toml").write_text(DEVICE + block + block.replace("device.in", "device.mon"))
                terminals.run("zdev run -c zdev.toml", ["started: 1 of 1 device active"])
            if line:
                terminals.run(line, ["connected to tcp://127.0.0.1:5561"])
            if kind == "console":
                for command, printed in commands(block):
                    terminals.run(command, printed)
            ran.append(line or block)
    assert [sum(command in each for each in ran) for command in ("zdev key new", "zdev tap", "zdev restart")] == [1, 1, 1]
