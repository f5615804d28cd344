"""Metrics, health and a page over HTTP: a running zdev for programs and people that watch."""

from .server import WebServer

__all__ = ["WebServer"]
