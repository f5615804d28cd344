"""Measurements of a device that is made for it, or runs already, with the load generator of zdev-core."""
