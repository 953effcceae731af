"""What a fault does to a training, and what a training must be like for it: functions of a training and a generator."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from faults.cases import OPTIMIZERS, WIDTHS, Training

import backlit as bl
from backlit.activations import Elementwise

Change = Callable[[Training, np.random.Generator], Training]


def as_it_is(training: Training, rng: np.random.Generator) -> Training:
    return training


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
    return training.but(rows=training.rows.with_columns(lambda X: np.hstack([X, np.full((len(X), count), value)])))


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
    return training.but(train={"class_weight": {int(rng.integers(training.rows.classes)): 0.0001}})


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
    return training.but(train={"epochs": int(rng.integers(2, 4)), "batch_size": 32})


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
    return training.but(
        activation=Wrong(name, bl.activations.get(right), slope), train={"epochs": 20, "batch_size": 64}
    )


def decayed(training, rng):
    """A schedule that takes the learning rate away long before there is nothing to learn."""
    schedule = bl.schedules.Step(every=1, drop=float(rng.uniform(0.15, 0.3)))
    return training.but(train={"schedule": schedule})


steady = both(undropped, long_enough)
