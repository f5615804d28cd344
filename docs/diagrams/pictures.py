"""The pictures that draw.py draws: one function per picture."""

from __future__ import annotations

from collections.abc import Callable

from draw import Drawing


def device() -> Drawing:
    d = Drawing(
        "device", 720, 330, "Clients connect to the in socket of a device, workers to its out socket; requests go from in to out, "
        "replies back. The mon socket sends watchers a copy of every message; the ctrl socket accepts commands from an operator."
    )  # fmt: skip
    d.box(245, 105, 230, 110)
    d.text(360, 168, "the device", style="bold")
    for number, name in enumerate(("anna", "bert", "cleo")):
        y = 88 + 56 * number
        d.box(10, y, 110, 40, name)
        d.arrow((120, y + 20), (209, 152), colour="in")
    for number, name in enumerate(("worker 1", "worker 2")):
        y = 106 + 68 * number
        d.box(600, y, 110, 40, name)
        d.arrow((509, 154 + 12 * number), (600, y + 20), colour="in")
    d.box(210, 138, 70, 44, "in", colour="in")
    d.box(440, 138, 70, 44, "out", colour="out")
    d.arrow((290, 146), (430, 146), colour="in")
    d.arrow((430, 186), (290, 186), colour="out")
    d.box(325, 84, 70, 40, "ctrl", colour="ctrl")
    d.box(325, 198, 70, 40, "mon", colour="mon")
    d.box(300, 6, 120, 40, "operator")
    d.arrow((360, 46), (360, 84), colour="ctrl")
    d.text(372, 70, "PAUSE, DRAIN ...", "ctrl", anchor="start")
    d.box(300, 284, 120, 40, "watcher")
    d.arrow((360, 238), (360, 284), colour="mon")
    d.text(372, 266, "a copy of every message", "mon", anchor="start")
    d.text(65, 270, "clients", "soft")
    d.text(655, 240, "workers", "soft")
    d.text(170, 112, "requests", "in")
    d.text(556, 128, "requests", "in")
    return d


def monitored_queue() -> Drawing:
    d = Drawing(
        "monitored-queue", 720, 310, "A request of anna reaches the worker with her name and an empty frame in front. The copy for "
        "the monitor starts with the prefix in; the copy of the reply starts with the prefix out."
    )  # fmt: skip
    d.box(10, 60, 110, 130, "anna", "REQ")
    d.box(290, 40, 140, 170, "device", "ROUTER in", "DEALER out", "PUB mon")
    d.box(600, 60, 110, 130, "worker", "REP")
    d.text(205, 58, "anna sends", "soft")
    d.frames(156, 66, '""', "2 + 2?")
    d.arrow((126, 104), (286, 104), colour="in")
    d.text(515, 58, "DEALER sends", "soft")
    d.frames(446, 66, "anna", '""', "2 + 2?")
    d.arrow((434, 104), (596, 104), colour="in")
    d.frames(464, 140, "anna", '""', "4", colour="out")
    d.arrow((596, 178), (434, 178), colour="out")
    d.frames(172, 140, '""', "4", colour="out")
    d.arrow((286, 178), (126, 178), colour="out")
    d.arrow((360, 210), (360, 252), colour="mon")
    d.text(348, 236, "a subscriber of mon receives", "soft", anchor="end")
    end = d.frames(150, 260, "in", "anna", '""', "2 + 2?", colour="mon")
    d.frames(end + 24, 260, "out", "anna", '""', "4", colour="mon")
    return d


def router_router() -> Drawing:
    d = Drawing(
        "router-router", 720, 250, "Anna sends a message that begins with bert's name. The device receives it with anna's name "
        "in front and swaps the two frames. Bert receives anna's name and the content, so he can reply."
    )  # fmt: skip
    d.box(10, 40, 110, 170, "anna", "DEALER")
    d.box(270, 8, 180, 228)
    d.text(360, 30, "device", style="bold")
    d.box(600, 40, 110, 170, "bert", "DEALER")
    d.text(194, 56, "sends", "soft")
    d.frames(146, 64, "bert", "hello")
    d.arrow((126, 104), (266, 104), colour="in")
    d.text(360, 49, "ROUTER in receives", "soft")
    d.frames(286, 54, "anna", "bert", "hello")
    d.arrow((309, 84), (352, 156), colour="ctrl")
    d.arrow((352, 84), (309, 156), colour="ctrl")
    d.text(402, 126, "swapped", "ctrl")
    d.frames(286, 160, "bert", "anna", "hello")
    d.text(360, 206, "ROUTER out sends", "soft")
    d.arrow((454, 156), (594, 156), colour="in")
    d.text(524, 108, "receives", "soft")
    d.frames(478, 116, "anna", "hello")
    return d


