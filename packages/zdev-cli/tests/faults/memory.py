"""How much memory a device can take: the formula of docs/reliability.md."""

from __future__ import annotations

from .peer import SENDERS
from .scenario import Scenario

MB = 1_000_000
CONNECTION = 128 * 1024  # bytes: two queues, two batches, and what libzmq keeps of a connection
FRAME = 64  # bytes that a frame takes in a queue; up to 33 bytes of content are among them
CONTENT = 64  # bytes that a longer content takes beside its own
BUFFER = 18 * 1024  # bytes of the buffer that libzmq reads into: a small reply that came alone keeps all of it
ASKING = {"client", "worker"}  # the peers of requests and replies
IN_BUFFER = 8192  # bytes; a larger frame has its own memory


def most(scenario: Scenario) -> int:
    """Bytes beyond those of an idle zdev."""
    devices = {each.name: each for each in scenario.devices}
    total = 0
    for spec in scenario.peers:
        role = "in" if spec.role in SENDERS else "out"
        options = devices[spec.device].options[role]
        requests, replies = ("RCVHWM", "SNDHWM") if role == "in" else ("SNDHWM", "RCVHWM")
        back = reply(spec.size) if spec.role in ASKING else message(0)  # publishers get subscriptions, pushers nothing
        queues = options[requests] * message(spec.size) + options[replies] * back
        total += spec.count * (CONNECTION + queues)
    return total


def message(size: int, small_frames: int = 2) -> int:
    """Bytes of a message of one frame of this size and a few that are small."""
    return (1 + small_frames) * FRAME + (CONTENT + size if size > 33 else 0)


def reply(size: int) -> int:
    """The same of one that came in at the out socket."""
    return max(message(size), message(0) + BUFFER) if 33 < size <= IN_BUFFER else message(size)
