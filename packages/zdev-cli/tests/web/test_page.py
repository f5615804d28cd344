"""The page, in a real browser."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import zmq
from devices_text import BIND, at, device
from msgspec.structs import replace
from patience import PATIENCE
from playwright.sync_api import Browser, Page, expect, sync_playwright

from zdev_cli.snapshot import DEVICE_STATES, DirectionView, Snapshot, SocketView

if TYPE_CHECKING:
    from conftest import Served

Serve = Callable[[Snapshot], "Served"]
Open = Callable[..., Page]
PHONE = {"width": 360, "height": 740}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
expect.set_options(timeout=1000 * PATIENCE)

CONFIGURATION = "\n".join(
    [
        '[http]\nlisten = "127.0.0.1:0"\n',
        device("tasks", "streamer", in_=BIND, out=BIND),
        device("orders", "monitored-queue", in_=BIND, out=at("connect", 1), mon=BIND),
        device("billing", "queue", in_=BIND, out='bind = "ipc:///no/such/<img src=x onerror=window.bad=1>"'),
    ]
)

# The lowest contrast of any text with what is behind it, by the formulas of WCAG 2.
LOWEST_CONTRAST = """() => {
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = parse(getComputedStyle(node).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let lowest = [99, ""];
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.checkVisibility()) continue;
    const [a, b] = [light(parse(getComputedStyle(node).color)), light(behind(node))].sort((x, y) => y - x);
    const contrast = (a + .05) / (b + .05);
    if (contrast < lowest[0]) lowest = [contrast, walker.currentNode.data];
  }
  return lowest;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        reason = f"the page needs a browser: none of {', '.join(BROWSERS)} is installed"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=path, args=options) as browser:
        yield browser


@pytest.fixture
def complaints() -> list[str]:
    """Errors that browsers reported; a test that provokes some removes them."""
    return []


@pytest.fixture
def show(browser: Browser, complaints: list[str]) -> Iterator[Open]:
    """Opens the page at HOST:PORT, with options of the browser's context. It must not complain."""
    with ExitStack() as contexts:

        def open_page(address: str, **options: Any) -> Page:
            page = contexts.enter_context(browser.new_context(**options)).new_page()
            page.set_default_timeout(1000 * PATIENCE)
            page.on(
                "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
            )
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.goto(f"http://{address}/")
            return page

        yield open_page
    assert complaints == []


def row(page: Page, name: str) -> Any:
    return page.locator("tr.row", has=page.get_by_role("button", name=name, exact=True))


def card(page: Page, name: str) -> Any:
    """The details of a device that is open."""
    return page.get_by_role("article", name=name, exact=True)


def shown(page: Page) -> list[str]:
    """The names of the devices, in the order of their rows."""
    return page.locator("tr.row th").all_inner_texts()  # type: ignore[no-any-return]


def number(text: str) -> float:
    return float(text.replace(",", ""))


def many(snapshot: Snapshot, count: int) -> Snapshot:
    """Devices in all states, with traffic, and endpoints that are hard to break."""
    long = SocketView(
        role="in", type="ROUTER", binds=["ipc:///run/" + "x" * 90, "tcp://" + "relay-" * 12 + "7.example:5559"], connects=[]
    )
    way = DirectionView(
        messages_received=10**12,
        messages_sent=10**12,
        bytes_sent=10**15,
        messages_per_second=1_234_567.0,
        bytes_per_second=9.9e9,
        backpressure=1.0,
        monitor_sent=10**10,
        monitor_dropped=10**10,
        history=[1_234_567.0, 0.0] * 30,
    )
    mon = SocketView(role="mon", type="PUB", binds=["tcp://127.0.0.1:5561"], connects=[])
    devices = [
        replace(
            snapshot.devices[i % 2],
            name=f"{'device-' * 8}{i}",
            state=DEVICE_STATES[i % len(DEVICE_STATES)],
            sockets=[long, mon],
            in_=replace(way, dropped=snapshot.devices[0].in_.dropped),
            out=way,
        )
        for i in range(count)
    ]
    return replace(snapshot, devices=devices)


