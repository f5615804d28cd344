"""Try socket types and options on zdev_core and libzmq, with sockets that are neither bound nor connected."""

from __future__ import annotations

from typing import Any, Self

import zmq

from .._words import settings_of


class LibzmqProbe:
    """Keeps the results. A context manager, which closes the sockets at the end."""

    def __enter__(self) -> Self:
        self._context = zmq.Context()
        self._sockets: dict[tuple[str, str], zmq.Socket[bytes]] = {}
        self._pairs: dict[tuple[str, str], str | None] = {}
        self._options: dict[tuple[str, str, str], str | None] = {}
        return self

    def __exit__(self, *_: object) -> None:
        self._context.destroy(linger=0)

    def pair_refusal(self, in_type: str, out_type: str) -> str | None:
        """Say why no device can have sockets of these types as in and out."""
        pair = in_type, out_type
        if pair not in self._pairs:
            self._pairs[pair] = self._try_pair(in_type, out_type)
        return self._pairs[pair]

    def option_refusal(self, kind: str, name: str, value: object) -> str | None:
        """Say why a socket of this type cannot have this option."""
        question = kind, name, repr(value)
        if question not in self._options:
            self._options[question] = self._try_option(kind, name, value)
        return self._options[question]

    def _try_pair(self, in_type: str, out_type: str) -> str | None:
        import zdev_core

        try:
            zdev_core.Device(self._socket("in", in_type), self._socket("out", out_type))
        except zmq.ZMQError as error:
            return str(error).removeprefix("device: ")
        return None

    def _try_option(self, kind: str, name: str, value: object) -> str | None:
        try:
            settings = settings_of(name, value)
        except ValueError as error:
            return str(error)
        setting: Any
        for option, setting in settings:
            try:
                self._socket("option", kind).setsockopt(option, setting)
            except (zmq.ZMQError, TypeError, ValueError, OverflowError):
                shown = setting.decode() if isinstance(setting, bytes) else setting
                return f"libzmq refuses {name} = {shown!r} for a {kind} socket (see zmq_setsockopt(3))"
        return None

    def _socket(self, use: str, kind: str) -> zmq.Socket[bytes]:
        if (use, kind) not in self._sockets:
            self._sockets[use, kind] = self._context.socket(zmq.SocketType[kind])
        return self._sockets[use, kind]
