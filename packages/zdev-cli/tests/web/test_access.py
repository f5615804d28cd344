"""HTTP with TLS, passwords and tokens: who is served, what a reload changes, and the harm that clients can't do to others."""

from __future__ import annotations

import json
import re
import socket
import ssl
import struct
import subprocess
import threading
import warnings
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme
from conftest import ZDEV
from devices_text import BIND, at, device
from msgspec.structs import replace
from patience import PATIENCE

from zdev_cli.config import ConfigError, HttpConfig, load
from zdev_cli.config.http_access import Access, access_of, unencrypted
from zdev_cli.config.model import TlsConfig
from zdev_cli.snapshot import Snapshot
from zdev_cli.web import server

if TYPE_CHECKING:
    from conftest import Served, Service

Start = Callable[..., "Service"]
PAGE = Path(__file__).parents[4] / "docs" / "cli" / "monitoring.md"
TOKEN, OTHER = "0123456789abcdef" * 2, "fedcba9876543210" * 2
TLS = 'tls = { cert_file = "relay.crt", key_file = "relay.key" }\n'
SECRETS = 'password_file = "passwords"\ntoken_file = "tokens"\n'
QUEUE = device("orders", "queue", in_=BIND, out=BIND)


def configuration(*lines: str, listen: str = "127.0.0.1:0", devices: str = QUEUE) -> str:
    return f'[http]\nlisten = "{listen}"\n{"".join(lines)}{devices}'


def write(path: Path, text: str) -> None:
    path.touch(0o600)
    path.write_text(text)


def basic(name: str, password: str) -> str:
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def certify(folder: Path, authority: trustme.CA) -> Callable[[], None]:
    """Writes a new certificate and its key."""

    def write_files() -> None:
        issued = authority.issue_cert("127.0.0.1")
        write(folder / "relay.key", issued.private_key_pem.bytes().decode())
        write(folder / "relay.crt", b"".join(each.bytes() for each in issued.cert_chain_pems).decode())

    return write_files


@pytest.fixture
def files(folder: Path, certify: Callable[[], None]) -> Path:
    """The directory of the configuration, with a certificate, passwords and tokens."""
    certify()
    write(folder / "passwords", "# operators\nanna:s:ecret\nbörje:lösenord\n")
    write(folder / "tokens", f"{TOKEN}\n")
    return folder


class Client:
    """Asks a zdev over HTTP or HTTPS, at the address that it printed."""

    def __init__(self, authority: trustme.CA) -> None:
        self.tls = ssl.create_default_context()
        authority.configure_trust(self.tls)

    def connection(self, url: str) -> HTTPConnection:
        scheme, _, address = url.partition("://")
        address = address.replace("0.0.0.0", "127.0.0.1")
        if scheme == "http":
            return HTTPConnection(address, timeout=PATIENCE)
        return HTTPSConnection(address, timeout=PATIENCE, context=self.tls)

    def ask(self, url: str, path: str, authorization: str = "") -> tuple[int, str]:
        answer, text = self.answer(url, path, authorization)
        return answer.status, text

    def answer(self, url: str, path: str, authorization: str = "") -> tuple[HTTPResponse, str]:
        connection = self.connection(url)
        connection.request("GET", path, headers={"Authorization": authorization} if authorization else {})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer, text

    def certificate(self, url: str) -> bytes:
        host, _, port = url.removeprefix("https://").partition(":")
        with (
            socket.create_connection((host, int(port)), PATIENCE) as plain,
            self.tls.wrap_socket(plain, server_hostname=host) as client,
        ):
            return client.getpeercert(binary_form=True) or b""


@pytest.fixture
def client(authority: trustme.CA) -> Client:
    return Client(authority)


@pytest.mark.usefixtures("files")
def test_https_is_served_with_the_certificate_of_the_file(service: Start, client: Client) -> None:
    running = service(configuration(TLS))
    running.until_ready()
    assert running.http.startswith("https://127.0.0.1:")
    status, text = client.ask(running.http, "/metrics")
    assert (status, "zdev_ready 1" in text) == (200, True)


