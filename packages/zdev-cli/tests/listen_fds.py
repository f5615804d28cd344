"""Passes sockets to a program as systemd does (sd_listen_fds(3)): listen_fds.py NAME:FD,NAME:FD... PROGRAM ARGUMENTS..."""

from __future__ import annotations

import os
import sys

FIRST, ASIDE = 3, 100  # the second: beyond the numbers that are to be set
given = [each.rpartition(":") for each in sys.argv[1].split(",")]
for at, (_, _, fd) in enumerate(given):
    os.dup2(int(fd), ASIDE + at, inheritable=False)
    os.close(int(fd))
for at in range(len(given)):
    os.dup2(ASIDE + at, FIRST + at, inheritable=True)
os.environ |= {
    "LISTEN_PID": str(os.getpid()),
    "LISTEN_FDS": str(len(given)),
    "LISTEN_FDNAMES": ":".join(name for name, _, _ in given),
}
os.execv(sys.argv[2], sys.argv[2:])
