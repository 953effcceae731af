"""The examples in the docstrings of every module are run and come out as they stand there."""

import doctest
import importlib
import pkgutil

import pytest

import backlit

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(backlit.__path__, f"{backlit.__name__}.", onerror=lambda name: None)
    if not module.name.endswith("__main__")  # importing it runs the command line
)
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def examples_in(name: str) -> list[doctest.DocTest]:
    return [found for found in doctest.DocTestFinder().find(importlib.import_module(name)) if found.examples]


@pytest.mark.parametrize("name", [backlit.__name__, *MODULES])
def test_the_examples_of_a_module(name: str) -> None:
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    for found in examples_in(name):
        runner.run(found, out=report.append)
    assert runner.failures == 0, "".join(report)


def test_the_modules_and_their_examples_are_found() -> None:
    assert {"backlit.network", "backlit.optimizers.adam", "backlit.equations"} <= set(MODULES)
    for name in ("backlit.network", "backlit.randomness", "backlit.optimizers.adam", "backlit.optimizers.schedules"):
        assert examples_in(name)
