"""The lines of the log: their time, level and fields, as text and as JSON."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
import zmq
from exchange import queue
from raw_control import say

Start = Callable[..., Any]

JSON = 'log = { format = "json", level = "debug" }\n'
LINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d) (debug|info|warning|error) (.*)")
NOWHERE = "tcp://192.0.2.1:5559"  # an address that no machine has (RFC 5737)


def ended(program: Any) -> list[str]:
    """Return the log of a program that is ended."""
    program.process.terminate()
    said: list[str] = program.err.rest()
    return said


def test_a_line_has_the_local_time_with_its_offset_and_a_level(service: Start) -> None:
    program = service(queue("orders"), TZ="XYZ-05:30")
    program.until_ready()
    said = ended(program)
    assert all(LINE.fullmatch(line) for line in said), said
    match = LINE.fullmatch(said[0])
    assert match
    assert (match[2], match[3].partition(",")[0]) == ("info", "orders: started")
    assert match[1].endswith("+05:30")
    assert abs(datetime.fromisoformat(match[1]).timestamp() - datetime.now().timestamp()) < 60


def test_json_is_one_object_per_line_with_the_device_and_for_a_command_its_sender_and_outcome(service: Start) -> None:
    program = service(JSON + queue("orders"))
    program.until_ready()
    program.do("pause", "orders")
    program.ask("stop", "nobody")
    said = [json.loads(line) for line in ended(program)]
    assert all(datetime.fromisoformat(each.pop("time")).tzinfo for each in said)
    started, *others = said
    assert started == {"level": "info", "device": "orders", "message": started["message"]}
    assert started["message"].startswith("started, engine: ")
    commands = [(each["level"], each["device"], each["command"], each["outcome"]) for each in others if "command" in each]
    assert commands == [
        ("debug", "orders", "pause orders", "begins"),
        ("info", "orders", "pause orders", "done"),
        ("debug", "nobody", "stop nobody", "begins"),
        ("warning", "nobody", "stop nobody", "refused"),
    ]
    assert re.fullmatch(rf"uid {os.geteuid()}, gid {os.getegid()}, pid \d+", others[0]["who"])


@pytest.mark.parametrize("settings", ["", JSON])
def test_nothing_that_a_client_sends_makes_another_line(service: Start, settings: str) -> None:
    program = service(settings + queue("orders"))
    program.until_ready()
    for character in "\n\r\x85\u2028\x1b\0\ud800":
        say(program.control, json.dumps({"verb": "pause", "device": f"a{character}2026 forged"}).encode())
        say(program.control, b'{"verb": "pause", "device' + character.encode(errors="surrogatepass") + b'": "forged"}')
    said = [line for line in ended(program) if "forged" in line or "invalid" in line]
    assert len(said) == 14 + (6 if settings else 0)  # with the level debug, the beginning of each valid one
    for line in "\n".join(said).splitlines():
        assert json.loads(line) if settings else LINE.fullmatch(line)


def test_a_failure_that_is_retried_is_a_warning_and_one_for_good_an_error(service: Start) -> None:
    away = queue("away", "insecure = true", NOWHERE)
    program = service(
        "log.format = 'json'\n" + away + away.replace("away", "gone").replace(":5559", ":5560") + "restart = 'never'\n"
    )
    program.until_ready()
    failures = {each["device"]: each for each in map(json.loads, ended(program)) if "cannot bind" in each["message"]}
    assert failures["away"]["level"] == "warning"
    assert failures["away"]["message"].endswith(": retrying in 0.1 s")
    assert failures["gone"]["level"] == "error"
    assert failures["gone"]["message"].endswith(": not restarted")


def test_a_reload_changes_level_and_format_at_once(service: Start) -> None:
    program = service(queue("orders"))
    program.until_ready()
    program.write("log = { format = 'json', level = 'warning' }\n" + queue("orders"))
    assert program.do("reload") == ["orders: unchanged", "log: format json, level warning"]
    program.do("pause", "orders")
    program.ask("stop", "nobody")
    said = [line for line in ended(program) if not LINE.fullmatch(line)]
    assert [json.loads(line)["outcome"] for line in said] == ["refused"]


def test_a_reload_that_is_refused_changes_neither_and_is_an_error_in_the_log(service: Start) -> None:
    program = service(queue("orders"))
    program.until_ready()
    program.write("log = { format = 'json', level = 'warn' }\n" + queue("orders"))
    assert program.ask("reload").returncode == 78
    said = [LINE.fullmatch(line) for line in ended(program)]
    texts = [(each[2], each[3]) for each in said if each and "reload" in each[3]]
    must = "must be one of debug, info, warning, error (did you mean warning?)"
    assert texts[0] == ("error", f"reload: {program.file}:1:34  log.level: invalid value 'warn': {must}")
    kept = ("error", "the running configuration stays as it was")
    assert [(level, text.rpartition(": ")[2]) for level, text in texts[1:]] == [kept, ("warning", "refused")]


def test_records_of_a_device_in_a_process_have_the_form_of_all_others(
    service: Start, connected: Callable[..., Any], folder: Any
) -> None:
    passwords = folder / "passwords"
    passwords.touch(mode=0o600)
    passwords.write_text("anna:right\n")
    text = queue("orders", f"isolation = 'process'\nin.plain.passwords = '{passwords}'")
    program = service("log.format = 'json'\n" + text)
    at = program.until_ready()
    connected(zmq.DEALER, at["orders in"], plain_username=b"anna", plain_password=b"wrong")
    refused = json.loads(program.err.next_with("refused a peer"))
    assert (refused["level"], refused["device"]) == ("warning", "orders")
    assert refused["message"].startswith("refused a peer at in from 127.0.0.1")
