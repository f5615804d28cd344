"""Rights of the users of a socket to topics."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import zmq

EVERYBODY_ELSE = "*"

UserRights = Mapping[str, "Rights"]
WireRights = dict[bytes, tuple[list[bytes], list[bytes]]]


@dataclass(frozen=True, kw_only=True)
class Rights:
    """Topics that a user of a socket may publish and subscribe to, by their prefixes, for the wire engine.

    The topic of a message is its first frame. An empty prefix stands for all topics. All other topics are denied.

    Args:
        publish: Prefixes of the messages that the device takes from the user. Others are dropped, and counted as `denied_messages`.
        subscribe: Prefixes that the user may subscribe to. Of a subscription, the part that is allowed is taken; if no part is, it is
            counted as `denied_subscriptions`.

    Raises:
        TypeError: The prefixes are not an iterable of text or bytes.
    """

    publish: Iterable[str | bytes] = ()
    subscribe: Iterable[str | bytes] = ()

    def __post_init__(self) -> None:
        for name in ("publish", "subscribe"):
            given: Any = getattr(self, name)
            prefixes = None if isinstance(given, str | bytes) or not isinstance(given, Iterable) else tuple(given)
            if prefixes is None or not all(isinstance(each, str | bytes) for each in prefixes):
                raise TypeError(f"{name} must be a list of prefixes of topics, like ['orders.'], not {given!r}")
            object.__setattr__(self, name, prefixes)


def checked_rights(given: Any) -> dict[str, Rights] | None:
    """Return the rights of users, by name. Raises TypeError for another kind of value."""
    if given is None:
        return None
    if not isinstance(given, Mapping) or not all(
        isinstance(user, str) and isinstance(rights, Rights) for user, rights in given.items()
    ):
        example = "{'anna': Rights(subscribe=['orders.'])}"
        raise TypeError(f"rights must be a value of Rights for each name of a user, like {example}, or None, not {given!r}")
    return dict(given)


def wire_rights(rights: UserRights | None) -> WireRights | None:
    """Return rights as a WireDevice takes them."""
    if rights is None:
        return None
    return {os.fsencode(user): (_encoded(each.publish), _encoded(each.subscribe)) for user, each in rights.items()}


def _encoded(prefixes: Iterable[str | bytes]) -> list[bytes]:
    return [each.encode() if isinstance(each, str) else each for each in prefixes]


def rights_refusal(type_: int, *, is_inverted: bool) -> str | None:
    """Say why the users of a socket cannot have rights; None if they can."""
    if type_ not in (zmq.PUB, zmq.XPUB, zmq.SUB, zmq.XSUB):
        return "rights are for PUB, XPUB, SUB and XSUB only, whose messages have topics"
    return "rights and INVERT_MATCHING exclude each other: it sends the other topics" if is_inverted else None
