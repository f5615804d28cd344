"""`zdev restart`: drain and start a device."""

from ..control.steer import steering_command

TEXT = """\
Drain DEVICE, then start it again.

Exit status 75 if the drain was cut short, as for zdev drain.
"""

EXAMPLE = """\
  zdev restart orders
  orders: drained in 0.2 s
  orders: started
"""

restart = steering_command("restart", TEXT, EXAMPLE)