class Pump:
    """A stream of messages through a streamer, from its start to its end."""

    def __init__(self, into: str, out_of: str) -> None:
        self._ends = into, out_of
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        with zmq.Context() as context, context.socket(zmq.PUSH) as push, context.socket(zmq.PULL) as pull:
            context.linger = push.linger = 0
            push.connect(self._ends[0])
            pull.connect(self._ends[1])
            while not self._over.wait(0.001):  # some 900 a second
                if push.poll(0, zmq.POLLOUT):
                    push.send(b"x" * 100)
                while pull.poll(0):
                    pull.recv()


@pytest.mark.slow
def test_the_page_shows_a_running_zdev_its_traffic_a_pause_and_its_end(
    zdev: Callable[..., Any], show: Open, complaints: list[str], tmp_path: Path
) -> None:
    (tmp_path / "zdev.toml").write_text(CONFIGURATION)
    control = ("--control", str(tmp_path / "control" / "control.sock"))
    program = zdev("run", "-c", str(tmp_path / "zdev.toml"), *control)
    lines = [["", ""]]
    while lines[-1][0] != "started:":
        lines.append(program.out.next().split())
    address = next(line[-1] for line in lines if line[0] == "http").removeprefix("http://").rstrip("/")
    tasks = {line[1]: line[-1] for line in lines if line[0] == "tasks"}
    page = show(address)
    expect(row(page, "tasks").locator(".badge")).to_have_text("active")
    for role, kind, endpoint in (("in", "PULL", tasks["in"]), ("out", "PUSH", tasks["out"])):
        for text in (role, kind, endpoint):
            expect(card(page, "tasks").locator(".sockets").get_by_text(text, exact=True)).to_be_visible()
    expect(card(page, "orders").locator(".sockets")).to_contain_text("connecttcp://127.0.0.1:1")

    expect(row(page, "billing").locator(".badge")).to_have_text("waiting")
    expect(card(page, "billing").locator(".error")).to_contain_text("<img src=x onerror=window.bad=1>")
    expect(card(page, "billing").locator(".error")).to_contain_text("retrying in")
    expect(page.locator("#trouble")).to_contain_text("billing")
    expect(page.locator(".top")).to_contain_text("not ready")

    rate = card(page, "tasks").locator(".way b")
    expect(rate).to_have_text("0")
    with Pump(tasks["in"], tasks["out"]):
        expect(rate).not_to_have_text("0")
        first = rate.inner_text()
        expect(rate).not_to_have_text(first)
        assert number(page.locator(".totals .wide b").inner_text()) > 0

        steered = zdev("pause", "tasks", *control)
        assert steered.status() == 0
        expect(row(page, "tasks").locator(".badge")).to_have_text("paused")
        expect(rate).to_have_text("0")
    assert page.evaluate("window.bad") is None

    assert complaints == []
    program.send(9)
    expect(page.get_by_role("alert")).to_contain_text("zdev does not answer. The figures are those of")
    expect(page).to_have_title("no answer: zdev")
    expect(card(page, "tasks")).to_be_visible()
    assert all("ERR_CONNECTION_REFUSED" in text for text in complaints)
    complaints.clear()


@pytest.mark.slow
def test_when_zdev_is_back_the_page_goes_on(serve: Serve, show: Open, complaints: list[str], snapshot: Snapshot) -> None:
    served = serve(snapshot)
    page = show(served.server.address)
    expect(card(page, "orders")).to_be_visible()
    served.fails = True
    expect(page.get_by_role("alert")).to_contain_text("zdev answers 500")
    served.snapshot, served.fails = replace(snapshot, version="2.0.0"), False
    expect(page.get_by_role("alert")).to_be_hidden(timeout=1000 * PATIENCE)
    expect(page.locator("h1")).to_have_text("zdev 2.0.0")
    assert all("500" in text for text in complaints)
    complaints.clear()


