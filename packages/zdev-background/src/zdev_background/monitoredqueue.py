"""The module that `zmq.devices` has under this name, for code that imports from it."""

from zdev_core import monitored_queue

__all__ = ["monitored_queue"]
