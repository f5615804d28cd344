"""`zdev run --take-over`: one zdev replaces another under load, and no connection is refused."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import zmq
from devices_text import BIND, device
from patience import PATIENCE

from zdev_cli._failure import Failure, Status
from zdev_cli.control.client import ask
from zdev_cli.control.protocol import Reply, Request
from zdev_cli.control.server import SUCCESSORS, ControlServer
from zdev_cli.service.former import Former

if TYPE_CHECKING:
    from conftest import Service

pytestmark = pytest.mark.engine("wire")

Start = Callable[..., "Service"]
Connected = Callable[..., "zmq.Socket[bytes]"]
REPLACEMENTS = 3
REPLY_TIMEOUT = 3.0  # seconds after which a client asks again


class Load:
    """Peers in threads, until stop(). An error in one of them is raised there."""

    def __init__(self) -> None:
        self.over, self.sent = threading.Event(), threading.Event()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._senders: list[threading.Thread] = []
        self._receivers: list[threading.Thread] = []
        self._errors: list[BaseException] = []

    def add(self, does: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=self._run, args=(does, arguments), name=does.__name__, daemon=True)
        (self._receivers if does in (pull, subscribe, work) else self._senders).append(thread)
        thread.start()

    def socket(self, kind: int, endpoint: str) -> zmq.Socket[bytes]:
        made = self._context.socket(kind)
        made.setsockopt(zmq.LINGER, int(PATIENCE * 1000))
        made.setsockopt(zmq.RCVTIMEO, 100)
        if kind == zmq.SUB:
            made.setsockopt(zmq.SUBSCRIBE, b"")
        made.connect(endpoint)
        return made

    def stop(self) -> None:
        self.over.set()
        for each in (*self._senders, *self._receivers):
            if each is self._receivers[0]:
                self.sent.set()
            each.join(2 * PATIENCE)
            assert not each.is_alive(), each.name
        self._context.term()
        if self._errors:
            raise self._errors[0]

    def _run(self, does: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        try:
            does(self, *arguments)
        except BaseException as error:  # noqa: BLE001  stop() raises it
            self._errors.append(error)


class Counts:
    """Counts of what the peers did."""

    def __init__(self) -> None:
        self.connected = 0
        self.sent = self.published = 0
        self.received: Counter[int] = Counter()
        self.seen: list[int] = []
        self.answered = self.asked_again = 0

    def progress(self) -> list[int]:
        return [len(self.received), len(self.seen), self.answered, self.connected]


def knock(load: Load, endpoint: str, counts: Counts) -> None:
    """Connect in a loop, as any program does; each attempt must succeed."""
    transport, _, address = endpoint.partition("://")
    host, _, port = address.rpartition(":")
    while not load.over.wait(0.002):
        with socket.socket(socket.AF_INET if transport == "tcp" else socket.AF_UNIX) as client:
            client.settimeout(PATIENCE if transport == "tcp" else None)  # with a timeout, ipc fails while the backlog is full
            client.connect((host, int(port)) if transport == "tcp" else address)
            counts.connected += 1


def push(load: Load, endpoint: str, counts: Counts, offset: int) -> None:
    with load.socket(zmq.PUSH, endpoint) as sender:
        number = offset
        while not load.over.is_set():
            sender.send(b"%d" % number)
            number += 1
            counts.sent += 1
            time.sleep(0.0005)


def pull(load: Load, endpoint: str, counts: Counts) -> None:
    quiet_since = time.monotonic()
    with load.socket(zmq.PULL, endpoint) as receiver:
        while not load.sent.is_set() or time.monotonic() - quiet_since < 2:
            try:
                counts.received[int(receiver.recv())] += 1
                quiet_since = time.monotonic()
            except zmq.Again:
                pass


def publish(load: Load, endpoint: str, counts: Counts) -> None:
    with load.socket(zmq.PUB, endpoint) as sender:
        while not load.over.wait(0.0005):
            sender.send(b"%d" % counts.published)
            counts.published += 1


def subscribe(load: Load, endpoint: str, counts: Counts) -> None:
    with load.socket(zmq.SUB, endpoint) as receiver:
        while not load.sent.is_set():
            with suppress(zmq.Again):
                counts.seen.append(int(receiver.recv()))


def question(load: Load, endpoint: str, counts: Counts) -> None:
    """Ask until each question is answered; ask again, with the same number, when no answer comes."""
    with load.socket(zmq.DEALER, endpoint) as client:
        number = 0
        while not load.over.is_set():
            number += 1
            while not _answer(client, number):
                counts.asked_again += 1
            counts.answered += 1


def _answer(client: zmq.Socket[bytes], number: int) -> bool:
    client.send(b"%d" % number)
    deadline = time.monotonic() + REPLY_TIMEOUT
    while time.monotonic() < deadline:
        try:
            if int(client.recv()) == number:
                return True
        except zmq.Again:
            pass
    return False


def work(load: Load, endpoint: str) -> None:
    with load.socket(zmq.DEALER, endpoint) as worker:
        while not load.sent.is_set():
            with suppress(zmq.Again):
                worker.send_multipart(worker.recv_multipart())


@pytest.fixture
def load() -> Iterator[Load]:
    made = Load()
    yield made
    made.over.set()
    made.sent.set()


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_zdev_is_replaced_under_load_without_a_refused_connection_or_a_lost_message(
    service: Start, folder: Path, load: Load, isolation: str
) -> None:
    ipc = f"ipc://{folder}/in"
    toml = device("stream", "streamer", in_=f'bind = ["tcp://127.0.0.1:*", "{ipc}"]', out=BIND)
    toml += device("news", "forwarder", in_=BIND, out=f'bind = "ipc://{folder}/news"')
    toml += device("orders", "queue", in_=BIND, out=BIND)
    toml += f'[http]\nlisten = "127.0.0.1:0"\n[defaults]\nisolation = "{isolation}"\n'
    former = service(toml)
    at, counts = former.until_ready(), Counts()
    http = former.http
    for endpoint in [*at.values(), ipc, http.replace("http", "tcp")]:
        load.add(knock, endpoint, counts)
    load.add(push, at["stream in"], counts, 0)
    load.add(push, ipc, counts, 10**6)
    load.add(pull, at["stream out"], counts)
    load.add(publish, at["news in"], counts)
    load.add(subscribe, at["news out"], counts)
    load.add(question, at["orders in"], counts)
    load.add(work, at["orders out"])
    for _ in range(REPLACEMENTS):
        goals = [now + 100 for now in counts.progress()]
        until(lambda goals=goals: all(now > goal for now, goal in zip(counts.progress(), goals, strict=True)))  # type: ignore[misc]
        latter = service(toml, arguments=("--take-over",))
        assert (latter.until_ready(), latter.http) == (at, http)
        assert former.status() == 0, former.err.rest()
        assert latter.snapshot()["pid"] == latter.process.pid
        former = latter
    load.stop()
    print(vars(counts) | {"received": len(counts.received), "seen": len(counts.seen)})
    assert [number for number, times in counts.received.items() if times > 1] == []
    assert len(counts.received) == counts.sent
    assert counts.seen == sorted(set(counts.seen))
    assert counts.asked_again <= REPLACEMENTS  # the question that was on its way
    former.send(signal.SIGTERM)
    assert former.status() == 0
    assert [each.name for each in folder.iterdir()] == ["zdev.toml"]


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def stream(folder: Path, in_: str = "tcp://127.0.0.1:*") -> str:
    return device("s", "streamer", in_=f'bind = "{in_}"', out=f'bind = "ipc://{folder}/out"')


def assert_relays(connected: Connected, at: dict[str, str]) -> None:
    receiver = connected(zmq.PULL, at["s out"])
    connected(zmq.PUSH, at["s in"]).send(b"hello")
    assert receiver.recv() == b"hello"


def refused(program: Service) -> str:
    """The last line of one that must not take over."""
    assert program.status() == 69
    return program.err.rest()[-1]


def test_where_no_zdev_runs_it_starts_as_usual(service: Start, folder: Path, connected: Connected) -> None:
    running = service(stream(folder), arguments=("--take-over",))
    assert_relays(connected, running.until_ready())
    assert running.do("status")


def test_it_needs_a_file(refused: Callable[..., tuple[int, str]]) -> None:
    status, said = refused("run", "queue", "--bind-in", "tcp://127.0.0.1:*", "--bind-out", "tcp://127.0.0.1:*", "--take-over")
    assert (status, said.partition(" (see")[0]) == (
        64,
        "zdev run: --take-over needs -c FILE: the device of a TYPE has no control socket",
    )


def test_when_a_device_cannot_start_the_former_goes_on(service: Start, folder: Path, connected: Connected) -> None:
    former = service(stream(folder))
    at = former.until_ready()
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"tcp://127.0.0.1:{other.getsockname()[1]}"
        toml = stream(folder) + device("b", "streamer", in_=f'bind = "{taken}"', out=BIND)
        said = refused(service(toml, arguments=("--take-over",)))
    assert said.startswith(f"zdev: not taken over: b: cannot bind in (PULL) to {taken}: address already in use")
    assert said.endswith(f"the zdev of process {former.process.pid} goes on")
    assert_relays(connected, at)
    assert former.snapshot()["pid"] == former.process.pid


def test_an_invalid_file_changes_nothing(service: Start, folder: Path) -> None:
    former = service(stream(folder))
    former.until_ready()
    assert service("nonsense", arguments=("--take-over",)).status() == 78
    assert former.snapshot()["ready"]


def test_endpoints_that_differ_are_bound_and_released(service: Start, folder: Path, connected: Connected) -> None:
    toml = stream(folder, f"ipc://{folder}/before") + device("old", "streamer", in_=BIND, out=f'bind = "ipc://{folder}/old"')
    former = service(toml)
    before = former.until_ready()
    toml = stream(folder, f"ipc://{folder}/after") + device("new", "streamer", in_=f'bind = "{before["old in"]}"', out=BIND)
    latter = service(toml, arguments=("--take-over",))
    at = latter.until_ready()
    assert at["new in"] == before["old in"]  # for a device of another name
    assert former.status() == 0
    assert_relays(connected, at)
    assert {each.name for each in folder.iterdir()} == {"zdev.toml", "control.sock", "after", "out"}


def test_a_former_that_does_not_drain_in_time_keeps_nobody_waiting(service: Start, connected: Connected) -> None:
    toml = device("q", "queue", in_=BIND, out=BIND) + "drain_timeout = 2\n"
    former = service(toml)
    at = former.until_ready()
    silent, client = connected(zmq.DEALER, at["q out"]), connected(zmq.DEALER, at["q in"])
    client.send(b"unanswered")
    assert silent.recv_multipart()[-1] == b"unanswered"
    latter = service(toml, arguments=("--take-over",))
    latter.until_ready()
    assert former.process.poll() is None
    worker, other = connected(zmq.DEALER, at["q out"]), connected(zmq.DEALER, at["q in"])
    other.send(b"hello")
    worker.send_multipart(worker.recv_multipart())
    assert other.recv() == b"hello"
    assert former.process.poll() is None
    assert former.status() == 75
    assert "q: drain timed out after 2.0 s: 1 reply outstanding" in "\n".join(former.err.rest())


def test_replies_outstanding_come_back_from_the_former(service: Start, connected: Connected) -> None:
    toml = device("q", "queue", in_=BIND, out=BIND)
    former = service(toml)
    at = former.until_ready()
    worker, client = connected(zmq.DEALER, at["q out"]), connected(zmq.DEALER, at["q in"])
    client.send(b"slow")
    request = worker.recv_multipart()
    service(toml, arguments=("--take-over",)).until_ready()
    worker.send_multipart(request)
    assert client.recv() == b"slow"
    assert former.status() == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_former_that_dies_midway_is_replaced_all_the_same(
    service: Start, folder: Path, connected: Connected, number: signal.Signals
) -> None:
    toml = stream(folder, f"ipc://{folder}/in") + 'isolation = "process"\n'  # takes a moment to start
    former = service(toml)
    at = former.until_ready()
    latter = service(toml, arguments=("--take-over",))
    while "listeners: done" not in former.err.next():
        pass
    former.send(number)
    assert latter.until_ready() == at
    assert_relays(connected, at)
    assert latter.snapshot()["pid"] == latter.process.pid


def test_a_former_that_is_ending_is_waited_for(folder: Path) -> None:
    path = folder / "control.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def end() -> None:
        for _ in range(3):
            with listener.accept()[0] as connection:
                connection.recv(1000)
                socket.send_fds(connection, [b"{"], [listener.fileno()])  # the beginning of an answer
        listener.close()  # the last one, so that nobody listens

    thread = threading.Thread(target=end, daemon=True)
    thread.start()
    assert Former.find(str(path)) is None
    thread.join(PATIENCE)
    assert listener.fileno() == -1


def test_a_former_that_died_before_the_hand_over_leaves_its_sockets(service: Start, folder: Path) -> None:
    former = service(stream(folder))
    at = former.until_ready()
    found = Former.find(str(former.control))
    assert found
    assert not found.wait(0.0)
    former.send(signal.SIGKILL)
    former.status()
    assert found.hand_over() is False
    host, port = at["s in"].removeprefix("tcp://").split(":")
    socket.create_connection((host, int(port)), PATIENCE).close()
    found.close()


def test_of_two_successors_one_takes_over(service: Start, folder: Path) -> None:
    running = service(stream(folder))
    running.until_ready()
    found = Former.find(str(running.control))
    assert found
    latter = service(stream(folder), arguments=("--take-over",))
    latter.until_ready()
    with suppress(Failure):  # that another has taken over, or none if it has ended since
        assert found.hand_over() is False
    found.close()
    assert latter.snapshot()["pid"] == latter.process.pid


def test_a_successor_that_left_a_suspended_zdev_is_forgotten(service: Start, folder: Path) -> None:
    running = service(stream(folder))
    running.until_ready()
    found = Former.find(str(running.control))
    assert found
    running.send(signal.SIGSTOP)
    found.close()
    running.send(signal.SIGCONT)
    assert running.do("status")
    assert running.snapshot()["ready"]


def test_programs_that_ask_for_its_sockets_and_hang_take_few_connections(service: Start, folder: Path) -> None:
    running = service(stream(folder))
    running.until_ready()
    with ExitStack() as hanging:
        for _ in range(SUCCESSORS):
            found = Former.find(str(running.control))
            assert found
            hanging.callback(found.close)
        said = refused(service(stream(folder), arguments=("--take-over",)))
        assert said == f"zdev: {SUCCESSORS} programs are taking over: try again when some have ended"
        assert running.snapshot()["ready"]
    latter = service(stream(folder), arguments=("--take-over",))
    latter.until_ready()
    assert running.status() == 0


def test_a_zdev_hands_over_only_to_who_has_its_sockets(service: Start, folder: Path) -> None:
    running = service(stream(folder))
    running.until_ready()
    with pytest.raises(Failure, match="hand-over must follow listeners, on the same connection"):
        ask(Request(verb="hand-over", successor=1), str(running.control))
    assert running.snapshot()["ready"]


def test_an_older_zdev_that_cannot_hand_over_goes_on(service: Start, folder: Path) -> None:
    def answer(_: Request) -> Reply:
        raise Failure("invalid request: Invalid enum value 'listeners' - at `$.verb`", Status.USAGE)

    older = ControlServer(folder / "control.sock", answer)
    older.start()
    try:
        said = refused(service(stream(folder), arguments=("--take-over",)))
    finally:
        older.stop()
    assert (
        said == f"zdev: cannot take over from the zdev at {folder}/control.sock: its version has no hand-over (stop it first)"
    )


@pytest.mark.engine("libzmq")
@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_devices_on_libzmq_hand_over_tcp_and_start_last_where_they_cannot(
    service: Start, folder: Path, connected: Connected, isolation: str
) -> None:
    toml = device("s", "streamer", in_=BIND, out=f'bind = "ipc://{folder}/out"')
    toml += device("t", "streamer", in_=BIND, out=BIND) + f'[defaults]\nisolation = "{isolation}"\n'
    former = service(toml)
    at = former.until_ready()
    latter = service(toml, arguments=("--take-over",))
    while not latter.out.next().startswith("started:"):
        pass
    latter.until("s", lambda device: device["state"] == "active")
    assert former.status() == 0
    now = {f"{each['name']} {one['role']}": one["binds"][0] for each in latter.snapshot()["devices"] for one in each["sockets"]}
    assert now == at
    assert_relays(connected, at)


def test_more_sockets_than_one_message_of_the_system_takes(service: Start, folder: Path) -> None:
    binds = ", ".join(f'"ipc://{folder}/{number}"' for number in range(450))
    toml = device("s", "streamer", in_=f"bind = [{binds}]", out=BIND)
    former = service(toml)
    at = former.until_ready()
    assert service(toml, arguments=("--take-over",)).until_ready() == at
    assert former.status() == 0
    for number in range(450):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(f"{folder}/{number}")


def test_the_service_manager_learns_the_process_that_goes_on(service: Start, folder: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"{folder}/notify")
        manager.settimeout(PATIENCE)
        former = service(stream(folder), NOTIFY_SOCKET=f"{folder}/notify")
        former.until_ready()
        latter = service(stream(folder), arguments=("--take-over",))
        latter.until_ready()
        while not (said := manager.recv(4096).decode()).startswith("MAINPID="):
            assert not said.startswith("STOPPING")
        assert said == f"MAINPID={latter.process.pid}"
        assert former.status() == 0
        manager.setblocking(False)
        with pytest.raises(BlockingIOError):
            manager.recv(4096)
