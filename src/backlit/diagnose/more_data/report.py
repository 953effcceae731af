"""What more data would give: measured, drawn on, and said with its uncertainty."""

from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from backlit.diagnose.more_data.power_law import PowerLaws
from backlit.errors import OptionError
from backlit.notation import Float64Array, IndexArray
from backlit.optimizers.base import check_number
from backlit.training import curves

TIMES = (2, 4)
"""Of the rows there are, what is asked about."""

WORTH, CLEAR = 0.1, 0.8
"""More data help where twice the rows take away so much of the error; it is said where so many of the draws agree."""

WORDS = {
    "accuracy": "accuracy", "label_accuracy": "labels right", "r2": "R²", "balanced_accuracy": "balanced accuracy",
}  # fmt: skip
SHARES = ("accuracy", "label_accuracy", "balanced_accuracy")


@dataclass(frozen=True)
class Prediction:
    """The score that so many training rows would give, and the interval it lies in with the stated confidence."""

    rows: int
    score: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class MoreData:
    """A learning curve over amounts of data.

    ``amounts`` (k,) are rows trained on, ``training`` and ``scores`` (splits, k) the scores on those rows and on the
    test rows of each split. ``laws`` are the power laws fitted to resampled splits. ``verdict`` is ``likely`` where
    twice the rows would take away a tenth of the error or more in 80 % of the draws, ``unlikely`` where they would in
    20 % or fewer, ``uncertain`` between.
    """

    amounts: IndexArray
    training: Float64Array
    scores: Float64Array
    score: str
    laws: PowerLaws = field(repr=False)
    confidence: float
    test_rows: int
    seconds: float

    def at(self, rows: float) -> Prediction:
        """What so many training rows would give.

        Raises:
            OptionError: fewer rows than the smallest amount that was measured.
        """
        check_number("MoreData.at", "rows", rows, low=0, open_low=True)
        if rows < self.amounts[0]:
            raise OptionError(f"{rows:g} rows are fewer than the {self.amounts[0]} that were measured at the least")
        tail = (1 - self.confidence) / 2
        errors = self.laws.at(rows)
        low, middle, high = (self._score(float(error)) for error in np.quantile(errors, [1 - tail, 0.5, tail]))
        return Prediction(int(rows), middle, low, high)

    @property
    def helped(self) -> float:
        """The share of the draws in which twice the rows take away a tenth of the error or more."""
        most = float(self.amounts[-1])
        now = np.maximum(self.laws.law(most), 1e-300)
        return float((1 - self.laws.at(2 * most) / now >= WORTH).mean())

    @property
    def verdict(self) -> str:
        """likely, unlikely or uncertain: whether more data would help."""
        return "likely" if self.helped >= CLEAR else "unlikely" if self.helped <= 1 - CLEAR else "uncertain"

    @property
    def law(self) -> tuple[float, float, float]:
        """a, b and c of ε(n) = a + b n^-c, n in rows, fitted to the means of all splits."""
        a, b, c = (float(numbers[0]) for numbers in (self.laws.a, self.laws.b, self.laws.c))
        return a, b * self.laws.unit**c, c

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        a, b, c = self.law
        return {
            "verdict": self.verdict, "helped": self.helped, "in_words": self.in_words(), "score": self.score,
            "amounts": self.amounts.tolist(), "scores": self.scores.tolist(), "training_scores": self.training.tolist(),
            "law": {"a": a, "b": b, "c": c}, "confidence": self.confidence,
            "more": [vars(self.at(times * int(self.amounts[-1]))) for times in TIMES],
            "test_rows": self.test_rows, "seconds": self.seconds,
        }  # fmt: skip

    def in_words(self) -> str:
        """The answer in a sentence or two."""
        most = int(self.amounts[-1])
        now, twice = float(self.scores[:, -1].mean()), self.at(2 * most)
        name = WORDS.get(self.score, self.score)
        level = f"{self.confidence:.0%}".replace("%", " %")
        then = (
            f"{2 * most:,} rows to train on, twice as many, would give {name} {self._say(twice.score)} where it is "
            f"{self._say(now)} now ({level} interval: {self._say(twice.low)} to {self._say(twice.high)})"
        )
        if self.verdict == "likely":
            return f"more data are likely to help: {then}"
        if self.verdict == "unlikely":
            gap = float(self.training[:, -1].mean()) - now
            rest = (
                f"; it does as well on the rows it was trained on ({self._say(now + gap)}), so that a larger network, "
                "better columns or longer training have more to give"
                if abs(gap) < 0.25 * max(self._error(now), 1e-12)
                else ""
            )
            return f"more data are unlikely to help much: {then}{rest}"
        agree = f"{100 * self.helped:.0f} % of the draws the error falls by a tenth or more"
        return f"whether more data would help cannot be said: {then}; in {agree}, where 80 % would say yes and 20 % no"

    def text(self) -> str:
        """A table for a terminal, and the answer."""
        name = WORDS.get(self.score, self.score)
        lines = [("rows", f"{name}, training", f"{name}, test", "±")]
        errors = self.scores.std(axis=0, ddof=1) / np.sqrt(len(self.scores))
        for n, on_training, on_test, error in zip(
            self.amounts, self.training.mean(axis=0), self.scores.mean(axis=0), errors, strict=True
        ):
            lines.append((f"{n:,}", self._say(on_training), self._say(on_test), self._say(error)))
        for times in TIMES:
            found = self.at(times * int(self.amounts[-1]))
            lines.append(
                (
                    f"{found.rows:,}",
                    "",
                    f"~ {self._say(found.score)}",
                    f"{self._say(found.low)} to {self._say(found.high)}",
                )
            )
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        drawn = ["  ".join(f"{cell:>{w}}" for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines]
        a, b, c = self.law
        law = f"error, 1 - {name}, of n rows: {a:.3g} + {b:.3g} / n^{c:.2f}"
        how = f"{len(self.scores)} splits, {self.test_rows:,} test rows each; ± is a standard error, ~ the law"
        return "\n".join([*drawn, "", law, how, "", self.in_words()])

    def plot(self, path: str | PathLike[str] | None = None, *, force: bool = False) -> Any:
        """The curve, the law and its interval by matplotlib (``pip install 'backlit[plot]'``): a Figure, or a file.

        Raises:
            OutputPathError: the path exists and ``force`` is not set, or cannot be written.
            OptionError: matplotlib is not installed, or the path ends in none of .png, .svg, .pdf.
        """
        try:
            from matplotlib.figure import Figure
        except ImportError:
            raise OptionError(curves.NEEDS_MATPLOTLIB) from None
        figure = Figure(figsize=(6.5, 4.2), layout="constrained")
        axes = figure.subplots()
        name = WORDS.get(self.score, self.score)
        most = int(self.amounts[-1])
        error = self.scores.std(axis=0, ddof=1) / np.sqrt(len(self.scores))
        axes.plot(self.amounts, self.training.mean(axis=0), "o-", color="0.6", label="on the training rows")
        axes.errorbar(self.amounts, self.scores.mean(axis=0), error, fmt="o", color="tab:blue", label="on test rows")
        rows = np.geomspace(self.amounts[0], max(TIMES) * most, 120)
        drawn = [self.at(float(n)) for n in rows]
        axes.plot(rows, [found.score for found in drawn], color="tab:blue", label="a + b n^-c")
        axes.fill_between(
            rows, [found.low for found in drawn], [found.high for found in drawn], color="tab:blue", alpha=0.2,
            linewidth=0, label=f"{self.confidence:.0%} interval",
        )  # fmt: skip
        axes.axvline(most, color="0.5", linestyle=":", label="all there are")
        axes.set(xscale="log", xlabel="rows trained on", ylabel=name)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
        if path is not None:
            curves.write_figure(figure, Path(path), force=force)
        return figure

    def __str__(self) -> str:
        return self.in_words()

    def __repr__(self) -> str:
        splits, amounts = self.scores.shape
        return f"MoreData({amounts} amounts up to {self.amounts[-1]:,} rows, {splits} splits: {self.verdict})"

    def _score(self, error: float) -> float:
        return -error if self.score.startswith("neg_") else 1 - error

    def _error(self, score: float) -> float:
        return -score if self.score.startswith("neg_") else 1 - score

    def _say(self, score: float) -> str:
        if self.score in SHARES:
            return f"{100 * score:.1f} %"
        return f"{-score if self.score.startswith('neg_') else score:.4g}"
