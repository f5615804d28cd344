"""One module a command, named as the command. Each imports zmq and zdev_background only when it runs."""
