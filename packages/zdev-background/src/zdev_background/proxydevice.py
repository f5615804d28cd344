"""The module that `zmq.devices` has under this name, for code that imports from it."""

from ._devices import ProcessProxy, Proxy, ThreadProxy

__all__ = ["ProcessProxy", "Proxy", "ThreadProxy"]
