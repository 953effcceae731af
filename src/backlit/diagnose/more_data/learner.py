"""What is trained on each amount of data: encoding, network and training as ``backlit train`` has them.

In the form that scikit-learn's tools take. X of it are the numbers of rows of a data set, so that an encoding is fitted
on the training rows alone, whatever the columns are.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from backlit import metrics
from backlit.data import Dataset, Table
from backlit.data import encoding as encodings
from backlit.data.encoding import Encoding
from backlit.errors import DivergenceError
from backlit.network import Network
from backlit.notation import Array, IndexArray
from backlit.training import defaults, train
from backlit.training.divergence import explained

OUTPUT_OF_TASK = {"classes": "softmax", "labels": "sigmoid", "numbers": "identity"}

SCORE_OF_TASK = {"classes": "accuracy", "labels": "label_accuracy", "numbers": "r2"}


@dataclass(frozen=True)
class Recipe:
    """What was asked of the trainings; what was not is chosen by rule for each amount of rows.

    ``given`` is what :func:`backlit.training.defaults.choose` takes, ``network`` and ``train`` are further options of
    :class:`backlit.Network` and :func:`backlit.train`.
    """

    task: str
    given: Mapping[str, Any] = field(default_factory=dict)
    output: str | None = None
    network: Mapping[str, Any] = field(default_factory=dict)
    train: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0


class Learner(BaseEstimator):  # type: ignore[misc]
    """``fit(rows, y)`` encodes and trains, ``score(rows, y)`` judges; y is looked up by the rows' numbers."""

    def __init__(self, dataset: Dataset | Table, recipe: Recipe) -> None:
        self.dataset, self.recipe = dataset, recipe

    def __sklearn_clone__(self) -> "Learner":
        return Learner(self.dataset, self.recipe)  # the data are shared, not copied

    def fit(self, rows: IndexArray, y: Any = None) -> "Learner":
        """One training, to its last epoch: no rows are set apart to choose one."""
        numbers, recipe = _ascending(rows), self.recipe
        outputs = recipe.output or OUTPUT_OF_TASK[recipe.task]
        known = self.dataset.known_y
        single = recipe.task == "classes" and outputs != "softmax" and known.ndim == 1 and len(np.unique(known)) == 2
        self.encoding_: Encoding = encodings.fit(
            self.dataset, numbers, task=recipe.task, single_output=single, output=outputs
        )
        settled = defaults.choose(
            len(numbers), len(self.encoding_.inputs), recipe.task, pixels=self.encoding_.full_scale is not None,
            given=recipe.given,
        )  # fmt: skip
        self.network_ = Network(
            [len(self.encoding_.inputs), *settled.layers, self.encoding_.outputs], activation=settled.activation,
            output=outputs, dropout=settled.dropout, seed=recipe.seed, **recipe.network,
        )  # fmt: skip
        reach = self.network_.activations[-1]
        Y = self.encoding_.targets(known[numbers], self.network_.dtype).clip(reach.lowest, reach.highest)
        rate = None if "learning_rate" in settled.chosen or settled.optimizer is None else settled.learning_rate
        with _in_rows_of_the_data(numbers):
            train(
                self.network_, self._inputs(numbers), Y, optimizer=settled.make_optimizer(), learning_rate=rate,
                label_smoothing=settled.label_smoothing, schedule=settled.schedule,
                batch_size=_at_most(settled.batch_size, len(numbers)), epochs=settled.epochs, seed=recipe.seed,
                progress=False, **recipe.train,
            )  # fmt: skip
        return self

    def score(self, rows: IndexArray, y: Any = None) -> float:
        """Accuracy of classes, the share of labels that are right, R² of numbers."""
        numbers = _ascending(rows)
        a = self.network_.predict(self._inputs(numbers))
        found = metrics.judge(self.encoding_, a, self.dataset.known_y[numbers]).scores
        return found[SCORE_OF_TASK[self.recipe.task]]

    def _inputs(self, numbers: IndexArray) -> Array:
        return self.encoding_.features(self.dataset.X[numbers], self.network_.dtype)


@contextmanager
def _in_rows_of_the_data(numbers: IndexArray) -> Iterator[None]:
    """A training counts its own rows; who reads of a divergence counts all."""
    try:
        yield
    except DivergenceError as divergence:
        where = divergence.where
        row = where.get("row")
        raise explained(where if row is None else {**where, "row": int(numbers[row])}) from None


def in_memory(dataset: Dataset | Table) -> Dataset | Table:
    """A table whose rows are read once, not once a training."""
    if not isinstance(dataset, Table):
        return dataset
    frame = dataset.X
    return replace(dataset, blocks=lambda: iter([frame]))


def _ascending(rows: IndexArray) -> IndexArray:
    return np.sort(np.asarray(rows, dtype=np.int64).ravel())


def _at_most(batch_size: int | str | None, rows: int) -> int | str | None:
    """Of fewer rows than a batch of the size asked for, all."""
    return "all" if isinstance(batch_size, int) and batch_size > rows else batch_size
