"""Which content of the configuration files is in use, and whether the last reload succeeded."""

from __future__ import annotations

import time

from ..snapshot import ConfigurationView


class ReloadRecord:
    """Knows which content is in use.

    Args:
        digest: The SHA-256 of the first one.
    """

    def __init__(self, digest: str) -> None:
        self._view = ConfigurationView(sha256=digest, applied=time.time())

    def view(self) -> ConfigurationView:
        return self._view

    def succeeded(self, digest: str) -> None:
        """Record that the content with this digest was applied."""
        self._view = ConfigurationView(sha256=digest, applied=time.time())

    def failed(self) -> None:
        """Record that a reload was refused."""
        self._view = ConfigurationView(sha256=self._view.sha256, applied=self._view.applied, reload_failed=True)
