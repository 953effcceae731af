from datetime import datetime, time

import polars as pl
import pytest

from backlit.data.tables import cells
from backlit.data.tables.cells import Spelling
from backlit.data.tables.recognition import Evidence, of_frame


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
        (["$1,200.50", "-$3.00", "$ 7"], "number", Spelling(comma="thousands", before="$")),
        (["1.200,50 €", "3,00 €", "-7 €"], "number", Spelling(comma="european", behind="€")),
        (["12.5%", "3 %", "-7%"], "number", Spelling(behind="%")),
        (["80 kg", "79.5kg", "81 KG"], "number", Spelling(behind="kg")),
        (["USD 80", "USD -7"], "number", Spelling(before="usd")),
        (["1 200", "3\u00a0000", "12'000", "7"], "number", Spelling()),
        (["(1,200)", "3,400", "5"], "number", Spelling(comma="thousands")),
        (["\u22125", "7"], "number", Spelling()),
        (["0,125", "2,500", "7"], "number", Spelling(comma="decimal")),  # a group does not begin with 0
        (["80 kg", "79 g"], "text", Spelling()),
        (["$80", "€79"], "text", Spelling()),
        (["A-1", "A-2"], "text", Spelling()),
        (["1.2.3", "1.3.0"], "text", Spelling()),
        (["5", "-", "n.a.", "#DIV/0!", "--"], "number", Spelling()),
        (["5", "7", "unknown", "Unknown", "9"], "number", Spelling(missing=("unknown",))),
        (["5", "7", "unknown", "lost", "9"], "text", Spelling()),
        (["5", "unknown", "unknown"], "text", Spelling()),
        (["31.01.24", "01.02.24"], "moment", Spelling(moment="%d.%m.%y")),
        (["1/31/24", "2/1/24"], "moment", Spelling(moment="%m/%d/%y")),
        (["3 February 2024", "14 March 2024"], "moment", Spelling(moment="%d %B %Y")),
        (["February 3, 2024", "March 14, 2024"], "moment", Spelling(moment="%B %d, %Y")),
        (["3-Feb-24", "14-Mar-24"], "moment", Spelling(moment="%d-%b-%y")),
        (["2024-01", "2024-12"], "moment", Spelling(moment="%Y-%m")),
        (["1/31/2024 1:05 PM", "2/1/2024 12:30 AM"], "moment", Spelling(moment="%m/%d/%Y %I:%M %p")),
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


def test_the_first_cells_say_what_stands_around_the_numbers():
    kind, spelling, remark = verdict([f"{i} kg" for i in range(300)], ["7", "8 lb", *["9 kg"] * 20])
    assert (kind, spelling) == ("number", Spelling(missing=("8 lb",), behind="kg"))
    assert remark == "column 'c' is numbers; counted as missing: '8 lb' (row 301)"
    assert cells.to_numbers(cells.clean(pl.Series(["8 LB", "7KG", "6"]), spelling), spelling).to_list() == [None, 7, 6]


def test_a_few_odd_cells_beside_commas():
    kind, spelling, remark = verdict(["1,250"] * 60 + ["lots", "17"])
    assert (kind, spelling) == ("number", Spelling(missing=("lots",), comma="thousands"))
    assert remark == "column 'c' is numbers; counted as missing: 'lots' (row 60)"


def test_one_word_in_many_cells_of_a_target_is_a_class():
    evidence = Evidence("c", strict=True)
    evidence.add(pl.Series(["1", "2", "other", "2", "1"]))
    assert evidence.verdict()[0] == "text"


def test_a_year_of_two_digits_is_of_this_age():
    read = cells.to_moments(pl.Series(["31.12.24", "01.01.70"]), "%d.%m.%y")
    assert read.to_list() == [datetime(2024, 12, 31), datetime(1970, 1, 1)]
    assert cells.to_moments(pl.Series(["31.12.24", "31.12.2024"]), "%d.%m.%Y").to_list() == [
        None,
        datetime(2024, 12, 31),
    ]


def test_a_frame_is_read_as_its_text_is_and_keeps_what_is_none():
    frame = pl.DataFrame(
        {"n": ["$1", "$2"], "t": ["yes", "no"], "d": ["2024-01-31", "?"], "s": ["a", "b"], "x": [1, 2]}
    )
    read, spellings = of_frame(frame)
    kinds = {"n": pl.Float64, "t": pl.Boolean, "d": pl.Datetime("us"), "s": pl.String, "x": pl.Int64}
    assert dict(read.schema) == kinds
    assert spellings == {"n": Spelling(before="$"), "d": Spelling(moment="%Y-%m-%d")}


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
    if isinstance(read, time):
        read = datetime.combine(then.date(), read)
    assert read.date() == then.replace(day=1 if form in cells.MONTHS else 31).date()
    parts = {"%H": (23, 0), "%I": (23, 0), "%M": (59, 0), "%S": (58, 0)}
    expected = [parts[part][part not in form] for part in ("%M", "%S")]
    assert [read.minute, read.second] == expected
    assert read.hour == (23 if "%H" in form or "%I" in form else 0)
