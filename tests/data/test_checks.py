"""Numbers, of the right shape, every one finite; else which is not, and where."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backlit.data.checks import as_matrix, as_numbers, check_finite, check_lengths
from backlit.errors import DataError


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([[1, 2], [3, 4]], "int64"), ([[True, False]], "bool"), ([[1.5]], "float64"),
        (np.ones((2, 2), "f2"), "float16"), (np.ones(3, "u1"), "uint8"), ([], "float64"), (3, "int64"),
        (np.array([[1, 2.5]], dtype=object), "float64"), ([[None, 1]], "float64"),
    ],
)  # fmt: skip
def test_what_is_a_number_is_taken(values: Any, dtype: str) -> None:
    assert as_numbers("X", values).dtype == dtype


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([["a", "b"]], "X holds 'a' where a number should be; encode text first"),
        ([[1.0, "2"]], "X holds the text '1.0' where a number should be"),
        (np.array([[1, "x"]], dtype=object), "X holds 'x' where a number should be"),
        (np.array([1, {}], dtype=object), "X holds '{}' where a number should be"),
        (np.array(["2020-01-01"], dtype="M8[D]"), "X holds "),
        ([1 + 2j], "X holds values of type complex128 where a number should be"),
        ([10**400], "X holds '1000000000000000000000000000000000000000' where a number should be"),
        ([b"bytes"], "X holds .*bytes"),
        ([[1, 2], [3]], "X is ragged: its rows have different lengths; give every row as many values"),
        ("text", "X holds 'text' where a number should be"),
        (np.array([["long " * 100]], dtype=object), r"X holds 'long long long long long long long long ' where"),
        (np.array([["two\nlines"]], dtype=object), r"X holds 'two\\nlines' where"),
    ],
)
def test_what_is_none_is_shown(values: Any, message: str) -> None:
    with pytest.raises(DataError, match=message) as refused:
        as_numbers("X", values)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("given_dtype", ["f4", "f8", ">f8", "i8", "u1", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_matrix_is_contiguous_and_of_the_dtype(dtype: str, given_dtype: str, order: Any) -> None:
    values = np.array([[0, 1, 1], [1, 0, 1]], dtype=given_dtype, order=order)
    matrix = as_matrix("X", values, 3, dtype)
    assert matrix.dtype == np.dtype(dtype)
    assert matrix.dtype.isnative
    assert matrix.flags.c_contiguous
    np.testing.assert_array_equal(matrix, [[0, 1, 1], [1, 0, 1]])


def test_what_fits_already_is_not_copied() -> None:
    values = np.ones((4, 3), "f4")
    assert as_matrix("X", values, 3, "float32") is values
    assert as_matrix("X", values, 3, "float64").dtype == np.float64


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.ones((2, 4)), "X has 4 columns; the network's input layer takes 3"),
        (
            np.ones(3),
            r"X must be a table of rows × 3 columns; it has 1 dimensions \(one row is X\[:1\], or x\[np.newaxis",
        ),
        (np.ones((1, 3, 1)), "X must be a table of rows × 3 columns; it has 3 dimensions$"),
        (np.float64(1), "X must be a table of rows × 3 columns; it has 0 dimensions"),
        (np.ones((0, 3)), "X has no rows"),
        ([[1, np.nan, 2]], "X has NaN at row 0, column 1"),
        ([[1, 2, 3], [1, 2, -np.inf]], "X has infinity at row 1, column 2"),
        ([[1, 2, 1e300]], "X as float32 has infinity at row 0, column 2"),
        ([[1, 2, -1e39]], "X as float32 has infinity at row 0, column 2"),
        (np.array([[1, 2, 10**39]], dtype=object), "X as float32 has infinity at row 0, column 2"),
    ],
)
def test_what_is_no_matrix_is_refused(values: Any, message: str) -> None:
    with pytest.raises(DataError, match=message) as refused:
        as_matrix("X", values, 3, "float32")
    assert "\n" not in str(refused.value)


def test_the_first_that_is_not_finite_is_named_and_the_rest_counted() -> None:
    X = np.zeros((5, 3))
    X[1, 2], X[3, 0], X[4, 1] = np.nan, np.inf, np.nan
    message = (
        "X has NaN at row 1, column 2 and 2 more like it (rows and columns count from 0); fill or leave out such rows"
    )
    with pytest.raises(DataError) as refused:
        check_finite("X", X)
    assert str(refused.value) == message
    with pytest.raises(DataError, match=r"column 2 \('height'\)"):
        check_finite("X", X, columns=["a", "b", "height"])
    with pytest.raises(DataError, match="at row 17, column 2"):
        check_finite("X", X, rows=np.array([3, 17, 4, 5, 9]))
    with pytest.raises(DataError, match=r"y has NaN at row 2 and 1 more like it \("):
        check_finite("y", np.array([0, 1, np.nan, np.nan]))


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_finite_numbers_whose_sum_is_not_are_finite(dtype: str) -> None:
    largest = np.finfo(dtype).max
    check_finite("X", np.full((4, 3), largest, dtype))
    check_finite("X", np.array([[largest, -largest]], dtype))
    check_finite("X", np.zeros((0, 3), dtype))


@given(
    st.lists(st.sampled_from([0.0, 1e308, -1e308, np.inf, -np.inf, np.nan]), min_size=1, max_size=12),
    st.sampled_from([1, 2, 3]),
)
def test_the_place_found_is_the_first(values: list[float], columns: int) -> None:
    X = np.resize(np.array(values), (-(-len(values) // columns), columns))
    wrong = np.argwhere(~np.isfinite(X))
    if not len(wrong):
        check_finite("X", X)
        return
    row, column = wrong[0]
    kind = "NaN" if np.isnan(X[row, column]) else "infinity"
    with pytest.raises(DataError, match=f"X has {kind} at row {row}, column {column}[ ]"):
        check_finite("X", X)


def test_integers_and_booleans_are_always_finite() -> None:
    check_finite("X", np.array([[1, 2]]))
    check_finite("X", np.array([True]))


def test_one_value_a_row() -> None:
    check_lengths("y", np.zeros((3, 2)), 3)
    with pytest.raises(DataError, match="y has 3 rows and X has 4; they must be of the same rows"):
        check_lengths("y", np.zeros((3, 2)), 4)


def test_text_among_objects_is_no_number() -> None:
    with pytest.raises(DataError, match=r"^X holds the text '1\.5' where a number should be; encode text first"):
        as_numbers("X", np.array([[0.5, "1.5"]], dtype=object))


def test_masked_values_are_not_trained_on() -> None:
    assert as_numbers("X", np.ma.array([1.0, 2.0], mask=False)).tolist() == [1, 2]
    with pytest.raises(DataError, match=r"^X has masked values; fill them \(\.filled\) or leave out their rows$"):
        as_numbers("X", np.ma.array([1.0, 2.0], mask=[False, True]))


def test_a_sparse_matrix_is_named() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(DataError, match=r"^X is a sparse matrix; make it dense with \.toarray\(\)$"):
        as_numbers("X", sparse.csr_matrix(np.eye(2)))


def test_what_refuses_to_be_an_array_is_asked_why() -> None:
    class Tensor:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            raise RuntimeError("is part of a graph;\ndetach it")

    with pytest.raises(DataError, match=r"^X cannot be read as an array: is part of a graph;$"):
        as_numbers("X", Tensor())
