"""`zdev stop`: end a device."""

from ..control.steer import steering_command

TEXT = """\
End DEVICE without waiting for replies. It stays stopped until zdev start.

What it has received is sent on, for the LINGER of its sockets at most.
"""

EXAMPLE = """\
  zdev stop orders
  orders: stopped
"""

stop = steering_command("stop", TEXT, EXAMPLE)
