"""The pictures of docs/gallery: one function per system."""

from __future__ import annotations

from collections.abc import Callable

from draw import Drawing


def requests() -> Drawing:
    d = Drawing(
        "gallery-requests", 720, 230, "A client sends requests to the device orders. They wait there until a worker is free. A slow "
        "worker gets few of them. A worker that crashes loses none: the device gives its request to another worker."
    )  # fmt: skip
    d.box(10, 90, 120, 50, "client.py", "60 requests")
    d.box(250, 60, 190, 110, "orders", "queue that knows", "its workers", colour="in")
    d.queue(262, 178, 4)
    d.text(350, 196, "waiting", "in", anchor="start")
    d.arrow((130, 108), (250, 108), colour="in")
    d.arrow((250, 126), (130, 126), colour="out")
    d.text(190, 100, "5701", "soft")
    for number, (name, words) in enumerate((("quick", "most"), ("slow", "a few"), ("crash", "again to quick"))):
        y = 8 + 72 * number
        colour = "ctrl" if name == "crash" else "line"
        d.box(600, y, 110, 50, "worker.py", name, colour=colour, dashed=name == "crash")
        d.arrow((440, 100 + 15 * number), (600, y + 25), colour="ctrl" if name == "crash" else "in")
        d.text(520, (52, 100, 190)[number], words, "ctrl" if name == "crash" else "in")
    return d


def market_data() -> Drawing:
    d = Drawing(
        "gallery-market-data", 720, 250, "An exchange publishes to the device collect, which passes everything to the device "
        "distribute. Consumers subscribe there: anna to all topics, bert to the prefix fx. A slow consumer misses messages; the "
        "others do not."
    )  # fmt: skip
    d.box(10, 90, 120, 56, "exchange.py", "frankfurt")
    d.box(200, 84, 120, 68, "collect", "forwarder", colour="in")
    d.box(390, 84, 120, 68, "distribute", "forwarder", colour="in")
    d.arrow((130, 118), (200, 118), colour="in")
    d.text(165, 108, "CURVE", "soft")
    d.arrow((320, 118), (390, 118), colour="in")
    d.text(355, 108, "5712", "soft")
    for number, (name, words) in enumerate((("anna", "fx. stocks."), ("bert", "fx."), ("carl", "fx., slow"))):
        y = 10 + 85 * number
        colour = "ctrl" if name == "carl" else "line"
        d.box(580, y, 130, 56, "consumer.py", f"{name}: {words}", colour=colour)
        d.arrow((510, 106 + 12 * number), (580, y + 28), colour="ctrl" if name == "carl" else "in")
    d.queue(404, 176, 5, colour="ctrl")
    d.text(447, 222, "full: carl misses books", "ctrl")
    d.text(260, 178, "rights: who publishes", "soft")
    d.text(450, 70, "rights: who subscribes", "soft")
    return d


def logs() -> Drawing:
    d = Drawing(
        "gallery-logs", 720, 210, "Programs push log lines to the device logs, which gives each line to one of two writers. A monitor "
        "shows a copy of every line."
    )  # fmt: skip
    d.box(280, 56, 160, 76, "logs", "streamer", colour="in")
    for number, name in enumerate(("web", "shop", "mail")):
        y = 8 + 64 * number
        d.box(10, y, 120, 50, "program.py", name)
        d.arrow((130, y + 25), (280, 84 + 10 * number), colour="in")
    for number in range(2):
        y = 24 + 78 * number
        d.box(560, y, 150, 50, "writer.py", f"files in disk-{number + 1}")
        d.arrow((440, 86 + 14 * number), (560, y + 25), colour="in")
    d.box(280, 166, 160, 36, "zdev tap logs", colour="mon")
    d.arrow((360, 132), (360, 166), colour="mon")
    return d


def two_sites() -> Drawing:
    d = Drawing(
        "gallery-two-sites", 720, 210, "Clients in Paris use the device paris, which connects to the device oslo with CURVE. Workers "
        "in Oslo connect to the device oslo."
    )  # fmt: skip
    d.box(10, 30, 330, 170, dashed=True)
    d.text(24, 52, "Paris", style="bold", anchor="start")
    d.box(400, 30, 310, 170, dashed=True)
    d.text(696, 52, "Oslo", style="bold", anchor="end")
    d.box(24, 84, 110, 56, "client.py")
    d.box(200, 78, 110, 68, "paris", "queue", colour="in")
    d.box(430, 78, 110, 68, "oslo", "queue", colour="in")
    d.box(590, 84, 106, 56, "worker.py")
    d.arrow((134, 104), (200, 104), colour="in")
    d.arrow((310, 104), (430, 104), colour="ctrl")
    d.arrow((540, 104), (590, 104), colour="in")
    d.arrow((590, 126), (540, 126), colour="out")
    d.arrow((430, 126), (310, 126), colour="ctrl")
    d.arrow((200, 126), (134, 126), colour="out")
    d.text(370, 22, "CURVE: each site knows the other\u2019s key", "ctrl")
    d.text(370, 94, "5732", "ctrl")
    d.text(255, 172, "connects", "soft")
    d.text(485, 172, "binds; admits paris.key", "soft")
    return d


def ipyparallel() -> Drawing:
    d = Drawing(
        "gallery-ipyparallel", 720, 330, "A client and engines of ipyparallel connect to four devices of zdev: mux, control, task and "
        "iopub. Each sends a copy of its messages to the Hub. The Hub, its heart monitor and the broadcast schedulers remain "
        "ipyparallel's."
    )  # fmt: skip
    d.box(10, 86, 110, 60, "example.py", "client")
    d.box(600, 66, 110, 100, "engines")
    names = (("mux", "ROUTER, ROUTER"), ("control", "ROUTER, ROUTER"), ("task", "ROUTER, DEALER"), ("iopub", "SUB, XPUB"))
    for number, (name, types) in enumerate(names):
        y = 8 + 58 * number
        d.box(270, y, 180, 48, name, types, colour="in")
        client, engines = (120, 98 + 12 * number), (600, 92 + 15 * number)
        if name == "iopub":
            d.arrow((600, engines[1]), (450, y + 24), colour="out")
            d.arrow((270, y + 24), client, colour="out")
        else:
            d.arrow(client, (270, y + 24), colour="in")
            d.arrow((450, y + 24), engines, colour="in")
    d.box(240, 276, 240, 46, "controller.py", "Hub, heartbeats, broadcast", colour="mon")
    d.arrow((360, 230), (360, 276), colour="mon")
    d.text(372, 258, "copies of all messages", "mon", anchor="start")
    return d


ALL: tuple[Callable[[], Drawing], ...] = (requests, market_data, logs, two_sites, ipyparallel)
