"""The programs of a scenario: zdev as it is deployed, and the clients and workers of docs/deploy/peers."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from devices_text import with_engine

from zdev_background import create_key
from zdev_cli._failure import Failure
from zdev_cli.control.client import ask
from zdev_cli.control.protocol import Request
from zdev_cli.snapshot import DeviceView, Snapshot

from .network import PATIENCE, Host

ZDEV = str(Path(sysconfig.get_path("scripts"), "zdev"))
DEPLOY = Path(__file__).parents[4] / "docs" / "deploy"
PEERS = DEPLOY / "peers"


class Keys:
    """The files of `zdev key new`, where the Kubernetes deployment expects them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = create_key(folder, "orders")[0]
        self.client = create_key(folder / "clients", "client")[1]
        self.worker = create_key(folder / "workers", "worker")[1]

    def deployed(self) -> str:
        """The configuration of docs/deploy/kubernetes, with these keys."""
        text = (DEPLOY / "kubernetes" / "zdev.toml").read_text()
        return text.replace("/run/zdev/", f"{self.folder}/").replace("/etc/zdev/", f"{self.folder}/")


class Zdev:
    """`zdev run -c` on a host; ready once it is made.

    Attributes:
        engine: The engine of devices that do not set one.
    """

    engine = "auto"

    def __init__(self, host: Host, folder: Path, toml: str) -> None:
        folder.mkdir(mode=0o700)
        self.host = host
        self._log, self._control = folder / "zdev.log", folder / "control.sock"
        (folder / "zdev.toml").write_text(with_engine(toml, self.engine))
        with self._log.open("w") as log:
            command = [ZDEV, "run", "-c", str(folder / "zdev.toml"), "--control", str(self._control)]
            self._process = host.start(*command, stdout=log.fileno(), stderr=log.fileno())
        until(self._is_ready, lambda: f"zdev is not ready: {self.said()}")

    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def view(self) -> DeviceView:
        """Of its first device."""
        return self._snapshot().devices[0]

    def drain(self) -> tuple[float, int]:
        """End it, as systemd and Kubernetes do. How many seconds that took, and its exit status."""
        begin = time.monotonic()
        self._process.terminate()
        status = self._process.wait(PATIENCE)
        return time.monotonic() - begin, status

    def _snapshot(self) -> Snapshot:
        snapshot = ask(Request(verb="status"), str(self._control)).snapshot
        assert snapshot
        return snapshot

    def _is_ready(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"zdev ended: {self.said()}")
        try:
            return self._snapshot().ready
        except Failure:
            return False


class Client:
    """docs/deploy/peers/client.py on a host; what its latest line tells."""

    def __init__(self, host: Host, name: str, keys: Keys | None, **options: int) -> None:
        words = _words("client.py", name, keys.client if keys else None, keys, options)
        self._process = host.start(*words, stdout=subprocess.PIPE)
        self.lines: list[dict[str, Any]] = [dict.fromkeys(("asked", "answered", "again", "ignored", "slowest", "at"), 0)]
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def answered(self) -> int:
        return int(self.lines[-1]["answered"])

    def cease(self) -> None:
        """Ask nothing new."""
        self._process.terminate()

    def end(self) -> dict[str, Any]:
        """Once everything was answered, or its patience was at an end: its last line."""
        self.cease()
        self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return self.lines[-1]

    def _read(self) -> None:
        assert self._process.stdout
        with self._process.stdout as lines:
            for line in lines:
                self.lines.append(json.loads(line))


def start_worker(host: Host, name: str, keys: Keys | None, work: float = 0.0) -> subprocess.Popen[str]:
    return host.start(*_words("worker.py", name, keys.worker if keys else None, keys, {"work": work}))


def until(condition: Callable[[], object], otherwise: Callable[[], str] = lambda: "it does not come") -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(otherwise())
        time.sleep(0.02)


def _words(program: str, name: str, key: Path | None, keys: Keys | None, options: dict[str, Any]) -> list[str]:
    words = [sys.executable, str(PEERS / program), name]
    if keys:
        words += ["--key", str(key), "--server-key", str(keys.server)]
    return words + [word for option, value in options.items() for word in (f"--{option}", str(value))]
