"""The answers to each client, and the harm that clients can't do to others."""

from __future__ import annotations

import json
import socket
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import msgspec
import pytest
from msgspec.structs import replace
from patience import PATIENCE

from zdev_cli._failure import Failure, Status
from zdev_cli.snapshot import Snapshot
from zdev_cli.snapshot.peers import PeerView
from zdev_cli.snapshot.requests import WorkerView
from zdev_cli.web import WebServer, server
from zdev_cli.web.application import Application

if TYPE_CHECKING:
    from conftest import Served

Serve = Callable[[Snapshot], "Served"]


def wait_until_closed(client: socket.socket) -> None:
    client.settimeout(PATIENCE)
    try:
        while client.recv(4096):
            pass
    except ConnectionResetError:
        pass


def test_livez_answers_while_it_serves(serve: Serve, snapshot: Snapshot) -> None:
    served = serve(snapshot)
    assert served.ask("/livez").status == 200
    assert served.taken == 0


def test_readyz_is_200_when_all_is_well(serve: Serve, well: Snapshot) -> None:
    answer = serve(well).ask("/readyz")
    assert (answer.status, json.loads(answer.text)) == (200, {"ready": True, "reasons": []})


def test_readyz_is_503_and_names_the_devices_and_why(serve: Serve, snapshot: Snapshot) -> None:
    answer = serve(snapshot).ask("/readyz")
    why = "tasks: waiting: in: bind tcp://127.0.0.1:5559: Address already in use; retrying in 1.5 s"
    assert (answer.status, json.loads(answer.text)) == (503, {"ready": False, "reasons": [why]})


def test_readyz_says_that_zdev_ends_when_no_device_is_to_blame(serve: Serve, well: Snapshot) -> None:
    answer = serve(replace(well, ready=False)).ask("/readyz")
    assert answer.status == 503
    assert "about to end" in answer.text


def test_status_is_the_snapshot_as_json(serve: Serve, snapshot: Snapshot) -> None:
    answer = serve(snapshot).ask("/status")
    assert answer.headers["content-type"] == "application/json"
    assert msgspec.json.decode(answer.text, type=Snapshot) == snapshot


@pytest.mark.parametrize("path", ["/", "/metrics", "/peers", "/workers", "/livez", "/readyz", "/status", "/nothing"])
def test_every_answer_asks_browsers_to_keep_run_and_embed_nothing(serve: Serve, snapshot: Snapshot, path: str) -> None:
    headers = serve(snapshot).ask(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


@pytest.mark.parametrize("path", ["/", "/metrics", "/peers", "/workers", "/livez", "/readyz", "/status", "/nothing"])
def test_head_answers_as_get_without_the_content(serve: Serve, snapshot: Snapshot, path: str) -> None:
    served = serve(snapshot)
    get, head = served.ask(path), served.ask(path, "HEAD")
    assert head.text == ""
    assert head.status == get.status
    assert head.headers["content-type"] == get.headers["content-type"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_refused(serve: Serve, snapshot: Snapshot, method: str) -> None:
    answer = serve(snapshot).ask("/status", method)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


def test_workers_are_those_of_one_device_as_json(serve: Serve, snapshot: Snapshot) -> None:
    served = serve(snapshot)
    answer = served.ask("/workers?device=orders")
    assert msgspec.json.decode(answer.text, type=list[WorkerView]) == served.workers
    without = served.ask("/workers")
    assert (without.status, without.text) == (400, "name one device: /workers?device=NAME\n")


def test_peers_are_those_of_one_device_as_json(serve: Serve, snapshot: Snapshot) -> None:
    served = serve(snapshot)
    answer = served.ask("/peers?device=orders")
    assert answer.headers["content-type"] == "application/json"
    assert msgspec.json.decode(answer.text, type=list[PeerView]) == served.peers


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ("", 400, "name one device"),
        ("?device=a&device=b", 400, "name one device"),
        ("?device=none", 404, 'unknown device "none"'),
        ("?device=tasks", 503, "only the wire engine knows its peers"),
    ],
)
def test_peers_that_cannot_be_shown_are_an_error(serve: Serve, snapshot: Snapshot, query: str, status: int, text: str) -> None:
    answer = serve(snapshot).ask(f"/peers{query}")
    assert answer.status == status
    assert text in answer.text


