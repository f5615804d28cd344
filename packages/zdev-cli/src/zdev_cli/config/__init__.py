"""Configuration: a TOML file becomes a checked value, or a list of everything that is wrong with it."""

from .fault import ConfigError, Fault
from .model import Config, ControlConfig, Defaults, DeviceConfig, HttpConfig, SocketConfig
from .read import load, read

__all__ = [
    "Config",
    "ConfigError",
    "ControlConfig",
    "Defaults",
    "DeviceConfig",
    "Fault",
    "HttpConfig",
    "SocketConfig",
    "load",
    "read",
]
