"""scikit-learn's tests of its own networks, run on ours: the specification behind ``docs/sklearn-differences.md``.

The functions are scikit-learn's, as installed; only the two classes are exchanged. ``DIFFERENT`` names those that
cannot hold here, and why; the document must name them too.
"""

import inspect
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import backlit as bl

theirs = pytest.importorskip("sklearn.neural_network.tests.test_mlp", reason="scikit-learn came without its tests")

PRIVATE = "reads or writes private attributes"
WORDING = "expects the wording of a message"
SEED = "holds for some seeds alone, in scikit-learn too"
DIFFERENT = {
    "test_fit": PRIVATE,
    "test_gradient": PRIVATE,
    "test_learning_rate_warmstart": PRIVATE,
    "test_adaptive_learning_rate": PRIVATE,
    "test_n_iter_no_change": PRIVATE,
    "test_n_iter_no_change_inf": PRIVATE,
    "test_nonfinite_params": WORDING,
    "test_warm_start": WORDING,
    "test_lbfgs_classification_maxfun": SEED,
    "test_lbfgs_regression_maxfun": SEED,
    "test_partial_fit_regression": SEED,
}
OURS = {"MLPClassifier": bl.BackpropClassifier, "MLPRegressor": bl.BackpropRegressor}
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "sklearn-differences.md"

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning", "ignore::UserWarning")


def calls() -> Iterator[Any]:
    """Each of their tests with each of its parameters, their classes exchanged for ours."""
    for name, function in sorted(vars(theirs).items()):
        if not name.startswith("test_") or not inspect.isfunction(function):
            continue
        ways: list[list[dict[str, Any]]] = []
        for mark in getattr(function, "pytestmark", []):
            if mark.name == "parametrize":
                names, values = mark.args
                keys = [key.strip() for key in names.split(",")] if isinstance(names, str) else list(names)
                rows = [value if len(keys) > 1 else (value,) for value in values]
                ways.append([{k: exchanged(v) for k, v in zip(keys, row, strict=True)} for row in rows])
        for number, chosen in enumerate(product(*ways)):
            arguments = {key: value for part in chosen for key, value in part.items()}
            yield pytest.param(name, function, arguments, id=f"{name}-{number}" if ways else name)


def exchanged(value: Any) -> Any:
    return OURS.get(getattr(value, "__name__", ""), value)


@pytest.mark.parametrize(("name", "function", "arguments"), list(calls()))
def test_theirs(name: str, function: Any, arguments: dict[str, Any], request: Any, monkeypatch: Any) -> None:
    for class_name, ours in OURS.items():
        monkeypatch.setattr(theirs, class_name, ours)
    for parameter in inspect.signature(function).parameters:
        if parameter == "global_random_seed":
            arguments = {**arguments, parameter: 0}
        elif parameter not in arguments:
            arguments = {**arguments, parameter: request.getfixturevalue(parameter)}
    if DIFFERENT.get(name) == SEED:
        pytest.skip(SEED)
    if name in DIFFERENT:
        with pytest.raises((AttributeError, AssertionError)):  # else the list says too much
            function(**arguments)
        return
    function(**arguments)


def test_the_document_names_every_difference() -> None:
    text = DOCUMENT.read_text("utf-8")
    assert [name for name in DIFFERENT if f"`{name}`" not in text] == []
    there = {name for name, function in vars(theirs).items() if inspect.isfunction(function)}
    assert [name for name in DIFFERENT if name not in there] == []
