"""``bl.more_data``: would more data help?"""

import warnings
from collections.abc import Sequence
from signal import SIGINT
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from backlit import data
from backlit.data import Dataset, Table
from backlit.data.checks import as_numbers, check_lengths
from backlit.data.dataset import as_target
from backlit.data.encoding import TASKS
from backlit.data.labels import infer_task
from backlit.data.tables import frames
from backlit.diagnose.more_data import amounts as amounts_of_rows
from backlit.diagnose.more_data.learner import SCORE_OF_TASK, Learner, Recipe, in_memory
from backlit.diagnose.more_data.power_law import extrapolate
from backlit.diagnose.more_data.report import MoreData
from backlit.diagnose.telling import counting
from backlit.errors import DataError, OptionError, TrainingInterrupted, unknown_option
from backlit.notation import IndexArray
from backlit.optimizers.base import check_number, check_whole
from backlit.randomness import check_seed, split_state

SPLITS, FEWEST_SPLITS, MANY_ROWS = 10, 3, 50_000
"""How often all of it is repeated, and beyond how many rows less often."""

BOOTSTRAP = 3
"""Its stream of random numbers, among those of splits."""


def more_data(
    X: Any,
    y: ArrayLike,
    *,
    estimator: Any = None,
    task: str | None = None,
    amounts: Sequence[float] | None = None,
    splits: int | None = None,
    test: float = 0.2,
    scoring: Any = None,
    confidence: float = 0.8,
    seed: int = 0,
    progress: bool | None = None,
) -> MoreData:
    """Would more data help? Trains on growing amounts of the data, and says what more than all of it would give.

    scikit-learn's ``learning_curve``: a split holds test rows apart, nested amounts of the others are trained on, and
    each training is scored on the test rows; several splits. (In Backlit a learning curve without more words is that
    over epochs.) The error, 1 - score, is then taken for a power law ε(n) = a + b n^-c, and drawn on to twice and four
    times the rows, with an interval: the splits are drawn again a thousand times, and the law allowed to be no law to
    the letter (:mod:`backlit.diagnose.more_data.power_law`). Where the interval is too wide for an answer, that is the
    answer.

    Args:
        X: (rows, columns), or a frame of pandas or polars with whatever columns.
        y: (rows,) labels or numbers, (rows, k) numbers or labels 0 or 1.
        estimator: anything with scikit-learn's contract, as a :class:`backlit.BackpropClassifier`. None: an encoding,
            a network and a training as ``backlit train`` chooses them, anew for each amount of rows.
        task: without an estimator: classes, labels or numbers; None sees it from y.
        amounts: rows to train on, or shares of the training rows of a split; None takes eight, from an eighth to all.
        splits: how often the rows are split anew; None: 10, fewer beyond 50,000 rows.
        test: share of the rows that a split sets apart to judge by.
        scoring: with an estimator: as for scikit-learn; a score whose best is 1, or one of its ``neg_…`` errors. None:
            the estimator's own.
        confidence: of the interval.
        seed: draws the splits, and what comes of the trainings by rule; an estimator has a ``random_state`` of its own.
        progress: a progress bar on stderr; None shows it in a terminal.

    Returns:
        A :class:`~backlit.diagnose.more_data.MoreData`: amounts, scores, the law, what it says of more, a verdict.

    Raises:
        OptionError: an option's value cannot be used.
        DataError: the data cannot be used, or are too few.
        DivergenceError: a training diverged.

    >>> import backlit as bl
    >>> X, y = bl.data.load("breast-cancer")
    >>> found = bl.more_data(X, y, estimator=bl.BackpropClassifier((), solver="lbfgs"), splits=3)
    >>> found.scores.shape, found.verdict in ("likely", "unlikely", "uncertain")
    ((3, 8), True)
    """
    if estimator is not None:
        return _of_estimator(estimator, X, y, task, scoring, (amounts, splits, test, confidence, seed, progress))
    if scoring is not None:
        raise OptionError("scoring goes with an estimator; without one it is accuracy, or R² of numbers")
    return of_recipe(
        _dataset(X, y), Recipe(_task(y, task), seed=check_seed(seed)),
        amounts=amounts, splits=splits, test=test, confidence=confidence, progress=progress,
    )  # fmt: skip


def of_recipe(
    dataset: Dataset | Table,
    recipe: Recipe,
    *,
    amounts: Sequence[float] | None = None,
    splits: int | None = None,
    test: float = 0.2,
    confidence: float = 0.8,
    progress: bool | None = None,
) -> MoreData:
    """The same for a data set as it was read, trained by a recipe; see :func:`more_data`."""
    learner, rows = Learner(in_memory(dataset), recipe), np.arange(dataset.rows)[:, np.newaxis]
    asked = (amounts, splits, test, confidence, recipe.seed, progress)
    return _measured(learner, rows, dataset.known_y, recipe.task == "classes", SCORE_OF_TASK[recipe.task], None, asked)


