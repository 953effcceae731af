"""Nothing anywhere unpickles, evaluates, or loads in a way that lets a file run what it brought: by the syntax tree."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("src", "examples", "benchmarks")

NEVER_IMPORTED = {
    "pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "pickletools", "jsonpickle",
    "yaml",
}  # fmt: skip
NEVER_CALLED = {"eval", "exec", "compile", "__import__"}
NEVER_LOADS = re.compile(
    r"(torch(\.\w+)*|yaml|dill|joblib|pickle|marshal|shelve)\.(load|loads|load_all|unsafe_load|full_load|open)"
    r"|torch\.package\..*|torch\.hub\..*|keras(\.\w+)*\.(load_model|load_weights|model_from_json|deserialize\w*)"
    r"|scipy\.io\.loadmat|(pandas|pd)\.read_pickle|onnx\.external_data_helper\..*"
)
"""By their full names: what can run a pickle, or code, that a file brought; and what opens files that a file names."""
NAMED = {"import_module", "need", "importlib.import_module"}
"""What imports by a name that is text."""


def names_of_imports(tree: ast.AST) -> dict[str, str]:
    """What each name stands for: ``from torch import load as l`` makes l torch.load."""
    found = {"np": "numpy", "torch": "torch", "keras": "keras", "onnx": "onnx"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.asname or alias.name.split(".")[0]: alias.name if alias.asname else alias.name.split(".")[0]
                      for alias in node.names}  # fmt: skip
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in NAMED and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def offences(source: str) -> Iterator[str]:
    """What could execute something that a file brought with it."""
    tree = ast.parse(source)
    names = names_of_imports(tree)
    yield from (f"imports {name}" for name in imports(tree) if name.split(".")[0] in NEVER_IMPORTED)
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "weights_only", "safe_mode"):
            safe = "False" if node.arg == "allow_pickle" else "True"
            if ast.unparse(node.value) != safe:
                yield f"{node.arg}={ast.unparse(node.value)}"
        if isinstance(node, ast.Attribute) and NEVER_LOADS.fullmatch(full_name(node, names)):
            yield f"names {full_name(node, names)}"
        if isinstance(node, ast.Name) and NEVER_LOADS.fullmatch(names.get(node.id, node.id)):
            yield f"names {names[node.id]}"
        if isinstance(node, ast.Call):
            called = full_name(node.func, names)
            if called.removeprefix("builtins.") in NEVER_CALLED:
                yield f"calls {called}"
            reads = re.fullmatch(r"numpy(\.lib)?(\.\w+)*\.(load|read_array)", called)
            if reads and not any(keyword.arg == "allow_pickle" for keyword in node.keywords):
                yield f"{called} without allow_pickle=False"
            if called == "getattr" and any(
                isinstance(part, ast.Constant) and part.value == "load" for part in node.args
            ):
                yield "getattr(…, 'load')"


def full_name(node: ast.AST, names: dict[str, str]) -> str:
    first, dot, rest = ast.unparse(node).partition(".")
    return names.get(first, first) + dot + rest


def sources() -> dict[str, Path]:
    return {str(path.relative_to(ROOT)): path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))}


def test_the_sources_are_found():
    found = sources()
    assert {path.split("/")[0] for path in found} == set(FOLDERS)
    assert "src/backlit/formats/torch_modules.py" in found
    assert len(found) > 100


def test_nothing_is_unpickled_and_nothing_evaluated():
    found = {name: list(offences(path.read_text("utf-8"))) for name, path in sources().items()}
    assert {name: what for name, what in found.items() if what} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import pickle as p",
        "def f():\n  from joblib import load",
        "importlib.import_module('pickle')",
        "need('dill', 'x', 'y')",
        "eval('1')",
        "exec(text)",
        "import builtins\nbuiltins.eval('1')",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "from numpy import load\nload(path)",
        "numpy.lib.format.read_array(stream, allow_pickle=not safe)",
        "torch.load(path)",
        "import torch as t\nt.load(path, weights_only=True)",
        "from torch import load as l\nl(path)",
        "read = torch.load",
        "torch.jit.load(path)",
        "torch.hub.load('x')",
        "getattr(torch, 'load')(path)",
        "import yaml",
        "from yaml import load",
        "keras.saving.load_model(path)",
        "keras.models.load_model(path, safe_mode=False)",
        "from scipy.io import loadmat\nloadmat(path)",
        "import pandas as pd\npd.read_pickle(path)",
    ],
)
def test_an_offence_would_be_seen(source):
    assert list(offences(source)) != []


@pytest.mark.parametrize(
    "source",
    [
        "np.load(path, allow_pickle=False)", "# pickle", "model.eval_()", "module.eval()", "bl.load(path)",
        "json.load(f)", "re.compile('x')", "from safetensors.numpy import load\nload(content)", "import torch",
        "from scipy.io import savemat",
    ],
)  # fmt: skip
def test_what_is_none_is_let_through(source):
    assert list(offences(source)) == []
