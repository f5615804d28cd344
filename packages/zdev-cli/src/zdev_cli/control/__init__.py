"""Commands from other programs to a running zdev: JSON each way, on a Unix socket that only its user can open."""
