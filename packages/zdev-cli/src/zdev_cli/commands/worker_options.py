"""Options of `zdev run` for a queue that knows its workers: the settings that matter most. A file has all of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click

from .options import with_options

_Command = TypeVar("_Command", bound=Callable[..., Any])

_SECONDS: dict[str, Any] = {"metavar": "SECONDS", "type": click.FloatRange(min=0, max=86400, min_open=True)}
_OPTIONS = {
    "max_requests": click.option(
        "--max-requests", metavar="N", type=click.IntRange(1, 10_000), help="Requests of one worker at a time. Default: 1."
    ),
    "queue_limit": click.option(
        "--queue-limit", metavar="N", type=click.IntRange(0, 2**32), help="Requests that may wait for a worker. Default: 1000."
    ),
    "queue_timeout": click.option("--queue-timeout", help="How long a request may wait for a worker.", **_SECONDS),
    "request_timeout": click.option("--request-timeout", help="How long a worker may take for a request.", **_SECONDS),
    "retries": click.option(
        "--retries", metavar="N", type=click.IntRange(0, 100), help="Retries of a request whose worker left. Default: 0."
    ),
}


def worker_options(command: _Command) -> _Command:
    """--workers and its settings, as `workers`: a WorkersConfig, or None if none of them was given."""

    @wraps(command)
    def with_workers(*arguments: Any, **options: Any) -> Any:
        values = {name: options.pop(name) for name in _OPTIONS}
        given = {name: value for name, value in values.items() if value is not None}
        workers = None
        if options.pop("workers") or given:
            from ..config import WorkersConfig

            workers = WorkersConfig(**given)
        return command(*arguments, workers=workers, **options)

    text = "Keep requests until a worker is free; the next five options imply it."
    flag = click.option("--workers", is_flag=True, help=text)
    decorated: _Command = with_options(with_workers, flag, *_OPTIONS.values())
    return decorated
