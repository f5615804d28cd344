"""Configuration: read a TOML file as a checked value, or as a list of all its errors."""

from .diagnostics import ConfigError, Diagnostic
from .model import Config, ControlConfig, Defaults, DeviceConfig, HttpConfig, LogConfig, SocketConfig
from .read import load, load_with_digest, read
from .workers import WorkersConfig

__all__ = [
    "Config",
    "ConfigError",
    "ControlConfig",
    "Defaults",
    "DeviceConfig",
    "Diagnostic",
    "HttpConfig",
    "LogConfig",
    "SocketConfig",
    "WorkersConfig",
    "load",
    "load_with_digest",
    "read",
]
