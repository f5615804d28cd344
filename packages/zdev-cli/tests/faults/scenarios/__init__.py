"""A file a scenario; each has a SCENARIO."""
