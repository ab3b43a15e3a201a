"""Rules of the native module: its stub is true, and each of its names has a caller."""

import ast
import inspect
from pathlib import Path

import ferroflow
from ferroflow import _core

PACKAGE = Path(ferroflow.__file__).parent
STUB = ast.parse((PACKAGE / "_core.pyi").read_text())


def stub_names() -> set[str]:
    names = set()
    for node in STUB.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign):
            names.add(node.target.id)
    return names


def test_the_stub_names_what_the_binary_has():
    binary = {name for name in vars(_core) if not name.startswith("__") or name == "__version__"}
    assert stub_names() == binary


def test_the_stub_has_the_parameters_of_the_binary():
    wrong = []
    for node in STUB.body:
        if isinstance(node, ast.FunctionDef):
            arguments = node.args
            stub = [a.arg for a in arguments.posonlyargs + arguments.args + arguments.kwonlyargs]
            binary = list(inspect.signature(getattr(_core, node.name)).parameters)
            if stub != binary:
                wrong.append((node.name, stub, binary))
    assert wrong == []


def test_every_native_name_has_a_python_caller():
    sources = "\n".join(p.read_text() for p in PACKAGE.rglob("*.py"))
    assert [name for name in stub_names() if name not in sources] == []
