"""The README's example relays until Ctrl-C ends it."""

from __future__ import annotations

import re
import signal
import socket as sockets
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zmq

if TYPE_CHECKING:
    from conftest import Net

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
def test_the_example_relays_until_ctrl_c(net: Net, deadline: float) -> None:
    [program] = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    with ExitStack() as stack:
        servers = [stack.enter_context(sockets.create_server(("127.0.0.1", 0))) for _ in range(3)]
        front, back, tap = (f"tcp://127.0.0.1:{server.getsockname()[1]}" for server in servers)
    for endpoint, free in (("5559", front), ("5560", back), ("5561", tap)):
        program = program.replace(f"tcp://127.0.0.1:{endpoint}", free)
    client, worker = net.connected(zmq.REQ, front), net.connected(zmq.REP, back)
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True) as process:
        try:
            client.send(b"question")
            assert worker.recv() == b"question"
            worker.send(b"answer")
            assert client.recv() == b"answer"
            process.send_signal(signal.SIGINT)
            assert process.wait(deadline) == -signal.SIGINT
            assert process.stderr
            assert process.stderr.read().endswith("KeyboardInterrupt\n")
        finally:
            process.kill()
