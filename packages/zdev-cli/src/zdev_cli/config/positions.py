"""The lines and columns of keys and values in a TOML text, which tomllib does not report. Needed for errors only."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

from .diagnostics import Path

Place = tuple[int, int]
"""Line and column, from 1; the column in characters."""

_KEYS = ("bare_key", "quoted_key", "dotted_key")


class Positions:
    """The places in one document that tomllib has accepted."""

    def __init__(self, text: str) -> None:
        source = text.encode()
        self._lines = source.split(b"\n")
        self._keys: dict[Path, Place] = {}
        self._values: dict[Path, Place] = {}
        self._lengths: dict[Path, int] = {}  # of arrays of tables
        root = Parser(Language(tree_sitter_toml.language())).parse(source).root_node
        for node in root.named_children:
            self._statement(node)

    def find(self, path: Path, *, at_key: bool = False) -> Place:
        """Return the place of the value, or key, at `path`; if it is missing, of the table that would contain it."""
        first, second = (self._keys, self._values) if at_key else (self._values, self._keys)
        for length in range(len(path), 0, -1):
            here = path[:length]
            place = first.get(here) or second.get(here)
            if place:
                return place
        return 1, 1

    def _statement(self, node: Node) -> None:
        if node.type == "pair":
            self._pair((), node)
        elif node.type in ("table", "table_array_element"):
            header, *pairs = [each for each in node.named_children if each.type in (*_KEYS, "pair")]
            path = self._header(list(self._names(header)), is_array=node.type == "table_array_element")
            for pair in pairs:
                self._pair(path, pair)

    def _header(self, names: list[tuple[str, Place]], *, is_array: bool) -> Path:
        path: Path = ()
        for number, (name, place) in enumerate(names, 1):
            path = (*path, name)
            self._keys.setdefault(path, place)
            if is_array and number == len(names):
                self._lengths[path] = self._lengths.get(path, 0) + 1
            if path in self._lengths:
                path = (*path, self._lengths[path] - 1)
                self._keys.setdefault(path, place)
        return path

    def _pair(self, path: Path, node: Node) -> None:
        parts = [each for each in node.named_children if each.type != "comment"]
        if len(parts) != 2:
            return
        key, value = parts
        for name, place in self._names(key):
            path = (*path, name)
            self._keys.setdefault(path, place)
        self._value(path, value)

    def _value(self, path: Path, node: Node) -> None:
        self._values[path] = self._place(node)
        inside = [each for each in node.named_children if each.type != "comment"]
        if node.type == "inline_table":
            for pair in inside:
                self._pair(path, pair)
        elif node.type == "array":
            for index, item in enumerate(inside):
                self._value((*path, index), item)

    def _names(self, node: Node) -> Iterator[tuple[str, Place]]:
        """Yield the parts of a key. Dotted keys nest to the left, deeper than Python can recurse."""
        nodes = [node]
        while nodes:
            node = nodes.pop()
            if node.type == "dotted_key":
                nodes += reversed(node.named_children)
            else:
                text = (node.text or b"").decode()
                yield tomllib.loads(f"key = {text}")["key"] if node.type == "quoted_key" else text, self._place(node)

    def _place(self, node: Node) -> Place:
        row, column = node.start_point
        return row + 1, len(self._lines[row][:column].decode(errors="replace")) + 1
