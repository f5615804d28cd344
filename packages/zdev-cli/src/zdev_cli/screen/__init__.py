"""`zdev top`: the devices of a running zdev, live and full screen."""
