"""A running zdev, steered by other programs: a REQ asks, JSON each way, on an ipc socket that only its user can open."""