def test_numbers_are_reported_with_their_units_and_reasons(serve: Serve, show: Open, well: Snapshot) -> None:
    way = replace(
        well.devices[0].in_,
        messages_per_second=56_616.4,
        bytes_per_second=1_850_000.0,
        backpressure=0.375,
        history=[0.0, 60_000.0],
    )
    page = show(serve(replace(well, devices=[replace(well.devices[0], in_=way)])).server.address)
    orders = card(page, "orders")
    expect(orders.locator(".way").first).to_contain_text("1.9 MB/s")
    expect(orders.locator(".way b").first).to_have_text("56,616")
    expect(orders.locator(".way").first).to_contain_text("peak 60,000")
    expect(orders.locator(".way svg").first).to_have_attribute(
        "aria-label", "in to out: messages a second over the last minute, now 60,000, at most 60,000"
    )
    counts = dict(zip(orders.locator("dt").all_inner_texts(), orders.locator("dd").all_inner_texts(), strict=True))
    assert counts["In flight"] == "5"
    assert counts["Held back"].split("\n") == ["38%", "in to out"]
    assert counts["Dropped"].split("\n") == ["74", "15 malformed, 42 unroutable, 17 overflowed", "6 lost"]
    expect(orders.get_by_text("Monitored")).to_be_hidden()


def test_a_device_that_is_removed_or_added_by_a_reload_goes_and_comes_in_the_order_of_the_file(
    serve: Serve, show: Open, snapshot: Snapshot
) -> None:
    served = serve(snapshot)
    page = show(served.server.address)
    expect(page.locator("tr.row th")).to_have_text(["orders", "tasks"])
    orders, tasks = snapshot.devices
    served.snapshot = replace(snapshot, devices=[replace(tasks, name="new"), orders])
    expect(page.locator("tr.row th")).to_have_text(["new", "orders"])


def test_the_requests_of_a_queue_are_shown_and_its_workers_on_demand(serve: Serve, show: Open, snapshot: Snapshot) -> None:
    served = serve(snapshot)
    page = show(served.server.address)
    orders = card(page, "orders")
    expect(orders.locator("[data-text=requests_waiting]")).to_have_text("300")
    expect(orders.locator("[data-text=waited]")).to_have_text("p99 2 s")
    expect(orders.locator("[data-text=requests_failed]")).to_contain_text("305 expired, 306 abandoned, 307 rejected, 308 dead")
    expect(card(page, "tasks").locator(".workers")).to_be_hidden()
    expect(card(page, "tasks").locator(".requests").first).to_be_hidden()
    workers = orders.locator(".workers")
    expect(workers.locator("summary")).to_contain_text("1 busy, 1 set-aside")
    workers.locator("summary").click()
    expect(workers.locator("tbody tr")).to_have_count(2)
    expect(workers.locator("tbody tr").nth(0)).to_contain_text("1,234")
    expect(workers.locator("tbody tr").nth(0)).to_contain_text("250 ms")
    expect(workers.locator("tbody .bad")).to_have_text("set-aside")


def test_the_peers_of_a_device_are_counted_by_state_and_listed_on_demand(serve: Serve, show: Open, snapshot: Snapshot) -> None:
    served = serve(snapshot)
    served.peers[0] = replace(served.peers[0], routing_id="<b>anna</b>", failure="")
    page = show(served.server.address)
    peers = card(page, "orders").locator(".peers")
    expect(peers.locator("summary")).to_contain_text("in: 1 handshake, 2 up, 3 blocked, 4 held; out: 1 up, 1 retrying")
    expect(peers.locator("tbody tr")).to_have_count(0)
    expect(card(page, "tasks").locator(".peers")).to_be_hidden()
    peers.locator("summary").click()
    expect(peers.locator("tbody tr")).to_have_count(2)
    expect(peers.locator("tbody tr").nth(0)).to_contain_text("<b>anna</b>")
    served.peers = served.peers[1:]
    expect(peers.locator("tbody tr")).to_have_count(1)  # it is kept up to date
    served.peers = served.peers * 500
    expect(peers.locator("tbody tr")).to_have_count(200)
    expect(peers.locator("[data-text=peers_note]")).to_have_text("the first 200 of 500; zdev peers shows all")


