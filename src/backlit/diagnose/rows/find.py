"""``bl.rows``: which rows of the data to look at."""

from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backlit.costs import Cost
from backlit.diagnose.rows import copies, progress, reasons, suspicion
from backlit.diagnose.rows.asked import Asked, understand
from backlit.diagnose.rows.judging import KNOWN, Judgement, judge, of_given
from backlit.diagnose.rows.report import RowsReport
from backlit.diagnose.rows.trainings import Plan
from backlit.network import Network
from backlit.notation import Float64Array, IndexArray
from backlit.optimizers import Optimizer, Schedule
from backlit.optimizers.base import check_whole
from backlit.randomness import check_seed
from backlit.training.row_weights import ClassWeight

EPOCHS, FEWEST_EPOCHS = 24, 8
MOST_ROWS_OF_ALL_EPOCHS = 10_000
"""Beyond so many rows there are fewer epochs, for each has more steps."""

BATCH_SIZE, SMALLEST_BATCH, BATCHES = 64, 8, 30
LEARNING_RATE = 0.002


def rows(
    X: ArrayLike,
    y: ArrayLike,
    *,
    network: Network | None = None,
    task: str | None = None,
    standardise: bool | None = None,
    cost: str | Cost | None = None,
    l2: float = 0.0,
    optimizer: str | Optimizer = "adam",
    learning_rate: float | None = None,
    schedule: str | Schedule = "constant",
    epochs: int | None = None,
    batch_size: int | None = None,
    sample_weight: ArrayLike | None = None,
    class_weight: ClassWeight = None,
    folds: int = 5,
    seeds: int = 3,
    engine: str = "auto",
    seed: int = 0,
    progress: bool | None = None,
) -> RowsReport:
    """Which rows to look at: likely wrong labels, rows never learnt or forgotten again and again, redundant rows.

    Networks are trained on the data with a fold of the rows held out, each fold once, with several seeds; they answer
    to all rows at the end of every epoch. Rows whose label they find clearly wrong are then left out, and all is done
    once more. The score of a row is the probability that its label is wrong, from what networks that trained with it,
    networks that never saw it and its nearest neighbours say of it, and from how labels go wrong in this data
    (:mod:`backlit.diagnose.rows.suspicion` has the formulas; ``docs/rows.md`` the measurements they were chosen by).
    Of numbers, it is how many robust standard deviations the target is from the prediction.

    Args:
        X: (rows, columns), or images.
        y: (rows,) labels of any kind, or numbers; (rows, k) labels 0 or 1, or numbers. With a network, as
            :func:`backlit.train` takes it.
        network: whose sizes, activations and dropout are taken for the networks to train; it stays as it is. None:
            one or two wide hidden layers with dropout.
        task: without a network: classes, labels or numbers; None sees it from y.
        standardise: without a network: whether columns are; None: unless all lie between 0 and 1.
        cost, l2, optimizer, learning_rate, schedule, epochs, batch_size, sample_weight, class_weight, engine: of the
            trainings, as for :func:`backlit.train`, with defaults of their own.
        folds: each row is held out by one network in so many.
        seeds: how often all of it is repeated.
        seed: draws the folds, the first parameters and the order of the rows.
        progress: a progress bar on stderr; None shows it in a terminal.

    Returns:
        A :class:`RowsReport`: a table of all rows, the most suspicious first.

    Raises:
        OptionError: an option's value cannot be used.
        DataError: the data cannot be used, or the rows are too few for the folds.
        DivergenceError: a training diverged.
        TrainingInterrupted: Ctrl-C.

    >>> import backlit as bl
    >>> X, y = bl.data.load("iris")
    >>> y = y.copy()
    >>> y[7] = 2  # in truth 0
    >>> report = bl.rows(X, y, seeds=1)
    >>> int(report.ranking[0]), report.prediction[7].item(), bool(report.score[7] > 0.5)
    (7, 0, True)
    """
    began = perf_counter()
    check_seed(seed)
    check_whole("rows", "seeds", seeds)
    asked = understand(X, y, network, task, standardise, cost, l2, sample_weight, class_weight)
    epochs = _epochs(epochs, asked.data.rows)
    plan = Plan(
        folds=folds, seeds=seeds, seed=seed, engine=engine, l2=l2, optimizer=optimizer, schedule=schedule,
        epochs=epochs, first_epochs=-(-epochs // 2), batch_size=_batch_size(batch_size, asked.data.rows),
        learning_rate=LEARNING_RATE if learning_rate is None and optimizer == "adam" else learning_rate,
    )  # fmt: skip
    with _bar(progress) as told:
        judgement = judge(asked.network, asked.objective, asked.data, plan, told)
    return _report(asked, judgement, plan, perf_counter() - began)


_bar = progress.bar


def _epochs(epochs: int | None, rows: int) -> int:
    if epochs is not None:
        check_whole("rows", "epochs", epochs)
        return int(epochs)
    return max(FEWEST_EPOCHS, min(EPOCHS, round(EPOCHS * MOST_ROWS_OF_ALL_EPOCHS / rows)))


def _batch_size(batch_size: int | None, rows: int) -> int:
    if batch_size is not None:
        check_whole("rows", "batch_size", batch_size)
        return int(batch_size)
    return max(SMALLEST_BATCH, min(BATCH_SIZE, rows // BATCHES))


def _report(asked: Asked, judgement: Judgement, plan: Plan, seconds: float) -> RowsReport:
    data, first, second, score = asked.data, judgement.first, judgement.second, judgement.score
    copy_of, contradictions = copies.same_target(data.Y, copies.groups(data.X))
    everyone = np.arange(data.rows)
    names = [f"output {name}" for name in asked.classes]
    trained = np.maximum(first.inside_count, 1)
    numbers = asked.task == "numbers"
    agreement = None
    if asked.task == "classes":
        labels = (data.Y[:, 0] >= 0.5).astype(np.int64) if data.Y.shape[1] == 1 else data.Y.argmax(axis=1)
        votes = second.votes
        agreement = votes[everyone, labels] / votes.sum(axis=1)
        why = reasons.of_classes(
            lambda k: str(asked.classes[k]), labels, judgement.P, votes, first.forgotten / trained,
            first.unlearnt / trained, copy_of, contradictions, everyone,
        )  # fmt: skip
        prediction: NDArray[Any] = np.array(asked.classes)[judgement.P.argmax(axis=1)]
    elif asked.task == "labels":
        why = reasons.of_labels(names, data.Y.astype(np.float64), judgement.P, copy_of, contradictions, everyone)
        prediction = (judgement.P >= 0.5).astype(np.int64)
    else:
        off, scaled = suspicion.residuals(judgement.P, data.Y.astype(np.float64))
        why = reasons.of_numbers(names, off * asked.target_scale, scaled, copy_of, everyone)
        prediction = judgement.P * asked.target_scale + asked.target_offset
        prediction = prediction[:, 0] if asked.labels.ndim == 1 else prediction
    return RowsReport(
        task=asked.task, score=score, label=asked.labels, prediction=prediction, why=why,
        ranking=_ranking(score, judgement, asked), out_of_fold=_out_of_fold(judgement, asked), agreement=agreement,
        cost=first.cost / trained, gradient_norm=first.gradient / trained,
        learnt_in=None if numbers else first.first / trained,
        forgotten=None if numbers else first.forgotten / trained,
        unlearnt=None if numbers else first.unlearnt / trained,
        redundant=_redundant(judgement, asked, copy_of), copy_of=copy_of, transitions=judgement.transitions,
        classes=asked.classes if asked.task == "classes" else (), not_judged=_not_judged(asked),
        trainings=2 * plan.folds * plan.seeds, seconds=seconds, X=data.X,
    )  # fmt: skip


def _ranking(score: Float64Array, judgement: Judgement, asked: Asked) -> IndexArray:
    """The most suspicious first; where scores are equal, the least probable label."""
    if asked.task == "numbers":
        return np.argsort(-score, kind="stable")
    return np.lexsort((of_given(judgement.P, asked.data), -score))


def _out_of_fold(judgement: Judgement, asked: Asked) -> Float64Array:
    if asked.task == "numbers":
        off = asked.data.Y.astype(np.float64) - judgement.outside
        off *= asked.target_scale
        return off[:, 0] if off.shape[1] == 1 else np.abs(off).max(axis=1)
    return of_given(judgement.outside, asked.data)


def _redundant(judgement: Judgement, asked: Asked, copy_of: IndexArray) -> NDArray[np.bool_]:
    """Copies; and of classes and labels what every network that never saw it knew from early on."""
    copies_ = copy_of >= 0
    if asked.task == "numbers":
        return copies_
    return copies_ | (of_given(judgement.outside, asked.data) >= KNOWN)


def _not_judged(asked: Asked) -> tuple[str, ...]:
    if asked.task != "numbers":
        return ()
    return ("rows never learnt or forgotten: the targets are numbers, of which a network is not right or wrong",)
