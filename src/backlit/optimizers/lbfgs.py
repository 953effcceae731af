"""L-BFGS: gradient steps bent by the curvature seen on the way, on the whole training set at once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from backlit.errors import OptionError
from backlit.notation import Array, Float64Array
from backlit.optimizers.base import Optimizer, State, check_number, check_whole

CostAndGradient = Callable[[Float64Array], tuple[float, Float64Array]]


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where a segment ended: θ, its cost, the cost after each iteration, how often it was evaluated, and why."""

    theta: Float64Array
    cost: float
    costs: tuple[float, ...]
    evaluations: int
    converged: bool
    reason: str


@dataclass(frozen=True)
class LBFGS(Optimizer):
    """Limited-memory BFGS, by SciPy, in segments of ``iterations``: an epoch is one segment.

    SciPy keeps its memory of curvature to itself, so only the ends of segments can be saved and resumed: the memory is
    restarted at each. It has no learning rate; a line search finds each step's length.

    Args:
        iterations: of one segment.
        memory: how many pairs of steps and gradient changes are remembered.
        tolerance: converged when no component of the gradient is larger, or when no step lowers the cost any more.
        fall: converged too when an iteration lowers the cost C by no more than this share of max(|C|, 1).
        evaluations: of the cost, at most, in one segment; None for as many as the iterations take.

    Raises:
        OptionError: a number out of its range.

    Source: Liu & Nocedal, *On the limited memory BFGS method for large scale optimization*, 1989.

    >>> import numpy as np
    >>> theta = np.array([3.0, -2.0])
    >>> LBFGS().segment(theta, lambda x: (float(x @ x), 2 * x))
    True
    >>> bool(np.abs(theta).max() < 1e-5)
    True
    """

    learning_rate: float = 1.0
    iterations: int = 20
    memory: int = 10
    tolerance: float = 1e-5
    fall: float = 0.0
    evaluations: int | None = None

    name: ClassVar[str] = "lbfgs"
    whole_batch_only: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.learning_rate != 1.0:
            raise OptionError("lbfgs takes no learning_rate: a line search finds each step's length; leave it out")
        check_whole("lbfgs", "iterations", self.iterations)
        check_whole("lbfgs", "memory", self.memory)
        check_number("lbfgs", "tolerance", self.tolerance, low=0)
        check_number("lbfgs", "fall", self.fall, low=0)
        if self.evaluations is not None:
            check_whole("lbfgs", "evaluations", self.evaluations)

    def update(self, theta: Array, gradient: Array, state: State, learning_rate: float, step: int) -> None:
        """L-BFGS evaluates the cost as it goes; it has no update from one gradient: see :meth:`segment`."""
        raise NotImplementedError("lbfgs updates by segments, which evaluate the cost several times")

    def segment(self, theta: Array, cost_and_gradient: CostAndGradient) -> bool:
        """Runs one segment from θ and leaves θ at its end, in place; True where it has converged."""
        found = self.minimise(theta, cost_and_gradient)
        theta[...] = found.theta
        return found.converged

    def minimise(self, theta: Array, cost_and_gradient: CostAndGradient) -> Minimum:
        """One segment from θ, which it leaves as it is."""
        from scipy.optimize import OptimizeResult, minimize

        costs: list[float] = []

        def hear(intermediate_result: OptimizeResult) -> None:  # SciPy goes by the argument's name
            costs.append(float(intermediate_result.fun))

        options = {"maxiter": int(self.iterations), "maxcor": int(self.memory), "gtol": self.tolerance}
        most = {} if self.evaluations is None else {"maxfun": int(self.evaluations)}
        found = minimize(
            cost_and_gradient,
            theta.astype(np.float64),
            jac=True,
            method="L-BFGS-B",
            callback=hear,
            options={**options, "ftol": self.fall, **most},
        )
        converged = bool(found.success or found.nit == 0)
        return Minimum(found.x, float(found.fun), tuple(costs), int(found.nfev), converged, str(found.message))
