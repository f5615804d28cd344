"""`zdev top`: the devices of a running zdev on a whole terminal, live."""
