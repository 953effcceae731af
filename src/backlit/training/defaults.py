"""What a training is given that nobody asked for: a few rules on rows, columns and task, all of them here.

They were chosen on diabetes, breast-cancer, iris, digits, seven made sets (Friedman's functions, a ball, clusters),
10,000 rows of the California housing, and 2,500 to 12,000 rows of the Adult training file, by the means of several
splits; titanic, kept to confirm them, refuted tanh, and so chose as well. They were confirmed on wine, all of the
housing and the Adult test file, which chose nothing. What was measured is in ``benchmarks/README.md``,
and so are the sets that chose and confirmed rule 5.

1. *Network*: two hidden layers of 128; relu for classes, gelu for numbers. Wider ones, deeper ones and dropout gained
   nothing beside rule 3; tanh, the best on some sets, fell behind by a tenth on others.
2. *Steps*: batches of 32, larger only beyond 50,000 rows; 30 epochs, more where these are less than 500 steps, fewer
   where they are more than 30 million rows. The best epoch by validation is kept. Nothing stops early: the schedule is
   at its best at its end.
3. *Learning*: adam at 0.003, one-cycle; times the root of what a batch is larger than 32. Its weights decay, but not
   those of pixels: so much in a step that in the whole training, were there nothing else, they would come to 1/e where
   numbers are learnt, and to 1/e² where classes are.
4. *Labels* are not smoothed: it gained nothing in accuracy, and cost in log loss.

5. *Refit*: with few rows those that chose the epoch are worth more as rows to learn from, and the command line trains
   again on both together: all of the epochs where the last was nearly as good as the best, else as many as the best
   was, with a whole schedule over them. Not where epochs, early stopping or an optimizer were asked for.

One more rule stands where columns are encoded: numbers come with ramps where the rows are enough for them
(:mod:`backlit.data.tables.ramps`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Any

from backlit.optimizers import Adam, AdamW, Optimizer

LAYERS = (128, 128)

ACTIVATION = {"numbers": "gelu", "classes": "relu", "labels": "relu"}
"""Task → the hidden layers' activation."""

BATCH, MANY_ROWS, LARGEST_BATCH = 32, 50_000, 512

EPOCHS, MOST_EPOCHS, FEWEST_EPOCHS = 30, 200, 5

FEWEST_STEPS, MOST_ROWS = 500, 30_000_000
"""Of a whole training; the second counts a row anew in each epoch."""

LEARNING_RATE, LOWEST_RATE, HIGHEST_RATE = 0.003, 0.001, 0.01

DECAY = {"numbers": 1.0, "classes": 2.0, "labels": 2.0}
"""Task → D, where nothing but decay would bring the weights to e^-D by the training's end."""

MOST_OF_A_STEP = 0.02
"""The largest share of a weight that one step may take, however few the steps are."""

MEAN_FACTOR = {"one-cycle": 0.5, "cosine": 0.5}
"""Schedule → its mean factor; of others 1."""

REFITTED_ROWS = 10_000
"""Training rows up to which there is a training again on training and validation rows together."""

NEARLY = 0.05
"""The last epoch is nearly as good as the best where its validation cost is larger by no more than this share."""

OPTIONS = (
    "layers", "activation", "dropout", "label_smoothing", "optimizer", "learning_rate", "schedule", "batch_size",
    "epochs",
)  # fmt: skip
"""What there is a rule for; who gives one of them has it as given, and the others fit themselves to it."""


@dataclass(frozen=True)
class Defaults:
    """Everything in :data:`OPTIONS` settled; ``chosen`` says which of it by rule, ``data`` for what.

    ``optimizer`` is a name, or what was given; ``weight_decay`` is adamw's.
    """

    layers: tuple[int, ...]
    activation: Any
    dropout: Any
    label_smoothing: float
    optimizer: str | Optimizer
    learning_rate: float | None
    weight_decay: float
    schedule: Any
    batch_size: int | str | None
    epochs: int
    chosen: tuple[str, ...]
    data: str

    def make_optimizer(self) -> str | Optimizer:
        """As :func:`backlit.train` takes it, with the learning rate in it where it was chosen here."""
        if "optimizer" not in self.chosen or self.learning_rate is None:
            return self.optimizer
        if self.weight_decay:
            return AdamW(self.learning_rate, weight_decay=self.weight_decay)
        return Adam(self.learning_rate)

    def to_dict(self) -> dict[str, Any]:
        """What was chosen, and for what, as plain data."""
        values = {name: getattr(self, name) for name in self.chosen}
        if "layers" in values:
            values["layers"] = list(self.layers)
        if "optimizer" in values:
            values["weight_decay"] = self.weight_decay
        return {**values, "for": self.data} if values else {}

    def __str__(self) -> str:
        """In a line; empty where nothing was chosen."""
        words = {
            "layers": " × ".join(map(str, _counted(self.layers))) if self.layers else "no hidden layer",
            "activation": self.activation,
            "optimizer": f"{self.optimizer}"
            + (f" (weight decay {self.weight_decay:.3g})" if self.weight_decay else ""),
            "learning_rate": f"learning rate {self.learning_rate:.3g}" if self.learning_rate else None,
            "schedule": self.schedule,
            "batch_size": f"batches of {self.batch_size}" if self.batch_size else None,
            "epochs": f"{self.epochs} epochs",
        }
        said = [word for name, word in words.items() if name in self.chosen and word]
        return f"{', '.join(said)}; for {self.data}" if said else ""


