"""`zdev start`: start a device."""

from ..control.steer import steering_command

TEXT = """\
Start DEVICE, which was stopped, failed, or waits to be started again, now.

Exit status 69 if it can't be started; it is tried again then, as its restart setting says.
"""

EXAMPLE = """\
  zdev start orders
  orders: started
"""

start = steering_command("start", TEXT, EXAMPLE)
