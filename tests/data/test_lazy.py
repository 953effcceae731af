"""Rows that are fetched when they are needed are the rows that an index would give."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backlit.data.lazy import LazyRows, SelectedRows
from backlit.data.streaming import StreamedRows, stream

X = np.random.default_rng(0).normal(size=(53, 4))
NUMBERS = np.flatnonzero(np.random.default_rng(1).random(53) < 0.6)

MAKERS: dict[str, Callable[[int], tuple[LazyRows, np.ndarray]]] = {
    "selected": lambda window: (SelectedRows(X, NUMBERS), X[NUMBERS]),
    "streamed": lambda window: (StreamedRows(stream(X, window=window), X.dtype), X),
    "streamed and taken": lambda window: (StreamedRows(stream(X, window=window), X.dtype).take(NUMBERS), X[NUMBERS]),
    "taken twice": lambda window: (
        StreamedRows(stream(X, window=window), X.dtype).take(NUMBERS).take(np.arange(0, 20, 3)), X[NUMBERS][0:20:3]
    ),
    "selected twice": lambda window: (SelectedRows(X, NUMBERS).take(np.arange(0, 20, 3)), X[NUMBERS][0:20:3]),
}  # fmt: skip


@pytest.mark.parametrize("name", MAKERS)
@settings(deadline=None)
@given(window=st.integers(1, 60), rows=st.lists(st.integers(0, 6), max_size=30), cut=st.integers(0, 60))
def test_slices_and_gathered_rows(name: str, window: int, rows: list[int], cut: int) -> None:
    lazy, expected = MAKERS[name](window)
    assert lazy.shape == expected.shape
    assert len(lazy) == len(expected)
    assert lazy.dtype == expected.dtype
    for part in (slice(0, cut), slice(cut, cut + 5), slice(cut, None), slice(None)):
        np.testing.assert_array_equal(lazy[part], expected[part])
    wanted = np.array(rows, dtype=np.int64)
    out = np.full((len(rows), 4), np.nan)
    lazy.gather(wanted, out)
    np.testing.assert_array_equal(out, expected[wanted])


@pytest.mark.parametrize("name", MAKERS)
def test_what_is_given_out_is_the_receivers_own(name: str) -> None:
    lazy, expected = MAKERS[name](16)
    part = lazy[0:3]
    part[:] = 7.0
    np.testing.assert_array_equal(lazy[0:3], expected[0:3])


def test_selecting_copies_nothing() -> None:
    class NoCopies(np.ndarray):
        def take(self, *arguments: object, **options: object) -> None:  # type: ignore[override]
            raise AssertionError("copied")

        def __getitem__(self, key: object) -> None:  # type: ignore[override]
            raise AssertionError("copied")

    SelectedRows(X.view(NoCopies), NUMBERS).take(np.arange(5))
