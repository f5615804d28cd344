"""Checks for option values that libzmq accepts although they make it lose messages, break connections or abort."""

from __future__ import annotations

import os
import socket as sockets
import sys
from _socket import socket as Connection  # gevent's patches replace socket.socket by one that belongs to a hub
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from typing import Any

import zmq

Check = Callable[[Any], str | None]

SMALLEST_MAXMSGSIZE = 64  # bytes; a peer's READY (ZMTP, RFC 23) is shorter unless it has a long routing id
CURVE_HANDSHAKE = 512  # bytes; CURVE's INITIATE (RFC 26) is shorter


def within(lowest: int, highest: int, unit: str, hint: str = "") -> Check:
    """Return a check for numbers from `lowest` to `highest`, or -1, which leaves the system's value."""

    def check(value: int) -> str | None:
        if value == -1 or lowest <= value <= highest:
            return None
        return f"must be {lowest} to {highest} {unit}, or -1 for the system's value{hint}"

    return check


def from_to(lowest: int, highest: int) -> Check:
    """Return a check for numbers from `lowest` to `highest`."""
    return lambda value: None if lowest <= value <= highest else f"must be {lowest} to {highest}"


def reconnect_interval(value: int) -> str | None:
    """Check RECONNECT_IVL, where libzmq takes 0 as an interval without a delay."""
    return "must be 1 ms or more, or -1 to disable reconnecting" if value == 0 else None


def maxmsgsize(value: int) -> str | None:
    """Check MAXMSGSIZE, which libzmq applies to the frames of the handshake too."""
    if value == -1 or value >= SMALLEST_MAXMSGSIZE:
        return None
    return f"must be at least {SMALLEST_MAXMSGSIZE} bytes, or -1 for no limit: it limits the peer's handshake too"


def interface(value: bytes) -> str | None:
    """Check that this machine has the interface and this process may use it. Otherwise libzmq retries a connect for ever."""
    if sys.platform != "linux" or not value:
        return None
    with closing(Connection(sockets.AF_INET, sockets.SOCK_DGRAM)) as probe:
        try:
            probe.setsockopt(sockets.SOL_SOCKET, sockets.SO_BINDTODEVICE, value + b"\0")
        except PermissionError:
            return "permission denied (CAP_NET_RAW is needed)"
        except OSError as error:
            return f"{error.strerror} (this machine has {', '.join(name for _, name in sockets.if_nameindex())})"
    return None


def listening(value: int) -> str | None:
    """Check that the descriptor is a listening socket. Otherwise libzmq aborts the process."""
    if value == -1:
        return None
    try:
        copy = os.dup(value)
    except OSError as error:
        return f"{error.strerror}: descriptor {value} is not open in the device's process"
    try:
        with closing(Connection(fileno=copy)) as given:
            copy = -1
            if given.getsockopt(sockets.SOL_SOCKET, sockets.SO_ACCEPTCONN):
                return None
    except OSError:
        pass
    finally:
        if copy >= 0:
            os.close(copy)
    return f"descriptor {value} is not a listening socket"


def conflict_of(options: Iterable[tuple[int, Any]], binds: int = 0) -> str | None:
    """Return which of a socket's options conflict, and why.

    Args:
        options: Pairs of option and value, in the order in which they are set.
        binds: How many endpoints the socket binds.

    Returns:
        The text for an error, or None if all options work together.
    """
    with suppress(TypeError, ValueError, zmq.ZMQError):  # a value of a wrong kind, which libzmq refuses by its option's name
        return _conflict(dict(options), binds)
    return None


def _conflict(given: Mapping[int, Any], binds: int) -> str | None:
    secret, public = given.get(zmq.CURVE_SECRETKEY), given.get(zmq.CURVE_PUBLICKEY)
    if given.get(zmq.CURVE_SERVER) and not secret:
        return "CURVE_SERVER needs CURVE_SECRETKEY: without it every peer is refused (use CurveServer, or a table curve)"
    if given.get(zmq.CURVE_SERVERKEY) and not (secret and public):
        return "CURVE_SERVERKEY needs CURVE_PUBLICKEY and CURVE_SECRETKEY: every server refuses this socket (use CurveClient, or a table curve)"
    if secret and public and len(secret) == len(public) == 40 and zmq.curve_public(_bytes(secret)) != _bytes(public):
        return "CURVE_PUBLICKEY does not belong to CURVE_SECRETKEY"
    if (given.get(zmq.CURVE_SERVER) or secret) and 0 <= given.get(zmq.MAXMSGSIZE, -1) < CURVE_HANDSHAKE:
        return f"MAXMSGSIZE must be at least {CURVE_HANDSHAKE} with CURVE: it limits the peer's handshake too"
    if given.get(zmq.USE_FD, -1) != -1 and binds != 1:
        return f"USE_FD needs one bind, and there are {binds}: libzmq would use the descriptor for each of them, and abort"
    return None


def _bytes(key: bytes | str) -> bytes:
    return key.encode() if isinstance(key, str) else key
