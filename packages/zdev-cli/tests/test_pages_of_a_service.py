"""The commands on the pages Running devices, Steering a running zdev and Small clients, followed with the devices that they describe."""

from __future__ import annotations

import re
import socket as sockets
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from devices_text import BIND, at, device
from followed import Terminals, commands

DOCS = Path(__file__).parents[3] / "docs" / "cli"
BLOCK = re.compile(r"^( *)```console\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
ORDERS = """
[http]
listen = "127.0.0.1:{0}"

[[device]]
name = "orders"
type = "monitored-queue"
in.bind = "tcp://127.0.0.1:{1}"
out.bind = "tcp://127.0.0.1:{2}"
mon.bind = "tcp://127.0.0.1:{3}"
"""


def unwatched(name: str, device_type: str, port: int) -> str:
    return "\n" + device(name, device_type, in_=at("bind", port), out=BIND)


def shown(page: str) -> dict[str, list[str]]:
    """The commands of a page with what they print. Of two that are the same, the second has a ! behind it."""
    found: dict[str, list[str]] = {}
    for indent, block in BLOCK.findall((DOCS / page).read_text()):
        for command, printed in commands(re.sub(f"^{indent}", "", block, flags=re.MULTILINE)):
            lines = printed[: printed.index("...")] if "..." in printed else printed
            found[command + "!" * (command in found)] = lines
    return found


@pytest.fixture
def ports() -> list[int]:
    with ExitStack() as stack:
        servers = [stack.enter_context(sockets.create_server(("127.0.0.1", 0))) for _ in range(6)]
        return [server.getsockname()[1] for server in servers]


@pytest.fixture
def terminals(folder: Path) -> Iterator[Terminals]:
    with Terminals(folder) as opened:
        yield opened


@pytest.mark.slow
def test_running_devices_is_as_its_page_says(folder: Path, ports: list[int], terminals: Terminals) -> None:
    says = shown("running.md")
    file = folder / "zdev.toml"
    orders = ORDERS.format(*ports) + "in.max_connections = 10\n"
    file.write_text(orders + unwatched("billing", "queue", ports[4]))
    terminals.run("zdev run -c zdev.toml", says["zdev run -c zdev.toml"])
    changed = orders.replace("max_connections = 10", 'max_connections = 20\nout.connect = "tcp://127.0.0.1:5570"')
    audit = unwatched("audit", "streamer", ports[5])
    file.write_text(changed + unwatched("billing", "forwarder", ports[4]) + audit)
    terminals.run("zdev reload", says["zdev reload"])
    another = unwatched("audit", "forwarder", ports[5])
    file.write_text(changed.replace("= 20", "= 30") + unwatched("billing", "forwarder", ports[4]) + another)
    terminals.run("zdev reload --dry-run", says["zdev reload --dry-run"])
    file.write_text(ORDERS.format(*ports) + unwatched("more", "steamer", ports[1]))
    terminals.run("zdev reload", [line.replace("/etc/zdev", str(folder)) for line in says["zdev reload!"]], status=78)


@pytest.mark.slow
def test_steering_is_as_its_page_says(folder: Path, ports: list[int], terminals: Terminals) -> None:
    says = shown("steering.md")
    Path(folder, "zdev.toml").write_text(ORDERS.format(*ports) + unwatched("billing", "queue", ports[4]))
    with closing(sockets.create_server(("127.0.0.1", ports[4]))):
        terminals.run("zdev run -c zdev.toml", ["started: 1 of 2 devices active, 1 waiting"])
        while "waiting" not in (status := terminals.run("zdev status", [])).output.read_text():
            assert len(terminals) < 20  # now and then it is starting: it tries again
        status.prints(says.pop("zdev status"))
        terminals.run("zdev status orders", says.pop("zdev status orders"))
    terminals[0].prints(["billing: started"])
    for command, printed in says.items():
        terminals.run(command, printed, status=64 if "did you mean" in printed[0] else 0)


@pytest.mark.slow
def test_small_clients_are_as_their_page_says(folder: Path, ports: list[int], terminals: Terminals) -> None:
    page = (DOCS / "clients.md").read_text()
    for port, shown_port in zip(ports, ("15559", "15560", "15562", "15563", "15564", "15565"), strict=True):
        page = page.replace(shown_port, str(port))
    ends = [at("bind", port) for port in ports]
    devices = zip(("queue", "forwarder", "streamer"), ends[::2], ends[1::2], strict=True)
    Path(folder, "zdev.toml").write_text("".join(device(kind, kind, in_=in_, out=out) for kind, in_, out in devices))
    terminals.run("zdev run -c zdev.toml", ["started: 3 of 3 devices active"])
    receiver = None
    for command, printed in [step for _, block in BLOCK.findall(page) for step in commands(block)]:
        if not command:
            assert receiver is not None
            receiver.prints(printed)
            continue
        terminal = terminals.run(command, printed)
        if printed and printed[0].startswith("connected"):
            receiver = terminal
