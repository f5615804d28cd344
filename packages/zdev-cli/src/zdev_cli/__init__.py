"""The program `zdev`: ZeroMQ devices from the command line."""

from ._main import main
from .traffic.line import message_line

__all__ = ["main", "message_line"]
