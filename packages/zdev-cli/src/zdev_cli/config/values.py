"""Convert a TOML document to the model, value by value, so that all errors are found at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from difflib import get_close_matches
from functools import cache
from math import isnan
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Meta, Struct
from msgspec.structs import FieldInfo, fields

from .diagnostics import Path, PendingDiagnostic
from .variables import MARK, expand, scalars

INTEGER_BITS = 64  # of TOML and of libzmq; Python refuses to print more than 4300 digits
TOO_MANY_DIGITS = "a number has too many digits"

_BAD: Any = object()


def convert(raw: object, kind: Any, path: Path, pending: list[PendingDiagnostic]) -> Any:
    """Convert `raw` to `kind`, a type of the model. Errors are added to `pending`, and a valid value takes the place."""
    value = _value(raw, kind, path, pending)
    return _stand_in(kind) if value is _BAD else value


def nearest(name: str, names: Iterator[str] | tuple[str, ...]) -> str | None:
    """Return the one of `names` that is most like `name`."""
    by_folded = {each.casefold(): each for each in names}
    near = get_close_matches(name.casefold(), by_folded, n=1)
    return by_folded[near[0]] if near else None


def _value(raw: object, kind: Any, path: Path, pending: list[PendingDiagnostic]) -> Any:
    if isinstance(raw, int) and raw.bit_length() > INTEGER_BITS:
        pending.append(PendingDiagnostic(path, TOO_MANY_DIGITS))
        return _BAD
    if isinstance(raw, str) and MARK in raw:
        return _expanded(raw, kind, path, pending)
    for choice in _choices(kind):
        if _is_struct(choice) and isinstance(raw, dict):
            return _table(raw, choice, path, pending)
        if get_origin(choice) is list and isinstance(raw, list):
            (item,) = get_args(choice)
            return [convert(each, item, (*path, index), pending) for index, each in enumerate(raw)]
        if get_origin(choice) is dict and isinstance(raw, dict):
            item = get_args(choice)[1]
            return {name: convert(each, item, (*path, name), pending) for name, each in raw.items()}
    try:
        return _scalar(raw, kind)
    except msgspec.ValidationError:
        pending.append(PendingDiagnostic(path, _refusal(raw, kind)))
        return _BAD


def _expanded(raw: str, kind: Any, path: Path, pending: list[PendingDiagnostic]) -> Any:
    """Convert a string with variables. If text is not allowed there, their value may be a number or a boolean."""
    try:
        text = expand(raw)
    except ValueError as error:
        pending.append(PendingDiagnostic(path, str(error)))
        return _BAD
    for value in (text, *scalars(text)):
        with suppress(msgspec.ValidationError):
            return _scalar(value, kind)
    pending.append(PendingDiagnostic(path, f"invalid value of {raw}: must be {_phrase(kind)}"))
    return _BAD


def _table(raw: dict[str, object], kind: type[Struct], path: Path, pending: list[PendingDiagnostic]) -> Struct:
    known = {each.encode_name: each for each in _fields(kind)}
    for name in raw.keys() - known.keys():
        near = nearest(name, tuple(known))
        hint = f"did you mean {near}?" if near else f"available: {', '.join(known)}"
        pending.append(PendingDiagnostic((*path, name), f"unknown key ({hint})", at_key=True))
        if near and near not in raw:  # the missing key is probably this one
            pending.append(PendingDiagnostic((*path, near), ""))
    return kind(**{each.name: _field(raw, each, path, pending) for each in known.values()})


def _field(raw: dict[str, object], field: FieldInfo, path: Path, pending: list[PendingDiagnostic]) -> Any:
    here = (*path, field.encode_name)
    value = _BAD
    if field.encode_name in raw:
        value = _value(raw[field.encode_name], field.type, here, pending)
    elif field.required:
        pending.append(PendingDiagnostic(here, f"required: must be {_phrase(field.type)}"))
    if value is not _BAD:
        return value
    if field.default is not NODEFAULT:
        return field.default
    return _stand_in(field.type) if field.required else field.default_factory()


def _scalar(raw: object, kind: Any) -> Any:
    if isinstance(raw, float) and isnan(raw):  # passes any bounds
        raise msgspec.ValidationError
    return msgspec.convert(raw, kind)


def _stand_in(kind: Any) -> Any:
    """Return any value of this type."""
    choice = next(_choices(kind))
    if _is_struct(choice):
        return _table({}, choice, (), [])
    if get_origin(choice) is Literal:
        return get_args(choice)[0]
    return "?" if choice is str else (get_origin(choice) or choice)()


@cache
def _fields(kind: type[Struct]) -> tuple[FieldInfo, ...]:
    return fields(kind)


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Struct)


def _choices(kind: Any) -> Iterator[Any]:
    """Yield the types of a union except None, which TOML does not have."""
    if get_origin(kind) is Annotated:
        yield from _choices(get_args(kind)[0])
    elif get_origin(kind) in (Union, UnionType):
        for each in get_args(kind):
            yield from _choices(each)
    elif kind is not NoneType:
        yield kind


def _refusal(raw: object, kind: Any) -> str:
    names = [name for choice in _choices(kind) if get_origin(choice) is Literal for name in get_args(choice)]
    near = nearest(raw, tuple(names)) if isinstance(raw, str) else None
    hint = f" (did you mean {near}?)" if near else ""
    return f"{_shown(raw)}: must be {_phrase(kind)}{hint}"


def _shown(raw: object) -> str:
    if isinstance(raw, dict | list):
        return f"{'a table' if isinstance(raw, dict) else 'an array'} is not allowed"
    if isinstance(raw, bool):
        return f"invalid value {str(raw).lower()}"
    text = repr(raw) if isinstance(raw, str) else str(raw)
    return f"invalid value {text if len(text) <= 60 else text[:57] + '...'}"


_PHRASES = {str: "text", int: "a whole number", float: "a number", bool: "true or false", dict: "a table"}


def _phrase(kind: Any) -> str:
    """Describe values of this type: by the title of its Meta, if it has one."""
    if get_origin(kind) is Annotated:
        titles = [each.title for each in get_args(kind)[1:] if isinstance(each, Meta) and each.title]
        return titles[-1] if titles else _phrase(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(dict.fromkeys(_phrase(each) for each in get_args(kind) if each is not NoneType))
    if get_origin(kind) is Literal:
        return f"one of {', '.join(get_args(kind))}"
    if get_origin(kind) is list:
        (item,) = get_args(kind)
        return "an array of tables" if _is_struct(item) else f"an array of {_phrase(item)}"
    return "a table" if _is_struct(kind) else _PHRASES[get_origin(kind) or kind]
