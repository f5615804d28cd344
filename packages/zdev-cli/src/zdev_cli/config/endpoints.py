"""Parse the endpoints of a configuration: those of devices, the control socket and the HTTP server."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from zdev_background._endpoints import ANY, Address, address_of, ipc_place, ipc_refusal, is_port

from .._words import endpoint_of

__all__ = ["ANY", "Address", "address_of", "control_endpoint_of", "listen_of", "receiver_refusal", "refusal_of"]


def refusal_of(endpoint: str, *, connects: bool) -> str | None:
    """Say why no socket can bind, or connect, to this endpoint."""
    try:
        endpoint_of(endpoint, connects=connects)
    except ValueError as error:
        return str(error)
    return None


def control_endpoint_of(text: str) -> Path:
    """Return the path of the control socket.

    Raises:
        ValueError: The endpoint is invalid; the text says what is allowed.
    """
    path = text.removeprefix("unix://").removeprefix("ipc://")
    if path == text or not path or path[0] in "@*":
        raise ValueError(f"invalid endpoint {text!r}: must be unix://PATH, like unix:///run/zdev/control.sock")
    if refusal := ipc_refusal(ipc_place(path), connects=True):
        raise ValueError(refusal)
    return Path(path)


def receiver_refusal(url: str) -> str | None:
    """Say why this is not the URL of an OTLP receiver."""
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and not (parts.query or parts.fragment):
            if parts.username is None and parts.password is None:
                return None
            return "a URL with a name or password is not allowed (set OTEL_EXPORTER_OTLP_HEADERS in the environment)"
    except ValueError:  # of its port or IPv6 address
        pass
    return f"invalid URL {url!r}: must be like http://127.0.0.1:4318"


def listen_of(text: str) -> tuple[str, int]:
    """Return the host and the port of HOST:PORT.

    Raises:
        ValueError: The address is invalid; the text says what is allowed.
    """
    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host[:1] + host[-1:] == "[]" else host
    if not bare or any(each.isspace() or each in "/[]" for each in bare) or (":" in bare and bare == host):
        raise ValueError(f"invalid address {text!r}: must be HOST:PORT, like 127.0.0.1:9595 or [::1]:9595")
    if port == ANY or not is_port(port):
        raise ValueError(f"invalid port in {text!r}: must be 0 to 65535 (0: any free port)")
    return bare, int(port)
