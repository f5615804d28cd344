"""Docstrings, which are written for editors, as reStructuredText: `name` is code, and `a, b: text` lines are a list.

Of the extension module its stub is read, where signatures have types.
"""

from __future__ import annotations

import inspect
import re
import types
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

CODE = re.compile(r"`([^`]+)`(\w?)")
ENDPOINT = re.compile(r"(?<!`)\b[a-z]+://[\w.:*/]*[\w*]")  # which would be taken for a link
ITEM = re.compile(r"(?P<names>[a-z_]+\*?(?:, [a-z_]+)*)(?P<condition> < 0)?: (?P<text>.*)")

SECTION = re.compile(r"(?P<title>Args|Attributes|Returns|Raises):")
SECTION_ITEM = re.compile(r"    (?P<name>\w+): (?P<text>.*)")


def in_rst(text: str) -> str:
    """A line of prose, with what would mean something to reStructuredText escaped."""
    parts = CODE.split(ENDPOINT.sub(r"`\g<0>`", text))  # prose, code, what follows it at once, prose, ...
    made = re.sub(r"([*|\\]|_(?=\W|$))", r"\\\1", parts[0])
    for code, letter, prose in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        made += f"``{code}``" + (f"\\ {letter}" if letter else "") + re.sub(r"([*|\\]|_(?=\W|$))", r"\\\1", prose)
    return made


def rewrite(_app: Sphinx, _what: str, _name: str, _object: object, _options: object, lines: list[str]) -> None:
    made: list[str] = []
    in_list = in_section = False
    for line in lines:
        item = ITEM.fullmatch(line)
        in_section = in_section and (not line or line.startswith("    "))
        if section := SECTION.fullmatch(line):
            made += ["", f"*{section['title']}:*", ""]
            in_section, in_list = True, False
        elif in_section:
            item = SECTION_ITEM.fullmatch(line)
            in_list = bool(line) and (in_list or item is not None)
            text = in_rst(item["text"] if item else line.strip())
            made.append(f"- ``{item['name']}``: {text}" if item else f"  {text}" if in_list else text)
        elif item and (in_list or not made or not made[-1]):
            if not in_list and made and made[-1]:
                made.append("")
            names = ", ".join(f"``{name}``" for name in item["names"].split(", "))
            made.append(f"- {names}{item['condition'] or ''}: {in_rst(item['text'])}")
            in_list = True
        elif in_list and line.strip():
            made.append(f"  {in_rst(line)}")
        elif line.startswith("    "):
            made.append(line)
        else:
            in_list = False
            made.append(in_rst(line))
    lines[:] = made


def returns(
    _app: Sphinx, _what: str, _name: str, made: object, _options: object, arguments: str | None, returned: str | None
) -> tuple[str | None, str | None] | None:
    """Of methods made for a role: what the signature says, where annotations have only a variable."""
    if returned is None or re.search(r"\bR$", returned) is None:
        return None
    return arguments, str(inspect.signature(made).return_annotation)  # type: ignore[arg-type]


def use_stub() -> None:
    """In zdev_core, put the classes of the stub in the place of the extension's, once all that works with these is imported."""
    import zdev_background  # noqa: F401
    import zdev_core

    assert zdev_core.__file__
    path = Path(zdev_core.__file__).with_name("_core.pyi")
    stub = types.ModuleType("zdev_core._core")
    exec(compile(path.read_text(), path, "exec"), vars(stub))  # noqa: S102 - a file of the package
    for name in zdev_core.__all__:
        if hasattr(stub, name):
            setattr(zdev_core, name, getattr(stub, name))


def setup(app: Sphinx) -> dict[str, Any]:
    use_stub()
    app.connect("autodoc-process-signature", returns)
    app.connect("autodoc-process-docstring", rewrite)
    return {"parallel_read_safe": True}
