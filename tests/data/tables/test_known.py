import polars as pl
import pytest

from backlit.data.tables.encoding import fit
from backlit.data.tables.known import as_known
from backlit.data.tables.sources import from_frame, open_table
from backlit.errors import DataError

FRAME = pl.DataFrame({"size": [1.0, 2.0, 3.0], "kind": ["a", "b", "a"], "same": [1, 1, 1]})


def known(frame, *, trained_named=True, given_named=True, targets=("t",), tmp_path=None):
    table = fit(
        FRAME if trained_named else FRAME.rename({n: f"column_{i}" for i, n in enumerate(FRAME.columns)}),
        named=trained_named,
    )
    raw = from_frame(frame)
    if not given_named:
        frame.write_csv(tmp_path / "t.csv", include_header=False)
        raw = open_table(tmp_path / "t.csv", header=False)
    return as_known(raw, table, targets)


def test_by_name_in_any_order_with_and_without_the_target():
    for frame in (FRAME, FRAME[:, ::-1], FRAME.with_columns(t=1), FRAME.drop("same")):  # of which nothing became
        raw = known(frame)
        assert raw.names == tuple(frame.columns)
        assert raw.remarks == ()


def test_what_is_not_known_is_remarked_on():
    assert known(FRAME.with_columns(new=1)).remarks == ("columns that the model does not know are ignored: 'new'",)


def test_by_place_where_there_are_no_names(tmp_path):
    raw = known(FRAME, given_named=False, tmp_path=tmp_path)
    assert raw.names == ("size", "kind", "same")
    assert next(raw.blocks(None)).columns == ["size", "kind", "same"]
    assert known(FRAME, trained_named=False).names == ("column_0", "column_1", "column_2")
    with_target = known(FRAME.with_columns(t=1), trained_named=False, targets=["column_3"])
    assert with_target.names == ("column_0", "column_1", "column_2", "column_3")
    assert with_target.remarks == ()


@pytest.mark.parametrize(
    ("frame", "options", "says"),
    [
        (
            FRAME.rename({"size": "Size"}),
            {},
            r"has no column 'size'; is it 'Size' now\? \(it has 'Size', 'kind', 'same'\)",
        ),
        (FRAME.select("same"), {}, "has no columns 'size', 'kind' "),
        (FRAME.drop("same"), {"given_named": False}, "has 2 columns where 3 are expected; one file has names"),
        (FRAME.with_columns(t=1), {"given_named": False}, "has 4 columns where 3 are expected; one file has names"),
        (FRAME.drop("same"), {"trained_named": False}, "has 2 columns where 3 are expected, or 4 with the target; the"),
    ],
)
def test_columns_that_do_not_fit_are_named(tmp_path, frame, options, says):
    with pytest.raises(DataError, match=says) as caught:
        known(frame, tmp_path=tmp_path, **options)
    assert "\n" not in str(caught.value)
