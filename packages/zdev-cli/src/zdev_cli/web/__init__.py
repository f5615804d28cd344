"""Metrics, health and a page over HTTP."""

from .server import WebServer

__all__ = ["WebServer"]
