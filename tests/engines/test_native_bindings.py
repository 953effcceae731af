"""Whatever is handed to the bindings, the answer is an exception or a result, never a crash."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backlit.engines.native import MISSING

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
if MISSING is None:
    from backlit import _native

ROWS, SIZES, COUNT = 20, [6, 5, 3], 6 * 5 + 5 + 5 * 3 + 3


def arguments() -> dict[str, Any]:
    """A session's, all right."""
    return {
        "sizes": SIZES, "activations": [3, 10], "dropout": [0.0, 0.0], "cost": 3, "fused": True, "penalty": 0.0,
        "X": np.ones((ROWS, 6), np.float32), "Y": np.ones((ROWS, 3), np.float32) / 3,
        "row_weights": np.ones(ROWS, np.float32), "decision": 1, "rule": 0, "numbers": [0.0, 0.0, 0.0, 0.0],
        "batch_size": 4, "seed": 0, "clip": -1.0,
    }  # fmt: skip


def loaded() -> Any:
    session = _native.Session32(**arguments())
    session.load(np.zeros(COUNT, np.float32), [])
    return session


def steps(count: int = 5) -> dict[str, Any]:
    return {
        "order": np.arange(ROWS), "place": 0, "step": 0, "learning_rates": np.ones(count), "costs": np.zeros(count),
        "hits": np.zeros(count), "weights": np.zeros(count),
    }  # fmt: skip


