"""The extension calls the libzmq that pyzmq uses, or its import fails with the reason."""

from __future__ import annotations

import ctypes
import ctypes.util
import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import zmq
from zmq.backend.cython import _zmq

import zdev_core

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Child

BUNDLED = next((Path(zmq.__file__).parents[1] / "pyzmq.libs").glob("libzmq*.so*"), None)

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs the global scope of ELF")

# Loads another libzmq (argument 2: how), relays messages through a device, and prints which library the extension called.
PROGRAM = """
import ctypes, json, sys, threading
if sys.argv[2:] == ["global"]:
    other = ctypes.CDLL(sys.argv[1], mode=ctypes.RTLD_GLOBAL)
elif sys.argv[2:] == ["local"]:
    other = ctypes.CDLL(sys.argv[1], mode=ctypes.RTLD_LOCAL)
import zmq, zdev_core

with zmq.Context() as context:
    ins, outs, mons = (context.socket(kind) for kind in (zmq.ROUTER, zmq.DEALER, zmq.PAIR))
    client, worker, watcher = (context.socket(kind) for kind in (zmq.REQ, zmq.REP, zmq.PAIR))
    for bound, connected in (ins, client), (outs, worker), (mons, watcher):
        bound.bind("tcp://127.0.0.1:*")
        connected.rcvtimeo = 10_000
        connected.connect(bound.last_endpoint.decode())
    device = zdev_core.Device(ins, outs, mons)
    thread = threading.Thread(target=device.run)
    thread.start()
    for size in 1, 40, 100_000:  # libzmq stores small, medium and large content differently
        client.send(bytes(size))
        worker.send(worker.recv() * 2)
        assert client.recv() == bytes(2 * size)
        assert watcher.recv_multipart()[-1] == bytes(size)
        assert watcher.recv_multipart()[-1] == bytes(2 * size)
    device.stop()
    thread.join()
    context.destroy(linger=0)
called = ctypes.CDLL(zdev_core.libzmq())
numbers = [ctypes.c_int() for _ in range(3)]
called.zmq_version(*map(ctypes.byref, numbers))
assert tuple(number.value for number in numbers) == zmq.zmq_version_info()
print(json.dumps(zdev_core.libzmq()))
"""


@pytest.fixture(scope="module")
def system_libzmq() -> str:
    """Return the path of another libzmq, the system's."""
    name = ctypes.util.find_library("zmq")
    if name is None:
        pytest.skip("the system has no libzmq (Debian: libzmq5)")
    ctypes.CDLL(name, mode=ctypes.RTLD_LOCAL)  # to find its path; no call binds to it
    mapped = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines()}
    path = next((each for each in mapped - {zdev_core.libzmq()} if Path(each).name.startswith("libzmq")), None)
    return path or pytest.skip("pyzmq uses the system's libzmq")


