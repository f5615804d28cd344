"""`zdev key`: keys for their owner alone, never replaced."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from zmq.auth import load_certificate

Refused = Callable[..., tuple[int, str]]


@pytest.fixture
def run(zdev_path: str) -> Callable[..., list[str]]:
    """Runs `zdev key` that is to succeed: what it prints."""

    def run(*arguments: str) -> list[str]:
        done = subprocess.run([zdev_path, "key", *arguments], capture_output=True, text=True, timeout=20, check=True)
        assert done.stderr == ""
        return done.stdout.splitlines()

    return run


def test_a_new_key_is_for_its_owner_alone_and_its_secret_is_not_shown(run: Callable[..., list[str]], tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    said = run("new", "orders", "--directory", str(keys))
    secret_file = keys / "orders.key_secret"
    assert [line.split()[0] for line in said] == [str(keys / "orders.key"), str(secret_file)]
    assert stat.S_IMODE(secret_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700
    public, secret = load_certificate(secret_file)
    assert secret
    assert run("show", str(keys / "orders.key")) == [public.decode()]
    assert secret.decode() not in "".join(said)


def test_a_key_is_never_replaced(refused: Refused, run: Callable[..., list[str]], tmp_path: Path) -> None:
    run("new", "orders", "--directory", str(tmp_path))
    before = (tmp_path / "orders.key_secret").read_bytes()
    status, said = refused("key", "new", "orders", "--directory", str(tmp_path))
    assert status == 69
    assert said == f"zdev: cannot make {tmp_path}/orders.key_secret: key exists already (use another name, or remove it first)"
    assert (tmp_path / "orders.key_secret").read_bytes() == before


def test_a_name_is_that_of_a_file_in_the_directory(refused: Refused, tmp_path: Path) -> None:
    for name in ("../orders", "a/b", ".hidden", ""):
        status, said = refused("key", "new", name, "--directory", str(tmp_path / "keys"))
        assert (status, "invalid key name" in said) == (64, True)
    assert not list(tmp_path.iterdir())


def test_what_holds_no_key_is_not_shown(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "a.key").write_text("hush")
    assert refused("key", "show", str(tmp_path / "a.key")) == (
        69,
        f"zdev: cannot show a key: {tmp_path}/a.key has no public-key (create keys with zdev key new)",
    )
    status, said = refused("key", "show", str(tmp_path / "gone.key"))
    assert (status, "No such file" in said) == (69, True)