@pytest.mark.usefixtures("files")
def test_each_path_but_those_of_probes_needs_a_password_or_a_token(service: Start, client: Client) -> None:
    running = service(configuration(SECRETS))
    running.until_ready()
    right = (basic("anna", "s:ecret"), basic("börje", "lösenord"), f"Bearer {TOKEN}", f"bearer  {TOKEN}")
    assert [client.ask(running.http, "/metrics", each)[0] for each in right] == [200] * len(right)
    wrong = (
        "",
        basic("anna", "secret"),
        basic("anna", ""),
        basic("olof", "s:ecret"),
        f"Bearer {OTHER}",
        f"Bearer {TOKEN}x",
        f"Basic {TOKEN}",
        f"Bearer {b64encode(b'anna:s:ecret').decode()}",
        "Bearer",
        "Basic !",
        "Basic \xff",
        "Digest username=anna",
        TOKEN,
    )
    assert [client.ask(running.http, "/metrics", each)[0] for each in wrong] == [401] * len(wrong)
    paths = ("/", "/metrics", "/peers", "/workers", "/status", "/nothing")
    assert [client.ask(running.http, each)[0] for each in paths] == [401] * len(paths)
    assert [client.ask(running.http, each)[0] for each in ("/livez", "/readyz")] == [200, 200]
    challenges = client.answer(running.http, "/")[0].headers.get_all("WWW-Authenticate")
    assert challenges == ['Basic realm="zdev", charset="UTF-8"', 'Bearer realm="zdev"']