def test_an_unknown_path_is_answered_with_the_known_ones(serve: Serve, snapshot: Snapshot) -> None:
    answer = serve(snapshot).ask("/metric")
    assert answer.status == 404
    assert "/metrics" in answer.text


@pytest.mark.parametrize(
    "host",
    [
        "attacker.example",
        "attacker.example:9595",
        "127.0.0.1.attacker.example",
        "localhost.attacker.example",
        "10.0.0.1",
        "[::2]",
        "",
        "[::1].attacker.example",
        "[::1]:80.attacker.example",
        "[::1",
        "::1",
        "[127.0.0.1",
        "127.0.0.1:80:attacker.example",
        "127.0.0.1:port",
        "localhost@attacker.example",
        "attacker.example@localhost",
        "localhost/attacker.example",
        "localhost, attacker.example",
        "%6cocalhost",
        "[::1%25eth0]",
        "[localhost]",
    ],
)
def test_on_loopback_a_name_of_another_machine_is_refused(serve: Serve, snapshot: Snapshot, host: str) -> None:
    answer = serve(snapshot).ask("/status", Host=host)
    assert answer.status == 421
    assert "orders" not in answer.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "127.1.2.3", "[::1]", "[::1]:9595"])
def test_on_loopback_its_own_names_are_answered_whatever_the_port(serve: Serve, snapshot: Snapshot, host: str) -> None:
    assert serve(snapshot).ask("/status", Host=host).status == 200


@pytest.mark.parametrize(
    ("address", "status"),
    [("127.0.0.1:1", 421), ("[::1]:1", 421), ("0.0.0.0:1", 200), ("10.1.2.3:1", 200), ("[::]:1", 200)],
)
def test_who_does_not_listen_on_loopback_answers_to_any_name(snapshot: Snapshot, address: str, status: int) -> None:
    statuses: list[str] = []
    environment = {"REQUEST_METHOD": "GET", "PATH_INFO": "/livez", "HTTP_HOST": "relay-7.example"}
    list(Application(lambda: snapshot, lambda _: [], address)(environment, lambda line, _: statuses.append(line)))  # type: ignore[arg-type, return-value]
    assert statuses[0].startswith(str(status))


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /status HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", b"431"),
        (b"GET /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000\r\n\r\n", b"413"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
    ],
    ids=["long header", "long body", "no request", "TLS"],
)
def test_what_is_too_long_or_no_request_is_refused(serve: Serve, snapshot: Snapshot, request_: bytes, status: bytes) -> None:
    served = serve(snapshot)
    with served.connect() as client:
        client.sendall(request_)
        assert client.recv(4096).split()[1] == status
    assert served.ask("/livez").status == 200


def test_slow_and_half_open_clients_block_nobody(serve: Serve, snapshot: Snapshot) -> None:
    served = serve(snapshot)
    slow = [served.connect() for _ in range(20)]
    for client in slow[:10]:
        client.sendall(b"GET /status HTTP/1.1\r\nHost: lo")
    for client in slow[10:15]:
        client.sendall(b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n")  # and never read
    assert served.ask("/status").status == 200
    for client in slow:
        client.close()


def test_a_client_that_trickles_is_cut_off(serve: Serve, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "CONNECTION_TIMEOUT", 1)
    served = serve(snapshot)
    assert served.cuts_off(b"GET /status HTTP/1.1\r\nHost: "), "a byte now and then held the connection"


def test_beyond_the_limit_a_new_connection_takes_the_place_of_the_one_that_is_idle_longest(
    serve: Serve, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "CONNECTIONS", 6)
    monkeypatch.setattr(server, "CONNECTION_TIMEOUT", 3600)
    served = serve(snapshot)
    oldest = HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)
    oldest.connect()
    silent = [served.connect() for _ in range(5)]
    for _ in range(2):
        oldest.request("GET", "/livez")
        assert oldest.getresponse().read() == b"alive\n"
        assert served.ask("/livez").status == 200
    wait_until_closed(silent[0])
    for client in (oldest, *silent):
        client.close()


