"""The public names are these, and nothing else."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest
import zmq.devices

import zdev_background
from zdev_background import monitoredqueue

WHERE = ["", "Thread", "Process"]
WHAT = ["Device", "Proxy", "MonitoredQueue", "ProxySteerable"]


def test_the_public_names_are_pinned() -> None:
    devices = [where + what for where in WHERE for what in WHAT]
    others = ["FlowStatistics", "Outcome", "Role", "SocketSpec", "State", "Statistics", "monitored_queue", "monitoredqueue"]
    others += ["CurveClient", "CurveServer", "PlainClient", "PlainServer", "Security", "create_key", "read_public_key"]
    others += ["DEFAULT_OPTIONS_BY_TYPE", "DEFAULT_SOCKET_OPTIONS"]
    others += ["basedevice", "monitoredqueuedevice", "proxydevice", "proxysteerabledevice"]
    others += [
        "ConnectStatus",
        "Connections",
        "Durations",
        "Ending",
        "Engine",
        "Limits",
        "Peer",
        "Requests",
        "RoleStatistics",
        "RestartHooks",
        "RestartPolicy",
        "Rights",
        "Worker",
        "Workers",
        "raise_file_limit",
    ]
    assert sorted(zdev_background.__all__) == sorted(devices + others)
    assert all(hasattr(zdev_background, name) for name in zdev_background.__all__)
    assert monitoredqueue.monitored_queue is zdev_background.monitored_queue


def test_every_name_of_zmq_devices_is_there() -> None:
    assert set(zmq.devices.__all__) <= set(zdev_background.__all__)


@pytest.mark.parametrize("name", [each.name for each in pkgutil.iter_modules(zmq.devices.__path__)])
def test_every_module_of_zmq_devices_is_there_with_its_names(name: str) -> None:
    theirs = importlib.import_module(f"zmq.devices.{name}")
    ours = importlib.import_module(f"zdev_background.{name}")
    assert set(ours.__all__) == set(theirs.__all__)
    for each in theirs.__all__:
        assert getattr(ours, each) is getattr(zdev_background, each)


def test_the_classes_are_related_as_in_zmq_devices() -> None:
    for where in WHERE:
        for what in WHAT:
            made = getattr(zdev_background, where + what)
            assert issubclass(made, getattr(zdev_background, where + "Device"))
            assert issubclass(made, getattr(zdev_background, what))


def test_the_package_says_that_it_is_typed() -> None:
    assert Path(zdev_background.__file__).with_name("py.typed").exists()


@pytest.mark.parametrize("made", [zdev_background.Device, zdev_background.ThreadDevice, zdev_background.ProcessDevice])
def test_the_docstring_of_a_class_lists_its_settings_for_help(made: type) -> None:
    bases = set(made.__mro__) if made is zdev_background.Device else set(made.__mro__) - set(zdev_background.Device.__mro__)
    settings = {name for base in bases for name in inspect.get_annotations(base) if name[0] != "_"} - {"context_factory"}
    listed = (inspect.getdoc(made) or "").partition("Attributes:\n")[2].partition("\n\n")[0]
    assert settings
    assert settings - {line.partition(":")[0].strip() for line in listed.splitlines()} == set()
