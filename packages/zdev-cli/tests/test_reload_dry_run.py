"""`zdev reload --dry-run` says what a reload would do, and does nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zmq
from exchange import ANY, exchange, queue

if TYPE_CHECKING:
    from conftest import Service

Start = Callable[..., "Service"]
Connected = Callable[..., "zmq.Socket[bytes]"]
END = "nothing was changed (--dry-run)"


@pytest.mark.engine("wire")
@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_it_says_what_would_change_live_restart_come_and_go(
    service: Start, connected: Connected, isolation: str, folder: Path
) -> None:
    isolated = f'isolation = "{isolation}"\n'
    program = service(queue("orders", isolated) + queue("same") + queue("billing", isolated) + queue("old"))
    at = program.until_ready()
    before = program.snapshot()
    extra = f"ipc://{folder}/extra"
    more = "drain_timeout = 5\nin.max_connections = 20\n"
    changed = queue("orders", isolated + more).replace(f'in.bind = "{ANY}"', f'in.bind = ["{ANY}", "{extra}"]')
    mon = f'mon.bind = "ipc://{folder}/mon"'
    program.write(changed + queue("same") + queue("billing", isolated + mon) + queue("new"))
    said = program.do("reload", "--dry-run")
    assert said[0] == (
        "orders: would change live: drain_timeout 30.0 -> 5.0; "
        f'in.bind "{ANY}" -> ["{ANY}","{extra}"]; in.max_connections unset -> 20'
    )
    assert said[1] == "same: unchanged"
    assert said[2].startswith("billing: would restart (mon: the socket is new): mon unset -> {")
    assert said[3:] == ["new: would be added", "old: would be drained and removed", END]
    after = program.snapshot()
    for one, other in zip(before["devices"], after["devices"], strict=True):
        assert [each["binds"] for each in one["sockets"]] == [each["binds"] for each in other["sockets"]]
        assert other["uptime"] >= one["uptime"]
        assert (other["state"], other["restarts"]) == ("active", 0)
    assert not Path(folder, "extra").exists()
    exchange(connected(zmq.REQ, at["orders in"]), connected(zmq.REP, at["orders out"]), b"hello")
    done = program.do("reload")
    assert [line.split(":")[0] for line in done] == ["orders", "same", "billing", "new", "old"]
    assert done[0].startswith("orders: changed live: ")
    assert done[2].startswith("billing: restarted (mon: the socket is new)")


@pytest.mark.engine("libzmq")
def test_on_libzmq_only_settings_of_zdev_would_change_live(service: Start) -> None:
    program = service(queue("orders") + queue("billing"))
    program.until_ready()
    program.write(queue("orders", "drain_timeout = 5") + queue("billing", 'restart = "never"\nin.options = { SNDHWM = 5 }'))
    said = program.do("reload", "--dry-run")
    assert said[0] == "orders: would change live: drain_timeout 30.0 -> 5.0"
    assert said[1].startswith("billing: would restart (only the wire engine can, ")
    assert said[1].endswith('restart "on-failure" -> "never"; in.options.SNDHWM unset -> 5')


def test_a_device_that_is_stopped_would_stay_so(service: Start) -> None:
    program = service(queue("orders"))
    program.until_ready()
    program.do("stop", "orders")
    program.write(queue("orders", "in.options = { SNDHWM = 5 }"))
    assert program.do("reload", "--dry-run")[0] == "orders: would change, and stay stopped: in.options.SNDHWM unset -> 5"


def test_a_file_with_errors_is_reported_and_the_running_configuration_stays(service: Start) -> None:
    program = service(queue("orders"))
    program.until_ready()
    program.write(queue("orders", 'isolation = "thred"'))
    for arguments in (["reload", "--dry-run"], ["reload"]):
        done = program.ask(*arguments)
        assert done.returncode == 78
        assert done.stderr.splitlines()[-1] == "not reloaded: the running configuration stays as it was"


def test_a_change_of_the_http_address_is_shown(service: Start) -> None:
    program = service('[http]\nlisten = "127.0.0.1:0"\n' + queue("orders"))
    program.until_ready()
    program.write(queue("orders"))
    assert program.do("reload", "--dry-run") == ["orders: unchanged", "http: would be off", END]
