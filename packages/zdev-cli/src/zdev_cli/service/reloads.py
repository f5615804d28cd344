"""Which content of the configuration file is in use, and whether the last reload succeeded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from ..snapshot import ConfigurationView


class ReloadRecord:
    """Knows which file content is in use.

    Args:
        path: The file, just before it is read for the first time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._view = ConfigurationView(sha256=self._digest(), applied=time.time())

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Record whether the file is applied, without an exception, within this context."""
        digest = self._digest()
        try:
            yield
        except BaseException:
            self._view = ConfigurationView(sha256=self._view.sha256, applied=self._view.applied, reload_failed=True)
            raise
        self._view = ConfigurationView(sha256=digest, applied=time.time())

    def view(self) -> ConfigurationView:
        return self._view

    def _digest(self) -> str:
        with suppress(OSError, ValueError):  # which is reported when the file is read
            return sha256(self._path.read_bytes()).hexdigest()
        return ""