def choose(
    rows: int, columns: int, task: str, *, pixels: bool = False, given: Mapping[str, Any] | None = None
) -> Defaults:
    """The rules of this page.

    Args:
        rows: to train on.
        columns: inputs of the network.
        task: classes, labels or numbers.
        pixels: whether the inputs are the pixels of images.
        given: option → value of what was asked for; None is as good as nothing. An optimizer that was asked for is left
            to its own learning rate, without a schedule; ``l2`` takes the place of the decay.

    >>> print(choose(1077, 64, "classes", pixels=True))
    2 × 128, relu, adam, learning rate 0.003, one-cycle, batches of 32, 30 epochs; for 1,077 rows × 64 pixels to classes
    >>> print(choose(150, 4, "numbers", given={"optimizer": "sgd", "layers": (), "epochs": 9}))
    gelu, constant, batches of 32; for 150 rows × 4 columns to numbers
    """
    asked = {name: value for name, value in (given or {}).items() if value is not None}
    by_rule = "optimizer" not in asked
    whole_batch = getattr(asked.get("optimizer"), "name", asked.get("optimizer")) == "lbfgs"
    batch = asked["batch_size"] if "batch_size" in asked else None if whole_batch else _batch_size(rows)
    a_step = rows if batch in (None, "all") else min(int(batch), rows)
    per_epoch = ceil(rows / a_step)
    epochs = asked["epochs"] if "epochs" in asked else _epochs(rows, per_epoch)
    schedule = asked.get("schedule", "one-cycle" if by_rule else "constant")
    rate = asked.get("learning_rate", _learning_rate(a_step) if by_rule else None)
    decay = 0.0
    if by_rule and rate and not pixels and not asked.get("l2"):
        mean = MEAN_FACTOR.get(getattr(schedule, "name", schedule), 1.0)
        decay = min(DECAY[task] / (per_epoch * epochs * mean), MOST_OF_A_STEP) / rate
    names = [name for name in OPTIONS if name not in asked]
    return Defaults(
        layers=tuple(asked.get("layers", LAYERS)),
        activation=asked.get("activation", ACTIVATION[task]),
        dropout=asked.get("dropout", 0.0),
        label_smoothing=asked.get("label_smoothing", 0.0),
        optimizer=asked.get("optimizer", "adamw" if decay else "adam"),
        learning_rate=rate,
        weight_decay=decay,
        schedule=schedule,
        batch_size=batch,
        epochs=epochs,
        chosen=tuple(names),
        data=f"{_number_of(rows, 'row')} × {_number_of(columns, 'pixel' if pixels else 'column')} to {task}",
    )


def epochs_again(costs: Sequence[float], best: int, planned: int, planned_again: int) -> int:
    """Epochs of a training on all rows, after one on some of them.

    Args:
        costs: of the validation rows, an epoch each.
        best: the epoch that was kept, from 1.
        planned: epochs of the first training, as it was planned.
        planned_again: of the second, by the same rule for its rows.

    >>> epochs_again([0.9, 0.5, 0.51], best=2, planned=3, planned_again=3)
    3
    >>> epochs_again([0.9, 0.5, 0.6, 0.7], best=2, planned=4, planned_again=10)
    5
    """
    if len(costs) == planned and costs[-1] - costs[best - 1] <= NEARLY * abs(costs[best - 1]):
        return planned_again
    return max(1, round(planned_again * best / planned))


def _batch_size(rows: int) -> int:
    size = BATCH
    while rows * BATCH > MANY_ROWS * size and size < LARGEST_BATCH:
        size *= 2
    return min(size, rows)


def _epochs(rows: int, per_epoch: int) -> int:
    enough = ceil(FEWEST_STEPS / per_epoch)
    return max(FEWEST_EPOCHS, min(max(EPOCHS, min(enough, MOST_EPOCHS)), MOST_ROWS // rows))


def _learning_rate(batch: int) -> float:
    return min(max(LEARNING_RATE * sqrt(batch / BATCH), LOWEST_RATE), HIGHEST_RATE)


def _number_of(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"


def _counted(layers: tuple[int, ...]) -> tuple[Any, ...]:
    """``2 × 128`` for layers that are all alike, else ``100,50``."""
    return (len(layers), layers[0]) if len(set(layers)) == 1 else (",".join(map(str, layers)),)
