"""The faults that are planted: each is put into a sensible training, its healthy twin, and has one right name.

A plant has ``twin``, what the training must be like for the fault to fit in, and ``spoil``, the fault itself. ``right``
are the rules that may be said first: the fault itself, and where two names are true of the very same thing, both.
"""

# ruff: noqa: E501 - a table of faults

from dataclasses import dataclass
from pathlib import Path

from faults import sets
from faults import spoiling as s
from faults.cases import Training, generator, sensible
from faults.spoiling import Change, as_it_is, both, long_enough, steady, with_activation, with_sgd

_TASKS = {"": lambda k: True, "classes": lambda k: k > 0, "several": lambda k: k > 2, "numbers": lambda k: k == 0}


@dataclass(frozen=True)
class Plant:
    """A kind of fault."""

    name: str
    what: str
    right: tuple[str, ...]
    spoil: Change
    twin: Change = as_it_is
    task: str = ""  # classes, several of them, numbers, or any
    among: tuple[str, ...] = ()  # the only sets it is planted in
    clean: bool = False  # the fault is in the rows, and need not cost the score anything

    def fits(self, name: str, rows: sets.Rows) -> bool:
        if self.among and name not in self.among:
            return False
        return _TASKS[self.task](rows.classes)


def pair(plant: Plant, part: str, number: int, folder: Path | None) -> tuple[str, Training, Training]:
    """The set, the healthy twin and the spoiled training of one number."""
    rng = generator("plant", plant.name, part, number)
    fitting = [name for name in sets.names(part, folder) if plant.fits(name, sets.load(name, 0, folder))]
    name = fitting[number % len(fitting)]
    twin = plant.twin(sensible(part, name, 100 + number, folder, rng), rng)
    return name, twin, plant.spoil(twin, rng)


NONLINEAR = ("moons", "friedman1", "digits", "clusters", "rings", "curve", "teacher", "mnist")
LARGE = ("digits", "moons", "clusters", "adult", "mnist", "rings", "teacher")
OVERLAPPING = ("adult", "moons", "clusters", "titanic", "teacher", "rings", "odds", "mnist")
LEARNT = (*LARGE, "curve", "friedman1")
NOISY = ("diabetes", "friedman1", "housing", "adult", "titanic", "friedman2", "curve", "odds", "breast-cancer")

