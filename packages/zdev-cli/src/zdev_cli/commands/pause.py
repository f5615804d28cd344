"""`zdev pause`: hold the messages of a device where they are."""

from ..control.steer import steering_command

TEXT = """\
Hold the messages of DEVICE where they are; none is lost.

Senders fill their own queues, and wait then. It lasts until zdev resume, also if the device fails and is started again.
"""

EXAMPLE = """\
  zdev pause orders
  orders: paused
"""

pause = steering_command("pause", TEXT, EXAMPLE)