def test_a_socket_shows_its_connections_and_each_connect_that_is_down(serve: Serve, show: Open, snapshot: Snapshot) -> None:
    page = show(serve(snapshot).server.address)
    about = card(page, "orders").locator("[data-text=about]")
    expect(about).to_contain_text("engine wire")
    expect(about).to_have_attribute("title", "engine wire: it supports all that the device asks for")
    sockets = card(page, "orders").locator(".sockets")
    expect(sockets.locator(".failure")).to_have_text("connection refused, retrying in 1.2 s")
    expect(sockets.locator(".note")).to_have_count(2)
    expect(sockets.locator(".note").nth(1)).to_contain_text(
        "200 connections, 202 blocked, 203 held, 206 connect failures, 207 accept pauses"
    )
    expect(card(page, "tasks").locator(".sockets .note, .sockets .failure")).to_have_count(0)


def test_a_socket_shows_its_security_mechanism_and_whether_its_users_have_rights(
    serve: Serve, show: Open, snapshot: Snapshot
) -> None:
    orders, tasks = snapshot.devices
    in_, out = tasks.sockets
    sockets = [replace(in_, security="PLAIN"), replace(out, security="CURVE", has_rights=True)]
    page = show(serve(replace(snapshot, devices=[orders, replace(tasks, sockets=sockets)])).server.address)
    notes = card(page, "tasks").locator(".sockets .note")
    expect(notes).to_have_text(["PLAIN", "CURVE with rights"])


def test_a_device_of_one_way_has_one_chart(serve: Serve, show: Open, snapshot: Snapshot) -> None:
    page = show(serve(snapshot).server.address)
    expect(card(page, "orders").locator(".chart")).to_have_count(2)
    expect(card(page, "tasks").locator(".chart")).to_have_count(1)


def test_without_devices_the_page_shows_how_to_add_one(serve: Serve, show: Open, well: Snapshot) -> None:
    page = show(serve(replace(well, devices=[])).server.address)
    expect(page.locator("#empty")).to_have_text("No devices. Add a [[device]] to /etc/zdev/zdev.toml and run zdev reload.")


def test_what_zdev_says_is_shown_as_text_and_never_run(serve: Serve, show: Open, snapshot: Snapshot) -> None:
    hostile = "</script><img src=x onerror='window.bad=1'><svg onload=window.bad=1>\u202e"
    device = replace(
        snapshot.devices[1],
        name=hostile,
        type=hostile,
        isolation=hostile,
        state=hostile,
        error=hostile,
        sockets=[SocketView(role=hostile, type=hostile, binds=[hostile], connects=[hostile])],
    )
    page = show(serve(replace(snapshot, version=hostile, config=hostile, devices=[device])).server.address)
    expect(page.locator("article .error")).to_contain_text(hostile)
    expect(page.locator("tr.row th")).to_have_text(hostile)
    expect(page.locator("article code").first).to_have_text(hostile)
    assert page.evaluate("window.bad") is None
    assert page.locator("img").count() == 0


def test_a_script_that_got_into_the_page_would_not_run(
    serve: Serve, show: Open, complaints: list[str], snapshot: Snapshot
) -> None:
    page = show(serve(snapshot).server.address)
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.bad = 1'}))")
    assert page.evaluate("window.bad") is None
    assert "Content Security Policy" in complaints.pop()