@pytest.mark.usefixtures("files")
def test_readyz_gives_its_reasons_only_to_clients_with_credentials(service: Start, client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        queue = device("orders", "queue", in_=at("bind", taken.getsockname()[1]), out=BIND)
        running = service(configuration(SECRETS, devices=queue))
        running.until_ready()
        hidden, shown = (client.ask(running.http, "/readyz", each) for each in ("", f"Bearer {TOKEN}"))
    assert (hidden[0], json.loads(hidden[1])["reasons"]) == (503, ["shown with a password or token only"])
    assert shown[0] == 503
    assert "already in use" in shown[1]


@pytest.mark.usefixtures("files")
def test_wrong_credentials_are_logged_once_in_ten_seconds_and_never_quoted(service: Start, client: Client) -> None:
    running = service(configuration(SECRETS))
    running.until_ready()
    for attempt in (f"Bearer {OTHER}", basic("anna", "guessed"), basic("guessed", "s:ecret")):
        for _ in range(5):
            assert client.ask(running.http, "/metrics", attempt)[0] == 401
    client.ask(running.http, "/metrics")  # as a browser does before it asks for a password
    running.send(15)
    said = running.err.rest()
    refusals = [line for line in said if "refused" in line]
    assert len(refusals) == 1
    assert "http: refused a peer at 127.0.0.1:" in refusals[0]
    assert refusals[0].endswith("from 127.0.0.1: unknown name, password or token")
    assert not any(secret in line for line in said for secret in (OTHER, "guessed", "ecret", TOKEN))


def test_a_reload_reads_the_files_again(service: Start, client: Client, files: Path, certify: Callable[[], None]) -> None:
    running = service(configuration(TLS, SECRETS))
    running.until_ready()
    before = client.certificate(running.http)
    kept = client.connection(running.http)
    kept.request("GET", "/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert kept.getresponse().read()
    certify()
    write(files / "tokens", f"{OTHER}\n")
    assert running.do("reload", "--dry-run")[:2] == ["orders: unchanged", "http: would change: tls, token_file"]
    assert client.ask(running.http, "/metrics", f"Bearer {OTHER}")[0] == 401
    assert running.do("reload") == ["orders: unchanged", "http: changed: tls, token_file"]
    assert running.do("reload") == ["orders: unchanged"]
    assert client.certificate(running.http) != before
    assert client.ask(running.http, "/metrics", f"Bearer {OTHER}")[0] == 200
    kept.request("GET", "/metrics", headers={"Authorization": f"Bearer {TOKEN}"})  # on the connection that it has
    assert kept.getresponse().status == 401
    kept.close()


@pytest.mark.parametrize(("mode", "text"), [(0o644, f"{OTHER}\n"), (0o600, "short\n")], ids=["mode", "content"])
def test_a_reload_with_an_unusable_file_changes_nothing(
    service: Start, client: Client, files: Path, mode: int, text: str
) -> None:
    running = service(configuration(TLS, SECRETS))
    running.until_ready()
    (files / "tokens").write_text(text)
    (files / "tokens").chmod(mode)
    done = running.ask("reload")
    assert done.returncode == 78
    assert "http.token_file: " in done.stderr
    assert text.strip() not in done.stderr
    assert client.ask(running.http, "/metrics", f"Bearer {TOKEN}")[0] == 200


@pytest.mark.usefixtures("files")
def test_a_reload_switches_tls_on_and_off_at_the_same_port(service: Start, client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    running = service(configuration(listen=listen))
    running.until_ready()
    assert client.ask(f"http://{listen}", "/livez")[0] == 200
    running.write(configuration(TLS, listen=listen))
    assert running.do("reload") == ["orders: unchanged", f"http: https://{listen}/"]
    assert client.ask(f"https://{listen}", "/livez")[0] == 200
    running.write(configuration(listen=listen))
    assert running.do("reload") == ["orders: unchanged", f"http: http://{listen}/"]
    assert client.ask(f"http://{listen}", "/livez")[0] == 200


@pytest.mark.usefixtures("files")
def test_other_hosts_are_served_with_credentials_and_a_warning_without_tls(service: Start, client: Client) -> None:
    running = service(configuration(SECRETS, listen="0.0.0.0:0"))
    running.until_ready()
    warning = "passwords and tokens cross the network to 0.0.0.0:0 unencrypted"
    assert warning in running.err.next()
    assert client.ask(running.http, "/metrics", f"Bearer {TOKEN}")[0] == 200
    assert client.ask(running.http, "/metrics")[0] == 401
    [said] = [line for line in run_validate(running.file) if "warning" in line]
    assert warning in said
    running.write(configuration(SECRETS, TLS, listen="0.0.0.0:0"))
    assert [line for line in run_validate(running.file) if "warning" in line] == []


def run_validate(file: Path) -> list[str]:
    done = subprocess.run([ZDEV, "validate", str(file)], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr.splitlines()


@pytest.mark.slow
@pytest.mark.usefixtures("files")
def test_a_zdev_that_takes_over_serves_the_same_port_with_tls(service: Start, client: Client) -> None:
    former = service(configuration(TLS))
    former.until_ready()
    latter = service(configuration(TLS), arguments=("--take-over",))
    latter.until_ready()
    assert latter.http == former.http
    assert former.status() == 0
    assert client.ask(latter.http, "/livez")[0] == 200


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("tls", ["", TLS], ids=["plain", "TLS"])
def test_200_scrapes_at_once_are_all_answered(service: Start, client: Client, tls: str) -> None:
    running = service(configuration(tls, SECRETS))
    running.until_ready()
    start = threading.Barrier(200)

    def scrape(_: int) -> tuple[int, bool]:
        start.wait(PATIENCE)
        status, text = client.ask(running.http, "/metrics", f"Bearer {TOKEN}")
        return status, "zdev_ready" in text

    with ThreadPoolExecutor(200) as pool:
        assert list(pool.map(scrape, range(200))) == [(200, True)] * 200


@pytest.fixture
def access(files: Path) -> Access:
    return access_of(HttpConfig(tls=TlsConfig(cert_file=str(files / "relay.crt"), key_file=str(files / "relay.key"))))


@pytest.fixture
def served(serve: Callable[..., Served], snapshot: Snapshot, access: Access) -> Served:
    """A server with TLS in this process."""
    return serve(snapshot, access)


def is_served(served: Served, client: Client) -> bool:
    return client.ask(f"https://127.0.0.1:{served.port}", "/livez")[0] == 200


def read_all(connection: socket.socket) -> bytes:
    """Return what arrives until the server closes the connection."""
    found = b""
    with suppress(ConnectionResetError):
        while data := connection.recv(4096):
            found += data
    return found


@pytest.mark.parametrize("said", [b"nonsense\r\n\r\n" * 1000, b"\0" * 100])
def test_bytes_that_are_not_a_handshake_end_their_connection_only(served: Served, client: Client, said: bytes) -> None:
    with served.connect() as stranger:
        with suppress(OSError):
            stranger.sendall(said)
        assert b"HTTP" not in read_all(stranger)
    assert is_served(served, client)


def test_silent_handshakes_delay_nobody_and_make_room(served: Served, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "CONNECTIONS", 6)
    silent = [served.connect() for _ in range(10)]
    for each in silent[:5]:
        with suppress(OSError):  # its place is another's already
            each.sendall(b"\x16\x03\x01\x02\x00\x01")  # the first bytes of a handshake
    assert is_served(served, client)
    assert len(served.server._server.active_channels) <= server.CONNECTIONS
    for each in silent:
        each.close()


def test_a_handshake_that_trickles_is_cut_off(
    serve: Callable[..., Served], snapshot: Snapshot, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "CONNECTION_TIMEOUT", 1)
    served = serve(snapshot, access)
    assert served.cuts_off(b"\x16\x03\x01\x40\x00"), "a byte now and then held the connection"


def test_a_client_that_does_not_read_holds_no_other(served: Served, client: Client) -> None:
    request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
    greedy = [client.tls.wrap_socket(served.connect(), server_hostname="127.0.0.1") for _ in range(10)]
    for each in greedy:
        each.sendall(request * 50)
    assert is_served(served, client)
    for each in greedy:
        each.close()


def test_a_request_in_many_records_and_several_in_one_are_answered(served: Served, client: Client) -> None:
    request = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with client.tls.wrap_socket(served.connect(), server_hostname="127.0.0.1") as connection:
        for byte in request:
            connection.sendall(bytes([byte]))
        connection.sendall(request * 3 + request.replace(b"Host", b"Connection: close\r\nHost"))
        text = read_all(connection)  # which fails if the end is not announced
        assert text.count(b"alive") == 5


def test_a_large_answer_arrives_whole(served: Served, client: Client) -> None:
    queue = served.snapshot.devices[0]
    served.snapshot = replace(served.snapshot, devices=[replace(queue, name=f"queue-{i}") for i in range(500)])
    status, text = client.ask(f"https://127.0.0.1:{served.port}", "/status")
    assert status == 200
    assert len(json.loads(text)["devices"]) == 500


def test_no_other_version_than_tls_1_2_and_1_3_is_spoken(served: Served, client: Client) -> None:
    for version, is_spoken in ((ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)):
        context = ssl.create_default_context(cadata=None)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = version
        with served.connect() as plain:
            try:
                context.wrap_socket(plain, server_hostname="127.0.0.1").close()
                assert is_spoken
            except ssl.SSLError:
                assert not is_spoken
    assert is_served(served, client)


def test_a_client_that_resets_its_connection_during_the_handshake_ends_only_that(served: Served, client: Client) -> None:
    for said in (b"", b"\x16\x03\x01", b"nonsense\r\n\r\n"):
        for _ in range(10):
            stranger = served.connect()
            stranger.sendall(said)
            stranger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            stranger.close()
    assert is_served(served, client)


def test_http_without_tls_is_answered_with_what_to_do(served: Served, client: Client) -> None:
    for _ in range(5):
        answer, text = client.answer(f"http://127.0.0.1:{served.port}", "/metrics?" + 4000 * "x")
        assert (answer.status, text) == (400, "this address is served with TLS: use https://\n")
    assert is_served(served, client)


def test_stop_ends_promptly_during_handshakes(served: Served) -> None:
    clients = [served.connect() for _ in range(3)]
    served.server.stop()
    for each in clients:
        assert read_all(each) == b""
        each.close()


def refusals(folder: Path, *lines: str, listen: str = "127.0.0.1:0") -> list[str]:
    (folder / "zdev.toml").write_text(configuration(*lines, listen=listen))
    with pytest.raises(ConfigError) as caught:
        load(folder / "zdev.toml")
    return [f"{each.key}: {each.message}".replace(f"{folder}/", "") for each in caught.value.diagnostics]


def test_unusable_files_are_reported_with_their_reason_and_never_quoted(files: Path, certify: Callable[[], None]) -> None:
    mode = "others than its owner can read or write it"
    (files / "relay.key").chmod(0o644)
    assert refusals(files, TLS) == [f"http.tls: {mode} (chmod 0600 relay.key): 'relay.key'"]
    certify()
    (files / "relay.key").chmod(0o600)
    (files / "relay.key").write_text("secret")
    assert refusals(files, TLS) == ["http.tls: relay.crt and relay.key are not a certificate and its key in PEM"]
    write(files / "relay.key", trustme.CA().issue_cert("127.0.0.1").private_key_pem.bytes().decode())
    assert refusals(files, TLS) == ["http.tls: the key in relay.key does not belong to the certificate in relay.crt"]
    assert refusals(files, 'tls = { cert_file = "relay.crt" }\n') == ["http.tls.key_file: required: must be text"]
    for name, key in (("passwords", "password_file"), ("tokens", "token_file")):
        (files / name).chmod(0o640)
        assert refusals(files, f'{key} = "{name}"\n') == [f"http.{key}: {mode} (chmod 0600 {name}): '{name}'"]
        (files / name).chmod(0o600)
        (files / name).write_text("# none\n\n")
        [said] = refusals(files, f'{key} = "{name}"\n')
        assert f"http.{key}: {name}: no {name}" in said
        (files / name).write_text("sesame\n")
        [said] = refusals(files, f'{key} = "{name}"\n')
        assert f"http.{key}: {name}:1: a " in said
        assert "sesame" not in said
    assert refusals(files, 'token_file = "gone"\n') == ["http.token_file: No such file or directory: 'gone'"]


def test_an_encrypted_key_is_refused_without_asking_for_its_password(files: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key((files / "relay.key").read_bytes(), None)
    encryption = serialization.BestAvailableEncryption(b"secret")
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    (files / "relay.key").write_bytes(key.private_bytes(*form))
    assert refusals(files, TLS) == ["http.tls: relay.key: the key is encrypted (zdev cannot ask for its password)"]


def test_the_example_of_the_page_is_right(files: Path) -> None:
    [example] = [each for each in re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL) if "password_file" in each]
    for name in ("passwords", "tokens"):
        (files / name).rename(files / f"http.{name}")
    (files / "zdev.toml").write_text(example + QUEUE)
    http = load(files / "zdev.toml").http
    assert http
    assert access_of(http).tls
    assert list(unencrypted(http)) == []


def test_tls_alone_does_not_open_it_to_other_hosts(files: Path) -> None:
    [said] = refusals(files, TLS, listen="0.0.0.0:9595")
    assert "0.0.0.0:9595 is reachable from other hosts without authentication" in said
