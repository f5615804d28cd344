"""A configuration file to start with: one device that runs, the others next to it as comments."""

from __future__ import annotations

from importlib.resources import files

_HEADING = "## "  # begins the section of a device type, and is followed by it


def starter(device_type: str) -> str:
    """The file, with the device of this type not commented out."""
    lines = []
    section = ""
    for line in whole().splitlines():
        if line.startswith(_HEADING):
            section = line.removeprefix(_HEADING).partition(":")[0]
        hidden = section not in ("", device_type) and line and not line.startswith(_HEADING)
        lines.append(f"# {line}" if hidden else line)
    return "\n".join(lines) + "\n"


def whole() -> str:
    """The file with all its devices."""
    return files(__package__).joinpath("starter.toml").read_text("utf-8")
