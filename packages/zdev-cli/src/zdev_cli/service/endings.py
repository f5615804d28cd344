"""How a device ended, in words."""

from __future__ import annotations

from typing import NamedTuple

from zdev_background import Device, Outcome


class Ended(NamedTuple):
    """How a device was ended."""

    text: str
    is_drained: bool = True
    """False if a drain was cut short: a reply did not come, or a message that the device had taken was not delivered."""
    pending: int = 0
    """Replies that did not come."""


def ended_text(outcome: Outcome | None, took: float, pending: int, error: str | None, *, drain: bool, was_cut: bool) -> Ended:
    if was_cut:
        return Ended(f"drain cut short by a stop after {took:.1f} s: {outstanding(pending)}", False, pending)
    if outcome is Outcome.DRAINED:
        return Ended(f"drained in {took:.1f} s")
    if outcome is Outcome.DRAIN_TIMED_OUT:
        return Ended(f"drain timed out after {took:.1f} s: {outstanding(pending)}", False, pending)
    stopped = f"stopped: {outstanding(pending)}" if pending else "stopped"
    return Ended(error or stopped, not (error and drain), pending)


def pending_replies(device: Device | None) -> int:
    """Return how many replies did not come before the device ended."""
    return device.statistics().pending_replies if device else 0


def outstanding(count: int) -> str:
    return f"{count} {'reply' if count == 1 else 'replies'} outstanding"


def undelivered(device: Device, lost: int = 0) -> str:
    """Return a warning if not all messages that the device had received were delivered before its sockets were closed, else "".

    Args:
        device: The device, which has ended.
        lost: How many messages it lost at its end, of those that it counts.
    """
    if device.linger_expired:
        return "LINGER ended while messages waited in libzmq for a slow or absent peer: they are lost, and not counted"
    return f"{lost:,} {'message' if lost == 1 else 'messages'} lost: received, but not delivered in time" if lost else ""
