from datetime import datetime, time

import numpy as np
import polars as pl
import pytest

from backlit.data.tables import cells
from backlit.data.tables.cells import Spelling
from backlit.data.tables.recognition import Evidence


def verdict(*blocks):
    evidence = Evidence("c")
    for block in blocks:
        evidence.add(pl.Series("c", block, dtype=pl.String))
    return evidence.verdict()


@pytest.mark.parametrize(
    ("column", "kind", "spelling"),
    [
        (["1", "-2.5", " 3e5 ", "+4", None], "number", Spelling()),
        (["1", "?", "NA", "n/a", "NULL", "", " ", "nan", "None", "#N/A"], "number", Spelling()),
        (["1,5", "2", "3,25"], "number", Spelling(comma="decimal")),
        (["1,500", "2", "3,250,000"], "number", Spelling(comma="thousands")),
        (["0", "1", "1"], "number", Spelling()),
        (["true", "FALSE", None], "truth", Spelling()),
        (["yes", "no"], "truth", Spelling()),
        (["yes", "maybe"], "text", Spelling()),
        (["01234", "12345"], "text", Spelling()),
        (["a", "b"], "text", Spelling()),
        (["?", "", None], "text", Spelling()),
        (["2024-01-31", "2024-02-01"], "moment", Spelling(moment="%Y-%m-%d")),
        (["2024-01-31 10:00:00", "2024-02-01 11:30:00"], "moment", Spelling(moment="%Y-%m-%d %H:%M:%S")),
        (["2024-01-31T10:00:00Z", "2024-02-01T11:30:00+0100"], "moment", Spelling(moment="%Y-%m-%dT%H:%M:%S%z")),
        (["31.01.2024", "01.02.2024"], "moment", Spelling(moment="%d.%m.%Y")),
        (["1/31/2024", "2/1/2024"], "moment", Spelling(moment="%m/%d/%Y")),
        (["31/1/2024", "1/2/2024"], "moment", Spelling(moment="%d/%m/%Y")),
        (["10:30", "23:59"], "moment", Spelling(moment="%H:%M")),
        (["192.168.0.1", "10.0.0.1"], "text", Spelling()),
    ],
)
def test_what_a_column_holds_is_seen(column, kind, spelling):
    assert verdict(column)[:2] == (kind, spelling)
    assert verdict(*([cell] for cell in column))[:2] == (kind, spelling)  # a block a cell: the same


def test_a_few_cells_of_another_kind_count_as_missing_and_are_named():
    kind, spelling, remark = verdict(["1"] * 50, [*["2"] * 48, "Unknown", "unknown"])
    assert (kind, spelling) == ("number", Spelling(missing=("unknown",)))
    assert remark == "column 'c' is numbers; counted as missing: 'Unknown' (row 98)"
    assert cells.to_numbers(cells.clean(pl.Series(["UNKNOWN", "7"]), spelling)).to_list() == [None, 7]


def test_dates_out_of_range_count_as_missing_and_are_named():
    kind, spelling, remark = verdict([f"2024-01-{day:02}" for day in range(1, 31)] + ["2024-02-30"])
    assert (kind, spelling.missing) == ("moment", ("2024-02-30",))
    assert remark == "column 'c' is dates or times (%Y-%m-%d); counted as missing: '2024-02-30' (row 30)"


def test_a_mixture_is_text_and_is_remarked_on():
    kind, spelling, remark = verdict([*map(str, range(70)), *(f"A{i}" for i in range(30))])
    assert (kind, spelling) == ("text", Spelling())
    assert remark == "column 'c' mixes 70 numbers with 30 cells of text, such as 'A0' in row 70: taken as text"


@pytest.mark.parametrize(
    ("form", "cell", "expected"),
    [
        ("%Y-%m-%d", "2024-02-29", datetime(2024, 2, 29)),
        ("%Y-%m-%d", "2023-02-29", None),
        ("%Y-%m-%dT%H:%M:%S%z", "2024-02-29T23:00:00-0200", datetime(2024, 3, 1, 1)),
        ("%Y-%m-%dT%H:%M:%S%z", "2024-02-29T23:00:00Z", datetime(2024, 2, 29, 23)),
        ("%Y-%m-%d %H:%M:%S%.f", "2024-02-29 01:02:03.25", datetime(2024, 2, 29, 1, 2, 3, 250_000)),
        ("%H:%M", "23:59", time(23, 59)),
        ("%H:%M", "24:01", None),
        ("%d %b %Y", "3 Feb 2024", datetime(2024, 2, 3)),
    ],
)
def test_moments_are_read(form, cell, expected):
    assert cells.to_moments(pl.Series([cell]), form).to_list() == [expected]


@pytest.mark.parametrize("form", cells.FORMATS)
def test_every_format_reads_what_it_writes(form):
    then = datetime(2024, 12, 31, 23, 59, 58, 500_000)
    written = then.strftime(form.replace("%.f", ".%f").replace("%z", "+0000"))
    (read,) = cells.to_moments(pl.Series([written]), form).to_list()
    date, clock = (getattr(read, "date", lambda: None)(), read if isinstance(read, time) else read.time())
    assert date is None or date == then.date()
    seconds = clock.hour * 3600 + clock.minute * 60 + clock.second
    assert seconds == np.array([23, 59, 58]) @ [3600, 60, 1] - (0 if "%S" in form else 58) if "%H" in form else True