@pytest.fixture(scope="module")
def twin_libzmq(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Copy pyzmq's libzmq: same version and code, so only addresses distinguish the two."""
    if BUNDLED is None:
        pytest.skip("this pyzmq has no bundled libzmq")
    folder = tmp_path_factory.mktemp("twin")
    for each in BUNDLED.parent.iterdir():  # its dependencies too
        shutil.copy(each, folder)
    name = BUNDLED.name.encode()
    twin = folder / ("twin" + BUNDLED.name[4:])
    # With the same soname, the loader would use it in place of pyzmq's.
    twin.write_bytes(BUNDLED.read_bytes().replace(name, twin.name.encode()))
    return os.path.realpath(twin)


@pytest.fixture(params=["system_libzmq", "twin_libzmq"])
def other_libzmq(request: pytest.FixtureRequest) -> str:
    path: str = request.getfixturevalue(request.param)
    return path


@pytest.mark.skipif(BUNDLED is None, reason="this pyzmq has no bundled libzmq")
def test_the_extension_uses_the_libzmq_bundled_with_pyzmq(child: Callable[..., Child]) -> None:
    assert json.loads(child(PROGRAM).result()) == os.path.realpath(str(BUNDLED))


@on_linux
def test_only_one_libzmq_is_loaded(child: Callable[..., Child]) -> None:
    program = """
import pathlib, zdev_core
own = zdev_core.libzmq()
mapped = {line.split()[-1] for line in pathlib.Path("/proc/self/maps").read_text().splitlines()}
print(own, *(path for path in mapped if path == own or "libzmq" in path))
"""
    own, *loaded = child(program).result().split()
    assert loaded == [own]


@on_linux
def test_a_libzmq_already_in_the_global_scope_is_used(child: Callable[..., Child], other_libzmq: str) -> None:
    assert json.loads(child(PROGRAM, other_libzmq, "global").result()) == other_libzmq


@on_linux
def test_a_preloaded_libzmq_is_used(child: Callable[..., Child], other_libzmq: str) -> None:
    program = child(PROGRAM, env={**os.environ, "LD_PRELOAD": other_libzmq})
    assert json.loads(program.result()) == other_libzmq


@on_linux
@pytest.mark.skipif(BUNDLED is None, reason="this pyzmq has no bundled libzmq")
def test_a_libzmq_loaded_with_local_scope_is_not_used(child: Callable[..., Child], other_libzmq: str) -> None:
    assert json.loads(child(PROGRAM, other_libzmq, "local").result()) == os.path.realpath(str(BUNDLED))


@on_linux
def test_a_socket_of_another_libzmq_is_refused_and_both_libraries_are_named(
    child: Callable[..., Child], twin_libzmq: str
) -> None:
    program = """
import ctypes, sys
import zmq, zdev_core
other = ctypes.CDLL(sys.argv[1], mode=ctypes.RTLD_LOCAL)
for function in other.zmq_ctx_new, other.zmq_socket:
    function.restype = ctypes.c_void_p
theirs = other.zmq_socket(ctypes.c_void_p(other.zmq_ctx_new()), zmq.PULL)
with zmq.Context() as context, context.socket(zmq.PUSH) as ours:
    try:
        zdev_core.Device(zmq.Socket.shadow(theirs), ours)
    except RuntimeError as error:
        print(zdev_core.libzmq(), error, sep="\\n")
"""
    own, text = child(program, twin_libzmq).result().splitlines()
    assert text == (f"the in socket cannot be used: it was made by {twin_libzmq}, but pyzmq, and so zdev_core, uses {own}")


# The parts of pyzmq that the import of zdev_core uses. The first word of its socket points to a function of some library.
FAKE = """
import ctypes
{before}
word = ctypes.c_void_p(ctypes.cast(ctypes.CDLL({library!r}).{function}, ctypes.c_void_p).value)
PAIR = 0
def pyzmq_version(): return "{version}"
def pyzmq_version_info(): return tuple(map(int, "{version}".split(".")))
class Context:
    underlying = ctypes.addressof(word)
    def __init__(self, io_threads): pass
    def socket(self, kind): return self
    def close(self): print("closed")
    def term(self): print("terminated")
"""

IMPORT = """
import sys
sys.path.insert(0, sys.argv[1])
try:
    import zdev_core
except ImportError as error:
    print(error)
"""


def import_with(child: Callable[..., Child], folder: Path, **fake: Any) -> str:
    fields = {"version": "26.0.0", "before": "", "library": None, "function": "fclose"} | fake
    (folder / "zmq.py").write_text(FAKE.format(**fields))
    return child(IMPORT, str(folder)).result()


@on_linux
def test_an_import_error_names_the_library_and_the_missing_function(child: Callable[..., Child], tmp_path: Path) -> None:
    closed, terminated, text = import_with(child, tmp_path).splitlines()
    assert (closed, terminated) == ("closed", "terminated")
    assert "libc.so" in text
    assert "does not export zmq_errno" in text


@pytest.mark.skipif(BUNDLED is None, reason="this pyzmq has no bundled libzmq")
def test_a_function_defined_by_a_dependency_is_still_missing(child: Callable[..., Child], tmp_path: Path) -> None:
    text = import_with(child, tmp_path, library=_zmq.__file__, function="PyInit__zmq")
    assert f"{_zmq.__file__}, does not export zmq_errno" in text


def test_an_older_pyzmq_is_an_import_error(child: Callable[..., Child], tmp_path: Path) -> None:
    assert "zdev_core needs pyzmq 26 or later; this is pyzmq 25.1.2\n" in import_with(child, tmp_path, version="25.1.2")


def test_a_missing_pyzmq_is_an_import_error_with_the_reason(child: Callable[..., Child], tmp_path: Path) -> None:
    text = import_with(child, tmp_path, before="raise ModuleNotFoundError('No module named zmq')")
    assert "cannot import pyzmq, on whose sockets it works: ModuleNotFoundError('No module named zmq')" in text


def test_the_import_leaves_no_context_behind(child: Callable[..., Child]) -> None:
    program = """
import os, zmq
before = len(os.listdir("/dev/fd"))
import zdev_core
print(zmq.Context._instance, len(os.listdir("/dev/fd")) - before)
"""
    assert child(program).result() == "None 0\n"
