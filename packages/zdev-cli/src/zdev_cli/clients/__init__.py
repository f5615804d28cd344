"""The small clients `zdev pub`, `sub`, `push`, `pull`, `req` and `rep`."""
