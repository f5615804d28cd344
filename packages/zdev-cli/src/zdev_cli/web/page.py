"""The page: one answer that holds all it needs."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files


class Page:
    """page.html with its style and program put in. Its policy lets a browser run these and nothing else, and talk to zdev only."""

    def __init__(self) -> None:
        folder = files(__package__) / "assets"
        style, program = ((folder / name).read_text("utf-8") for name in ("page.css", "page.js"))
        html = (folder / "page.html").read_text("utf-8")
        self.content = html.replace("/* page.css */", style).replace("/* page.js */", program).encode()
        self.policy = "; ".join(
            (
                "default-src 'none'",
                f"script-src {_hash(program)}",
                f"style-src {_hash(style)}",
                "connect-src 'self'",
                "img-src data:",  # its icon
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'none'",
            )
        )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
