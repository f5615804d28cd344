"""The WSGI application: the page, readiness, status and metrics, each made from a snapshot."""

from __future__ import annotations

import ipaddress
import logging
import re
from base64 import b64encode
from collections.abc import Callable, Iterable
from hashlib import sha256
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct

from zdev_background._refusals import RefusalLog

from .._failure import Failure, Status
from ..config.http_access import Access
from ..snapshot import DeviceView, Snapshot
from ..snapshot.peers import PeerView
from ..snapshot.requests import WorkerView
from .metrics import Metrics

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

logger = logging.getLogger("zdev.service.http")

TEXT = "text/plain; charset=utf-8"
JSON = "application/json"
HEADERS = [
    ("Cache-Control", "no-store"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
]
_HOST = re.compile(r"(?:\[(?P<address>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._~-]+))(?::[0-9]*)?", re.ASCII)
"""RFC 9110, section 7.2, and RFC 3986, section 3.2.2, without percent-encoding, which no name of this machine needs."""
OPEN = ("/livez", "/readyz")
"""Paths that need no credentials: those of probes."""
NOTHING = "default-src 'none'; frame-ancestors 'none'"


def no_workers(_device: str) -> list[WorkerView]:
    """Return what a device that has no workers shows."""
    return []


class Answer(NamedTuple):
    body: bytes
    content_type: str = TEXT
    status: HTTPStatus = HTTPStatus.OK
    policy: str = NOTHING
    """Content-Security-Policy."""
    headers: Iterable[tuple[str, str]] = ()


class Application:
    """Answers GET and HEAD.

    Args:
        address: HOST:PORT where it listens. On loopback it answers only to names of this machine, so that a web page cannot reach
            it by a host name that resolves to loopback (DNS rebinding).
        access: Returns the credentials that are required now.
    """

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        peers: Callable[[str], list[PeerView]],
        address: str,
        *,
        workers: Callable[[str], list[WorkerView]] = no_workers,
        access: Callable[[], Access] = Access,
    ) -> None:
        self._snapshot = snapshot
        self._address, self._access = address, access
        self._refusals = RefusalLog("http")
        self._on_loopback = _is_loopback(address.rpartition(":")[0].strip("[]"))
        self._metrics = Metrics(snapshot)
        self._page = Page()
        self._answers: dict[str, Callable[[WSGIEnvironment], Answer]] = {
            "/": self._show_page,
            "/livez": lambda _: Answer(b"alive\n"),
            "/metrics": self._show_metrics,
            "/peers": lambda environment: _list_of_device(environment, peers),
            "/readyz": self._show_readiness,
            "/workers": lambda environment: _list_of_device(environment, workers),
            "/status": lambda _: Answer(msgspec.json.encode(self._snapshot()), JSON),
        }

    def __call__(self, environment: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = self._answer(environment)
        headers = [
            *HEADERS,
            ("Content-Security-Policy", answer.policy),
            ("Content-Type", answer.content_type),
            ("Content-Length", str(len(answer.body))),
            *answer.headers,
        ]
        start_response(f"{answer.status:d} {answer.status.phrase}", headers)
        return [] if environment["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def _answer(self, environment: WSGIEnvironment) -> Answer:
        if self._on_loopback and not _names_this_machine(environment.get("HTTP_HOST", "localhost")):
            text = "unknown host: zdev listens on loopback only, as localhost, 127.0.0.1 and [::1]\n"
            return Answer(text.encode(), status=HTTPStatus.MISDIRECTED_REQUEST)
        if environment.get("PATH_INFO", "") not in OPEN and (refusal := self._refusal(environment)):
            return refusal
        if environment["REQUEST_METHOD"] not in ("GET", "HEAD"):
            text = "method not allowed: HTTP is read-only (use zdev pause, resume, drain or stop)\n"
            return Answer(text.encode(), status=HTTPStatus.METHOD_NOT_ALLOWED, headers=[("Allow", "GET, HEAD")])
        answer = self._answers.get(environment.get("PATH_INFO", ""))
        if answer is None:
            return Answer(f"not found (available: {', '.join(self._answers)})\n".encode(), status=HTTPStatus.NOT_FOUND)
        try:
            return answer(environment)
        except Exception:
            logger.exception("http: cannot answer %s", environment["PATH_INFO"])
            return Answer(b"internal error: see the log of zdev\n", status=HTTPStatus.INTERNAL_SERVER_ERROR)

    def _refusal(self, environment: WSGIEnvironment, *, logs: bool = True) -> Answer | None:
        """Return the answer to a client without the required credentials; None: it has them."""
        credentials, given = self._access().credentials, environment.get("HTTP_AUTHORIZATION", "")
        if credentials is None or credentials.accept(given):
            return None
        if given and logs:  # a browser asks for a password after its first request without one
            self._refusals.add(self._address, environment.get("REMOTE_ADDR", ""), "unknown name, password or token")
        text = b"unauthorized: a name and password, or a token, is required\n"
        return Answer(text, status=HTTPStatus.UNAUTHORIZED, headers=credentials.challenges)

    def _show_page(self, _: WSGIEnvironment) -> Answer:
        return Answer(self._page.content, "text/html; charset=utf-8", policy=self._page.policy)

    def _show_metrics(self, environment: WSGIEnvironment) -> Answer:
        return Answer(*self._metrics.exposition(environment.get("HTTP_ACCEPT", "")))

    def _show_readiness(self, environment: WSGIEnvironment) -> Answer:
        found = readiness(self._snapshot())
        if found.reasons and self._refusal(environment, logs=False):
            found = Readiness(ready=False, reasons=["shown with a password or token only"])
        return Answer(msgspec.json.encode(found), JSON, HTTPStatus.OK if found.ready else HTTPStatus.SERVICE_UNAVAILABLE)


def _list_of_device(environment: WSGIEnvironment, ask: Callable[[str], list[PeerView] | list[WorkerView]]) -> Answer:
    """Return what belongs to the device that the query names, as JSON."""
    names = parse_qs(environment.get("QUERY_STRING", "")).get("device", [])
    if len(names) != 1:
        return Answer(f"name one device: {environment['PATH_INFO']}?device=NAME\n".encode(), status=HTTPStatus.BAD_REQUEST)
    try:
        return Answer(msgspec.json.encode(ask(names[0])), JSON)
    except Failure as failure:
        is_unknown = failure.status == Status.USAGE
        status = HTTPStatus.NOT_FOUND if is_unknown else HTTPStatus.SERVICE_UNAVAILABLE
        return Answer(f"{failure}\n".encode(), status=status)


def _names_this_machine(host: str) -> bool:
    """Return whether a Host header names loopback, with any port: it may be forwarded from another."""
    found = _HOST.fullmatch(host)
    if found is None:
        return False
    name, address = found["name"], found["address"]
    return _is_loopback(address) if name is None else name.lower().rstrip(".") == "localhost" or _is_loopback(name)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


_NOT_READY = ("starting", "waiting", "failed")


class Readiness(Struct, frozen=True):
    """The answer of /readyz."""

    ready: bool
    reasons: list[str]
    """Why not: one per device."""


def readiness(snapshot: Snapshot) -> Readiness:
    if snapshot.ready:
        return Readiness(ready=True, reasons=[])
    reasons = [_reason(device) for device in snapshot.devices if device.error or device.awaited or device.state in _NOT_READY]
    return Readiness(ready=False, reasons=reasons or ["zdev is starting or about to end"])


def _reason(device: DeviceView) -> str:
    return ": ".join([f"{device.name}: {device.state}", *filter(None, (device.trouble, "; ".join(device.awaited)))])


class Page:
    """page.html with its style and script inserted. Its policy lets a browser run only these, and connect only to zdev."""

    def __init__(self) -> None:
        folder = files(__package__) / "assets"
        style, program = ((folder / name).read_text("utf-8") for name in ("page.css", "page.js"))
        html = (folder / "page.html").read_text("utf-8")
        self.content = html.replace("/* page.css */", style).replace("/* page.js */", program).encode()
        self.policy = "; ".join(
            (
                "default-src 'none'",
                f"script-src {_hash(program)}",
                f"style-src {_hash(style)}",
                "connect-src 'self'",
                "img-src data:",  # its icon
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'none'",
            )
        )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
