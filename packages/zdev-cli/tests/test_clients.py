"""`zdev pub`, `sub`, `push`, `pull`, `req` and `rep`: small clients, through devices and against other sockets."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import pytest
import zmq
from patience import PATIENCE

from zdev_background import create_key

if TYPE_CHECKING:
    from conftest import Program, Service

ANY = "tcp://127.0.0.1:*"
Start = Callable[..., "Program"]
Refused = Callable[..., tuple[int, str]]
Bound = Callable[..., tuple["zmq.Socket[bytes]", str]]
Connected = Callable[..., "zmq.Socket[bytes]"]
Done = subprocess.CompletedProcess[bytes]
Run = Callable[..., Done]


@pytest.fixture
def run(zdev_path: str) -> Run:
    """Runs `zdev` with these arguments and this on stdin, until it ends."""

    def do(*arguments: str, stdin: bytes = b"") -> Done:
        return subprocess.run([zdev_path, *arguments], input=stdin, capture_output=True, timeout=PATIENCE, check=False)

    return do


def device(zdev: Start, kind: str) -> dict[str, str]:
    """The endpoints of a device that runs."""
    return zdev("run", kind, "--bind-in", ANY, "--bind-out", ANY).endpoints(2)


def connected_to(program: Program, endpoint: str) -> Program:
    assert program.err.next() == f"connected to {endpoint}"
    return program


def bound_at(program: Program) -> str:
    """The endpoint that a client with --bind prints."""
    return program.err.next_with("bound to ").split()[-1]


def test_push_and_pull_exchange_messages_through_a_streamer(zdev: Start, run: Run) -> None:
    at = device(zdev, "streamer")
    pull = connected_to(zdev("pull", at["out"], "--count", "3"), at["out"])
    pushed = run("push", at["in"], "job {n}", "of {all}", "--counter", "{n}", "--count", "3", "--rate", "1000")
    assert (pushed.returncode, pushed.stderr) == (0, b"sent 3 messages, 39 B\n")
    assert pull.out.rest() == ["job 1 of {all}", "job 2 of {all}", "job 3 of {all}"]
    assert pull.status() == 0
    assert pull.err.rest() == ["received 3 messages, 39 B"]


def test_pub_and_sub_exchange_topics_through_a_forwarder(zdev: Start, run: Run) -> None:
    at = device(zdev, "forwarder")
    sub = zdev("sub", at["out"], "--topic", "prices.", "--topic", "rates.", "--count", "3")
    lines = b"prices.pen|12.5\nweather|rain\nrates.eur|1.1"
    published = run("pub", at["in"], "--separator", "|", stdin=lines)
    assert published.returncode == 0
    assert published.stderr.splitlines()[-1] == b"sent 2 messages, 26 B; 1 not sent: no subscriber"
    assert run("pub", at["in"], "--topic", "prices.", "13").returncode == 0
    assert sub.out.rest() == ["prices.pen 12.5", "rates.eur 1.1", "prices. 13"]
    assert sub.status() == 0


def test_req_and_rep_exchange_requests_through_a_queue(zdev: Start, run: Run) -> None:
    at = device(zdev, "queue")
    rep = connected_to(zdev("rep", at["out"], "--command", "tr a-z A-Z"), at["out"])
    asked = run("req", at["in"], stdin=b"hello\nbye\n")
    assert asked.stdout == b"HELLO\nBYE\n"
    assert (asked.returncode, asked.stderr) == (0, b"sent 2 messages, 8 B; received 2 replies, 8 B\n")
    assert [rep.out.next(), rep.out.next()] == ["hello", "bye"]
    rep.send(signal.SIGTERM)
    assert rep.status() == 0
    assert rep.err.rest() == ["received 2 messages, 8 B"]


QUEUE = """
[[device]]
name = "orders"
type = "queue"
in = { bind = "tcp://127.0.0.1:*", %(access)s }
out = { bind = "tcp://127.0.0.1:*", %(access)s }
"""


def test_a_queue_with_curve_admits_clients_with_their_keys(
    service: Callable[..., Service], zdev: Start, run: Run, folder: Path
) -> None:
    create_key(folder, "server")
    create_key(folder / "clients", "anna")
    create_key(folder, "mallory")
    access = 'curve = { secret_key = "server.key_secret", clients = "clients" }'
    at = service(QUEUE % {"access": access}).until_ready()
    server = ("--server-key", str(folder / "server.key"))
    anna = ("--secret-key", str(folder / "clients" / "anna.key_secret"), *server)
    connected_to(zdev("rep", at["orders out"], *anna), at["orders out"])
    assert run("req", at["orders in"], "hello", *anna).stdout == b"hello\n"

    stranger = run("req", at["orders in"], "hello", "--secret-key", str(folder / "mallory.key_secret"), *server)
    assert stranger.returncode == 69
    assert b"rejected this key: add its public key to the clients there" in stranger.stderr
    without = run("req", at["orders in"], "hello")
    assert without.returncode == 69
    assert b"if it requires a key, add --secret-key FILE" in without.stderr


def test_a_queue_with_plain_admits_clients_with_their_password(
    service: Callable[..., Service], zdev: Start, run: Run, folder: Path
) -> None:
    for name, text in (("passwords", "anna:open sesame"), ("anna", "anna:open sesame"), ("wrong", "anna:sesame")):
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    at = service(QUEUE % {"access": 'plain = { passwords = "passwords" }'}).until_ready()
    anna = ("--password", str(folder / "anna"))
    connected_to(zdev("rep", at["orders out"], *anna), at["orders out"])
    assert run("req", at["orders in"], "hello", *anna).stdout == b"hello\n"
    wrong = run("req", at["orders in"], "hello", "--password", str(folder / "wrong"))
    assert wrong.returncode == 69
    assert re.search(b"rejected (this|the) name and password", wrong.stderr)


@pytest.mark.parametrize("mechanism", ["CURVE", "PLAIN"])
def test_a_client_that_binds_admits_only_the_peers_in_its_files(zdev: Start, run: Run, folder: Path, mechanism: str) -> None:
    create_key(folder, "server")
    create_key(folder / "clients", "anna")
    create_key(folder, "mallory")
    for name, text in (("passwords", "anna:1\nbert:2"), ("anna", "anna:1"), ("mallory", "mallory:1")):
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)

    def key(path: str) -> tuple[str, ...]:
        return ("--secret-key", str(folder / f"{path}.key_secret"), "--server-key", str(folder / "server.key"))

    if mechanism == "CURVE":
        server = ("--secret-key", str(folder / "server.key_secret"), "--clients", str(folder / "clients"))
        anna, mallory = key("clients/anna"), key("mallory")
    else:
        server = ("--password", str(folder / "passwords"))
        anna, mallory = ("--password", str(folder / "anna")), ("--password", str(folder / "mallory"))
    pull = zdev("pull", ANY, "--bind", "--count", "1", *server)
    at = bound_at(pull)
    refused = run("push", at, "hello", *mallory)
    assert refused.returncode == 69
    assert b"rejected this" in refused.stderr
    assert run("push", at, "hello", *anna).returncode == 0
    assert pull.out.rest() == ["hello"]


def test_several_endpoints_share_or_all_get_the_messages(zdev: Start, bound: Bound, run: Run) -> None:
    (one, at_one), (two, at_two) = bound(zmq.XPUB), bound(zmq.XPUB)
    sub = zdev("sub", at_one, at_two, "--count", "2")
    assert (one.recv(), two.recv()) == (b"\1", b"\1")
    one.send(b"a")
    assert sub.out.next() == "a"
    two.send(b"b")
    assert sub.out.rest() == ["b"]
    assert f"connected to {at_two}" in sub.err.rest()
    pull, at = bound(zmq.PULL)
    assert run("push", at, "--endpoint", at, stdin=b"x\n" * 20).returncode == 0
    assert [pull.recv() for _ in range(20)] == [b"x"] * 20


def test_files_are_frames_and_are_sent_exactly(run: Run, bound: Bound, tmp_path: Path) -> None:
    pull, at = bound(zmq.PULL)
    contents = [bytes(range(256)), b""]
    paths = [tmp_path / "bytes", tmp_path / "nothing"]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    assert run("push", at, "--file", str(paths[0]), "--file", str(paths[1]), "--file", "-", stdin=b"a\nb\n").returncode == 0
    assert pull.recv_multipart() == [*contents, b"a\nb\n"]


def test_braces_and_dashes_are_ordinary_text(run: Run, bound: Bound) -> None:
    pull, at = bound(zmq.PULL)
    assert run("push", at, "{n} %d 0x10", "", "--", "-1").returncode == 0
    assert pull.recv_multipart() == [b"{n} %d 0x10", b"", b"-1"]


def test_each_line_is_sent_as_it_comes_and_the_count_ends_it(zdev_path: str, bound: Bound) -> None:
    pull, at = bound(zmq.PULL)
    pipe = subprocess.PIPE
    with subprocess.Popen([zdev_path, "push", at, "--count", "2"], stdin=pipe, stderr=pipe) as push:
        assert push.stdin
        for line in (b"one", b"two"):
            push.stdin.write(line + b"\n")
            push.stdin.flush()
            assert pull.recv() == line
        assert push.wait(PATIENCE) == 0
        assert push.stderr
        assert push.stderr.read() == b"sent 2 messages, 6 B\n"


def test_a_line_that_comes_in_many_parts_is_one_message(run: Run, bound: Bound) -> None:
    pull, at = bound(zmq.PULL)
    lines = [b"x" * 3_000_000, b"", b"short", b"y" * 200_000]
    assert run("push", at, stdin=b"\n".join(lines)).stderr == b"sent 4 messages, 3.2 MB\n"
    assert [pull.recv() for _ in lines] == lines


@pytest.mark.parametrize("stdin", ["<&-", "</dev/null"])
@pytest.mark.parametrize("command", ["push", "pub", "req"])
def test_a_closed_stdin_is_an_end_without_messages(zdev_path: str, bound: Bound, command: str, stdin: str) -> None:
    _, at = bound({"push": zmq.PULL, "pub": zmq.SUB, "req": zmq.REP}[command])
    shell = ["sh", "-c", f'exec "$0" "$@" {stdin}', zdev_path, command, at]
    done = subprocess.run(shell, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0
    assert done.stderr.startswith("sent 0 messages, 0 B")


def test_the_rate_is_kept(run: Run, bound: Bound) -> None:
    _, at = bound(zmq.PULL)
    begin = monotonic()
    assert run("push", at, "x", "--count", "5", "--rate", "20").returncode == 0
    assert monotonic() - begin >= 4 / 20


def test_without_a_peer_push_says_so_and_ends_after_the_timeout(run: Run, free: str) -> None:
    done = run("push", free, "x", "--count", "7", "--timeout", "1.1")
    assert done.returncode == 69
    assert done.stderr.decode().splitlines() == [
        f"waiting for a peer at {free}",
        "sent 0 messages, 0 B; 7 not sent",
        f"zdev: PUSH to {free}: no peer within 1.1 s: nothing was sent",
    ]


def test_without_a_subscriber_pub_counts_what_was_not_sent(run: Run, bound: Bound) -> None:
    sub, at = bound(zmq.SUB)
    sub.subscribe(b"other")
    done = run("pub", at, "x", "y", "--timeout", "0.3")
    assert done.returncode == 69
    assert done.stderr.decode().splitlines() == [
        "sent 0 messages, 0 B; 1 not sent",
        f"zdev: PUB to {at}: no subscriber within 0.3 s: nothing was sent",
    ]
    done = run("pub", at, "x", "--count", "3", "--no-wait", "--quiet")
    assert (done.returncode, done.stderr) == (0, b"sent 0 messages, 0 B; 3 not sent: no subscriber\n")


def test_pub_waits_until_its_first_message_has_a_subscriber(zdev: Start) -> None:
    pub = zdev("pub", ANY, "--bind", "--topic", "a.", "1")
    at = bound_at(pub)
    others, sub = zdev("sub", at, "--topic", "b."), zdev("sub", at, "--topic", "a", "--count", "1")
    assert sub.out.rest() == ["a. 1"]
    assert pub.status() == 0
    assert not others.out.waiting()


def test_a_request_without_a_reply_is_unavailable(run: Run, bound: Bound) -> None:
    _, at = bound(zmq.ROUTER)
    done = run("req", at, "hello", "--timeout", "0.2")
    assert (done.returncode, done.stdout) == (69, b"")
    assert done.stderr.decode().splitlines() == [
        "sent 1 message, 5 B; received 0 replies, 0 B",
        f"zdev: no reply from {at} within 0.2 s: check that a worker is connected, or wait longer with --timeout",
    ]


@pytest.mark.parametrize(
    ("options", "reply"),
    [
        ((), [b"a", b"b"]),
        (("--reply", "fine", "--reply", ""), [b"fine", b""]),
        (("--command", "wc -c"), [b"2\n"]),
        (("--command", "sh -c 'cat >/dev/null; echo $((6 * 7))'"), [b"42\n"]),
    ],
)
def test_a_reply_repeats_the_request_or_is_given_or_printed_by_a_command(
    zdev: Start, connected: Connected, options: tuple[str, ...], reply: list[bytes]
) -> None:
    rep = zdev("rep", ANY, "--bind", "--count", "2", *options)
    client = connected(zmq.REQ, bound_at(rep))
    for _ in range(2):
        client.send_multipart([b"a", b"b"])
        assert client.recv_multipart() == reply
    assert rep.status() == 0
    assert rep.out.rest() == ["a b", "a b"]


@pytest.mark.parametrize(
    ("command", "report"),
    [
        ("sh -c 'exit 3'", "sh: exit status 3; replied with an empty message"),
        ("sh -c 'kill -9 $$'", "sh: ended by signal 9; replied with an empty message"),
        ("sh -c 'sleep 60 & sleep 60'", "sh: not finished within 0.3 s; replied with an empty message"),
        ("yes", "yes: printed more than 16 MiB; replied with an empty message"),
        ("head -c 16777217 /dev/zero", "head: printed more than 16 MiB; replied with an empty message"),
        ("no-such-command", "no-such-command: cannot run it: No such file or directory; replied with an empty message"),
    ],
)
def test_a_command_that_fails_is_reported_and_the_reply_is_empty(
    zdev: Start, connected: Connected, command: str, report: str
) -> None:
    rep = zdev("rep", ANY, "--bind", "--command", command, "--command-timeout", "60" if "MiB" in report else "0.3")
    client = connected(zmq.REQ, bound_at(rep))
    for _ in range(2):
        client.send(b"hello")
        assert client.recv() == b""
        assert rep.err.next() == report


def test_a_signal_ends_a_command_that_runs(zdev: Start, connected: Connected, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    os.mkfifo(begun)
    rep = zdev("rep", ANY, "--bind", "--command", f"sh -c 'echo $$ > {begun}; exec sleep 60'", "--command-timeout", "60")
    connected(zmq.REQ, bound_at(rep)).send(b"hello")
    process = int(begun.read_text())
    rep.send(signal.SIGTERM)
    assert rep.status() == 0
    assert not Path(f"/proc/{process}").exists()


@pytest.mark.parametrize(
    ("options", "printed"),
    [
        ((), b"a\\nb \xc3\xbc 0x00ff \n"),
        (("--separator", "|"), b"a\\nb|\xc3\xbc|0x00ff|\n"),
        (("--length",), b'4 frames  3+2+2+0 B  "a\\nb" "\xc3\xbc" 0x00ff ""\n'),
        (("--raw",), b"a\nb\xc3\xbc\x00\xff"),
    ],
)
def test_messages_are_printed_as_text_with_sizes_or_as_they_are(
    zdev_path: str, connected: Connected, free: str, options: tuple[str, ...], printed: bytes
) -> None:
    pull = subprocess.Popen([zdev_path, "pull", free, "--bind", "-q", "--count", "1", *options], stdout=subprocess.PIPE)
    connected(zmq.PUSH, free).send_multipart([b"a\nb", "ü".encode(), b"\0\xff", b""])
    assert pull.communicate(timeout=PATIENCE)[0] == printed


def test_json_has_every_frame_exactly(zdev: Start, connected: Connected) -> None:
    pull = zdev("pull", ANY, "--bind", "--json", "--count", "1")
    connected(zmq.PUSH, bound_at(pull)).send_multipart([b"a", b"\0\xff"])
    shown = json.loads(pull.out.next())
    assert list(shown) == ["time", "frames"]
    assert shown["frames"] == [
        {"size": 1, "encoding": "utf-8", "value": "a"},
        {"size": 2, "encoding": "base64", "value": "AP8="},
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", ["sub", "pull", "rep"])
def test_a_signal_ends_a_receiver_with_a_summary(zdev: Start, command: str, number: int) -> None:
    program = zdev(command, ANY, "--bind")
    bound_at(program)
    program.send(number)
    assert program.status() == 0
    assert program.err.rest() == ["received 0 messages, 0 B"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_sender_with_a_summary(zdev: Start, bound: Bound, number: int) -> None:
    pull, at = bound(zmq.PULL)
    push = zdev("push", at, "x", "--count", "1000", "--rate", "1")
    assert pull.recv() == b"x"
    push.send(number)
    assert push.status() == 0
    (line,) = push.err.rest()
    sent = int(line.split()[1])
    assert line.endswith(f"; {1000 - sent:,} not sent")


@pytest.mark.parametrize("command", ["push", "pub", "req"])
def test_a_signal_ends_the_wait_for_a_peer(zdev: Start, command: str) -> None:
    program = zdev(command, ANY, "--bind", "x", "--timeout", "inf")
    bound_at(program)
    program.send(signal.SIGINT)
    assert program.status() == 0
    assert program.err.rest()[-1].startswith("sent 0 messages, 0 B; 1 not sent")


def test_a_receiver_ends_when_the_reader_of_its_output_has_gone(zdev_path: str, connected: Connected, free: str) -> None:
    reader, writer = os.pipe()
    with subprocess.Popen([zdev_path, "pull", free, "--bind"], stdout=writer) as pull:
        os.close(writer)
        connected(zmq.PUSH, free).send(b"x")
        assert os.read(reader, 2) == b"x\n"
        os.close(reader)
        assert pull.wait(PATIENCE) == 0


def test_req_ends_with_status_0_when_the_reader_of_its_output_has_gone(zdev: Start, zdev_path: str) -> None:
    at = bound_at(zdev("rep", ANY, "--bind"))
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([zdev_path, "req", at, "x"], stdout=writer, stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
    os.close(writer)
    assert done.returncode == 0
    assert done.stderr.startswith(b"sent 1 message, 1 B; received ")
    assert done.stderr.count(b"\n") == 1


def test_a_full_disk_is_reported_when_a_message_cannot_be_printed(zdev_path: str, connected: Connected, free: str) -> None:
    with (
        Path("/dev/full").open("wb") as full,
        subprocess.Popen([zdev_path, "pull", free, "--bind"], stdout=full, stderr=subprocess.PIPE) as pull,
    ):
        connected(zmq.PUSH, free).send(b"x")
        said = pull.communicate(timeout=PATIENCE)[1]
    assert said.splitlines()[-1] == b"zdev: cannot write the output: No space left on device"
    assert pull.returncode == 69


def test_a_receiver_without_a_message_within_the_timeout_is_unavailable(run: Run, bound: Bound) -> None:
    _, at = bound(zmq.PUSH)
    done = run("pull", at, "--timeout", "0.2")
    assert done.returncode == 69
    text = f"zdev: no message at {at} within 0.2 s: check that messages are sent, and that this is the right endpoint"
    assert done.stderr.decode().splitlines()[-1] == text


def test_a_socket_of_another_type_is_reported(run: Run, bound: Bound) -> None:
    _, at = bound(zmq.ROUTER)
    done = run("pull", at)
    assert done.returncode == 69
    assert f"zdev: {at} does not accept a PULL: the socket there has a type that does not match" in done.stderr.decode()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("push",), "Missing argument 'ENDPOINT'"),
        (("push", "127.0.0.1:5557", "x"), "invalid endpoint"),
        (("push", ANY, "x"), "'tcp://127.0.0.1:*'"),
        (("push", ANY, "x", "--bind", "--file", "/dev/null"), "--file cannot be used with FRAME"),
        (("push", ANY, "x", "--bind", "--server-key", "a"), "--server-key cannot be used with --bind"),
        (("push", ANY, "x", "--bind", "--secret-key", "a"), "--secret-key and --clients must be given together"),
        (("push", "tcp://127.0.0.1:1", "x", "--clients", "any"), "--clients needs --bind"),
        (("push", "tcp://127.0.0.1:1", "x", "--secret-key", "a"), "must be given together"),
        (
            ("sub", "tcp://127.0.0.1:1", "--secret-key", "a", "--server-key", "b", "--password", "c"),
            "one security mechanism",
        ),
        (("rep", ANY, "--bind", "--reply", "a", "--command", "b"), "--reply cannot be used with --command"),
        (("rep", "tcp://127.0.0.1:1", "--command", "'"), "No closing quotation"),
    ],
)
def test_a_command_line_with_a_mistake_is_refused(refused: Refused, arguments: tuple[str, ...], words: str) -> None:
    status, line = refused(*arguments)
    assert status == 64
    assert words in line


def test_a_key_that_cannot_be_read_is_reported(refused: Refused) -> None:
    status, line = refused("pull", "tcp://127.0.0.1:1", "--password", "/no/such")
    assert status == 69
    assert line.startswith("zdev: cannot use this password: ")