@pytest.mark.parametrize("said", [b"", b"GET /livez HTTP/1.1\r\nHost: "], ids=["nothing", "half a request"])
def test_a_probe_is_answered_however_many_connections_are_silent(
    serve: Serve, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(server, "CONNECTION_TIMEOUT", 3600)
    served = serve(snapshot)
    silent = [served.connect() for _ in range(2 * server.CONNECTIONS)]
    for client in silent:
        with suppress(OSError):  # its place is another's already
            client.sendall(said)
    assert served.ask("/livez").status == 200
    assert len(served.server._server.active_channels) <= server.CONNECTIONS
    for client in silent:
        client.close()


@pytest.mark.parametrize("path", ["/metrics", "/livez"])
def test_more_requests_at_once_than_connections_are_all_answered(serve: Serve, snapshot: Snapshot, path: str) -> None:
    served = serve(snapshot)
    count = 2 * server.CONNECTIONS
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    with ExitStack() as stack:
        clients = []
        for _ in range(count):
            clients.append(stack.enter_context(served.connect()))
            clients[-1].sendall(request)
        statuses = Counter(client.recv(12) for client in clients)
    assert statuses == {b"HTTP/1.1 200": count}


def test_200_scrapes_at_once_by_clients_that_keep_their_connections_are_all_answered(serve: Serve, snapshot: Snapshot) -> None:
    served = serve(snapshot)
    start = threading.Barrier(200)
    connections = [HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE) for _ in range(200)]

    def scrape(connection: HTTPConnection) -> int:
        start.wait(PATIENCE)
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        answer.read()
        return answer.status

    with ThreadPoolExecutor(200) as pool:
        assert list(pool.map(scrape, connections)) == [200] * 200
    for each in connections:
        each.close()


def test_a_snapshot_that_fails_is_an_error_of_that_answer_only(serve: Serve, snapshot: Snapshot) -> None:
    served = serve(snapshot)
    served.fails = True
    assert served.ask("/metrics").status == 500
    assert served.ask("/livez").status == 200
    served.fails = False
    assert served.ask("/metrics").status == 200


def test_stop_ends_promptly_whatever_clients_do_and_frees_the_port(serve: Serve, snapshot: Snapshot) -> None:
    served = serve(snapshot)
    served.ask("/livez")
    clients = [served.connect() for _ in range(3)]
    clients[0].sendall(b"GET /status HTTP/1.1\r\nHost: lo")
    before = threading.active_count()
    stopper = threading.Thread(target=served.server.stop, daemon=True)
    stopper.start()
    stopper.join(PATIENCE)
    assert not stopper.is_alive()
    for client in clients:
        wait_until_closed(client)
        client.close()
    again = WebServer(served.server.address, lambda: snapshot, lambda _: [])
    again.start()
    again.stop()
    assert threading.active_count() < before
    served.server.stop()  # does nothing


def test_a_port_in_use_is_reported_with_the_address_and_what_to_do(serve: Serve, snapshot: Snapshot) -> None:
    taken = serve(snapshot).server.address
    with pytest.raises(Failure, match=rf"cannot listen on {taken}: Address already in use: .*\[http\]") as caught:
        WebServer(taken, lambda: snapshot, lambda _: []).start()
    assert caught.value.status == Status.UNAVAILABLE


@pytest.mark.parametrize("name", ["no-such-host.invalid", "x" * 70 + ".example"])
def test_a_name_that_does_not_resolve_is_reported(snapshot: Snapshot, name: str) -> None:
    with pytest.raises(Failure, match=f"{name}:80") as caught:
        WebServer(f"{name}:80", lambda: snapshot, lambda _: []).start()
    assert caught.value.status == Status.UNAVAILABLE


@pytest.mark.parametrize("listen", ["localhost", ":9595", "127.0.0.1:http", "127.0.0.1:70000", "127.0.0.1:", ""])
def test_an_invalid_address_is_reported_with_how_to_write_one(snapshot: Snapshot, listen: str) -> None:
    with pytest.raises(Failure, match="HOST:PORT") as caught:
        WebServer(listen, lambda: snapshot, lambda _: []).start()
    assert caught.value.status == Status.CONFIGURATION


def test_nothing_is_printed(serve: Serve, snapshot: Snapshot, capfd: pytest.CaptureFixture[str]) -> None:
    served = serve(snapshot)
    with served.connect() as client:
        client.sendall(b"nonsense\r\n\r\n")
        wait_until_closed(client)
    served.ask("/status")
    served.server.stop()
    assert capfd.readouterr() == ("", "")
