"""How the time of one gradient grows with the number of parameters: measured at several sizes, a power fitted."""

from dataclasses import dataclass
from time import perf_counter

import numpy as np

from backlit import objective as objectives
from backlit.engines.blas import one_thread
from backlit.network import Network
from backlit.optimizers import Adam
from backlit.why.searches import backpropagated_gradient, difference_gradient
from backlit.why.task import Task

ROWS = 16
INPUTS, OUTPUTS = 64, 10
DIFFERENCE_SIZES = (8, 16, 32, 64, 128)
BACKPROPAGATION_SIZES = (128, 256, 512, 1024, 2048, 4096, 8192)
LARGEST_OF_FIT = 3
"""The power is fitted to the largest sizes, where the work outweighs the overhead of a call."""


@dataclass(frozen=True)
class Growth:
    """Seconds of one gradient by number of parameters, and the power p in seconds ∝ N^p at the largest sizes."""

    method: str
    parameters: tuple[int, ...]
    seconds: tuple[float, ...]
    power: float


def measure(seconds: float, seed: int) -> tuple[Growth, ...]:
    """Finite differences and backpropagation, within so many seconds together."""
    return (
        _grow("finite differences", DIFFERENCE_SIZES, seconds * 0.6, seed),
        _grow("backpropagation", BACKPROPAGATION_SIZES, seconds * 0.4, seed),
    )


def _grow(method: str, sizes: tuple[int, ...], seconds: float, seed: int) -> Growth:
    """From the smallest size up, as long as the next, expected from the last, still fits."""
    N: list[int] = []
    times: list[float] = []
    start = perf_counter()
    for hidden in sizes:
        task = _task(hidden, seed)
        if len(times) >= 2:
            power = 2 if method == "finite differences" else 1
            expected = 3 * times[-1] * (task.parameters / N[-1]) ** power
            if perf_counter() - start + expected > seconds:
                break
        N.append(task.parameters)
        times.append(_time(method, task, seconds / 20))
    return Growth(method, tuple(N), tuple(times), _power(N, times))


def _task(hidden: int, seed: int) -> Task:
    network = Network([INPUTS, hidden, OUTPUTS], activation="tanh", output="softmax", seed=seed, dtype="float64")
    rng = np.random.Generator(np.random.Philox(seed))
    X, Y = rng.standard_normal((ROWS, INPUTS)), np.eye(OUTPUTS)[rng.integers(0, OUTPUTS, ROWS)]
    return Task(f"{hidden} hidden neurons", network, objectives.choose("softmax"), X, Y, Adam())


def _time(method: str, task: Task, at_least: float) -> float:
    """The fastest of as many gradients as fit, two at the least."""
    fastest, start, runs = float("inf"), perf_counter(), 0
    with one_thread():
        while runs < 2 or perf_counter() - start < at_least:
            began = perf_counter()
            if method == "finite differences":
                difference_gradient(task, task.network.parameters)
            else:
                backpropagated_gradient(task)
            fastest, runs = min(fastest, perf_counter() - began), runs + 1
    return fastest


def _power(N: list[int], times: list[float]) -> float:
    if len(N) < 2:
        return float("nan")
    few = slice(-LARGEST_OF_FIT, None)
    return float(np.polyfit(np.log(N[few]), np.log(times[few]), 1)[0])
