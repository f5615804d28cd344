"""Refuse the phrases and names of words.toml in the files that git tracks: `python docs/words.py [FILE ...]`."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
RULES = Path(__file__).with_name("words.toml")
SUFFIXES = {
    ".cmake",
    ".cpp",
    ".css",
    ".hpp",
    ".html",
    ".in",
    ".js",
    ".json",
    ".md",
    ".py",
    ".pyi",
    ".sh",
    ".toml",
    ".txt",
    ".yaml",
    ".yml",
}


class Rule(NamedTuple):
    pattern: re.Pattern[str]
    better: str
    exceptions: frozenset[str]


def read_rules() -> list[Rule]:
    tables = tomllib.loads(RULES.read_text())["rule"]
    flags = (0 if table.get("case") else re.IGNORECASE for table in tables)
    return [
        Rule(re.compile(table["pattern"], flag), table["better"], frozenset(table.get("except", ())))
        for table, flag in zip(tables, flags, strict=True)
    ]


def tracked_files() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return [name for name in listed if Path(name).suffix in SUFFIXES and (ROOT / name) != RULES]


def findings(name: str, rules: list[Rule]) -> Iterator[str]:
    for number, line in enumerate((ROOT / name).read_text(errors="replace").splitlines(), 1):
        for rule in rules:
            if (found := rule.pattern.search(line)) and name not in rule.exceptions:
                yield f"{name}:{number}: {found[0].strip()!r}: better: {rule.better}"


def main() -> None:
    rules = read_rules()
    found = [each for name in sys.argv[1:] or tracked_files() for each in findings(name, rules)]
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
