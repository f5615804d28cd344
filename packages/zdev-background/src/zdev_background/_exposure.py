"""The warning about sockets that other hosts can reach without any security mechanism."""

from __future__ import annotations

import logging

from ._spec import SocketSpec

logger = logging.getLogger("zdev")


def warn_of_exposure(owner: str, spec: SocketSpec) -> None:
    """Log a warning if anybody who reaches the host is let in."""
    if exposed := spec.exposed():
        logger.warning("%s: %s at %s lets in anybody who reaches it: see CurveServer", owner, spec, ", ".join(exposed))
