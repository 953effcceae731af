"""The names in the help are those of the package's tables."""

import pytest

from backlit import activations, costs, initializers, optimizers
from backlit.cli import choices
from backlit.data.bundled import TARGETS
from backlit.network import DTYPES
from backlit.optimizers import schedules


@pytest.mark.parametrize(
    ("names", "words"),
    [(["a"], "a"), (["a", "b"], "a or b"), (("a", "b", "c"), "a, b or c"), ({"a": 1, "b": 2}, "a or b")],
)
def test_names_in_a_sentence(names, words):
    assert choices.in_words(names) == words


def test_the_tables_are_the_packages():
    tables = choices.tables()
    assert {*tables["activations"], *tables["output_activations"]} == set(activations.ACTIVATIONS)
    assert tables["output_activations"] == ["exponential", "softmax"]
    for name, theirs in (
        ("costs", costs.COSTS), ("dtypes", DTYPES), ("initializers", initializers.INITIALIZERS),
        ("optimizers", optimizers.OPTIMIZERS), ("schedules", schedules.SCHEDULES), ("sources", TARGETS),
    ):  # fmt: skip
        assert tables.pop(name) == list(theirs)
    assert set(tables) == {"activations", "output_activations"}


def test_only_what_stands_in_braces_is_filled_in():
    assert choices.filled_in("λ/(2n) Σ‖W‖², [default: 0]") == "λ/(2n) Σ‖W‖², [default: 0]"
    assert choices.filled_in("{dtypes}; or {dtypes}") == "float32 or float64; or float32 or float64"
    with pytest.raises(KeyError):
        choices.filled_in("{no_such_table}")
