"""Configuration: a TOML file becomes a checked value, or a list of everything that is wrong with it."""

from .model import Config, ControlConfig, Defaults, DeviceConfig, HttpConfig, SocketConfig

__all__ = ["Config", "ControlConfig", "Defaults", "DeviceConfig", "HttpConfig", "SocketConfig"]
