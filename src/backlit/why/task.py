"""The task the searches race on, and the cost of many settings of the parameters at once."""

from dataclasses import dataclass

import numpy as np

from backlit import objective as objectives
from backlit.data.sources import load
from backlit.errors import unknown_option
from backlit.network import Network
from backlit.notation import Array
from backlit.objective import Objective
from backlit.optimizers import Adam, Optimizer

NUMBERS_AT_ONCE = 1 << 20


@dataclass(frozen=True, eq=False)
class Task:
    """A network in float64 at its starting point, rows and targets; all searches start from the same parameters."""

    name: str
    network: Network
    objective: Objective
    X: Array
    Y: Array
    optimizer: Optimizer

    @property
    def rows(self) -> int:
        """m."""
        return len(self.X)

    @property
    def parameters(self) -> int:
        """N."""
        return self.network.parameters.size


def xor(seed: int) -> Task:
    """The four rows of exclusive or, a 2-3-1 network: 13 parameters."""
    network = Network(
        [2, 3, 1], activation="tanh", output="sigmoid", initializer="lecun-normal", seed=seed, dtype="float64"
    )
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    return Task("xor", network, objectives.choose("sigmoid"), X, np.array([[0.0], [1.0], [1.0], [0.0]]), Adam(0.05))


def digits(seed: int) -> Task:
    """100 rows of the bundled handwritten digits, a 64-30-10 network: 2,260 parameters."""
    X, y = load("digits")
    network = Network([64, 30, 10], activation="tanh", output="softmax", seed=seed, dtype="float64")
    rows = slice(0, 100)
    return Task(
        "digits", network, objectives.choose("softmax"), X[rows].astype(np.float64), np.eye(10)[y[rows]], Adam(0.01)
    )


TASKS = {"xor": xor, "digits": digits}


def get(name: str, seed: int) -> Task:
    """The task of that name.

    Raises:
        OptionError: it is unknown.
    """
    if name not in TASKS:
        raise unknown_option("task", name, TASKS)
    return TASKS[name](seed)


def costs_of(task: Task, thetas: Array) -> Array:
    """C of each setting of the parameters: thetas (B, N) → (B,). All B networks run as one product a layer."""
    costs = np.empty(len(thetas))
    step = max(1, NUMBERS_AT_ONCE // max(task.parameters, task.rows * max(task.network.sizes)))
    for start in range(0, len(thetas), step):
        costs[start : start + step] = _costs_of(task, thetas[start : start + step])
    return costs


def _costs_of(task: Task, thetas: Array) -> Array:
    B, m = len(thetas), task.rows
    a: Array = np.broadcast_to(task.X, (B, *task.X.shape))
    z = a
    place = 0
    for layer in task.network.layers:
        n, before = layer.W.shape
        W = thetas[:, place : place + n * before].reshape(B, n, before)
        b = thetas[:, place + n * before : place + n * before + n]
        place += n * before + n
        z = np.matmul(a, W.transpose(0, 2, 1)) + b[:, np.newaxis, :]
        a = layer.activation.value(z.reshape(B * m, n)).reshape(B, m, n)
    n_L = task.network.sizes[-1]
    y = np.broadcast_to(task.Y, (B, m, n_L)).reshape(B * m, n_L)
    rows = task.objective.row_costs(z.reshape(B * m, n_L), a.reshape(B * m, n_L), y)
    return rows.reshape(B, m).mean(axis=1)
