"""The client and the worker of docs/deploy/peers, with one replica on loopback; tests/scaling has them with many."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from patience import PATIENCE

from zdev_background import create_key

if TYPE_CHECKING:
    from conftest import Service

PEERS = Path(__file__).parents[4] / "docs" / "deploy" / "peers"


@contextmanager
def running(program: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, str(PEERS / program), *words], stdout=subprocess.PIPE, text=True)
    with process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.engine("libzmq")  # for CURVE
def test_a_client_gets_an_answer_to_all_that_it_asks(service: Callable[..., Service], folder: Path) -> None:
    server, _ = create_key(folder / "keys", "orders")
    _, key = create_key(folder / "peers", "peer")
    curve = '.curve = { secret_key = "keys/orders.key_secret", clients = "peers" }'
    at = service(
        f'[[device]]\nname = "a"\ntype = "queue"\nin.bind = "tcp://127.0.0.1:*"\nin{curve}\n'
        f'out.bind = "tcp://127.0.0.1:*"\nout{curve}\n'
    ).until_ready()
    words = {role: [f"localhost:{at[f'a {role}'].rpartition(':')[2]}", "--key", str(key)] for role in ("in", "out")}
    more = ["--server-key", str(server)]
    with running("worker.py", *words["out"], *more) as worker, running("client.py", *words["in"], *more) as client:
        assert client.stdout
        lines = (json.loads(line) for line in client.stdout)
        assert next(line for line in lines if line["answered"])
        client.send_signal(signal.SIGTERM)
        last = list(lines)[-1]
        assert client.wait(2 * PATIENCE) == 0
        assert 0 < last["answered"] == last["asked"]
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(2 * PATIENCE) == 0
