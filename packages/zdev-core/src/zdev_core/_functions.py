"""The devices as functions, each of which makes a `Device` and runs it in the calling thread.

A call that was interrupted, for example by Ctrl-C, can be repeated with the same arguments without losing a message. The messages
kept until then do not keep sockets alive.
"""

from __future__ import annotations

import threading
from typing import Any
from weakref import ref

import zmq

from ._core import Device, Outcome

_Arguments = tuple["zmq.Socket[Any]", "zmq.Socket[Any]", "zmq.Socket[Any] | None", "zmq.Socket[Any] | None", Any, Any]

# Devices with pending messages whose run was ended by an exception, usually KeyboardInterrupt, each with its arguments, which have
# weak references to the sockets. A call with the same arguments continues with that device.
_interrupted: list[tuple[tuple[Any, ...], Device]] = []
_lock = threading.Lock()  # for _interrupted


def _run(*arguments: *_Arguments) -> Outcome:
    device = _device_for(arguments)
    try:
        return device.run()
    except zmq.ZMQError:
        raise  # a terminated context or a closed socket: the call cannot be repeated
    except BaseException:
        if _may_have_pending(device, arguments[2]):
            device._let_go()
            _interrupted.append((_with_weak_sockets(arguments), device))
        raise


def _with_weak_sockets(arguments: _Arguments) -> tuple[Any, ...]:
    return tuple(ref(each) if isinstance(each, zmq.Socket) else each for each in arguments)


def _is_open(reference: ref[zmq.Socket[Any]]) -> bool:
    socket = reference()
    return socket is not None and not socket.closed


def _may_have_pending(device: Device, mon_socket: zmq.Socket[Any] | None) -> bool:
    statistics = device.statistics()
    monitor_may_wait = mon_socket is not None and mon_socket.type not in (zmq.PUB, zmq.XPUB)
    return monitor_may_wait or statistics.in_.pending > 0 or statistics.out.pending > 0


def _device_for(arguments: _Arguments) -> Device:
    in_socket, out_socket, mon_socket, ctrl_socket, in_prefix, out_prefix = arguments
    device = Device(in_socket, out_socket, mon_socket, ctrl_socket, in_prefix=in_prefix, out_prefix=out_prefix)
    with _lock:
        for entry in _interrupted[:]:
            (earlier_in, earlier_out, *_), earlier_device = entry
            if entry[0] == _with_weak_sockets(arguments):
                device = earlier_device
            elif _is_open(earlier_in) and _is_open(earlier_out):
                continue
            _interrupted.remove(entry)
    return device


def _encoded(prefix: bytes | str) -> bytes:
    return prefix.encode() if isinstance(prefix, str) else prefix


def queue(in_socket: zmq.Socket[Any], out_socket: zmq.Socket[Any]) -> None:
    """Relay between two sockets, in both directions if their types allow it. Never returns, except by an exception.

    Args:
        in_socket: Open socket; see `Device`.
        out_socket: Open socket; see `Device`.

    Raises:
        TypeError: An argument is not a pyzmq socket.
        zmq.ZMQError: See `Device` and `Device.run`.
    """
    _run(in_socket, out_socket, None, None, None, None)


def monitored_queue(
    in_socket: zmq.Socket[Any],
    out_socket: zmq.Socket[Any],
    mon_socket: zmq.Socket[Any],
    in_prefix: bytes | str = b"in",
    out_prefix: bytes | str = b"out",
) -> None:
    """Relay between two sockets, and send a copy of every message to a third. Never returns, except by an exception.

    A copy is [prefix, frame, frame, ...]; the prefix shows which socket received the message. Between ROUTERs the first two frames
    are swapped, so that a message reaches the peer that its sender named. The interface is that of `zmq.devices.monitored_queue`.

    Args:
        in_socket: Open socket; see `Device`.
        out_socket: Open socket; see `Device`.
        mon_socket: Open socket that sends the copies; see `Device`.
        in_prefix: Prefix for messages from the in socket; a str is sent as UTF-8.
        out_prefix: Prefix for messages from the out socket; a str is sent as UTF-8.

    Raises:
        TypeError: An argument is not a pyzmq socket, or a prefix is neither bytes nor str.
        zmq.ZMQError: See `Device` and `Device.run`.
    """
    _run(in_socket, out_socket, mon_socket, None, _encoded(in_prefix), _encoded(out_prefix))


def proxy(frontend: zmq.Socket[Any], backend: zmq.Socket[Any], capture: zmq.Socket[Any] | None = None) -> None:
    """Relay between two sockets, as zmq_proxy(3). Never returns, except by an exception.

    Args:
        frontend: Open socket; the in socket of `Device`.
        backend: Open socket; the out socket of `Device`.
        capture: Open socket that sends copies without a prefix, or None.

    Raises:
        TypeError: An argument is not a pyzmq socket.
        zmq.ZMQError: See `Device` and `Device.run`.
    """
    _run(frontend, backend, capture, None, None, None)


def proxy_steerable(
    frontend: zmq.Socket[Any],
    backend: zmq.Socket[Any],
    capture: zmq.Socket[Any] | None = None,
    control: zmq.Socket[Any] | None = None,
) -> Outcome:
    """Relay between two sockets until a command ends it, as zmq_proxy_steerable(3).

    Args:
        frontend: Open socket; the in socket of `Device`.
        backend: Open socket; the out socket of `Device`.
        capture: Open socket that sends copies without a prefix, or None.
        control: Open socket that obeys PAUSE, RESUME, DRAIN, TERMINATE and STATISTICS, or None.

    Returns:
        How the run ended, by TERMINATE or a DRAIN.

    Raises:
        TypeError: An argument is not a pyzmq socket.
        zmq.ZMQError: See `Device` and `Device.run`.
    """
    return _run(frontend, backend, capture, control, None, None)
