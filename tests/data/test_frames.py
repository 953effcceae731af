"""Columns are taken by their names where a frame has some that mean something, and by position where not."""

from typing import Any

import numpy as np
import polars
import pytest

from backlit.data.dataset import pixel_names
from backlit.data.frames import in_order
from backlit.errors import DataError

ROWS = np.arange(6.0).reshape(2, 3)


class Pandas:
    """What of a pandas DataFrame is used: its columns are an index, of any values, and a list of names selects some."""

    def __init__(self, values: Any, columns: Any) -> None:
        self.values, self.columns = np.asarray(values), np.asarray(columns, dtype=object)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.values

    def __getitem__(self, names: list[str]) -> "Pandas":
        places = [list(self.columns).index(name) for name in names]
        return Pandas(self.values[:, places], names)


def polars_frame(values: Any, columns: Any) -> Any:
    return polars.DataFrame(np.asarray(values), schema=list(columns), orient="row")


def pandas_frame(values: Any, columns: Any) -> Any:
    return pytest.importorskip("pandas").DataFrame(values, columns=list(columns))


FRAMES = [Pandas, polars_frame, pandas_frame]


@pytest.fixture(params=FRAMES, ids=lambda frame: frame.__name__)
def frame(request: pytest.FixtureRequest) -> Any:
    return request.param


def taken(X: Any, columns: Any) -> list[list[float]]:
    return np.asarray(in_order("X", X, tuple(columns))).tolist()


def test_by_name_in_any_order(frame: Any) -> None:
    assert taken(frame(ROWS, ["c", "a", "b"]), "abc") == [[1, 2, 0], [4, 5, 3]]
    assert taken(frame(ROWS, ["a", "b", "c"]), "abc") == ROWS.tolist()


def test_columns_beside_them_are_left_out(frame: Any) -> None:
    assert taken(frame(ROWS, ["c", "target", "a"]), "ac") == [[2, 0], [5, 3]]
    mixed = polars.DataFrame({"name": ["p", "q"], "b": [1.0, 2.0], "a": [3.0, 4.0]})
    assert taken(mixed, "ab") == [[3, 1], [4, 2]]  # text beside them does no harm


def test_numbered_names_are_names_too_where_they_match(frame: Any) -> None:
    assert taken(frame(ROWS, ["x2", "x0", "x1"]), ["x0", "x1", "x2"]) == [[1, 2, 0], [4, 5, 3]]
    assert taken(frame(ROWS, ["x0", "x1", "x2"]), ["x0", "x1"]) == [[0, 1], [3, 4]]


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (["0", "1", "2"], "abc"),
        (["column_0", "column_1", "column_2"], "abc"),  # polars, of an array
        (["column_1", "column_2", "column_3"], "abc"),  # polars, of a file without a head
        (["x0", "x1", "x2"], "abc"),
        (["length", "width", "height"], ["x0", "x1", "x2"]),  # trained on an array
        (["pixel1", "pixel2", "pixel3"], pixel_names(1, 3)),  # of another source than those it was trained on
        (["pixel_0_0", "pixel_0_1", "pixel_0_2"], "abc"),
        (["pixel_0", "pixel_1", "pixel_2"], "abc"),
    ],
)
def test_names_that_only_number_the_columns_go_by_position(frame: Any, names: list[str], columns: Any) -> None:
    X = frame(ROWS, names)
    assert in_order("X", X, tuple(columns)) is X


@pytest.mark.parametrize(
    "names", [[0, 1, 2], [2, 0, 1], ["a", 1, "c"], [("a", "x"), ("b", "x"), ("c", "x")], [None] * 3]
)
def test_names_that_are_not_all_text_go_by_position(names: list[Any]) -> None:
    X = Pandas(ROWS, ROWS[0])
    X.columns = names  # type: ignore[assignment]
    assert in_order("X", X, ("c", "b", "a")) is X


class OfColumns:
    """As a table of pyarrow: its columns are values, not names."""

    columns = (np.arange(3), np.arange(3))

    def __array__(self) -> Any:
        return ROWS


class Lazy:
    """As a lazy frame of polars, which has names, at a price, and no numbers."""

    @property
    def columns(self) -> list[str]:
        raise AssertionError("the names were asked for")


@pytest.mark.parametrize(
    "X", [ROWS, ROWS.tolist(), OfColumns(), Lazy(), None, 5, "abc"], ids=lambda X: type(X).__name__
)
def test_what_is_no_frame_is_left_as_it_is(X: Any) -> None:
    assert in_order("X", X, ("a", "b", "c")) is X


def test_names_that_do_not_tell_columns_apart_go_by_position(frame: Any) -> None:
    X = frame(ROWS, ["a", "b", "c"])
    assert in_order("X", X, ("a", "a", "b")) is X


@pytest.mark.parametrize(
    ("names", "columns", "message"),
    [
        (["a", "b", "d"], "abc", "X has no column 'c'; columns are taken by their names, and it has 'a', 'b', 'd' "),
        (["a", "b", "d"], "cba", "X has no column 'c'; "),
        (["p", "q", "r"], "abc", "X has no columns 'a', 'b', 'c'; "),
        (["A", "B", "C"], "abc", "X has no columns 'a', 'b', 'c'; "),
        (["x0", "x1", "y"], ["x0", "x1", "x2"], "X has no column 'x2'; "),  # the numbers are meant as names here
        (["x2", "x0", "x1"], "abc", "X has no columns 'a', 'b', 'c'; "),  # and no longer tell the places
        (["x5", "x6", "x7"], "abc", "X has no columns 'a', 'b', 'c'; "),
        (["pixel_0_1", "pixel_0_0", "pixel_0_2"], "abc", "X has no columns 'a', 'b', 'c'; "),
        (["q", "r", "pixel_99999999_99999999"], "abc", "X has no columns 'a', 'b', 'c'; "),
    ],
)
def test_names_that_do_not_match_are_refused(frame: Any, names: list[str], columns: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        in_order("X", frame(ROWS, names), tuple(columns))
    assert str(caught.value).startswith(message)
    assert str(caught.value).endswith(" (as a plain array they would go by position)")


def test_a_name_twice_is_refused_where_it_is_needed() -> None:
    with pytest.raises(DataError, match=r"^X has the column 'a' 2 times; leave all but one out$"):
        in_order("X", Pandas(ROWS, ["a", "b", "a"]), ("b", "a"))
    assert taken(Pandas(np.arange(8.0).reshape(2, 4), ["more", "b", "more", "a"]), "ab") == [[3, 1], [7, 5]]


def test_a_message_of_many_names_is_one_line() -> None:
    columns = tuple(f"column {number}" for number in range(1000))
    with pytest.raises(DataError) as caught:
        in_order("X", Pandas(np.zeros((1, 1000)), [f"other {number}" for number in range(1000)]), columns)
    assert "'column 11', … (1000 in all); columns are taken" in str(caught.value)
    assert len(str(caught.value)) < 500
