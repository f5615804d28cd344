"""Rules of the table [device.workers] that its types cannot express."""

from __future__ import annotations

from collections.abc import Iterator

from zdev_background import Workers

from .diagnostics import Path, PendingDiagnostic
from .endpoints import address_of
from .model import DeviceConfig
from .protection import is_exposed
from .topology import End, Use


def broken_workers(index: int, device: DeviceConfig, *, insecure: bool) -> Iterator[PendingDiagnostic | Use]:
    """Report what cannot be a queue that knows its workers, and the use of the endpoint of its dead letters."""
    if device.workers is None:
        return
    here: Path = ("device", index, "workers")
    outs = ("DEALER",) if device.workers.protocol == "plain" else ("DEALER", "ROUTER")
    types = device.socket_type("in"), device.socket_type("out")
    if types[0] != "ROUTER" or types[1] not in outs:
        text = f"not for a device with in {types[0]} and out {types[1]}: in must be ROUTER, and out {' or '.join(outs)}"
        grounds = (("device", index, "type"), ("device", index, "in"), ("device", index, "out"), (*here, "protocol"))
        yield PendingDiagnostic(here, text, at_key=True, depends_on=grounds)
    if device.workers.protocol != "plain" and device.workers.max_requests != 1:
        text = f'must be 1 with protocol = "{device.workers.protocol}", whose workers handle one request at a time'
        yield PendingDiagnostic((*here, "max_requests"), text, depends_on=(here, (*here, "protocol")))
    if device.workers.reply_on_failure == []:
        yield PendingDiagnostic(
            (*here, "reply_on_failure"), "no frame (leave it out if clients get nothing)", depends_on=(here,)
        )
    if (given := device.workers.dead_letter) is None:
        return
    here = (*here, "dead_letter")
    try:
        Workers(dead_letter=given)
    except ValueError as error:
        yield PendingDiagnostic(here, str(error).partition(": ")[2] or str(error), depends_on=(here,))
        return
    endpoint, connects = given.removeprefix(">"), given.startswith(">")
    yield Use(endpoint, address_of(endpoint), here, End(index, "dead_letter", device.name, "PUSH"), connects=connects)
    if not (connects or insecure) and is_exposed(endpoint, {}):
        text = f"{endpoint} is reachable from other hosts without authentication (bind 127.0.0.1, or set insecure = true)"
        yield PendingDiagnostic(here, text, depends_on=(here, ("device", index, "insecure"), ("defaults", "insecure")))
