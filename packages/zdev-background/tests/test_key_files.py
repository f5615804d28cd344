"""Files with keys and passwords: which are used, which are refused, and what a refusal says."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import zmq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zdev_background import SocketSpec, _keys, create_key
from zdev_background._keys import KnownKeys, read_passwords, read_public_key, read_secret_key

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    return create_key(tmp_path, "server")[1]


@pytest.fixture
def clients(tmp_path: Path) -> Path:
    """A directory with the key of anna."""
    return create_key(tmp_path / "clients", "anna")[0].parent


def open_below(folder: Path) -> list[Path]:
    """Return the files of a folder that this process has open."""
    return [file for file in (each.resolve() for each in Path("/dev/fd").iterdir()) if file.is_relative_to(folder)]


@pytest.mark.parametrize("read", [read_secret_key, read_passwords])
def test_a_pipe_or_a_directory_is_refused_and_not_waited_for(tmp_path: Path, read: Callable[[Path], object]) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "folder").mkdir(0o700)
    for name in ("pipe", "folder"):
        with pytest.raises(OSError, match="not a regular file"):
            read(tmp_path / name)
    assert not open_below(tmp_path)


@AS_ROOT
def test_a_secret_of_another_user_is_refused(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.chown(secret, 12345, -1)
    with pytest.raises(PermissionError, match=r"another user owns it \(chown 0 .*server.key_secret"):
        read_secret_key(secret)
    os.chown(secret, 0, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert read_secret_key(secret)[0], "root may own it: root can read everything anyway"


def test_the_file_behind_a_symbolic_link_is_what_counts(tmp_path: Path, secret: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(secret)
    assert read_secret_key(link) == read_secret_key(secret)
    secret.chmod(0o644)
    with pytest.raises(PermissionError):
        read_secret_key(link)


def test_keys_that_do_not_belong_together_are_refused(tmp_path: Path, secret: Path) -> None:
    other = read_secret_key(create_key(tmp_path, "other")[1])[1]
    secret.write_bytes(secret.read_bytes().replace(read_secret_key(secret)[1], other))
    with pytest.raises(ValueError, match="public-key does not belong to secret-key") as caught:
        read_secret_key(secret)
    assert other.decode() not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"public-key", "no public-key"),
        (b"", "no public-key"),
        (b"# public-key = '" + b"a" * 40 + b"'", "no public-key"),
        (b"public-key = '" + b"~" * 40 + b"'", "40 characters of Z85"),
        (b"public-key = '" + b"#" * 40 + b"'", "40 characters of Z85"),
        (b"public-key = '" + b"a" * 39 + b"'", "40 characters of Z85"),
        (b"x" * ((1 << 20) + 1), "larger than"),
    ],
)
def test_what_holds_no_key_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.key").write_bytes(content)
    with pytest.raises((OSError, ValueError), match=words):
        read_public_key(tmp_path / "a.key")


@pytest.mark.parametrize("line", [b" :password", b"anna:", b"anna", b"anna:" + b"x" * 256, b"\xff:x", b"bob:1\nbob:2"])
def test_a_line_of_passwords_that_is_none_is_refused_and_not_quoted(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "passwords"
    path.touch(0o600)
    path.write_bytes(b"eve:secret\n" + line)
    with pytest.raises(ValueError, match=r"passwords:[23]: ") as caught:
        read_passwords(path)
    assert not any(part in str(caught.value).removeprefix(str(path)) for part in ("xx", "anna", "bob", ":password"))


def test_a_bad_file_among_the_clients_lets_nobody_in_keeps_nobody_out_and_is_reported_once(clients: Path) -> None:
    anna = read_public_key(clients / "anna.key")
    (clients / "empty.key").touch()
    (clients / "torn.key").write_text("public-key")
    (clients / "open.key").write_bytes((clients / "anna.key").read_bytes().replace(anna, anna[::-1]))
    (clients / "open.key").chmod(0o666)
    (clients / "folder.key").mkdir()
    (clients / "gone.key").symlink_to(clients / "nowhere")
    os.mkfifo(clients / "pipe.key")
    said: list[str] = []
    known = KnownKeys(clients, said.append)
    assert known.read() == known.read() == {anna}
    assert len(said) == 6, said
    assert all(any(f"{name}.key" in text for text in said) for name in ("empty", "torn", "open", "folder", "pipe")), said


@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_a_directory_to_which_others_may_add_keys_is_refused(clients: Path, mode: int) -> None:
    clients.chmod(mode)
    with pytest.raises(PermissionError, match=r"others than its owner can write it \(chmod go-w .*clients"):
        KnownKeys(clients).read()


@AS_ROOT
def test_a_directory_of_another_user_who_may_add_keys_is_refused(clients: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.chown(clients, 12345, -1)
    with pytest.raises(PermissionError, match=r"another user owns it \(chown 0 .*clients"):
        KnownKeys(clients).read()
    os.chown(clients, 0, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert KnownKeys(clients).read(), "root may own it"


def test_keys_that_have_not_changed_are_not_read_again(clients: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def reads(path: str) -> bytes:
        read.append(path)
        return read_public_key(path)

    monkeypatch.setattr(_keys, "read_public_key", reads)
    monkeypatch.setattr(_keys, "SETTLED", -(10**12))  # as if the files were old
    known = KnownKeys(clients)
    first = known.read()
    assert known.read() == first
    assert len(read) == 1
    (clients / "bob.key").write_bytes(create_key(clients.parent, "bob")[0].read_bytes())
    assert len(known.read()) == 2
    assert len(read) == 2
    (clients / "anna.key").unlink()
    assert not known.read() & first
    assert len(read) == 2


def test_a_key_that_is_replaced_at_once_is_seen(clients: Path) -> None:
    """Times of files are as coarse as 10 ms: a file of the same size and time may hold another key."""
    known = KnownKeys(clients)
    before = known.read()
    stamp = (clients / "anna.key").stat()
    public, _ = create_key(clients.parent, "other")
    with (clients / "anna.key").open("r+b") as file:
        file.write(public.read_bytes())
    os.utime(clients / "anna.key", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert known.read() == {read_public_key(public)} != before


def test_a_new_key_follows_no_link_and_needs_a_file_name(tmp_path: Path) -> None:
    (tmp_path / "a.key_secret").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        create_key(tmp_path, "a")
    (tmp_path / "b.key").touch()
    with pytest.raises(FileExistsError, match="b.key"):
        create_key(tmp_path, "b")
    for name in ("../c", "c/d", "", ".", "..", ".c", "c\0"):
        with pytest.raises(ValueError, match="invalid key name"):
            create_key(tmp_path, name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.key_secret", "b.key"]


def test_options_with_secrets_are_in_no_repr_and_no_error() -> None:
    spec = SocketSpec("in", zmq.ROUTER, options=[(zmq.CURVE_SECRETKEY, b"hush"), (zmq.PLAIN_PASSWORD, b"hush")])
    assert "hush" not in repr(spec)
    with zmq.Context() as context, pytest.raises(zmq.ZMQError, match="CURVE_SECRETKEY of in .* to the given value") as caught:
        spec.open(context)
    assert "hush" not in str(caught.value)
    spec = SocketSpec("in", zmq.ROUTER, options=[(zmq.SOCKS_PASSWORD, b"hush")])
    with zmq.Context() as context, pytest.raises(zmq.ZMQError, match="SOCKS_PASSWORD of in .* to the given value") as caught:
        spec.open(context)
    assert "hush" not in str(caught.value)


ANYTHING = st.binary() | st.lists(
    st.sampled_from([b"public-key", b"secret-key", b" = ", b'"', b"a" * 40, b"\n", b"\r", b"#", b":", b"\xff", b"\0"])
).map(b"".join)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANYTHING)
def test_whatever_a_file_holds_it_is_read_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.key"
    path.touch(0o600)
    path.write_bytes(content)
    for read in (read_public_key, read_secret_key, read_passwords):
        try:
            read(path)
        except ValueError as error:
            assert str(error).startswith(str(path))  # noqa: PT017
    assert not open_below(tmp_path)
