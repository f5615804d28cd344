"""The deadline that tests share."""

PATIENCE = 20.0  # seconds for what takes a moment, on a busy machine
