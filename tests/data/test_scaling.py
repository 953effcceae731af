"""Where the numbers of the training rows come to lie for each output activation, worked by hand."""

from typing import Any

import numpy as np
import pytest

from backlit.activations import ACTIVATIONS, Identity
from backlit.data.scaling import standard, within_reach
from backlit.errors import DataError

TABLE = np.array([[4.0, 2.0], [100.0, 7.0], [0.0, 2.0], [3.0, 5.0]])
TRAIN = np.array([0, 2, 3])


def encoded(output: Any, table: Any = TABLE, rows: Any = TRAIN) -> Any:
    activation = ACTIVATIONS[output] if isinstance(output, str) else output
    offset, scale = within_reach(np.asarray(table, dtype=float), np.asarray(rows), activation, "d: target 'y'")
    assert (scale > 0).all()
    return (np.asarray(table) - offset) / scale


def test_between_two_ends() -> None:
    """Of the training rows 4, 0, 3 and 2, 2, 5: row 1, held out, lies beyond."""
    np.testing.assert_allclose(encoded("sigmoid"), [[1, 0], [25, 5 / 3], [0, 0], [0.75, 1]], rtol=1e-15)
    np.testing.assert_allclose(encoded("tanh"), [[1, -1], [49, 7 / 3], [-1, -1], [0.5, 1]], rtol=1e-15)


@pytest.mark.parametrize("output", ["relu", "softplus"])
def test_from_one_end_up(output: str) -> None:
    """Root mean squares: √((16 + 0 + 9)/3) and √((4 + 4 + 25)/3)."""
    np.testing.assert_allclose(encoded(output), TABLE / np.sqrt([25 / 3, 11]), rtol=1e-15)


def test_from_an_end_below_0_up() -> None:
    """elu reaches -1: -6 in units of √((36 + 9)/2) = 4.74 would lie below; in units of 6 it does not."""
    np.testing.assert_allclose(encoded("elu", [[-6], [3]], [0, 1]), [[-1], [0.5]], rtol=1e-15)
    np.testing.assert_allclose(encoded("elu", [[-3], [6]], [0, 1]), np.array([[-3], [6]]) / np.sqrt(22.5), rtol=1e-15)
    np.testing.assert_allclose(encoded("elu"), TABLE / np.sqrt([25 / 3, 11]), rtol=1e-15)


def test_another_activation_is_taken_by_its_ends() -> None:
    class Low(Identity):
        lowest = -0.25

    np.testing.assert_allclose(encoded(Low(), [[-2], [8]], [0, 1]), [[-0.25], [1]], rtol=1e-15)


def test_counts_are_taken_as_they_are() -> None:
    assert encoded("exponential").tolist() == TABLE.tolist()


@pytest.mark.parametrize("output", ["identity", "leaky-relu"])
def test_without_an_end_they_are_standardised(output: str) -> None:
    offset, scale = TABLE[TRAIN].mean(axis=0), TABLE[TRAIN].std(axis=0)
    np.testing.assert_allclose(encoded(output), (TABLE - offset) / scale, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("output", [name for name in ACTIVATIONS if name != "exponential"])
@pytest.mark.parametrize("seed", range(3))
def test_what_is_trained_towards_can_be_reached(output: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(50, 4)) * 10.0 ** rng.integers(-20, 20, size=4)
    if ACTIVATIONS[output].lowest == 0:
        table = np.abs(table)
    found = encoded(output, table, np.arange(40))[:40]
    assert found.min() >= ACTIVATIONS[output].lowest - 1e-12  # some roundings of float64
    assert found.max() <= ACTIVATIONS[output].highest + 1e-12
    assert 0.1 < np.abs(found).max(axis=0).min()
    assert np.abs(found).max() < 10


@pytest.mark.parametrize("output", list(ACTIVATIONS))
@pytest.mark.parametrize("constant", [0.0, 5.0, 1e-320])
def test_a_constant_column_is_no_division_by_zero(output: str, constant: float) -> None:
    found = encoded(output, [[constant, 1.0], [constant, 2.0]], [0, 1])
    assert np.isfinite(found).all()
    assert found[0, 0] == found[1, 0]


@pytest.mark.parametrize("output", ["relu", "softplus", "exponential"])
def test_numbers_below_0_that_are_never_answered_are_refused(output: str) -> None:
    """Wherever they stand: the rows held out are to be answered too. Named is the smallest."""
    table = np.array([[1.0], [2.0], [-3.0], [-4.0], [-3.5]])
    with pytest.raises(DataError) as caught:
        encoded(output, table, [0, 1])
    assert str(caught.value) == (
        f"d: target 'y' goes down to -4 (in row 3), and output {output} never goes below 0: take output identity"
    )
    with pytest.raises(DataError, match=r"goes down to -4 \(in row 3, column 1\)"):
        encoded(output, np.hstack([table * 0, table]), [0, 1])


@pytest.mark.parametrize(
    ("output", "why"), [("sigmoid", "for output sigmoid"), ("tanh", "for output"), ("identity", "to")]
)
def test_numbers_too_far_apart_are_refused(output: str, why: str) -> None:
    with pytest.raises(DataError, match=rf"^d: target 'y' has numbers too far apart {why} .*in column 1; bring them"):
        encoded(output, [[0.0, -1.5e308], [1.0, 1.5e308]], [0, 1])


def test_numbers_at_the_edge_of_the_floats_are_no_error_where_they_need_not_be() -> None:
    np.testing.assert_allclose(
        encoded("relu", [[1.5e308], [1.5e308], [0.0]], [0, 1, 2]).max(), np.sqrt(1.5), rtol=1e-15
    )


def test_columns_are_standardised_by_mean_and_deviation() -> None:
    offset, scale = standard(np.array([[1.0, 7.0], [3.0, 7.0]]), "X")
    assert (offset.tolist(), scale.tolist()) == ([2, 7], [1, 1])
