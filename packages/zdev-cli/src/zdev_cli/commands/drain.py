"""`zdev drain`: stop a device once all pending replies have been returned."""

from ..control.steer import steering_command

TEXT = """\
Stop DEVICE once all pending replies have been returned.

It accepts no more requests, and stays stopped until zdev start. Exit status 75 if the drain was cut short: by its drain_timeout,
by zdev stop, or because a slow receiver had not taken all messages when LINGER ended.
"""

EXAMPLE = """\
  zdev drain orders
  orders: drained in 0.2 s
"""

drain = steering_command("drain", TEXT, EXAMPLE)
