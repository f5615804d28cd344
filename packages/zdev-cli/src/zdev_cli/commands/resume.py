"""`zdev resume`: let a paused device go on."""

from ..control.steer import steering_command

TEXT = """\
Let DEVICE go on after zdev pause.
"""

EXAMPLE = """\
  zdev resume orders
  orders: resumed
"""

resume = steering_command("resume", TEXT, EXAMPLE)
