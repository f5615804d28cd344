"""Threads of the system, also where gevent has made all threads greenlets.

The engine does not return before the end of its run: as a greenlet it would stop all others.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any


def start_thread(target: Callable[..., object], name: str, *args: Any, daemon: bool = True) -> threading.Thread | None:
    """None: under gevent's patches, where `threading` has no thread to show for it, and the interpreter never waits for it.

    Locks and events of a patched `threading` work between such a thread and greenlets, and hold up no hub.
    """
    monkey: Any = sys.modules.get("gevent.monkey")
    if monkey and monkey.is_module_patched("threading"):
        monkey.get_original("_thread", "start_new_thread")(target, args)
        return None
    thread = threading.Thread(target=target, args=args, name=name, daemon=daemon)
    thread.start()
    return thread
