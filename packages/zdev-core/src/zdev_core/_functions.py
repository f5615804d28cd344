"""The devices as plain functions: each builds a `Device` and runs it in the calling thread.

A call that was interrupted (Ctrl-C) may be made again with the same arguments: no message is lost in between. What it has in
hand until then keeps no socket open.
"""

from __future__ import annotations

import threading
from typing import Any
from weakref import ref

import zmq

from ._core import Device, Outcome

_Arguments = tuple["zmq.Socket[Any]", "zmq.Socket[Any]", "zmq.Socket[Any] | None", "zmq.Socket[Any] | None", Any, Any]

# Devices whose run an exception ended (KeyboardInterrupt, mostly) with something in hand, and their arguments, the sockets
# weakly: the same call made again sends it first.
_interrupted: list[tuple[tuple[Any, ...], Device]] = []
_lock = threading.Lock()  # for _interrupted


def _run(*arguments: *_Arguments) -> Outcome:
    device = _take_up(arguments)
    try:
        return device.run()
    except zmq.ZMQError:
        raise  # a terminated context or a closed socket: nothing can go on
    except BaseException:
        if _has_something_in_hand(device, arguments[2]):
            device._let_go()
            _interrupted.append((_weakly(arguments), device))
        raise


def _weakly(arguments: _Arguments) -> tuple[Any, ...]:
    return tuple(ref(each) if isinstance(each, zmq.Socket) else each for each in arguments)


def _is_open(reference: ref[zmq.Socket[Any]]) -> bool:
    socket = reference()
    return socket is not None and not socket.closed


def _has_something_in_hand(device: Device, mon_socket: zmq.Socket[Any] | None) -> bool:
    statistics = device.statistics()
    monitor_may_wait = mon_socket is not None and mon_socket.type not in (zmq.PUB, zmq.XPUB)
    return monitor_may_wait or statistics.in_.pending > 0 or statistics.out.pending > 0


def _take_up(arguments: _Arguments) -> Device:
    in_socket, out_socket, mon_socket, ctrl_socket, in_prefix, out_prefix = arguments
    device = Device(in_socket, out_socket, mon_socket, ctrl_socket, in_prefix=in_prefix, out_prefix=out_prefix)
    with _lock:
        for entry in _interrupted[:]:
            (earlier_in, earlier_out, *_), earlier_device = entry
            if entry[0] == _weakly(arguments):
                device = earlier_device
            elif _is_open(earlier_in) and _is_open(earlier_out):
                continue
            _interrupted.remove(entry)
    return device


def _encoded(prefix: bytes | str) -> bytes:
    return prefix.encode() if isinstance(prefix, str) else prefix


def queue(in_socket: zmq.Socket[Any], out_socket: zmq.Socket[Any]) -> None:
    """Relay between two sockets, both ways where their types allow it.

    Returns never but by an exception: see `Device` and `Device.run`, also for which pairs of types work.
    """
    _run(in_socket, out_socket, None, None, None, None)


def monitored_queue(
    in_socket: zmq.Socket[Any],
    out_socket: zmq.Socket[Any],
    mon_socket: zmq.Socket[Any],
    in_prefix: bytes | str = b"in",
    out_prefix: bytes | str = b"out",
) -> None:
    """A queue that sends a copy of every message to `mon_socket` too: [prefix, frame, frame, ...].

    The prefix tells which socket received the message. Between ROUTERs the first two frames are swapped, so that each
    message reaches the peer that its sender named. The call is that of `zmq.devices.monitored_queue`; a prefix may also be a
    str, sent as UTF-8. Returns never but by an exception: see `Device` and `Device.run`.
    """
    _run(in_socket, out_socket, mon_socket, None, _encoded(in_prefix), _encoded(out_prefix))


def proxy(frontend: zmq.Socket[Any], backend: zmq.Socket[Any], capture: zmq.Socket[Any] | None = None) -> None:
    """zmq_proxy(3): a queue that copies every message, without a prefix, to `capture` if there is one."""
    _run(frontend, backend, capture, None, None, None)


def proxy_steerable(
    frontend: zmq.Socket[Any],
    backend: zmq.Socket[Any],
    capture: zmq.Socket[Any] | None = None,
    control: zmq.Socket[Any] | None = None,
) -> Outcome:
    """zmq_proxy_steerable(3): a proxy that obeys `control`, and returns upon TERMINATE or the end of a DRAIN."""
    return _run(frontend, backend, capture, control, None, None)