def back_pressure() -> Drawing:
    d = Drawing(
        "back-pressure", 720, 270, "The queues to a slow receiver are full, so the device holds one message and stops reading; the "
        "sender's queue fills, and the sender waits. The other direction keeps running."
    )  # fmt: skip
    d.box(10, 50, 110, 150, "clients")
    d.box(280, 30, 160, 190)
    d.text(360, 52, "device", style="bold")
    d.box(600, 50, 110, 150, "workers", "slow")
    d.text(200, 68, "fills", "in")
    d.queue(158, 78, 5)
    d.arrow((126, 90), (154, 90), colour="in")
    d.arrow((246, 90), (276, 90), colour="in", dashed=True)
    d.text(360, 76, "stops reading", "in")
    d.queue(353, 84, 1, 1)
    d.text(360, 126, "one pending message", "soft")
    d.text(522, 68, "full", "in")
    d.queue(480, 78, 5)
    d.arrow((444, 90), (476, 90), colour="in", dashed=True)
    d.arrow((568, 90), (596, 90), colour="in")
    d.queue(480, 158, 1, colour="out")
    d.arrow((596, 170), (568, 170), colour="out")
    d.arrow((476, 170), (444, 170), colour="out")
    d.queue(158, 158, 1, colour="out")
    d.arrow((276, 170), (246, 170), colour="out")
    d.arrow((154, 170), (126, 170), colour="out")
    d.text(360, 176, "keeps running", "out")
    d.text(200, 250, "SNDHWM of the sender and RCVHWM of in", "soft")
    d.text(530, 250, "SNDHWM of out and RCVHWM of the receiver", "soft")
    return d


def states() -> Drawing:
    d = Drawing(
        "states", 720, 250, "A device is idle until it starts, then active. Pause leads to paused, and resume back to active. Drain "
        "leads to draining, and then to the end. Stop ends the device in any state."
    )  # fmt: skip
    d.box(20, 95, 120, 56, "idle")
    d.box(280, 95, 140, 56, "active", "relays", colour="in")
    d.box(280, 6, 140, 52, "paused", "holds messages", colour="ctrl")
    d.box(550, 95, 150, 56, "draining", "awaits replies", colour="out")
    d.arrow((140, 110), (280, 110), colour="in")
    d.text(210, 102, "start", "in")
    d.arrow((280, 138), (140, 138))
    d.text(210, 156, "stop", "soft")
    d.arrow((280, 32), (80, 32), (80, 95))
    d.text(180, 24, "stop", "soft")
    d.arrow((320, 95), (320, 58), colour="ctrl")
    d.text(310, 82, "PAUSE", "ctrl", anchor="end")
    d.arrow((380, 58), (380, 95), colour="ctrl")
    d.text(390, 82, "RESUME", "ctrl", anchor="start")
    d.arrow((420, 123), (550, 123), colour="out")
    d.text(485, 115, "DRAIN", "out")
    d.arrow((420, 32), (625, 32), (625, 95), colour="out")
    d.text(525, 24, "DRAIN", "out")
    d.arrow((625, 151), (625, 215), (80, 215), (80, 151), colour="out")
    d.text(352, 207, "all pending replies returned (drained), timeout, or stop", "soft")
    return d


def drain() -> Drawing:
    d = Drawing(
        "drain", 720, 240, "While a device drains, new requests wait with their clients; the replies to requests that it has "
        "forwarded still reach their clients; then it ends."
    )  # fmt: skip
    d.box(10, 40, 110, 150, "clients")
    d.box(280, 30, 160, 170, "device", "draining", "2 pending replies", colour="out")
    d.box(600, 40, 110, 150, "workers")
    d.queue(152, 62, 3, 3)
    d.text(200, 54, "new requests wait", "in")
    d.arrow((126, 74), (146, 74), colour="in")
    d.text(236, 80, "\u2715", "ctrl", "bold")
    d.text(200, 106, "the device reads none", "soft")
    d.queue(505, 142, 2, 2, colour="out")
    d.arrow((596, 154), (546, 154), colour="out")
    d.arrow((500, 154), (444, 154), colour="out")
    d.arrow((276, 154), (126, 154), colour="out")
    d.text(200, 146, "replies return", "out")
    d.text(360, 226, "ends when every forwarded request has its reply", "soft")
    return d


def engines() -> Drawing:
    d = Drawing(
        "engines", 720, 326, "On the libzmq engine, an I/O thread of libzmq owns the connections; messages cross to the relay in "
        "its own thread through a queue, and back through another. On the wire engine, one thread reads a connection, relays, and "
        "writes to another; messages wait only in the queue to a receiver."
    )  # fmt: skip
    for y, name in ((10, "libzmq engine"), (220, "wire engine")):
        height = 190 if y == 10 else 100
        d.box(10, y + height / 2 - 24, 100, 48, "clients")
        d.box(610, y + height / 2 - 24, 100, 48, "workers")
        d.box(170, y, 380, height, dashed=True)
        d.text(182, y + 22, name, style="bold", anchor="start")
    d.box(290, 44, 140, 50, "relay", "a thread")
    d.box(190, 136, 340, 50, "libzmq\u2019s sockets", "owns the connections: an I/O thread")
    d.arrow((110, 112), (150, 112), (150, 154), (190, 154), colour="in")
    d.arrow((530, 154), (570, 154), (570, 112), (610, 112), colour="in")
    d.arrow((232, 136), (232, 112), colour="in")
    d.queue(194, 84, 3, colour="in")
    d.arrow((232, 82), (232, 66), (290, 66), colour="in")
    d.arrow((430, 66), (486, 66), (486, 82), colour="in")
    d.queue(446, 84, 3, colour="in")
    d.arrow((486, 110), (486, 136), colour="in")
    d.box(190, 252, 240, 50, "relay", "owns the connections: one thread")
    d.arrow((110, 277), (190, 277), colour="in")
    d.arrow((430, 277), (452, 277), colour="in")
    d.queue(457, 265, 3, colour="in")
    d.arrow((545, 277), (610, 277), colour="in")
    return d


ALL: tuple[Callable[[], Drawing], ...] = (device, monitored_queue, router_router, back_pressure, states, drain, engines)