def _of_estimator(estimator: Any, X: Any, y: Any, task: str | None, scoring: Any, asked: tuple[Any, ...]) -> MoreData:
    from sklearn.base import is_classifier

    if task is not None:
        raise OptionError("task goes without an estimator: this one has its own")
    if not hasattr(estimator, "fit") or isinstance(estimator, type):
        raise OptionError(f"estimator must be one of scikit-learn's contract, not {estimator!r}")
    target = np.asarray(y)
    if not target.size:
        raise DataError("X and y have no rows")
    check_lengths("y", target, X.shape[0] if hasattr(X, "shape") else len(X))
    classes = bool(is_classifier(estimator)) and target.ndim == 1
    name = scoring if isinstance(scoring, str) else "score" if scoring else "accuracy" if classes else "r2"
    return _measured(estimator, X, target, classes, name, scoring, asked)


def _measured(
    estimator: Any, X: Any, y: Any, classes: bool, name: str, scoring: Any, asked: tuple[Any, ...]
) -> MoreData:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import learning_curve

    given, number, test, confidence, seed, progress = asked
    check_seed(seed)
    check_number("more_data", "test", test, low=0, high=1, open_low=True)
    check_number("more_data", "confidence", confidence, low=0, high=1, open_low=True)
    if number is None:
        number = max(FEWEST_SPLITS, min(SPLITS, round(SPLITS * MANY_ROWS / len(y))))
    check_whole("more_data", "splits", number, low=FEWEST_SPLITS)
    apart = round(test * len(y))
    kinds = len(np.unique(y)) if classes else 0
    if apart < 2 or apart > len(y) - 2:
        raise OptionError(f"test={test:g} of {len(y)} rows leaves too few to judge by, or to train on; take 0.2")
    found = amounts_of_rows.amounts(given, len(y) - apart, kinds)
    parts = amounts_of_rows.splits(y, number=int(number), apart=apart, seed=seed, classes=classes)
    began = perf_counter()
    with counting("trying amounts of data", int(found.sum()) * len(parts), progress) as told, warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)

        def tried(part: tuple[IndexArray, IndexArray], rows: int) -> tuple[float, float]:
            """The scores on the training and on the test rows: one at a time, so that there is progress to be told."""
            _, on_training, on_test = learning_curve(
                estimator, X, y, train_sizes=[rows], cv=[part], scoring=scoring, error_score="raise"
            )
            told(rows)
            return float(on_training[0, 0]), float(on_test[0, 0])

        try:
            both = np.array([[tried(part, int(rows)) for rows in found] for part in parts])
        except KeyboardInterrupt as stop:
            nothing = "interrupted before every amount of data was tried: there is nothing to report"
            raise TrainingInterrupted(nothing, signal=getattr(stop, "signal", SIGINT), at_once=True) from None
    training, scores = both[..., 0], both[..., 1]
    errors = -scores if name.startswith("neg_") else 1 - scores
    rng = split_state(seed, BOOTSTRAP)
    return MoreData(
        amounts=found, training=training, scores=scores, score=name, laws=extrapolate(found, errors, rng),
        confidence=float(confidence), test_rows=apart, seconds=perf_counter() - began,
    )  # fmt: skip


def _task(y: Any, task: str | None) -> str:
    if task is not None and task not in TASKS:
        raise unknown_option("task", task, TASKS)
    return task or infer_task(as_target(y, "y"))


def _dataset(X: Any, y: Any) -> Dataset | Table:
    """A frame as the table it is; of an array all columns are numbers, pixels if all lie between 0 and 1."""
    if frames.is_frame(X):
        return _table(X, y)
    raw, target = as_numbers("X", X), as_target(y, "y")
    if raw.ndim < 2 or not raw.size:
        raise DataError(f"X must be a table of rows × columns, or images; it has shape {raw.shape}")
    raw = raw.reshape(len(raw), -1)
    check_lengths("y", target, len(raw))
    pixels = raw.min() >= 0 and raw.max() <= 1
    return Dataset(
        X=np.ascontiguousarray(raw, dtype=np.float32 if pixels else np.float64), y=target, source="X",
        columns=tuple(f"x{i}" for i in range(raw.shape[1])), target="y", full_scale=1.0 if pixels else None,
    )  # fmt: skip


def _table(X: Any, y: Any) -> Dataset | Table:
    """The frame with the target among its columns, as a file has it."""
    import polars

    frame, target = frames.as_frame("X", X), as_target(y, "y")
    check_lengths("y", target, frame.height)
    names = ["y"] if target.ndim == 1 else [f"y{i}" for i in range(target.shape[1])]
    while set(names) & set(frame.columns):
        names = [f"{name}_" for name in names]
    columns = [
        polars.Series(name, column) for name, column in zip(names, target.reshape(len(target), -1).T, strict=True)
    ]
    return data.read(frame.with_columns(columns), target=names)
