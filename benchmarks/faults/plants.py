"""The faults that are planted: each is put into a sensible training, its healthy twin, and has one right name.

A plant has ``twin``, what the training must be like for the fault to fit in, and ``spoil``, the fault itself. Both take a
training and a generator. ``right`` are the rules that may be said first: the fault itself, and where two names are
true of the very same thing, both.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from faults import sets
from faults.cases import OPTIMIZERS, WIDTHS, Training, generator, sensible

import backlit as bl
from backlit.activations import Elementwise

Change = Callable[[Training, np.random.Generator], Training]


_TASKS = {"": lambda k: True, "classes": lambda k: k > 0, "several": lambda k: k > 2, "numbers": lambda k: k == 0}


def _as_it_is(training: Training, rng: np.random.Generator) -> Training:
    return training


@dataclass(frozen=True)
class Plant:
    """A kind of fault."""

    name: str
    what: str
    right: tuple[str, ...]
    spoil: Change
    twin: Change = _as_it_is
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


def one_of(rng: np.random.Generator, *values):
    return values[int(rng.integers(len(values)))]


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


# --- what a training must be like


def with_activation(*names: str) -> Change:
    def change(training, rng):
        name = one_of(rng, *names)
        return training.but(activation=name, hidden=training.hidden[:2] if name != "relu" else training.hidden)

    return change


def with_sgd(training, rng):
    """Plain or with momentum: steps follow the size of the gradient."""
    name = one_of(rng, "sgd", "momentum")
    return training.but(optimizer=name, train={"learning_rate": float(rng.choice(OPTIMIZERS[name]))})


def undropped(training, rng):
    return training.but(network={"dropout": 0.0})


def both(*changes: Change) -> Change:
    def change(training, rng):
        for one in changes:
            training = one(training, rng)
        return training

    return change


def deep(training, rng, activation="relu", layers=(5, 6)):
    width = min(training.hidden[0], 64)
    return undropped(training, rng).but(
        activation=activation, hidden=(max(width, 24),) * one_of(rng, *layers), train={"l2": 0.0}
    )


def long_enough(training, rng):
    """No early stopping, which would end a training that does not learn before it shows."""
    return training.but(train={"early_stopping": None})


# --- start


def scaled(factor_low: float, factor_high: float, layers: str = "all") -> Change:
    """The first weights of the hidden layers times a factor."""

    def change(training, rng):
        factor = log_uniform(rng, factor_low, factor_high)

        def start(net):
            for layer in net.layers if layers == "all" else net.layers[:-1]:
                layer.W[...] *= factor

        return training.but(started=(*training.started, start))

    return change


def constant_weights(low: float, high: float) -> Change:
    def change(training, rng):
        value = rng.uniform(low, high)

        def start(net):
            for layer in net.layers:
                layer.W[...] = value
                layer.b[...] = 0

        return training.but(started=(start,))

    return change


def biases(low: float, high: float, where: str) -> Change:
    """All biases of the hidden layers, or of the outputs, at one number."""

    def change(training, rng):
        value = rng.uniform(low, high)

        def start(net):
            for layer in net.layers[:-1] if where == "hidden" else net.layers[-1:]:
                layer.b[...] = value

        return training.but(started=(start,))

    return change


def gaussian(training, rng):
    return training.but(network={"initializer": "gaussian"})


# --- data


def every_column(training, rng):
    """As raw tables have them: scales over three decades, values far from 0."""
    columns = training.rows.X.shape[1]
    scale, shift = 10 ** rng.uniform(1, 3.5, columns), rng.uniform(-2, 2, columns)
    return training.but(rows=training.rows.with_columns(lambda X: (X + shift) * scale))


def as_bytes(training, rng):
    """0 to 255 where 0 to 1 was meant; other columns alike."""
    factor = one_of(rng, 100.0, 255.0, 1000.0)
    return training.but(rows=training.rows.with_columns(lambda X: X * factor))


def one_column(training, rng):
    column = int(np.argsort(-training.rows.X.std(axis=0))[rng.integers(2)])
    factor = 10 ** rng.uniform(3, 4.5)

    def change(X):
        X = X.copy()
        X[:, column] *= factor
        return X

    return training.but(rows=training.rows.with_columns(change))


def constant_columns(training, rng):
    value, count = 10 ** rng.uniform(2, 3), int(rng.integers(1, 4))
    return training.but(
        rows=training.rows.with_columns(lambda X: np.hstack([X, np.full((len(X), count), value)]))
    )


def copied_column(training, rng):
    """A column of noise, very many times."""
    copies = int(rng.integers(15, 30) * training.rows.X.shape[1])
    draws = np.random.default_rng(int(rng.integers(2**31)))
    return training.but(
        rows=training.rows.with_columns(
            lambda X: np.hstack([X, np.repeat(draws.standard_normal((len(X), 1)), min(copies, 400), axis=1)])
        )
    )


def leak(training, rng):
    """A column that is the target, but for a little noise, in all rows but those of the test."""
    rows = training.rows
    draws = np.random.default_rng(int(rng.integers(2**31)))

    def column(y):
        y = np.asarray(y, dtype=float)
        return (y - rows.y.mean()) / rows.y.std() + 0.02 * draws.standard_normal(len(y))

    return training.but(
        rows=replace(
            rows,
            X=np.hstack([rows.X, column(rows.y)[:, np.newaxis]]).astype(np.float32),
            X_validation=np.hstack([rows.X_validation, column(rows.y_validation)[:, np.newaxis]]).astype(np.float32),
            X_test=np.hstack([rows.X_test, column(draws.permutation(rows.y_test))[:, np.newaxis]]).astype(np.float32),
        )
    )


def unscaled_targets(training, rng):
    scale, shift = log_uniform(rng, 100, 10_000), rng.uniform(2, 10)
    return training.but(rows=training.rows.with_targets(lambda y: (y + shift) * scale))


def flipped(share: float) -> Change:
    """Labels flipped to another class, of the rows that train and validate; the test rows keep theirs."""

    def change(training, rng):
        rows = training.rows

        def flip(y):
            y, chosen = y.copy(), rng.random(len(y)) < share
            y[chosen] = (y[chosen] + rng.integers(1, rows.classes, chosen.sum())) % rows.classes
            return y

        return training.but(rows=replace(rows, y=flip(rows.y), y_validation=flip(rows.y_validation)))

    return change


def imbalanced(training, rng):
    """One class is left with some 3 % of the rows; the twin weighs the classes."""
    rows, rare = training.rows, int(rng.integers(training.rows.classes))
    share = rng.uniform(0.02, 0.05)

    def keep(X, y, least):
        of = np.flatnonzero(y == rare)
        kept = of[: max(int(share * (len(y) - len(of))), least)]
        order = np.sort(np.concatenate([np.flatnonzero(y != rare), kept]))
        return X[order], y[order]

    (X, y), (X_v, y_v) = keep(rows.X, rows.y, 6), keep(rows.X_validation, rows.y_validation, 3)
    balanced = _balanced(rows.X_test, rows.y_test, rare)
    return training.but(
        rows=replace(rows, X=X, y=y, X_validation=X_v, y_validation=y_v, X_test=balanced[0], y_test=balanced[1]),
        train={"class_weight": "balanced", "l2": 1.0, "early_stopping": None},
    )


def silent(training, rng):
    return training.but(train={"class_weight": {int(rng.integers(training.rows.classes)): 0.001}})


def _balanced(X, y, rare):
    """As many rows of the rare class as of all others."""
    of, rest = np.flatnonzero(y == rare), np.flatnonzero(y != rare)
    order = np.concatenate([of, rest[: len(of)]])
    return X[order], y[order]


def outlying(training, rng):
    """Of numbers, targets a hundred times too large in 1 % of the rows: a slip of units."""
    rows, share = training.rows, rng.uniform(0.005, 0.02)
    chosen = rng.choice(len(rows.X), max(int(share * len(rows.X)), 3), replace=False)
    y = rows.y.copy()
    y[chosen] = (y[chosen] + 1) * rng.uniform(50, 100)
    return training.but(rows=replace(rows, y=y))


def overflowing(training, rng):
    """A value that no float32 product can hold, in one row."""
    rows = training.rows
    X = rows.X.copy()
    X[rng.integers(len(X)), rng.integers(X.shape[1])] = 10 ** rng.uniform(36, 38)
    return training.but(rows=replace(rows, X=X), network={"dtype": "float32"})


# --- steps, cost, capacity


def rate_times(low: float, high: float) -> Change:
    def change(training, rng):
        return training.but(train={"learning_rate": training.train["learning_rate"] * log_uniform(rng, low, high)})

    return change


def all_rows(training, rng):
    return training.but(train={"batch_size": "all", "epochs": int(rng.integers(20, 40))})


def one_row(training, rng):
    rate = training.train["learning_rate"]
    train = {"batch_size": int(rng.integers(1, 3)), "learning_rate": rate * log_uniform(rng, 15, 40), "epochs": 15}
    return training.but(train=train)


def few_epochs(training, rng):
    return training.but(train={"epochs": 1 if len(training.rows.X) > 600 else 2, "batch_size": 64})


def without_early_stopping(training, rng):
    wide = (int(max(WIDTHS["reported"])) * 2,) * 2
    return training.but(hidden=wide, train={"early_stopping": None, "epochs": 400, "l2": 0.0})


def few_rows(training, rng):
    """A network for few rows, stopped in time; numbers with as much noise as signal."""
    draws = np.random.default_rng(int(rng.integers(2**31)))
    rows = training.rows.first(int(rng.integers(50, 120)))
    if not rows.classes:
        rows = rows.with_targets(lambda y: (y + 0.7 * draws.standard_normal(len(y))).astype(np.float32))
    training = undropped(training, rng).but(rows=rows, optimizer="adam")
    return training.but(train={"early_stopping": 10, "batch_size": 16, "epochs": 100, "learning_rate": 0.002})


def hardly_a_neuron(training, rng):
    hidden = one_of(rng, (), (1,))
    return training.but(hidden=hidden, activation="tanh" if hidden else "relu", network={"dropout": 0.0})


def penalty(training, rng):
    return training.but(train={"l2": len(training.rows.X) * log_uniform(rng, 0.3, 3)})


def dropout(training, rng):
    return training.but(network={"dropout": float(rng.uniform(0.85, 0.95))})


def quadratic(training, rng):
    return training.but(train={"cost": "quadratic"})


def saturated_outputs(training, rng):
    return biases(6, 10, "outputs")(training.but(network={"output": "sigmoid"}), rng)


class Wrong(Elementwise):
    """An activation of the user's own, whose slope is another's."""

    name = "mine"

    def __init__(self, called, right, slope):
        self.called, self.right, self.wrong = called, right, slope

    def value(self, z):
        return self.right.value(z)

    def slope(self, z, a):
        return self.wrong(z, a).astype(z.dtype)


SLOPES = {
    "sign": ("tanh", lambda z, a: a * a - 1),
    "sigmoid's": ("tanh", lambda z, a: a * (1 - a)),
    "of a": ("sigmoid", lambda z, a: a - 0.5),
    "not squared": ("tanh", lambda z, a: 1 - 2 * a),
    "below 0": ("relu", lambda z, a: -1.0 * (z < 0)),
}


def wrong_slope(training, rng):
    name = one_of(rng, *SLOPES)
    right, slope = SLOPES[name]
    return training.but(activation=Wrong(name, bl.activations.get(right), slope), train={"epochs": 20, "batch_size": 64})


def decayed(training, rng):
    """A schedule that takes the learning rate away long before there is nothing to learn."""
    schedule = bl.schedules.Step(every=1, drop=float(rng.uniform(0.15, 0.3)))
    return training.but(train={"schedule": schedule})


NONLINEAR = ("moons", "friedman1", "digits", "clusters", "rings", "curve", "teacher", "mnist")
LARGE = ("digits", "moons", "clusters", "adult", "mnist", "rings", "teacher")
OVERLAPPING = ("adult", "moons", "clusters", "teacher", "rings", "titanic", "mnist")
NOISY = ("diabetes", "friedman1", "housing", "adult", "friedman2", "curve", "titanic", "breast-cancer")
steady = both(undropped, long_enough)

PLANTS = (
    Plant("sigmoid stack", "five or six hidden layers of sigmoid", ("vanishing-errors",),
          lambda t, rng: t.but(activation="sigmoid"), both(deep, with_sgd, long_enough), among=LARGE + ("curve", "friedman1")),
    Plant("exploding start", "weights from N(0, 1) in five or six layers of relu", ("exploding-errors", "initialisation-too-large"),
          gaussian, both(deep, long_enough)),
    Plant("saturating start", "tanh or sigmoid, first weights 15 to 40 times too large", ("initialisation-too-large", "saturated-units"),
          scaled(15, 40), both(with_activation("tanh", "sigmoid"), steady)),
    Plant("small start", "three hidden layers of tanh or relu, weights 1,000 to 10,000 times too small", ("initialisation-too-small",),
          scaled(1e-4, 1e-3), both(lambda t, rng: deep(t, rng, one_of(rng, "tanh", "relu"), (3,)), with_sgd, long_enough)),
    Plant("zero start", "every weight 0", ("symmetric-units", "initialisation-too-small"), constant_weights(0, 0), both(with_activation("tanh", "relu"), steady)),
    Plant("equal start", "every weight the same", ("symmetric-units",), constant_weights(0.02, 0.2), both(with_activation("tanh", "sigmoid", "relu"), steady)),
    Plant("negative biases", "relu, hidden biases of -5 to -20", ("dead-units",), biases(-20, -5, "hidden"), both(with_activation("relu"), steady)),
    Plant("large biases", "tanh or sigmoid, hidden biases of 15 to 40", ("exploding-bias", "saturated-units"), biases(15, 40, "hidden"), both(with_activation("tanh", "sigmoid"), steady)),
    Plant("raw columns", "columns in raw units, scales from 10 to 3,000, values far from 0", ("unscaled-features",), every_column, steady),
    Plant("inputs times 255", "tanh or sigmoid fed numbers 100 to 1,000 times too large", ("unscaled-features",), as_bytes, both(with_activation("tanh", "sigmoid"), steady)),
    Plant("one large column", "one column 1,000 to 30,000 times as large as the others", ("dominating-feature",), one_column, steady),
    Plant("constant columns", "one to three columns of the same number, 100 to 1,000", ("constant-features",), constant_columns, both(steady, with_sgd)),
    Plant("copied column", "a column of noise, hundreds of times", ("duplicated-features",), copied_column, both(steady, with_sgd)),
    Plant("leak", "a column that is the target, which new rows do not have", ("leakage",), leak, steady),
    Plant("raw targets", "numbers in the thousands to be predicted", ("unscaled-targets",), unscaled_targets, steady, task="numbers"),
    *(Plant(f"labels, {share:.0%}", f"{share:.0%} of the labels flipped", ("label-noise",), flipped(share), task="classes", among=LARGE, clean=True)
      for share in (0.05, 0.1, 0.2, 0.3)),
    Plant("imbalance", "a class with 2 to 5 % of the rows, unweighted", ("class-imbalance",),
          lambda t, rng: t.but(train={"class_weight": None}), both(steady, imbalanced), task="classes", among=OVERLAPPING),
    Plant("silent output", "a class whose rows weigh a thousandth", ("output-never-predicted", "class-imbalance"), silent, steady, task="several"),
    Plant("slow cost", "quadratic cost on sigmoid outputs that start saturated at 1", ("cost-does-not-fit",), quadratic, both(steady, with_sgd, saturated_outputs), task="classes"),
    Plant("penalty", "λ of 0.3 to 3 times the rows", ("penalty-too-strong",), penalty, both(steady, with_sgd)),
    Plant("dropout", "dropout of 0.85 to 0.95 in every hidden layer", ("dropout-too-strong",), dropout, steady),
    Plant("rate, high", "tanh or sigmoid, learning rate 100 to 500 times too high", ("learning-rate-too-high",), rate_times(100, 500), both(with_activation("tanh", "sigmoid"), steady)),
    Plant("rate, dead", "relu, learning rate 50 to 200 times too high", ("learning-rate-too-high", "dead-units"), rate_times(50, 200), both(with_activation("relu"), steady)),
    Plant("rate, low", "learning rate 1,000 to 10,000 times too low", ("learning-rate-too-low",), rate_times(1e-4, 1e-3), steady),
    Plant("large batch", "all rows in one batch, 20 to 40 epochs", ("batch-too-large",), all_rows, both(steady, with_sgd), among=LARGE + ("curve", "friedman1")),
    Plant("small batch", "one or two rows a batch, a learning rate 15 to 40 times as high", ("batch-too-small", "learning-rate-too-high"), one_row, steady),
    Plant("few epochs", "one or two epochs", ("too-few-epochs",), few_epochs, both(steady, with_sgd), among=LARGE + ("curve", "friedman1")),
    Plant("early decay", "a schedule that takes the learning rate away after a few epochs", ("learning-rate-too-low", "plateau"), decayed, both(steady, with_sgd), among=LARGE + ("curve", "friedman1")),
    Plant("too many neurons", "50 to 120 rows, two layers of 200 neurons, 400 epochs", ("overfitting",), without_early_stopping, few_rows, among=NOISY),
    Plant("too few neurons", "one hidden neuron or none, where the target is not linear", ("underfitting",), hardly_a_neuron, steady, among=NONLINEAR),
    Plant("outliers", "targets 50 to 100 times too large in about 1 % of the rows", ("dominating-rows",), outlying, steady, task="numbers"),
    Plant("wrong slope", "an activation of the user's own, its slope another's", ("gradient-check",), wrong_slope, both(steady, with_activation("tanh", "sigmoid", "relu"))),
    Plant("overflow", "a value of 1e36 to 1e38 in one row", ("nan-source",), overflowing, steady),
)  # fmt: skip