def frozen(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array


SPOILED: list[tuple[str, Any]] = [
    ("sizes", [6]), ("sizes", [6, 0, 3]), ("sizes", [6, -5, 3]), ("sizes", [2**40, 5, 3]), ("sizes", []),
    ("activations", [3]), ("activations", [3, 99]), ("activations", [-1, 10]), ("activations", [10, 10]),
    ("dropout", [0.0]), ("dropout", [1.0, 0.0]), ("dropout", [np.nan, 0.0]), ("dropout", [0.0, 0.5]),
    ("cost", 6), ("cost", -1), ("decision", 3), ("rule", 6), ("numbers", [0.0]), ("batch_size", 0), ("batch_size", -4),
    ("X", np.ones((ROWS, 7), np.float32)), ("X", np.ones((0, 6), np.float32)), ("X", np.ones((ROWS, 6))),
    ("X", np.ones((ROWS, 12), np.float32)[:, ::2]), ("X", np.ones((6, ROWS), np.float32).T), ("X", None),
    ("X", np.ones(ROWS * 6, np.float32)), ("X", "text"), ("X", [[1.0] * 6] * ROWS),
    ("Y", np.ones((ROWS - 1, 3), np.float32)), ("Y", np.ones((ROWS, 4), np.float32)),
    ("Y", np.ones((ROWS, 3), np.int32)),
    ("row_weights", np.ones(ROWS + 1, np.float32)), ("row_weights", np.ones((ROWS, 1), np.float32)),
    ("seed", -1), ("seed", 2**64), ("X", np.ones((1, 1, 6), np.float32)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), SPOILED, ids=[f"{n}-{i}" for i, (n, _) in enumerate(SPOILED)])
def test_a_session_refuses(name: str, value: Any) -> None:
    _native.Session32(**arguments())
    with pytest.raises((ValueError, TypeError)):
        _native.Session32(**arguments() | {name: value})


SPOILED_STEPS: list[tuple[str, Any]] = [
    ("order", np.full(ROWS, ROWS)), ("order", np.full(ROWS, -1)), ("order", np.arange(ROWS - 1)),
    ("order", np.arange(ROWS, dtype=np.int32)), ("order", np.arange(2 * ROWS)[::2]), ("order", np.arange(ROWS) * 1.0),
    ("place", -1), ("place", 1), ("place", 2**62), ("step", -1), ("learning_rates", np.ones(6)),
    ("learning_rates", np.ones(5, np.float32)), ("learning_rates", np.ones(10)[::2]), ("costs", np.zeros(4)),
    ("costs", frozen(np.zeros(5))), ("hits", np.zeros((5, 1))), ("weights", np.zeros(6)), ("weights", None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), SPOILED_STEPS, ids=[f"{n}-{i}" for i, (n, _) in enumerate(SPOILED_STEPS)])
def test_a_run_refuses(name: str, value: Any) -> None:
    assert loaded().run(**steps()) == 5
    with pytest.raises((ValueError, TypeError)):
        loaded().run(**steps() | {name: value})


def test_a_run_needs_parameters_first() -> None:
    with pytest.raises(ValueError, match="load the parameters first"):
        _native.Session32(**arguments()).run(**steps())


@pytest.mark.parametrize(
    ("theta", "slots"),
    [
        (np.zeros(COUNT - 1, np.float32), []),
        (np.zeros(COUNT), []),
        (frozen(np.zeros(COUNT, np.float32)), []),
        (np.zeros(2 * COUNT, np.float32)[::2], []),
        (np.zeros(COUNT, np.float32), [np.zeros(COUNT, np.float32)]),
    ],
)
def test_a_store_refuses(theta: Any, slots: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        loaded().store(theta, slots)


sizes = st.lists(st.integers(1, 70), min_size=2, max_size=4)
kinds = st.sampled_from([np.float32, np.float64, np.int64])
strides = st.sampled_from(["C", "F", "every other", "reversed"])


def strided(array: np.ndarray, how: str) -> np.ndarray:
    if how == "F":
        return np.asfortranarray(array)
    if how == "every other":
        return np.repeat(array, 2, axis=-1)[..., ::2]
    return array[::-1] if how == "reversed" else array


@settings(max_examples=150, deadline=None)
@given(sizes, st.integers(0, 70), st.integers(-1, 1), st.integers(-1, 1), kinds, strides, st.booleans())
def test_predict_takes_what_fits_and_refuses_the_rest(
    layers: list[int], rows: int, wider: int, longer: int, kind: Any, how: str, read_only: bool
) -> None:
    model = _native.Model32(layers, [1] * (len(layers) - 1))
    count = sum(n * (m + 1) for m, n in pairwise(layers))
    theta = np.zeros(max(count + longer, 0), np.float32)
    X = strided(np.zeros((rows, max(layers[0] + wider, 0)), kind), how)
    out = np.full((rows, layers[-1]), 7, np.float32)
    out.setflags(write=not read_only)
    fits = rows > 0 and wider == longer == 0 and kind is np.float32 and X.flags.c_contiguous and not read_only
    if fits:
        model.predict(theta, X, out)
        assert (out == 0.5).all()
    else:
        with pytest.raises((ValueError, TypeError)):
            model.predict(theta, X, out)
        assert (out == 7).all()


PASS = {
    "x": (7, 6), "z": [(7, 5), (7, 3)], "sigma": [(7, 5), (7, 3)], "a": [(7, 5), (7, 3)], "delta": [(7, 5), (7, 3)],
    "sums": (32,), "row_gradients": (7,),
}  # fmt: skip
"""The shapes of somebody else's pass through a network of SIZES."""


def a_pass() -> dict[str, Any]:
    def made(shape: Any, dtype: type = np.float32) -> Any:
        return [made(each) for each in shape] if isinstance(shape, list) else np.ones(shape, dtype)

    return {name: made(shape, np.float64 if name == "sums" else np.float32) for name, shape in PASS.items()}


SPOILED_PASSES: list[tuple[str, Any]] = [
    ("x", np.ones((9, 6), np.float32)), ("x", np.ones((0, 6), np.float32)), ("x", np.ones((7, 5), np.float32)),
    ("x", np.ones((7, 6))), ("x", None), ("z", []), ("sigma", [np.ones((7, 5), np.float32)]),
    ("a", [np.ones((7, 5), np.float32), np.ones((6, 3), np.float32)]), ("delta", [np.ones((7, 5), np.float32)] * 2),
    ("sums", np.zeros(31)), ("sums", np.zeros(32, np.float32)), ("sums", frozen(np.zeros(32))),
    ("row_gradients", np.zeros(8, np.float32)), ("row_gradients", np.zeros(7)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), SPOILED_PASSES)
def test_a_spoiled_pass_is_refused(name: str, value: Any) -> None:
    measure = _native.Measure32(SIZES, [3, 10], 8)
    measure.over_rows(**a_pass())
    with pytest.raises((TypeError, ValueError)):
        measure.over_rows(**{**a_pass(), name: value})


@pytest.mark.parametrize("rows", [0, -1, 2**40])
def test_a_measure_of_no_rows_is_refused(rows: int) -> None:
    with pytest.raises((TypeError, ValueError)):
        _native.Measure32(SIZES, [3, 10], rows)


def test_spoiled_updates_are_refused() -> None:
    vector = np.ones(5, np.float32)
    right: list[Any] = [[vector.copy()], [vector], [vector], np.zeros((1, 4))]
    _native.measure_update32(*right)
    assert right[3].tolist() == [[5.0, 5.0, 0.0, 0.0]]
    spoiled: list[tuple[int, Any]] = [
        (0, []), (0, [frozen(vector.copy())]), (0, [np.ones(5)]), (1, [np.ones(4, np.float32)]), (2, [vector, vector]),
        (2, [np.ones(10, np.float32)[::2]]), (3, np.zeros((2, 4))), (3, np.zeros(4)), (3, np.zeros((1, 3))),
    ]  # fmt: skip
    for place, value in spoiled:
        with pytest.raises((TypeError, ValueError)):
            _native.measure_update32(*[value if k == place else given for k, given in enumerate(right)])
