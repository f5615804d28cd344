"""The exports of the package, and the stub `_core.pyi`, which must describe the extension exactly."""

from __future__ import annotations

import ast
import inspect
import sys
from pathlib import Path
from typing import Any

import pytest

import zdev_core
from zdev_core import _core

STUB = ast.parse(Path(zdev_core.__file__).with_name("_core.pyi").read_text())
BODY = [each for node in STUB.body for each in (node.body if isinstance(node, ast.If) and sys.platform == "linux" else [node])]
CLASSES = {node.name: node for node in BODY if isinstance(node, ast.ClassDef)}
FUNCTIONS: dict[str, ast.FunctionDef] = {node.name: node for node in BODY if isinstance(node, ast.FunctionDef)}
METHODS = {
    f"{name}.{node.name}": node for name, body in CLASSES.items() for node in body.body if isinstance(node, ast.FunctionDef)
}
PROPERTIES = {name: node for name, node in METHODS.items() if node.decorator_list}
CALLABLES = FUNCTIONS | {name: node for name, node in METHODS.items() if name not in PROPERTIES}
DOCUMENTED: dict[str, ast.ClassDef | ast.FunctionDef] = {**CLASSES, **FUNCTIONS, **METHODS}
ENUMS = {name: node for name, node in CLASSES.items() if [ast.unparse(base) for base in node.bases] == ["Enum"]}


def in_module(name: str) -> Any:
    """Look up an object of the extension; an attribute must be defined by the class itself, not inherited."""
    owner, _, attribute = name.rpartition(".")
    return vars(getattr(_core, owner))[attribute] if owner else getattr(_core, name)


def signature(docstring: str | None, name: str) -> ast.FunctionDef:
    """Parse the signature, which pybind11 writes into the first line of a docstring."""
    line = (docstring or "").partition("\n")[0]
    head = name.rpartition(".")[2] if not line.startswith("(") else ""
    assert line.startswith(f"{head}(")
    parsed = ast.parse(f"def f{line.removeprefix(head)}: ...").body[0]
    assert isinstance(parsed, ast.FunctionDef)
    return parsed


def text_of(annotation: ast.expr | None) -> str:
    """Return an annotation as the stub writes it; versions of pybind11 use different names for numbers that they convert."""
    text = ast.unparse(annotation).replace("zdev_core._core.", "").replace("collections.abc.", "") if annotation else ""
    for protocol, number in ("SupportsFloat", "float"), ("SupportsInt", "int"):
        text = text.replace(f"typing.{protocol} | typing.SupportsIndex", number).replace(f"typing.{protocol}", number)
    return text


def parameters(function: ast.FunctionDef) -> list[tuple[str, str]]:
    """Return the name and type of each parameter except self."""
    arguments = function.args
    given = arguments.posonlyargs + arguments.args
    if given and given[0].arg == "self":
        given = given[1:]
    return [(each.arg, text_of(each.annotation)) for each in given + arguments.kwonlyargs]


def defaults(function: ast.FunctionDef) -> list[Any]:
    given = [*function.args.defaults, *function.args.kw_defaults]
    return [ast.literal_eval(each) for each in given if each is not None]


def meaning(docstring: str | None) -> str:
    return inspect.cleandoc(docstring or "")


def test_the_package_exports_exactly_this() -> None:
    everywhere = [
        "ConnectStatus", "Device", "FlowStatistics", "Outcome", "RoleStatistics", "State", "Statistics",
        "libzmq", "monitored_queue", "proxy", "proxy_steerable", "queue",
    ]  # fmt: skip
    linux = ["WireDevice", "WireSocket", "WireWorkers", "wire_has_curve", "wire_refusal"] if sys.platform == "linux" else []
    assert sorted(zdev_core.__all__) == sorted(everywhere + linux)
    assert all(getattr(zdev_core, name).__doc__ for name in zdev_core.__all__)


def test_the_stub_has_the_names_of_the_extension() -> None:
    public = {name for name in vars(_core) if not name.startswith("_")}
    assert public == CLASSES.keys() | FUNCTIONS.keys()


@pytest.mark.parametrize("name", [name for name in CLASSES if name not in ENUMS])
def test_the_stub_has_the_members_of_a_class(name: str) -> None:
    public = {member for member in vars(getattr(_core, name)) if not member.startswith("_")}
    assert public == {node.name for node in CLASSES[name].body if isinstance(node, ast.FunctionDef) and node.name[0] != "_"}


@pytest.mark.parametrize("name", CALLABLES)
def test_the_stub_has_the_signature(name: str) -> None:
    actual, stub = signature(in_module(name).__doc__, name), CALLABLES[name]
    # `__eq__` takes any object, and returns NotImplemented for other types.
    actual_parameters = [(argument, "object" if name.endswith(".__eq__") else text) for argument, text in parameters(actual)]
    assert actual_parameters == parameters(stub)
    assert defaults(actual) == defaults(stub)
    assert [each.arg for each in actual.args.kwonlyargs] == [each.arg for each in stub.args.kwonlyargs]
    assert text_of(actual.returns) == text_of(stub.returns)


@pytest.mark.parametrize("name", PROPERTIES)
def test_the_stub_has_the_type_of_a_property(name: str) -> None:
    actual = in_module(name)
    assert isinstance(actual, property)
    assert actual.fset is None
    assert text_of(signature(actual.fget.__doc__, name).returns) == text_of(PROPERTIES[name].returns)


@pytest.mark.parametrize("name", ENUMS)
def test_the_stub_has_the_members_of_an_enumeration(name: str) -> None:
    stub = {
        ast.unparse(node.targets[0]): ast.literal_eval(node.value) for node in ENUMS[name].body if isinstance(node, ast.Assign)
    }
    assert {member.name: member.value for member in getattr(_core, name)} == stub


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_stub_has_the_docstring(name: str) -> None:
    stub = DOCUMENTED[name]
    actual = in_module(name).__doc__
    if name in CALLABLES:
        _, _, actual = actual.partition("\n")
    if stub_text := ast.get_docstring(stub):
        assert meaning(actual) == stub_text
    elif name in PROPERTIES:
        assert meaning(actual)


def test_the_stub_has_the_docstring_of_the_module() -> None:
    assert _core.__doc__ == ast.get_docstring(STUB)


@pytest.mark.parametrize("name", [name for name in CLASSES if name not in ENUMS])
def test_a_class_is_final(name: str) -> None:
    assert "final" in [ast.unparse(each) for each in CLASSES[name].decorator_list]
    with pytest.raises(TypeError, match="not an acceptable base type"):
        type("Derived", (getattr(_core, name),), {})
