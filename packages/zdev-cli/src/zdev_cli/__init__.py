"""The program `zdev`: ZeroMQ devices from the command line."""

from ._line import message_line
from ._main import main

__all__ = ["main", "message_line"]
