"""Access to the HTTP server: the files of [http] with its certificate, passwords and tokens."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path as File
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from .._failure import Failure, Status
from .diagnostics import Path, PendingDiagnostic
from .model import HttpConfig, TlsConfig
from .protection import is_exposed

if TYPE_CHECKING:
    from ssl import SSLContext

_TOKEN = re.compile(rb"[A-Za-z0-9._~+/-]{16,255}=*")
"""RFC 6750, section 2.1; shorter ones can be guessed."""


class Credentials:
    """The passwords and tokens that the HTTP server accepts. Only their digests are kept.

    Files with plain secrets and mode 0600, as for PLAIN: a slow hash would let anybody who asks keep a core busy.
    """

    def __init__(self, passwords: dict[bytes, bytes], tokens: Iterable[bytes]) -> None:
        by_scheme = {
            "basic": [sha256(name + b":" + password).digest() for name, password in passwords.items()],
            "bearer": [sha256(token).digest() for token in tokens],
        }
        self._known = {scheme: digests for scheme, digests in by_scheme.items() if digests}

    @property
    def challenges(self) -> list[tuple[str, str]]:
        """The headers that ask a client for credentials."""
        texts = {"basic": 'Basic realm="zdev", charset="UTF-8"', "bearer": 'Bearer realm="zdev"'}
        return [("WWW-Authenticate", texts[scheme]) for scheme in self._known]

    def accept(self, authorization: str) -> bool:
        """Return whether an Authorization header is right, after the same time for every wrong one."""
        scheme, _, value = authorization.partition(" ")
        secret = value.strip().encode("latin-1", errors="replace")
        if scheme.lower() == "basic":
            try:
                secret = b64decode(secret, validate=True)
            except binascii.Error:
                return False
        digest = sha256(secret).digest()
        return True in [compare_digest(digest, known) for known in self._known.get(scheme.lower(), ())]


class Access(NamedTuple):
    """How clients reach the HTTP server: without TLS if there is no context, and all of them if there are no credentials."""

    tls: SSLContext | None = None
    credentials: Credentials | None = None
    digests: Mapping[str, bytes] = MappingProxyType({})
    """By key of [http], of the files that this was read from."""

    def changed_from(self, former: Access) -> str:
        """Return the keys of [http] whose files are new, gone or changed, separated by commas."""
        keys = sorted(self.digests.keys() | former.digests.keys())
        return ", ".join(key for key in keys if self.digests.get(key) != former.digests.get(key))


OPEN_ACCESS = Access()


def access_of(http: HttpConfig | None) -> Access:
    """Read the files of a valid configuration. Raises Failure if one of them cannot be used any more."""
    if http is None:
        return OPEN_ACCESS
    try:
        passwords = _passwords(http.password_file) if http.password_file is not None else {}
        tokens = _tokens(http.token_file) if http.token_file is not None else []
        tls = _context(http.tls) if http.tls else None
        digests = _digests(http)
    except (OSError, ValueError) as error:
        raise Failure(f"http: {_text(error)}", Status.CONFIGURATION) from error
    return Access(tls, Credentials(passwords, tokens) if passwords or tokens else None, digests)


def _digests(http: HttpConfig) -> dict[str, bytes]:
    tls = (http.tls.cert_file, http.tls.key_file) if http.tls else ()
    files = {"tls": tls, "password_file": (http.password_file,), "token_file": (http.token_file,)}
    contents = {key: [File(each).read_bytes() for each in named if each is not None] for key, named in files.items()}
    return {key: sha256(b"\0".join(each)).digest() for key, each in contents.items() if each}


def broken_access(http: HttpConfig) -> Iterator[PendingDiagnostic]:
    """Report files that cannot be used, and an address that other hosts can reach without authentication."""
    here: Path = ("http",)
    checks: list[tuple[str, object, Callable[[str], object]]] = [
        ("password_file", http.password_file, _passwords),
        ("token_file", http.token_file, _tokens),
    ]
    for key, file, read in checks:
        if isinstance(file, str) and (refusal := _refusal(lambda read=read, file=file: read(file))):  # type: ignore[misc]
            yield PendingDiagnostic((*here, key), refusal, depends_on=((*here, key),))
    tls = http.tls
    if tls and (refusal := _refusal(lambda: _context(tls))):
        yield PendingDiagnostic((*here, "tls"), refusal, at_key=True, depends_on=((*here, "tls"),))
    if not (http.insecure or http.has_credentials) and is_exposed(f"tcp://{http.listen}", {}):
        advice = "use 127.0.0.1, add password_file or token_file, or set insecure = true"
        text = f"{http.listen} is reachable from other hosts without authentication ({advice})"
        yield PendingDiagnostic((*here, "listen"), text, depends_on=(here,))


def unencrypted(http: HttpConfig) -> Iterator[PendingDiagnostic]:
    """Warn of passwords and tokens of a valid configuration that others in the network can read."""
    if http.has_credentials and not (http.tls or http.insecure) and is_exposed(f"tcp://{http.listen}", {}):
        text = (
            f"passwords and tokens cross the network to {http.listen} unencrypted (add tls, or set insecure = true if the network "
            "protects them)"
        )
        yield PendingDiagnostic(("http", "listen"), text)


def _passwords(path: str) -> dict[bytes, bytes]:
    from zdev_background._keys import read_passwords

    found = read_passwords(path)
    if not found:
        raise ValueError(f"{path}: no passwords (write a line NAME:PASSWORD)")
    return found


def _tokens(path: str) -> list[bytes]:
    """Return the tokens in a file, one per line. No error quotes a line."""
    from zdev_background._keys import read_secret

    lines = {number: line.strip() for number, line in enumerate(read_secret(path).splitlines(), 1)}
    tokens = {number: line for number, line in lines.items() if line and not line.startswith(b"#")}
    for number, token in tokens.items():
        if not _TOKEN.fullmatch(token):
            raise ValueError(
                f"{path}:{number}: a token must be 16 to 255 letters, digits or -._~+/ (try: openssl rand -hex 32)"
            )
    if not tokens:
        raise ValueError(f"{path}: no tokens (try: openssl rand -hex 32)")
    return list(tokens.values())


def _context(tls: TlsConfig) -> SSLContext:
    import ssl

    from zdev_background._keys import check_public, read_secret

    def refuse() -> str:
        raise ValueError(f"{tls.key_file}: the key is encrypted (zdev cannot ask for its password)")

    check_public(tls.cert_file)
    read_secret(tls.key_file)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(tls.cert_file, tls.key_file, refuse)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            text = f"the key in {tls.key_file} does not belong to the certificate in {tls.cert_file}"
        else:
            text = f"{tls.cert_file} and {tls.key_file} are not a certificate and its key in PEM"
        raise ValueError(text) from error
    return context


def _refusal(read: Callable[[], object]) -> str | None:
    try:
        read()
    except (OSError, ValueError) as error:
        return _text(error)
    return None


def _text(error: Exception) -> str:
    return str(error).partition("] ")[2] or str(error) if isinstance(error, OSError) else str(error)
