"""`zdev restart`: drain and start a device."""

from ..control.steer import steering_command

TEXT = """\
Drain DEVICE as zdev drain does, then start it again.
"""

EXAMPLE = """\
  zdev restart orders
  orders: drained in 0.2 s
  orders: started
"""

restart = steering_command("restart", TEXT, EXAMPLE)
