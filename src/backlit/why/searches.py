"""Four ways to make a cost smaller, each as well as it can be done: all its trials of a step run as one batch.

A search yields (passes it has used, the cost it has reached) after each step; the race stops it.
"""

from collections.abc import Callable, Iterator
from itertools import count, islice, product

import numpy as np

from backlit.engines import ENGINES, StepPlan, TrainingData
from backlit.notation import Array
from backlit.why.counts import backpropagation_passes, finite_difference_passes
from backlit.why.task import Task, costs_of

Progress = Iterator[tuple[int, float]]

TRIED = 20
"""Values tried of one weight at a time."""

REACH = 4.0
"""The values of a weight lie between -4 and 4."""

GRID_BATCH = 4096
FORWARD_STEP = 1e-7
STEPS_AT_ONCE = 10


def one_weight_at_a_time(task: Task) -> Progress:
    """Tries 20 values of one weight, keeps the best, goes on to the next; each round nearer to where it stands."""
    theta = task.network.parameters.copy()
    best = float(costs_of(task, theta[np.newaxis])[0])
    passes = task.rows
    reach = REACH
    while True:
        for i in range(len(theta)):
            trials = np.repeat(theta[np.newaxis], TRIED, axis=0)
            trials[:, i] += np.linspace(-reach, reach, TRIED)
            costs = costs_of(task, trials)
            passes += TRIED * task.rows
            if costs.min() < best:
                best, theta = float(costs.min()), trials[costs.argmin()].copy()
            yield passes, best
        reach *= 0.7


def all_combinations(task: Task, values: int) -> Progress:
    """Every setting of all parameters on a grid of so many values each, in order; holds the best so far."""
    grid = np.linspace(-REACH, REACH, values)
    theta = task.network.parameters.copy()
    best = float(costs_of(task, theta[np.newaxis])[0])
    passes = task.rows
    settings = product(grid, repeat=task.parameters)
    batch = max(1, min(GRID_BATCH, (1 << 18) // task.parameters))
    while len(trials := np.array(list(islice(settings, batch)))):
        costs = costs_of(task, trials)
        passes += len(trials) * task.rows
        if costs.min() < best:
            best, theta = float(costs.min()), trials[costs.argmin()].copy()
        yield passes, best


def finite_differences(task: Task) -> Progress:
    """Gradient descent (adam); the gradient by forward differences, N + 1 evaluations of the cost an update."""
    theta, optimizer = task.network.parameters.copy(), task.optimizer
    state = optimizer.init(theta)
    passes = 0
    for step in count(1):
        cost, gradient = difference_gradient(task, theta)
        passes += finite_difference_passes(task.parameters, task.rows)
        yield passes, cost
        optimizer.update(theta, gradient, state, optimizer.learning_rate, step)


def difference_gradient(task: Task, theta: Array) -> tuple[float, Array]:
    """(C, ∂C/∂θ) by forward differences: (C(θ + h e_i) - C(θ)) / h."""
    trials = np.repeat(theta[np.newaxis], task.parameters + 1, axis=0)
    trials[np.arange(task.parameters), np.arange(task.parameters)] += FORWARD_STEP
    costs = costs_of(task, trials)
    return float(costs[-1]), (costs[:-1] - costs[-1]) / FORWARD_STEP


def backpropagation(task: Task) -> Progress:
    """Gradient descent (adam); the gradient by backpropagation, one forward and one backward pass a row and update.

    It is a training session like any other: the engine's own steps, a few at a time.
    """
    network = task.network.copy()
    data = TrainingData(task.X, task.Y, np.ones(task.rows), None)
    plan = StepPlan(task.optimizer, task.rows, seed=0)
    session = ENGINES["reference"].session(network, task.objective, data, plan)
    rates = np.full(STEPS_AT_ONCE, task.optimizer.learning_rate)
    passes = 0
    while True:
        report = session.run(session.step + STEPS_AT_ONCE, rates)
        for cost in report.costs:
            passes += backpropagation_passes(task.rows)
            yield passes, float(cost) / task.rows


def backpropagated_gradient(task: Task) -> tuple[float, Array]:
    """(C, ∂C/∂θ) from the reference engine's backward pass."""
    backward = ENGINES["reference"].backward_pass(task.network, task.objective, task.X, task.Y, np.ones(task.rows))
    return float(backward.row_costs.mean()), backward.gradients.vector


def searches(task: Task, grid_values: int) -> dict[str, Callable[[], Progress]]:
    """The four, by name, in the order of the argument."""
    return {
        "one weight at a time": lambda: one_weight_at_a_time(task),
        "all combinations on a grid": lambda: all_combinations(task, grid_values),
        "finite differences": lambda: finite_differences(task),
        "backpropagation": lambda: backpropagation(task),
    }
