"""What :func:`backlit.rows` found: a row of the table for each row of the data, in words, as a file, as a picture."""

from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backlit.diagnose.rows import tables
from backlit.errors import OptionError
from backlit.notation import Array, Float64Array, IndexArray

WRONG = 0.5
"""A score from which a label is called suspicious: it is more likely wrong than right."""


@dataclass(frozen=True, eq=False)
class RowsReport:
    """Every row, judged. Arrays have one entry a row of the data, in the data's order; ``ranking`` is the other order.

    Attributes:
        task: ``classes``, ``labels`` or ``numbers``.
        score: of classes and labels the probability, by the networks' account, that the label is wrong; of numbers the
            largest residual in robust standard deviations.
        label: as given: names or numbers of classes, labels, numbers.
        prediction: what the networks say, in the same terms.
        why: a sentence a row.
        ranking: the rows' numbers, the most suspicious first.
        out_of_fold: the probability the label has among networks that never saw the row (numbers: their residual).
        agreement: the share of those networks that say the label. None for labels and numbers.
        cost: C_i over all epochs of the networks that trained with the row: how hard it is to learn.
        gradient_norm: ‖∇C_i‖ in their first epochs.
        learnt_in: the epoch from which it was right first, on average. None for numbers.
        forgotten: how often it was right and then wrong again, per training. None for numbers.
        unlearnt: the share of those networks that were never right about it. None for numbers.
        redundant: a copy of an earlier row with the same target; or known, from the start and to every network that
            never saw it.
        copy_of: the earlier row with the same features and target; -1 for none.
        transitions: (K, K): the estimated share of class k's rows that are labelled j. None for labels and numbers.
        classes: names or numbers of the classes, in the order of ``transitions``.
        not_judged: what was left out, and why.
        seconds: it took.
        trainings: networks trained.
    """

    task: str
    score: Float64Array
    label: NDArray[Any]
    prediction: NDArray[Any]
    why: list[str]
    ranking: IndexArray
    out_of_fold: Float64Array
    agreement: Float64Array | None
    cost: Float64Array
    gradient_norm: Float64Array
    learnt_in: Float64Array | None
    forgotten: Float64Array | None
    unlearnt: Float64Array | None
    redundant: NDArray[np.bool_]
    copy_of: IndexArray
    transitions: Float64Array | None
    classes: tuple[Any, ...]
    not_judged: tuple[str, ...] = ()
    seconds: float = 0.0
    trainings: int = 0
    X: Array | None = field(default=None, repr=False)

    @property
    def suspicious(self) -> IndexArray:
        """The rows whose label is more likely wrong than right, the most suspicious first.

        Raises:
            OptionError: the targets are numbers, which are not right or wrong but more or less far off.
        """
        self._need_classes("suspicious labels")
        return self.ranking[self.score[self.ranking] > WRONG]

    @property
    def never_learnt(self) -> IndexArray:
        """The rows that most networks which trained with them never got right.

        Raises:
            OptionError: the targets are numbers.
        """
        self._need_classes("rows never learnt")
        assert self.unlearnt is not None
        rows = np.flatnonzero(self.unlearnt > 0.5)
        return rows[np.argsort(-self.unlearnt[rows], kind="stable")]

    @property
    def often_forgotten(self) -> IndexArray:
        """The rows forgotten at least twice a training, most often first.

        Raises:
            OptionError: the targets are numbers.
        """
        self._need_classes("rows forgotten")
        assert self.forgotten is not None
        rows = np.flatnonzero(self.forgotten >= 2)
        return rows[np.argsort(-self.forgotten[rows], kind="stable")]

    def _need_classes(self, what: str) -> None:
        if self.task == "numbers":
            raise OptionError(f"{what} need classes or labels, and the targets are numbers; see score and ranking")

    @property
    def columns(self) -> dict[str, Any]:
        """The table's columns in the order of the ranking; those that do not apply are left out."""
        first = {"index": np.arange(len(self.score)), "score": self.score, "label": self.label}
        wide = self.label.ndim == 2
        if wide:
            first |= {"label": tables.joined(self.label)}
        rest = {
            "prediction": tables.joined(self.prediction) if wide else self.prediction,
            "why": np.array(self.why, dtype=object),
            "out_of_fold": self.out_of_fold, "agreement": self.agreement, "cost": self.cost,
            "gradient_norm": self.gradient_norm, "learnt_in": self.learnt_in, "forgotten": self.forgotten,
            "unlearnt": self.unlearnt, "redundant": self.redundant, "copy_of": self.copy_of,
        }  # fmt: skip
        return {name: values[self.ranking] for name, values in (first | rest).items() if values is not None}

    def to_polars(self) -> Any:
        """The table as a polars DataFrame, the most suspicious row first."""
        return tables.frame(self.columns)

    def write(self, path: str | PathLike[str], *, force: bool = False) -> None:
        """The table as a .csv or .parquet file.

        Raises:
            OptionError: the path ends in neither.
            OutputPathError: the file exists and ``force`` is not set, or cannot be written.
        """
        tables.write(self.columns, path, force=force)

    def sheet(
        self,
        path: str | PathLike[str],
        X: ArrayLike | None = None,
        *,
        shape: tuple[int, int] | None = None,
        rows: ArrayLike | None = None,
        force: bool = False,
    ) -> None:
        """A contact sheet of images as a .png file: each row with its number, its label and the prediction.

        Args:
            path: of the picture.
            X: the images, (rows, pixels); by default those that were judged.
            shape: (height, width); None for square images.
            rows: which, in which order; by default the 60 most suspicious.
            force: may replace a file.

        Raises:
            OptionError: the rows are no images of that shape, matplotlib is missing, or the path does not end in .png.
            OutputPathError: the file exists and ``force`` is not set, or cannot be written.
        """
        from backlit.diagnose.rows import sheet

        sheet.write(self, path, self.X if X is None else X, shape=shape, rows=rows, force=force)

    def to_dict(self, rows: int | None = None) -> dict[str, Any]:
        """Plain data for JSON: the summary and the first ``rows`` of the table (None for all)."""
        table = {name: values[:rows].tolist() for name, values in self.columns.items()}
        named = list(table)
        classes = self.task != "numbers"
        return {
            "task": self.task,
            "rows": len(self.score),
            "suspicious": len(self.suspicious) if classes else None,
            "never_learnt": len(self.never_learnt) if classes else None,
            "often_forgotten": len(self.often_forgotten) if classes else None,
            "redundant": int(self.redundant.sum()),
            "copies": int((self.copy_of >= 0).sum()),
            "mislabelled_as": self.slips,
            "not_judged": list(self.not_judged),
            "trainings": self.trainings,
            "seconds": round(self.seconds, 3),
            "table": [dict(zip(named, row, strict=True)) for row in zip(*table.values(), strict=True)],
        }

    @property
    def slips(self) -> list[dict[str, Any]]:
        """The ways in which labels go wrong, the most frequent first: those of at least one expected row."""
        if self.transitions is None:
            return []
        of_label = {name: k for k, name in enumerate(self.classes)}
        found: dict[tuple[int, int], float] = {}
        for row in self.suspicious.tolist():
            way = of_label[self.prediction[row].item()], of_label[self.label[row].item()]
            found[way] = found.get(way, 0) + 1
        ways = sorted(found.items(), key=lambda item: -item[1])
        return [{"class": self.classes[k], "label": self.classes[j], "rows": n} for (k, j), n in ways if k != j]

    def __str__(self) -> str:
        from backlit.diagnose.rows.telling import in_words

        return in_words(self)

    def __repr__(self) -> str:
        return f"RowsReport({len(self.score):,} rows, {self.task}; {self.trainings} trainings in {self.seconds:.1f} s)"
