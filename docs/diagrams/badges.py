"""The badges of the README, made from facts that the packages declare and the tests check."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def badge(name: str, fact: str) -> str:
    """Return a badge as SVG."""
    left, right = (round(6.6 * len(text)) + 14 for text in (name, fact))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{name}: {fact}">\n'
        f"<title>{name}: {fact}</title>\n"
        f'<clipPath id="r"><rect width="{left + right}" height="20" rx="3"/></clipPath>\n'
        f'<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#444c56"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="#0b5cad"/></g>\n'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">\n'
        f'<text x="{left / 2}" y="14" textLength="{left - 12}">{name}</text>\n'
        f'<text x="{left + right / 2}" y="14" textLength="{right - 12}">{fact}</text>\n</g>\n</svg>\n'
    )


def badges() -> dict[str, str]:
    """Return the badges as SVG, by file name."""
    project = tomllib.loads((ROOT / "packages/zdev-core/pyproject.toml").read_text())["project"]
    versions = [each.rpartition(" ")[2] for each in project["classifiers"] if re.search(r":: 3\.\d+$", each)]
    standard = re.findall(r"cxx_std_(\d+)", (ROOT / "cpp/CMakeLists.txt").read_text())[0]
    facts = {
        "python": f"{versions[0]} to {versions[-1]}",
        "c++": standard,
        "license": project["license"],
        "types": "mypy strict",
    }
    return {f"badge-{name.replace('+', 'p')}.svg": badge(name, fact) for name, fact in facts.items()}
