"""How fast a device is: it is made here, or runs already; the load is zdev-core's, in C++."""
