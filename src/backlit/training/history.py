"""What a training came to, epoch by epoch."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, overload


@dataclass(frozen=True)
class EpochRecord:
    """One epoch.

    ``cost`` (without the penalty) and ``accuracy`` come from the training passes themselves, weighted by row, each
    batch before its update and under dropout: so they lag behind the validation, which is a pass of its own at the
    epoch's end. ``penalty`` is λ/(2n) Σ‖W‖² at the epoch's end; ``learning_rate`` is that of the epoch's last step;
    ``seconds`` counts from the start of the training. What does not apply is None.
    """

    epoch: int
    steps: int
    cost: float
    accuracy: float | None
    penalty: float
    validation_cost: float | None
    validation_accuracy: float | None
    validation_r2: float | None
    learning_rate: float
    seconds: float


CLOCKS = ("seconds",)
"""What differs between two trainings of one seed."""

COLUMNS = tuple(field.name for field in fields(EpochRecord))


class History(Sequence[EpochRecord]):
    """The epochs in order: ``history[-1].cost`` is the last one's, ``history["cost"]`` the column of all."""

    def __init__(self, records: Sequence[EpochRecord] = ()) -> None:
        self._records = list(records)

    def append(self, record: EpochRecord) -> None:
        """Adds an epoch at the end."""
        self._records.append(record)

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[EpochRecord]:
        return iter(self._records)

    @overload
    def __getitem__(self, which: int) -> EpochRecord: ...
    @overload
    def __getitem__(self, which: slice) -> "History": ...
    @overload
    def __getitem__(self, which: str) -> list[Any]: ...
    def __getitem__(self, which: int | slice | str) -> "EpochRecord | History | list[Any]":
        if isinstance(which, str):
            if which not in COLUMNS:
                raise KeyError(f"the history has no column '{which}'; it has {', '.join(COLUMNS)}")
            return [getattr(record, which) for record in self._records]
        return History(self._records[which]) if isinstance(which, slice) else self._records[which]

    def to_dict(self) -> dict[str, list[Any]]:
        """One list a column; columns that never apply are left out.

        >>> History([EpochRecord(1, 10, 0.5, None, 0.0, None, None, None, 0.1, 0.2)]).to_dict()["cost"]
        [0.5]
        """
        columns = {name: self[name] for name in COLUMNS}
        return {name: values for name, values in columns.items() if any(value is not None for value in values)}

    def to_polars(self) -> Any:
        """A polars DataFrame, a row an epoch."""
        import polars

        return polars.DataFrame(self.to_dict())

    def to_pandas(self) -> Any:
        """A pandas DataFrame, a row an epoch (pandas is not installed with Backlit)."""
        import pandas

        return pandas.DataFrame(self.to_dict())

    def records(self) -> list[dict[str, Any]]:
        """One dict an epoch, plain data."""
        return [asdict(record) for record in self._records]

    def __repr__(self) -> str:
        if not self._records:
            return "History(no epoch)"
        last = {name: value for name, value in asdict(self._records[-1]).items() if value is not None}
        shown = ", ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in last.items())
        return f"History({len(self)} epochs; the last: {shown})"
