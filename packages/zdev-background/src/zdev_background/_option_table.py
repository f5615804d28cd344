"""The verdict on each option of zmq_setsockopt(3), for Python, configuration files and the command line alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Literal, NamedTuple

import zmq

from . import _option_checks as checks
from ._option_checks import Check

Kind = Literal["allowed", "limited", "no effect", "refused", "read-only"]


SECRETS = ("CURVE_SECRETKEY", "PLAIN_PASSWORD", "SOCKS_PASSWORD", "WSS_KEY_PEM")
"""Options whose values must not appear in errors, logs and command lines."""


class Verdict(NamedTuple):
    """Whether an option may be set.

    Attributes:
        kind: The verdict.
        note: For documentation; for a refused option, the reason and the remedy.
        check: Returns what is wrong with a value, or None. Runs wherever the option is given.
        probe: Returns what is wrong with a value on this machine, or None. Runs at the start of a device.
    """

    kind: Kind
    note: str = ""
    check: Check | None = None
    probe: Check | None = None


class WireVerdict(NamedTuple):
    """The verdict of the wire engine on an option.

    Attributes:
        kind: "libzmq only" makes `engine = "auto"` take libzmq. Options that may not be set at all are refused for both engines.
        note: For documentation.
        apply: Enters a value, under the engine's name for the option, among the values for the engine.
        live: Whether a running device can take over another value.
    """

    kind: Literal["supported", "no effect", "libzmq only"]
    note: str = ""
    apply: Callable[[dict[str, Any], str, Any], object] = dict.__setitem__
    live: bool = False


class Option(NamedTuple):
    """One row of the table.

    Attributes:
        name: Such as SNDHWM.
        libzmq: The verdict for sockets of libzmq.
        wire: The verdict for the wire engine.
    """

    name: str
    libzmq: Verdict
    wire: WireVerdict


_LIBZMQ_ONLY = WireVerdict("libzmq only")
_WIRE = WireVerdict("supported")
_LIVE = WireVerdict("supported", live=True)


def _rows(verdict: Verdict, *names: str, wire: WireVerdict = _LIBZMQ_ONLY) -> Iterator[tuple[str, Option]]:
    for name in names:
        yield name, Option(name, verdict, wire)


def _ignored(why: str) -> WireVerdict:
    return WireVerdict("no effect", why)


def _add_prefix(values: dict[str, Any], _name: str, prefix: bytes) -> None:
    values.setdefault("subscribe", []).append(prefix)


def _remove_prefix(values: dict[str, Any], _name: str, prefix: bytes) -> None:
    with suppress(ValueError):
        values.get("subscribe", []).remove(prefix)


def _add_property(values: dict[str, Any], name: str, text: bytes) -> None:
    key, _, value = text.partition(b":")
    values.setdefault(name, []).append((key, value))


def _limited(note: str, check: Check) -> Verdict:
    return Verdict("limited", note, check)


def _refused(reason: str) -> Verdict:
    return Verdict("refused", reason)


_MILLISECONDS = " (it is in seconds, not milliseconds)"
_ALLOWED = Verdict("allowed")
_DRAFT = Verdict("allowed", "draft: only with a libzmq that is built with drafts")
_MULTICAST = Verdict("allowed", "multicast only (pgm, norm), with a libzmq that has it")
_VMCI = Verdict("allowed", "vmci only, with a libzmq that has it")
_GSSAPI = Verdict("allowed", "with a libzmq that has GSSAPI")
_SOCKS = _refused(
    "not supported: libzmq aborts the process when a socket is closed while the proxy is down or refuses (use a tunnel, such as ssh -L)"
)

OPTIONS: dict[str, Option] = dict(
    [
        *_rows(
            Verdict("allowed", "replaced: sets SNDHWM and RCVHWM"),
            "HWM",
            wire=WireVerdict("supported", apply=lambda values, _, value: values.update(sndhwm=value), live=True),
        ),
        *_rows(Verdict("allowed", "messages for each peer; 0: no limit"), "SNDHWM", wire=_LIVE),
        *_rows(
            Verdict("allowed", "messages for each peer; 0: no limit"),
            "RCVHWM",
            wire=_ignored("no messages wait on the receiving side"),
        ),
        *_rows(
            Verdict("allowed", "the bits of I/O threads; see `io_threads`"),
            "AFFINITY",
            wire=_ignored("there are no I/O threads"),
        ),
        *_rows(Verdict("allowed", "bytes; -1: the system's"), "SNDBUF", "RCVBUF", wire=_LIVE),
        *_rows(Verdict("allowed", "ms; see the relay contract, rule 13"), "LINGER", wire=_LIVE),
        *_rows(Verdict("allowed", "ms"), "CONNECT_TIMEOUT", "HANDSHAKE_IVL", "RECONNECT_IVL_MAX", wire=_LIVE),
        *_rows(
            Verdict("allowed", "may lose messages: see heartbeats and full queues"),
            "HEARTBEAT_IVL",
            "HEARTBEAT_TIMEOUT",
            wire=_LIVE,
        ),
        *_rows(Verdict("allowed", "ms, in steps of 100"), "HEARTBEAT_TTL", wire=_LIVE),
        *_rows(Verdict("allowed", "ms; may lose messages: see heartbeats and full queues"), "TCP_MAXRT"),
        *_rows(
            Verdict("allowed", "1: send to connected peers only; see absent receivers"),
            "IMMEDIATE",
            wire=_ignored("always so: messages are sent to connected peers only"),
        ),
        *_rows(Verdict("allowed", "set for endpoints with an IPv6 address"), "IPV6", wire=_WIRE),
        *_rows(Verdict("allowed", "replaced by IPV6, its opposite"), "IPV4ONLY"),
        *_rows(Verdict("allowed", "bytes; not for several connections at one peer"), "ROUTING_ID", wire=_WIRE),
        *_rows(
            Verdict("allowed", "ROUTER; set unless you set it: see the relay contract, rule 3"),
            "ROUTER_MANDATORY",
            wire=WireVerdict("supported", "what cannot be routed is counted either way", live=True),
        ),
        *_rows(Verdict("allowed", "ROUTER"), "ROUTER_HANDOVER", wire=_WIRE),
        *_rows(Verdict("allowed", "ROUTER; for the first connect"), "CONNECT_ROUTING_ID", wire=_WIRE),
        *_rows(Verdict("allowed", "ROUTER, DEALER, REQ"), "PROBE_ROUTER", wire=_LIVE),
        *_rows(Verdict("allowed", "REQ"), "REQ_CORRELATE", "REQ_RELAXED"),
        *_rows(Verdict("allowed", "SUB"), "SUBSCRIBE", wire=WireVerdict("supported", apply=_add_prefix, live=True)),
        *_rows(Verdict("allowed", "SUB"), "UNSUBSCRIBE", wire=WireVerdict("supported", apply=_remove_prefix, live=True)),
        *_rows(Verdict("allowed", "XPUB, PUB; a full subscriber holds all messages back"), "XPUB_NODROP", wire=_LIVE),
        *_rows(Verdict("allowed", "XPUB; every subscription and unsubscription travels upstream"), "XPUB_VERBOSER", wire=_WIRE),
        *_rows(Verdict("allowed", "XPUB"), "XPUB_WELCOME_MSG", wire=_LIVE),
        *_rows(Verdict("allowed", "PUB, XPUB, SUB; both ends must set it"), "INVERT_MATCHING", wire=_WIRE),
        *_rows(_ALLOWED, "BACKLOG", wire=_WIRE),
        *_rows(_ALLOWED, "TCP_KEEPALIVE", wire=_LIVE),
        *_rows(_ALLOWED, "METADATA", wire=WireVerdict("supported", apply=_add_property)),
        *_rows(_ALLOWED, "TCP_ACCEPT_FILTER"),
        *_rows(_ALLOWED, "IPC_FILTER_PID", "IPC_FILTER_UID", "IPC_FILTER_GID"),
        *_rows(Verdict("allowed", "use PlainServer, PlainClient, or a table `plain`"), "PLAIN_SERVER", "PLAIN_USERNAME"),
        *_rows(Verdict("allowed", "not in a file or command line: a secret"), "PLAIN_PASSWORD", "CURVE_SECRETKEY"),
        *_rows(_limited("needs CURVE_SECRETKEY; use CurveServer or a table `curve`", lambda _: None), "CURVE_SERVER"),
        *_rows(_limited("must belong to CURVE_SECRETKEY", lambda _: None), "CURVE_PUBLICKEY"),
        *_rows(_limited("needs CURVE_PUBLICKEY and CURVE_SECRETKEY", lambda _: None), "CURVE_SERVERKEY"),
        *_rows(Verdict("allowed", "with a ZAP handler in the context"), "ZAP_DOMAIN", "ZAP_ENFORCE_DOMAIN"),
        *_rows(_GSSAPI, "GSSAPI_SERVER", "GSSAPI_PRINCIPAL", "GSSAPI_SERVICE_PRINCIPAL", "GSSAPI_PLAINTEXT"),
        *_rows(_GSSAPI, "GSSAPI_PRINCIPAL_NAMETYPE", "GSSAPI_SERVICE_PRINCIPAL_NAMETYPE"),
        *_rows(
            _limited("bytes of a frame, at least 64, with CURVE 512; -1: no limit", checks.maxmsgsize), "MAXMSGSIZE", wire=_LIVE
        ),
        *_rows(
            _limited("1 to 32,767 s; -1: the system's", checks.within(1, 32_767, "seconds", _MILLISECONDS)),
            "TCP_KEEPALIVE_IDLE",
            "TCP_KEEPALIVE_INTVL",
            wire=_LIVE,
        ),
        *_rows(_limited("1 to 127 probes; -1: the system's", checks.within(1, 127, "probes")), "TCP_KEEPALIVE_CNT", wire=_LIVE),
        *_rows(_limited("ms from 1; -1: never reconnect", checks.reconnect_interval), "RECONNECT_IVL", wire=_LIVE),
        *_rows(_limited("0 to 255", checks.from_to(0, 255)), "TOS", wire=_LIVE),
        *_rows(Verdict("limited", "an interface of this machine", None, checks.interface), "BINDTODEVICE", wire=_WIRE),
        *_rows(Verdict("limited", "an open, listening socket, for one bind; -1: none", None, checks.listening), "USE_FD"),
        *_rows(_limited("0 to 6; draft", checks.from_to(0, 6)), "PRIORITY"),
        *_rows(
            Verdict("no effect", "a device never waits in a socket"),
            "RCVTIMEO",
            "SNDTIMEO",
            wire=_ignored("a device never waits in a socket"),
        ),
        *_rows(Verdict("no effect", "Windows only"), "LOOPBACK_FASTPATH", wire=_ignored("Windows only")),
        *_rows(
            _refused(
                "not supported: libzmq keeps one frame, which breaks messages of several frames (use a small RCVHWM or SNDHWM)"
            ),
            "CONFLATE",
        ),
        *_rows(
            _refused(
                "not supported: a device does not answer subscriptions, so nothing would be delivered (use XPUB_VERBOSER)"
            ),
            "XPUB_MANUAL",
            "XPUB_MANUAL_LAST_VALUE",
        ),
        *_rows(
            _refused("not supported: subscriptions would never be withdrawn upstream (use XPUB_VERBOSER)"),
            "XPUB_VERBOSE",
        ),
        *_rows(_refused("not supported: it turns ZMTP off, and CURVE and PLAIN with it (use ROUTER peers)"), "ROUTER_RAW"),
        *_rows(_refused("not supported: its notifications would be relayed as messages"), "ROUTER_NOTIFY"),
        *_rows(_refused("not supported: it is for STREAM, which a device cannot relay"), "STREAM_NOTIFY"),
        *_rows(_refused("not supported: libzmq would insert its own messages between those relayed"), "HELLO_MSG"),
        *_rows(
            _refused("not supported: libzmq would insert its own messages between those relayed"),
            "DISCONNECT_MSG",
            "HICCUP_MSG",
        ),
        *_rows(_refused("an option of contexts: use context_factory"), "BLOCKY"),
        *_rows(_SOCKS, "SOCKS_PROXY", "SOCKS_USERNAME", "SOCKS_PASSWORD"),
        *_rows(_MULTICAST, "RATE", "RECOVERY_IVL", "MULTICAST_HOPS", "MULTICAST_MAXTPDU", "MULTICAST_LOOP"),
        *_rows(_MULTICAST, "NORM_MODE", "NORM_UNICAST_NACK", "NORM_BUFFER_SIZE", "NORM_SEGMENT_SIZE", "NORM_BLOCK_SIZE"),
        *_rows(_MULTICAST, "NORM_NUM_PARITY", "NORM_NUM_AUTOPARITY", "NORM_PUSH"),
        *_rows(_VMCI, "VMCI_BUFFER_SIZE", "VMCI_BUFFER_MIN_SIZE", "VMCI_BUFFER_MAX_SIZE", "VMCI_CONNECT_TIMEOUT"),
        *_rows(_DRAFT, "WSS_KEY_PEM", "WSS_CERT_PEM", "WSS_TRUST_PEM", "WSS_HOSTNAME", "WSS_TRUST_SYSTEM"),
        *_rows(_DRAFT, "IN_BATCH_SIZE", "OUT_BATCH_SIZE", "RECONNECT_STOP", "BUSY_POLL", "XSUB_VERBOSE_UNSUBSCRIBE"),
        *_rows(Verdict("allowed", "draft; zdev sets it on XPUB and XSUB itself"), "ONLY_FIRST_SUBSCRIBE"),
        *_rows(Verdict("read-only"), "RCVMORE", "FD", "EVENTS", "TYPE", "LAST_ENDPOINT", "MECHANISM", "THREAD_SAFE"),
        *_rows(Verdict("read-only"), "TOPICS_COUNT"),
    ]
)


def option_refusal(option: int, value: Any, *, probe: bool = False) -> str | None:
    """Return why an option must not be set to a value. libzmq decides on options without a row, and on the type of the value.

    Args:
        option: Its number, such as zmq.SNDHWM.
        value: A number, or bytes.
        probe: Whether to check the value on this machine too, as a device does at its start.

    Returns:
        The text for an error, or None if the option may be set.
    """
    verdict = verdict_of(option)
    if verdict is None:
        return None
    if verdict.kind == "read-only":
        return "can only be read"
    if verdict.kind == "refused":
        return verdict.note if value else None  # 0 or empty disables it
    for check in (verdict.check, verdict.probe if probe else None):
        try:
            if check and (refusal := check(value)):
                return refusal
        except TypeError:  # the wrong type of value, which libzmq will refuse
            return None
    return None


def verdict_of(option: int) -> Verdict | None:
    """Return the verdict on an option for sockets of libzmq, or None if the table has no such row."""
    try:
        return OPTIONS[zmq.SocketOption(option).name].libzmq
    except (KeyError, ValueError):
        return None
