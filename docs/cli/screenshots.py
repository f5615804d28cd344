"""Makes page-light.png and page-dark.png beside this file: python docs/cli/screenshots.py.

A real zdev with real traffic; needs Chromium and the dependency group `test`.
"""

from __future__ import annotations

import math
import os
import random
import shutil
import subprocess
import sysconfig
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import zmq

if TYPE_CHECKING:
    from playwright.sync_api import Route

HERE = Path(__file__).parent
ZDEV = str(Path(sysconfig.get_path("scripts"), "zdev"))
MINUTE = 62.0  # seconds, to fill the charts
SIZE = {"width": 1360, "height": 500}
CONFIGURATION = """
[defaults]
drain_timeout = 1

[http]
listen = "127.0.0.1:0"

[[device]]
name = "orders"
type = "monitored-queue"
in.bind = ["tcp://127.0.0.1:5559", "ipc://orders.sock"]
out.bind = "tcp://127.0.0.1:5560"
mon.bind = "tcp://127.0.0.1:5561"
[device.workers]
retries = 2

[[device]]
name = "billing"
type = "queue"
isolation = "process"
in.bind = "tcp://127.0.0.1:5562"
out.bind = "tcp://127.0.0.1:5563"

[[device]]
name = "thumbnails"
type = "streamer"
in.bind = "tcp://127.0.0.1:5564"
out = { bind = "tcp://127.0.0.1:5565", options = { SNDHWM = 5 } }

[[device]]
name = "ticks"
type = "forwarder"
in.bind = "tcp://127.0.0.1:5566"
out.bind = "tcp://127.0.0.1:5567"

[[device]]
name = "logs"
type = "streamer"
in.bind = "tcp://127.0.0.1:5568"
out.bind = "tcp://127.0.0.1:5569"

[[device]]
name = "archive"
type = "streamer"
in.bind = "tcp://127.0.0.1:5570"
out.bind = "tcp://127.0.0.1:5571"

[[device]]
name = "audit"
type = "streamer"
in.bind = "tcp://127.0.0.1:5572"
out.bind = "ipc:///no-such-folder/audit.sock"
"""


class Traffic:
    """Peers of some devices, each a thread. A rate swings, with some noise."""

    def __init__(self) -> None:
        self._over = threading.Event()
        jobs = [
            *((self._request, 5559, name, rate) for name, rate in (("anna", 160), ("bert", 110), ("carl", 40))),
            *((self._work, 5560, f"worker-{number}", delay) for number, delay in ((1, 0.002), (2, 0.004), (3, 0.008))),
            (self._request, 5562, "till", 90),
            (self._work, 5563, "ledger", 0.001),
            (self._push, 5564, 5565, 30),
            (self._stream, (zmq.PUB, zmq.SUB), (5566, 5567), 900),
            (self._stream, (zmq.PUSH, zmq.PULL), (5568, 5569), 300),
        ]
        self._threads = [threading.Thread(target=job, args=arguments, daemon=True) for job, *arguments in jobs]

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _turns(self, rate: float) -> bool:
        """Waits for the next turn. Whether there is one."""
        swing = (
            1
            + 0.45 * math.sin(time.monotonic() / 7 + rate)
            + 0.25 * math.sin(time.monotonic() / 2.3)
            + random.uniform(-0.1, 0.1)
        )
        return not self._over.wait(1 / (rate * max(0.2, swing)))

    def _request(self, port: int, name: str, rate: float) -> None:
        with zmq.Context() as context, context.socket(zmq.REQ) as client:
            client.routing_id = name.encode()
            _connect({client: port})
            while self._turns(rate):
                client.send(b"q" * 120)
                while not client.poll(100):
                    if self._over.is_set():
                        return
                client.recv()

    def _work(self, port: int, name: str, delay: float) -> None:
        with zmq.Context() as context, context.socket(zmq.REP) as worker:
            worker.routing_id = name.encode()
            _connect({worker: port})
            while not self._over.is_set():
                if worker.poll(100):
                    worker.recv()
                    time.sleep(delay * random.uniform(0.5, 1.5))
                    worker.send(b"a" * 900)

    def _stream(self, types: tuple[int, int], ports: tuple[int, int], rate: float) -> None:
        with zmq.Context() as context, context.socket(types[0]) as sender, context.socket(types[1]) as receiver:
            if types[1] == zmq.SUB:
                receiver.subscribe(b"")
            _connect(dict(zip((sender, receiver), ports, strict=True)))
            while self._turns(rate / 5):
                for _ in range(5):
                    if sender.poll(0, zmq.POLLOUT):
                        sender.send(b"t" * 90)
                while receiver.poll(0):
                    receiver.recv()

    def _push(self, in_: int, out: int, rate: float) -> None:
        """The receiver rests in between, so that the device is held back."""
        with zmq.Context() as context, context.socket(zmq.PUSH) as push, context.socket(zmq.PULL) as pull:
            push.sndhwm = pull.rcvhwm = 5
            _connect({push: in_, pull: out})
            while self._turns(rate):
                for _ in range(3):
                    if push.poll(0, zmq.POLLOUT):
                        push.send(b"t" * 200_000)
                if time.monotonic() % 3 > 1:
                    while pull.poll(0):
                        pull.recv()


def _connect(ports: dict[zmq.Socket[bytes], int]) -> None:
    for socket, port in ports.items():
        socket.linger = 0
        socket.connect(f"tcp://127.0.0.1:{port}")


def _installed(route: Route) -> None:
    """Show the path of an installed service instead of a temporary folder."""
    answer = route.fetch()
    route.fulfill(response=answer, json={**answer.json(), "config": "/etc/zdev/zdev.toml"})


def _picture(address: str) -> None:
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=path, args=options)
        for scheme in ("light", "dark"):
            page = browser.new_page(viewport=SIZE, color_scheme=scheme)  # type: ignore[arg-type]
            page.route("**/status", _installed)
            page.goto(f"{address}#device=orders")
            for kind in ("workers", "peers"):
                page.locator(f"details.{kind} summary").click()
                page.locator(f"details.{kind} tbody tr").first.wait_for()
            page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
            page.screenshot(path=HERE / f"page-{scheme}.png", full_page=True)
        browser.close()


@contextmanager
def running() -> Iterator[tuple[str, str]]:
    """A zdev with traffic: the address of its page, and its control socket."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "zdev.toml").write_text(CONFIGURATION)
        control = str(Path(folder, "control", "socket"))
        command = [ZDEV, "run", "-c", "zdev.toml", "--control", control]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=folder, text=True) as program:
            assert program.stdout
            lines = iter(program.stdout)
            address = next(line.split()[-1] for line in lines if line.startswith("http"))
            next(line for line in lines if line.startswith("started:"))
            subprocess.run([ZDEV, "pause", "archive", "--control", control], check=True)
            with Traffic():
                yield address, control
            program.terminate()


def main() -> None:
    with running() as (address, _):
        threading.Event().wait(MINUTE)
        _picture(address)


if __name__ == "__main__":
    main()
