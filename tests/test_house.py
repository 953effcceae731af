"""The house: which way imports point, which names are public, how long files are, what is never done, what is lazy."""

import ast
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

import backlit
from backlit import backpropagation, equations

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "backlit"
TESTS = ROOT / "tests"

ORDER = (
    "notation", "errors", "sums", "randomness", "activations", "costs", "initializers", "network", "objective",
    "equations", "backpropagation", "optimizers", "data", "_native", "engines", "model", "metrics", "formats",
    "training", "trace", "check", "why", "estimators", "diagnose", "cli", "__main__",
)  # fmt: skip
"""A module or folder may import what stands before it here, and its own siblings."""

DECLARED = {
    ("backlit.network", "engines"): "Network.predict, when it is called: the one door to what executes a network"
}
"""(module, what it imports from further down) → why; only ever within a function."""

MOST_LINES = 400


# --- imports


@dataclass(frozen=True)
class Import:
    """One import of a part of Backlit, as it stands in a module."""

    module: str
    imported: str
    line: int
    at_call_time: bool

    @property
    def place(self) -> str:
        return f"{self.module}, line {self.line}, imports {self.imported}"


def name_of(path: Path, top: Path = SOURCE) -> str:
    parts = [top.name, *path.relative_to(top).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, Path]:
    return {name_of(path): path for path in sorted(SOURCE.rglob("*.py"))}


