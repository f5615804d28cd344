"""The subpackages of zdev_cli import each other in one direction only."""

from __future__ import annotations

import ast
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import zdev_cli

ROOT = Path(zdev_cli.__file__).parent
# Each may import those before it. The modules of the root come first, except for the program itself, which comes last.
ORDER = (
    "(root)",
    "snapshot",
    "config",
    "control",
    "web",
    "service",
    "traffic",
    "clients",
    "benchmark",
    "screen",
    "commands",
    "(program)",
)
PROGRAM = ("__init__", "__main__", "_main", "manual")


def room_of(module: tuple[str, ...]) -> str:
    """Of a module's path within the package, like ("service", "log")."""
    if len(module) > 1 or (ROOT / module[0]).is_dir():
        return module[0]
    return "(program)" if module[0] in PROGRAM else "(root)"


def imports_of(path: Path) -> set[tuple[str, ...]]:
    """The modules that a module imports, wherever it does so, also if only for types."""
    package = path.relative_to(ROOT).parent.parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            above = package[: len(package) - (node.level - 1)]
            base = above + tuple(node.module.split(".") if node.module else ())
            found |= {module for alias in node.names if (module := module_of((*base, alias.name)) or module_of(base))}
    return found


def module_of(path: tuple[str, ...]) -> tuple[str, ...] | None:
    is_module = ROOT.joinpath(*path).with_suffix(".py").exists() or ROOT.joinpath(*path, "__init__.py").exists()
    return path if path and is_module else None


def modules() -> dict[tuple[str, ...], set[tuple[str, ...]]]:
    found = {}
    for path in ROOT.rglob("*.py"):
        name = path.relative_to(ROOT).with_suffix("").parts
        name = name[:-1] if name[-1] == "__init__" and len(name) > 1 else name
        found[name] = imports_of(path) - {name}
    return found


def graph() -> dict[str, set[str]]:
    imports: dict[str, set[str]] = defaultdict(set)
    for module, imported in modules().items():
        room = room_of(module)
        imports[room] |= {room_of(each) for each in imported} - {room}
    return imports


def test_no_modules_import_each_other_in_a_circle() -> None:
    TopologicalSorter(modules()).prepare()


def test_every_room_has_its_place_in_the_order() -> None:
    assert set(graph()) == set(ORDER)


@pytest.mark.parametrize("room", ORDER)
def test_a_room_imports_only_those_before_it(room: str) -> None:
    assert graph()[room] <= set(ORDER[: ORDER.index(room)])
