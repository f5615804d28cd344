"""`zdev drain`: end a device once nothing is owed."""

from ..control.steer import steering_command

TEXT = """\
End DEVICE once the replies that are owed have come home.

It takes no more requests, and waits for its drain_timeout at most; exit status 75 if that was too short, or zdev stop cut it
short. It stays stopped until zdev start.
"""

EXAMPLE = """\
  zdev drain orders
  orders: drained in 0.2 s
"""

drain = steering_command("drain", TEXT, EXAMPLE)
