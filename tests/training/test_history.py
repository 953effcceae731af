"""The history: by epoch, by column, as tables."""

import pytest

from backlit.training.history import CLOCKS, COLUMNS, EpochRecord, History


def record(epoch: int, **changed: float | None) -> EpochRecord:
    values = {
        "epoch": epoch, "steps": 10 * epoch, "cost": 1 / epoch, "accuracy": None, "penalty": 0.0,
        "validation_cost": 2 / epoch, "validation_accuracy": None, "validation_r2": None, "learning_rate": 0.1,
        "seconds": 0.5 * epoch,
    }  # fmt: skip
    return EpochRecord(**{**values, **changed})


HISTORY = History([record(1), record(2), record(4, validation_r2=0.5)])


def test_an_epoch_a_slice_or_a_column() -> None:
    assert len(HISTORY) == 3
    assert HISTORY[-1].cost == 0.25
    assert [r.epoch for r in HISTORY] == [1, 2, 4]
    assert isinstance(HISTORY[1:], History)
    assert HISTORY[1:]["epoch"] == [2, 4]
    assert HISTORY["cost"] == [1.0, 0.5, 0.25]
    assert HISTORY["validation_r2"] == [None, None, 0.5]


def test_an_unknown_column_lists_those_there_are() -> None:
    with pytest.raises(KeyError, match="the history has no column 'loss'; it has epoch, steps, cost"):
        HISTORY["loss"]


def test_columns_that_never_apply_are_left_out() -> None:
    assert list(HISTORY.to_dict()) == [
        "epoch", "steps", "cost", "penalty", "validation_cost", "validation_r2", "learning_rate", "seconds",
    ]  # fmt: skip
    assert "validation_r2" not in HISTORY[:2].to_dict()
    assert History().to_dict() == {}
    assert set(CLOCKS) <= set(COLUMNS)


def test_plain_records_and_tables_hold_the_same() -> None:
    polars = pytest.importorskip("polars")
    assert HISTORY.records()[2]["validation_r2"] == 0.5
    assert [set(row) for row in HISTORY.records()] == [set(COLUMNS)] * 3
    assert HISTORY.to_polars().to_dict(as_series=False) == HISTORY.to_dict()
    assert isinstance(HISTORY.to_polars(), polars.DataFrame)


def test_as_a_pandas_frame() -> None:
    pytest.importorskip("pandas")
    assert HISTORY.to_pandas()["cost"].tolist() == [1.0, 0.5, 0.25]


def test_it_does_not_share_the_list_it_was_made_of() -> None:
    records = [record(1)]
    history = History(records)
    history.append(record(2))
    assert len(records) == 1
    assert len(history) == 2


def test_what_it_says_of_itself() -> None:
    assert repr(History()) == "History(no epoch)"
    assert repr(HISTORY).startswith("History(3 epochs; the last: epoch=4, steps=40, cost=0.25, penalty=0")
    assert "accuracy" not in repr(HISTORY)