def is_for_types_alone(node: ast.AST) -> bool:
    """``if TYPE_CHECKING:``, which is never executed."""
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def walk(node: ast.AST, at_call_time: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    """Every node that is executed, and whether it is within a function."""
    yield node, at_call_time
    inside = at_call_time or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
    for child in ast.iter_child_nodes(node):
        if is_for_types_alone(node) and child not in node.orelse:
            continue
        yield from walk(child, inside)


def imports_of(module: str, source: str, is_package: bool = False) -> Iterator[Import]:
    for node, at_call_time in walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = module.split(".")[: len(module.split(".")) - node.level + is_package]
                base = ".".join([*package, base]).rstrip(".")
            found = [resolved(base, alias.name) for alias in node.names]
        else:
            continue
        for name in found:
            if name.split(".")[0] == "backlit":
                yield Import(module, name, node.lineno, at_call_time)


def resolved(base: str, name: str) -> str:
    """``from backlit import data`` is an import of backlit.data, ``from backlit import train`` of where train lives."""
    if f"{base}.{name}" in modules() or (base, name) == (
        "backlit",
        "_native",
    ):  # the core is no Python, and may be missing
        return f"{base}.{name}"
    if base == "backlit":
        found = getattr(backlit, name)
        return found.__name__ if isinstance(found, ModuleType) else getattr(found, "__module__", base)
    return base


@cache
def all_imports() -> tuple[Import, ...]:
    found: list[Import] = []
    for name, path in modules().items():
        found += imports_of(name, path.read_text("utf-8"), path.name == "__init__.py")
    return tuple(found)


def part_of(module: str) -> str:
    """``backlit.data.idx`` is of the part data; ``backlit`` itself of none."""
    return module.partition(".")[2].partition(".")[0]


def what_is_wrong(one: Import) -> str | None:
    own, theirs = part_of(one.module), part_of(one.imported)
    if own in ("", theirs) or (theirs, own) == ("", "cli"):
        return None
    if theirs == "":
        return f"{one.place}: the whole package, which holds all that stands below {own}; import the part itself"
    unknown = [part for part in (own, theirs) if part not in ORDER]
    if unknown:
        return f"{one.place}: {unknown[0]} has no place in the order; give it one in ARCHITECTURE.md and in this test"
    declared = (one.module, theirs) in DECLARED and one.at_call_time
    if declared or ORDER.index(theirs) < ORDER.index(own):
        return None
    return f"{one.place}: {theirs} stands below {own}; imports point only upwards ({' '.join(ORDER)})"


def test_imports_point_only_upwards():
    wrong = [message for one in all_imports() if (message := what_is_wrong(one))]
    assert not wrong, "\n" + "\n".join(wrong)


def test_the_imports_are_found():
    found = {(one.module, one.imported, one.at_call_time) for one in all_imports()}
    assert ("backlit.equations", "backlit.activations", False) in found
    assert ("backlit.training.loop", "backlit.backpropagation", False) in found  # from backlit import … as
    assert ("backlit.model", "backlit.engines", False) in found
    assert ("backlit.cli.train", "backlit", True) in found  # import backlit, within a function
    assert len(found) > 100
    assert {part_of(name) for name in modules()} - {""} <= set(ORDER)


def test_every_declared_exception_is_in_use():
    downwards = {(one.module, part_of(one.imported)) for one in all_imports() if one.at_call_time}
    assert set(DECLARED) <= downwards


@pytest.mark.parametrize(
    ("module", "source", "wrong"),
    [
        ("backlit.costs", "from backlit import network", "network stands below costs"),
        ("backlit.costs", "from backlit.network import Network", "network stands below costs"),
        ("backlit.costs", "def f():\n  import backlit.cli.app", "line 2, imports backlit.cli.app: cli stands below"),
        ("backlit.costs", "class A:\n  def f(self):\n    from backlit import train", "training stands below costs"),
        ("backlit.data.idx", "from ..engines import base", "engines stands below data"),
        ("backlit.data.idx", "import backlit as bl", "the whole package"),
        ("backlit.network", "from backlit.engines import predict", "engines stands below network"),
        ("backlit.attic", "import backlit.costs", "attic has no place in the order"),
        ("backlit.training.run", "from backlit.network import Network", None),
        ("backlit.data.idx", "from .dataset import Dataset", None),
        ("backlit.network", "def predict():\n  from backlit.engines import predict", None),
        ("backlit.costs", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n  from backlit.cli import app", None),
        ("backlit.cli.train", "def run():\n  import backlit as bl", None),
    ],
)
def test_a_wrong_import_would_be_seen(module, source, wrong):
    found = [message for one in imports_of(module, source) if (message := what_is_wrong(one))]
    assert len(found) == (wrong is not None)
    assert wrong is None or wrong in found[0]


def circle(edges: dict[str, set[str]]) -> list[str] | None:
    """A circle among the edges, if there is one."""
    done: set[str] = set()

    def follow(node: str, path: list[str]) -> list[str] | None:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return None
        for after in sorted(edges.get(node, ())):
            if found := follow(after, [*path, node]):
                return found
        done.add(node)
        return None

    return next((found for node in sorted(edges) if (found := follow(node, []))), None)


def test_siblings_import_each_other_without_circles():
    edges: dict[str, set[str]] = {}
    for one in all_imports():
        if part_of(one.module) == part_of(one.imported) != "" and one.module != one.imported:
            edges.setdefault(one.module, set()).add(one.imported)
    assert sum(map(len, edges.values())) > 30
    found = circle(edges)
    assert found is None, " → ".join(found)


def test_a_circle_would_be_seen():
    assert circle({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set()}) is None
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert circle({"a": {"a"}}) == ["a", "a"]


# --- names


def test_the_exported_names_are_those_there_are():
    assert sorted(backlit.__all__) == backlit.__all__ == dir(backlit)
    assert len(set(backlit.__all__)) == len(backlit.__all__)
    for name in backlit.__all__:
        assert getattr(backlit, name) is not None
    everything: dict[str, object] = {}
    exec("from backlit import *", everything)
    assert set(everything) - {"__builtins__"} == set(backlit.__all__)


def test_a_name_that_is_not_exported_is_none():
    for name in ("tran", "numpy", "import_module_"):
        with pytest.raises(AttributeError, match=f"module 'backlit' has no attribute '{name}'"):
            getattr(backlit, name)


def test_type_checkers_see_the_names_that_there_are():
    block = next(
        node for node in ast.parse((SOURCE / "__init__.py").read_text("utf-8")).body if is_for_types_alone(node)
    )
    seen = {alias.asname or alias.name for node in block.body for alias in node.names}
    assert seen == set(backlit.__all__) - {"__version__"}


def test_the_names_of_the_design_are_there():
    promised = {"BacklitError", "Network", "train", "save", "load", "load_model", "Model", "data", "optimizers"}
    assert promised <= set(backlit.__all__)
    assert {"SGD", "RMSprop", "Adam", "AdamW", "LBFGS"} <= set(backlit.optimizers.__all__)


@pytest.mark.parametrize("name", [name for name in backlit.__all__ if name != "__version__"])
def test_every_public_name_is_explained(name):
    thing = getattr(backlit, name)
    assert inspect.getdoc(thing), f"backlit.{name} has no docstring"
    if isinstance(thing, type) and thing.__module__.startswith("backlit"):
        own = {member for member in vars(thing) if not member.startswith("_") and callable(getattr(thing, member))}
        assert [member for member in sorted(own) if not inspect.getdoc(getattr(thing, member))] == []


@pytest.mark.parametrize("package", ["data", "engines", "optimizers", "training"])
def test_the_names_a_folder_exports_are_there(package):
    module = __import__(f"backlit.{package}", fromlist=["*"])
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
    assert len(set(module.__all__)) == len(module.__all__)


# --- files


def test_no_file_is_long():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in modules().values()}
    assert len(lengths) > 50
    assert {file: lines for file, lines in lengths.items() if lines > MOST_LINES} == {}


# --- what is lazy


def loaded_after(statement: str) -> set[str]:
    program = f"import json, sys; {statement}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_importing_backlit_costs_little_more_than_importing_numpy():
    """By what is loaded, for a clock would measure whatever else the machine is doing."""
    base, ours = loaded_after("import numpy"), loaded_after("import backlit")
    more = {name for name in ours - base if name.split(".")[0] != "backlit"}
    heavy = {
        "scipy",
        "sklearn",
        "polars",
        "matplotlib",
        "typer",
        "rich",
        "safetensors",
        "plotext",
        "threadpoolctl",
        "torch",
    }
    assert {name.split(".")[0] for name in more} & heavy == set()
    assert len(more) < 20, sorted(more)
    assert (
        len([name for name in ours if name.split(".")[0] == "backlit"]) <= 5
    )  # its parts come when they are asked for


def test_a_network_is_made_and_predicts_without_the_heavy_libraries():
    loaded = {
        name.split(".")[0] for name in loaded_after("import backlit as bl; bl.Network([2, 3, 1]).predict([[0, 0]])")
    }
    assert loaded & {"scipy", "sklearn", "polars", "matplotlib", "typer", "rich", "safetensors", "torch"} == set()


# --- the equations and the page that leads to them


def functions_of(module: ModuleType) -> set[str]:
    found = inspect.getmembers(module, inspect.isfunction)
    return {name for name, function in found if function.__module__ == module.__name__ and not name.startswith("_")}


def names_of_tests(file: Path) -> set[str]:
    found = ast.walk(ast.parse(file.read_text("utf-8")))
    return {node.name for node in found if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_equation_has_a_test_of_its_name():
    missing = {f"test_{name}" for name in functions_of(equations)} - names_of_tests(TESTS / "test_equations.py")
    assert missing == set()


@pytest.fixture
def architecture():
    page = ROOT / "ARCHITECTURE.md"
    if not page.exists():
        pytest.skip("ARCHITECTURE.md does not exist")
    return page.read_text("utf-8")


def test_the_table_leads_to_every_equation_and_its_test(architecture):
    rows = [line.strip("|").split("|") for line in architecture.splitlines() if line.startswith("|")]
    names = [[set(re.findall(r"`([a-z_]+)`", cell)) for cell in row] for row in rows if "`test_" in row[-1]]
    assert len(names) >= 7
    in_equations, in_passes, in_tests = (set().union(*(row[i] for row in names)) for i in (1, 2, 3))
    assert in_equations == functions_of(equations)
    assert in_passes <= functions_of(backpropagation)
    assert in_tests == {f"test_{name}" for name in in_equations} <= names_of_tests(TESTS / "test_equations.py")
    for row in names:  # a line's functions and a line's tests are the same
        assert row[3] == {f"test_{name}" for name in row[1]}


def test_the_page_names_files_that_there_are(architecture):
    named = set(re.findall(r"`((?:[\w.-]+/)*[\w-]+(?:\.py|\.md|/))`", architecture))
    assert len(named) >= 6
    assert [file for file in sorted(named) if not any((top / file).exists() for top in (ROOT, SOURCE))] == []


def test_the_page_gives_the_order_of_imports(architecture):
    given = next(
        block.split()
        for block in re.findall(r"`([a-z_\s]+)`", architecture)
        if block.split()[:2] == ["notation", "errors"]
    )
    present = {part_of(name) for name in modules()}
    assert given == [part for part in ORDER if part in present]