def test_the_page_asks_for_its_status_and_nothing_else(serve: Serve, browser: Browser, snapshot: Snapshot) -> None:
    with browser.new_context() as context:
        page, asked = context.new_page(), []
        page.on("request", lambda request: asked.append(request.url))
        served = serve(snapshot)
        root = f"http://{served.server.address}/"
        page.goto(root)
        with page.expect_request(f"{root}status"):
            pass
        page.wait_for_load_state("networkidle")
        assert {url for url in asked if not url.startswith("data:")} == {root, f"{root}status"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_with_any_device_and_every_text_has_contrast(
    serve: Serve, show: Open, snapshot: Snapshot, scheme: str
) -> None:
    page = show(serve(many(snapshot, 14)).server.address, viewport=PHONE, color_scheme=scheme)
    expect(page.locator("tr.row")).to_have_count(14)
    for name in shown(page)[:7]:  # one in each state
        row(page, name).click()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    inside = "[...document.querySelectorAll('#devices *, .totals *')].filter((e) => e.getBoundingClientRect().right > 360).map((e) => e.outerHTML)"
    assert page.evaluate(inside) == []
    contrast, text = page.evaluate(LOWEST_CONTRAST)
    assert contrast >= 4.5, text
    [red, green, blue] = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (red + green + blue > 3 * 200) == (scheme == "light")


def shards(snapshot: Snapshot, count: int) -> Snapshot:
    """So many devices, of which every tenth has failed and drops the most messages."""
    [queue, *_] = snapshot.devices
    devices = [
        replace(
            queue,
            name=f"shard-{i:03}",
            state="active" if i % 10 else "failed",
            error=None if i % 10 else "in: address already in use",
            in_=replace(queue.in_, messages_per_second=float(i)),
        )
        for i in range(count)
    ]
    return replace(snapshot, devices=devices)


@pytest.mark.parametrize("count", [28, 300])
def test_of_many_devices_each_is_a_row_and_some_can_be_chosen_by_name_and_state(
    serve: Serve, show: Open, snapshot: Snapshot, count: int
) -> None:
    page = show(serve(shards(snapshot, count)).server.address)
    rows = page.locator("tr.row")
    expect(rows).to_have_count(count)
    expect(page.locator("article")).to_have_count(0)
    heights = {
        round(each["height"])
        for each in page.evaluate("[...document.querySelectorAll('tr.row')].map((e) => e.getBoundingClientRect())")
    }
    assert len(heights) == 1
    assert heights.pop() < 40
    page.get_by_label("Filter").fill("SHARD-01")
    expect(rows).to_have_count(10)
    expect(page.get_by_role("status")).to_have_text(f"10 of {count} devices")
    page.get_by_label("State").select_option("failed")
    expect(rows).to_have_count(1)
    expect(page.locator("tr.row th")).to_have_text(["shard-010"])
    page.get_by_label("Filter").fill("nothing like it")
    expect(page.locator("#empty")).to_have_text("No device matches the filter.")
    page.reload()
    expect(page.locator("#empty")).to_be_visible()
    expect(page.get_by_label("State")).to_have_value("failed")
    page.get_by_label("Filter").fill("")
    page.get_by_label("State").select_option("all")
    expect(rows).to_have_count(count)


@pytest.mark.parametrize("order", ["__proto__", "-valueOf", "nothing"])
def test_an_address_with_an_unknown_order_shows_that_of_the_file(
    serve: Serve, show: Open, snapshot: Snapshot, order: str
) -> None:
    page = show(serve(shards(snapshot, 3)).server.address)
    page.goto(f"{page.url.partition('#')[0]}#sort={order}")
    page.reload()
    expect(page.locator("tr.row th")).to_have_text(["shard-000", "shard-001", "shard-002"])


def test_a_heading_sorts_then_inverts_then_restores_the_order_of_the_file(serve: Serve, show: Open, snapshot: Snapshot) -> None:
    served = serve(shards(snapshot, 12))
    page = show(served.server.address)
    head, button = page.locator("th.in").first, page.get_by_role("button", name="In to out")
    names = page.locator("tr.row th")
    in_file = [f"shard-{i:03}" for i in range(12)]
    expect(names).to_have_text(in_file)
    assert head.get_attribute("aria-sort") is None
    button.press("Enter")
    expect(names).to_have_text(in_file[::-1])
    expect(head).to_have_attribute("aria-sort", "descending")
    first, *others = served.snapshot.devices
    fastest = replace(first, in_=replace(first.in_, messages_per_second=1e6))
    served.snapshot = replace(served.snapshot, devices=[fastest, *others])
    expect(names).to_have_text([in_file[0], *in_file[:0:-1]])
    expect(button).to_be_focused()
    page.reload()
    expect(names).to_have_text([in_file[0], *in_file[:0:-1]])
    button.press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    button.press("Enter")
    expect(names).to_have_text(in_file)
    page.get_by_role("button", name="State").click()
    expect(names).to_have_text(["shard-000", "shard-010", *[name for name in in_file if not name.endswith("0")]])


def test_a_link_opens_one_device_and_what_is_open_survives_updates_and_a_reload(
    serve: Serve, show: Open, snapshot: Snapshot
) -> None:
    served = serve(shards(snapshot, 28))
    page = show(served.server.address)
    expect(page.locator("article")).to_have_count(0)
    page.goto(f"http://{served.server.address}/#device=shard-020")
    expect(card(page, "shard-020")).to_be_visible()
    expect(card(page, "shard-020")).to_be_in_viewport()
    button = page.get_by_role("button", name="shard-021", exact=True)
    expect(button).to_have_attribute("aria-expanded", "false")
    button.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true")
    controlled = page.locator(f"#{button.get_attribute('aria-controls')}")
    expect(controlled.get_by_role("article", name="shard-021")).to_be_visible()
    taken = served.taken
    with page.expect_response("**/status"), page.expect_response("**/status"):
        pass
    assert served.taken > taken
    expect(button).to_be_focused()
    page.reload()
    expect(page.locator("article")).to_have_count(2)
    row(page, "shard-021").click()
    expect(page.locator("article")).to_have_count(1)
    href = card(page, "shard-020").get_by_role("link", name="Link to this device").get_attribute("href")
    assert href == "#device=shard-020"
    row(page, "shard-020").click()
    page.reload()
    expect(page.locator("tr.row")).to_have_count(28)
    expect(page.locator("article")).to_have_count(0)


def test_devices_that_do_not_run_are_listed_with_their_error_and_only_some_of_many(
    serve: Serve, show: Open, snapshot: Snapshot
) -> None:
    page = show(serve(shards(snapshot, 100)).server.address)
    lines = page.get_by_role("navigation", name="Devices in trouble").get_by_role("listitem")
    expect(lines).to_have_count(6)
    expect(lines.first).to_have_text("shard-000 failed: in: address already in use")
    lines.last.get_by_role("link", name="and 5 more").click()
    expect(page.locator("tr.row th").nth(9)).to_have_text("shard-090")
    lines.nth(1).get_by_role("link").click()
    expect(card(page, "shard-010").locator(".error")).to_have_text("in: address already in use")


def test_without_javascript_it_says_where_else_to_look(serve: Serve, show: Open, snapshot: Snapshot) -> None:
    page = show(serve(snapshot).server.address, java_script_enabled=False)
    expect(page.get_by_role("link", name="metrics")).to_be_visible()
    expect(page.locator("#page")).to_be_hidden()


def test_who_wants_no_motion_gets_none(serve: Serve, show: Open, snapshot: Snapshot) -> None:
    page = show(serve(snapshot).server.address, reduced_motion="reduce")
    expect(card(page, "orders")).to_be_visible()
    moving = "[...document.querySelectorAll('*')].filter((e) => parseFloat(getComputedStyle(e).transitionDuration)).length"
    assert page.evaluate(moving) == 0


def test_it_can_be_used_by_keyboard_and_names_what_it_shows(serve: Serve, show: Open, snapshot: Snapshot) -> None:
    page = show(serve(snapshot).server.address)
    link = page.get_by_role("link", name="tasks")
    expect(link).to_be_visible()
    page.keyboard.press("Tab")
    expect(link).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="tasks", exact=True)).to_be_focused()
    expect(page.locator("article")).to_have_count(1)
    unnamed = "[...document.querySelectorAll('[role=img], nav, section, article, table#devices, [role=search]')].filter((e) => !e.getAttribute('aria-label')).length"
    assert page.evaluate(unnamed) == 0
    unlabelled = "[...document.querySelectorAll('input, select')].filter((e) => !e.labels.length).length"
    assert page.evaluate(unlabelled) == 0


def test_the_page_works_behind_a_password(browser: Browser, service: Callable[..., Any], folder: Path) -> None:
    (folder / "passwords").touch(0o600)
    (folder / "passwords").write_text("anna:secret\n")
    running = service(CONFIGURATION.replace("\n[[", '\npassword_file = "passwords"\n[[', 1))
    running.until_ready()
    credentials = {"username": "anna", "password": "secret"}
    with browser.new_context(http_credentials=credentials) as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.set_default_timeout(1000 * PATIENCE)
        page.goto(running.http)
        expect(row(page, "orders")).to_be_visible()
