"""The module that `zmq.devices` has under this name, for code that imports from it."""

from ._devices import ProcessProxySteerable, ProxySteerable, ThreadProxySteerable

__all__ = ["ProcessProxySteerable", "ProxySteerable", "ThreadProxySteerable"]