PLANTS = (
    Plant("sigmoid stack", "five or six hidden layers of sigmoid", ("vanishing-errors",),
          lambda t, rng: t.but(activation="sigmoid"), both(s.deep, with_sgd, long_enough), among=LEARNT),
    Plant("exploding start", "weights from N(0, 1) in five or six layers of relu", ("exploding-errors", "initialisation-too-large"),
          s.gaussian, both(s.deep, long_enough)),
    Plant("saturating start", "tanh or sigmoid, first weights 15 to 40 times too large", ("initialisation-too-large", "saturated-units"),
          s.scaled(15, 40), both(with_activation("tanh", "sigmoid"), steady)),
    Plant("small start", "three hidden layers of tanh or relu, weights 1,000 to 10,000 times too small", ("initialisation-too-small",),
          s.scaled(1e-4, 1e-3), both(lambda t, rng: s.deep(t, rng, s.one_of(rng, "tanh", "relu"), (3,)), with_sgd, long_enough)),
    Plant("zero start", "every weight 0", ("symmetric-units", "initialisation-too-small"), s.constant_weights(0, 0), both(with_activation("tanh", "relu"), steady)),
    Plant("equal start", "every weight the same", ("symmetric-units",), s.constant_weights(0.02, 0.2), both(with_activation("tanh", "sigmoid", "relu"), steady)),
    Plant("negative biases", "relu, hidden biases of -5 to -20", ("dead-units", "exploding-bias"), s.biases(-20, -5, "hidden"), both(with_activation("relu"), steady)),
    Plant("large biases", "tanh or sigmoid, hidden biases of 15 to 40", ("exploding-bias", "saturated-units"), s.biases(15, 40, "hidden"), both(with_activation("tanh", "sigmoid"), steady)),
    Plant("raw columns", "columns in raw units, scales from 10 to 3,000, values far from 0", ("unscaled-features",), s.every_column, steady),
    Plant("inputs times 255", "tanh or sigmoid fed numbers 100 to 1,000 times too large", ("unscaled-features",), s.as_bytes, both(with_activation("tanh", "sigmoid"), steady)),
    Plant("one large column", "one column 1,000 to 30,000 times as large as the others", ("dominating-feature",), s.one_column, steady),
    Plant("constant columns", "one to three columns of the same number, 100 to 1,000", ("constant-features",), s.constant_columns, both(steady, with_sgd)),
    Plant("copied column", "a column of noise, hundreds of times", ("duplicated-features",), s.copied_column, both(steady, with_sgd)),
    Plant("leak", "a column that is the target, which new rows do not have", ("leakage",), s.leak, steady),
    Plant("raw targets", "numbers in the thousands to be predicted", ("unscaled-targets",), s.unscaled_targets, steady, task="numbers"),
    *(Plant(f"labels, {share:.0%}", f"{share:.0%} of the labels flipped", ("label-noise",), s.flipped(share), task="classes", among=LARGE, clean=True)
      for share in (0.05, 0.1, 0.2, 0.3)),
    Plant("imbalance", "a class with 2 to 5 % of the rows, unweighted", ("class-imbalance",),
          lambda t, rng: t.but(train={"class_weight": None}), both(steady, s.imbalanced), task="classes", among=OVERLAPPING),
    Plant("silent output", "a class whose rows weigh a ten-thousandth", ("output-never-predicted", "class-imbalance"), s.silent, steady, task="several"),
    Plant("slow cost", "quadratic cost on sigmoid outputs that start saturated at 1", ("cost-does-not-fit",), s.quadratic, both(steady, with_sgd, s.saturated_outputs), task="classes"),
    Plant("penalty", "λ of 0.3 to 3 times the rows", ("penalty-too-strong",), s.penalty, both(steady, with_sgd)),
    Plant("dropout", "dropout of 0.85 to 0.95 in every hidden layer", ("dropout-too-strong",), s.dropout, steady),
    Plant("rate, high", "tanh or sigmoid, learning rate 100 to 500 times too high", ("learning-rate-too-high",), s.rate_times(100, 500), both(with_activation("tanh", "sigmoid"), steady)),
    Plant("rate, dead", "relu, learning rate 50 to 200 times too high", ("learning-rate-too-high", "dead-units"), s.rate_times(50, 200), both(with_activation("relu"), steady)),
    Plant("rate, low", "learning rate 1,000 to 10,000 times too low", ("learning-rate-too-low",), s.rate_times(1e-4, 1e-3), steady),
    Plant("large batch", "all rows in one batch, 20 to 40 epochs", ("batch-too-large",), s.all_rows, both(steady, with_sgd), among=LEARNT),
    Plant("small batch", "one or two rows a batch, a learning rate 15 to 40 times as high", ("batch-too-small", "learning-rate-too-high"), s.one_row, steady),
    Plant("few epochs", "two or three epochs", ("too-few-epochs",), s.few_epochs, both(steady, with_sgd), among=LEARNT),
    Plant("early decay", "a schedule that takes the learning rate away after a few epochs", ("learning-rate-too-low", "plateau"), s.decayed, both(steady, with_sgd), among=LEARNT),
    Plant("too many neurons", "50 to 120 rows, two layers of 200 neurons, 400 epochs", ("overfitting",), s.without_early_stopping, s.few_rows, among=NOISY),
    Plant("too few neurons", "one hidden neuron or none, where the target is not linear", ("underfitting",), s.hardly_a_neuron, steady, among=NONLINEAR),
    Plant("outliers", "targets 50 to 100 times too large in about 1 % of the rows", ("dominating-rows",), s.outlying, steady, task="numbers"),
    Plant("wrong slope", "an activation of the user's own, its slope another's", ("gradient-check",), s.wrong_slope, both(steady, with_activation("tanh", "sigmoid", "relu"))),
    Plant("overflow", "a value of 1e36 to 1e38 in one row", ("nan-source",), s.overflowing, steady),
)  # fmt: skip
