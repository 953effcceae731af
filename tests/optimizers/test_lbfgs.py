"""L-BFGS in segments: by hand in one dimension, as SciPy runs it in more, converged where it should be."""

from typing import Any

import numpy as np
import pytest

from backlit import optimizers
from backlit.errors import OptionError
from backlit.optimizers import LBFGS


def half_square(x: Any) -> tuple[float, Any]:
    """½x², of gradient x."""
    return 0.5 * float(x @ x), x.copy()


def rosenbrock(x: Any) -> tuple[float, Any]:
    """(1 - x)² + 100 (y - x²)², least at (1, 1)."""
    bend = x[1] - x[0] ** 2
    return (1 - x[0]) ** 2 + 100 * bend**2, np.array([-2 * (1 - x[0]) - 400 * x[0] * bend, 200 * bend])


def scipys(start: list[float], function: Any, **options: Any) -> Any:
    from scipy.optimize import minimize

    return minimize(function, np.array(start), jac=True, method="L-BFGS-B", options=options | {"ftol": 0}).x


def test_two_iterations_by_hand() -> None:
    # From 3 with no memory the step is g/‖g‖ = 1 to 2, which the line search takes: the slope has fallen from 9 to 6.
    theta = np.array([3.0])
    assert not LBFGS(iterations=1).segment(theta, half_square)
    assert theta[0] == pytest.approx(2, abs=1e-12)
    # With it: the gradient changed by 1 over a step of 1, so the curvature is 1 and the next step g = 2, to 0.
    theta = np.array([3.0])
    LBFGS(iterations=2).segment(theta, half_square)
    assert theta[0] == pytest.approx(0, abs=1e-12)


def test_the_memory_is_restarted_at_each_segment() -> None:
    # Two segments of one iteration each: 3 → 2 by a step of length 1, and 2 → 1 again; not 2 → 0.
    theta = np.array([3.0])
    for _ in range(2):
        LBFGS(iterations=1).segment(theta, half_square)
    assert theta[0] == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("tolerance", [1e-3, 1e-6])
def test_a_quadratic_of_many_dimensions(tolerance: float) -> None:
    curvature, least = np.linspace(1, 50, 20), np.linspace(-1, 1, 20)
    theta = np.zeros(20)
    # The 10 that no step takes away must not end it sooner, however little of the cost the last steps move.
    converged = LBFGS(iterations=200, tolerance=tolerance).segment(
        theta, lambda x: (10 + 0.5 * float(curvature @ (x - least) ** 2), curvature * (x - least))
    )
    assert converged
    assert np.abs(curvature * (theta - least)).max() <= tolerance


def test_rosenbrocks_valley_segment_by_segment() -> None:
    theta, lbfgs = np.array([-1.2, 1.0]), LBFGS(iterations=15)
    costs = [rosenbrock(theta)[0]]
    for _ in range(10):
        converged = lbfgs.segment(theta, rosenbrock)
        costs.append(rosenbrock(theta)[0])
        if converged:
            break
    assert converged
    assert costs == sorted(costs, reverse=True)
    assert theta == pytest.approx(np.ones(2), abs=1e-3)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (LBFGS(), {"maxiter": 20, "maxcor": 10, "gtol": 1e-5}),
        (LBFGS(iterations=7), {"maxiter": 7, "maxcor": 10, "gtol": 1e-5}),
        (LBFGS(memory=1), {"maxiter": 20, "maxcor": 1, "gtol": 1e-5}),
        (LBFGS(tolerance=10.0), {"maxiter": 20, "maxcor": 10, "gtol": 10.0}),
    ],
)
def test_a_segment_is_scipys_run(ours: LBFGS, theirs: dict[str, Any]) -> None:
    theta = np.array([-1.2, 1.0])
    ours.segment(theta, rosenbrock)
    assert (theta == scipys([-1.2, 1.0], rosenbrock, **theirs)).all()


@pytest.mark.parametrize("other", [LBFGS(iterations=7), LBFGS(memory=1), LBFGS(tolerance=10.0)])
def test_each_number_changes_the_run(other: LBFGS) -> None:
    ends = []
    for lbfgs in (LBFGS(), other):
        theta = np.array([-1.2, 1.0])
        lbfgs.segment(theta, rosenbrock)
        ends.append(theta)
    assert np.abs(ends[0] - ends[1]).max() > 1e-6


def test_converged_when_no_component_of_the_gradient_is_larger() -> None:
    # As by hand above: the gradient is 2 after one step, which ends it where that is small enough, and 0 after two.
    for tolerance, end in ((2.5, 2.0), (1.5, 0.0)):
        theta = np.array([3.0])
        assert LBFGS(tolerance=tolerance).segment(theta, half_square)
        assert theta[0] == pytest.approx(end, abs=1e-12)
    assert not LBFGS(iterations=1, tolerance=1.5).segment(np.array([3.0]), half_square)


def test_converged_when_no_step_lowers_the_cost_any_more() -> None:
    # A cost that rounding has made flat, whose gradient says otherwise: the line search finds no step at all.
    theta = np.array([3.0])
    assert LBFGS().segment(theta, lambda x: (1.0, np.ones(1)))
    assert theta[0] == 3


def test_float32_parameters_are_worked_on_in_float64_and_rounded_in_place() -> None:
    seen = []

    def watched(x: Any) -> tuple[float, Any]:
        seen.append(x.dtype)
        return rosenbrock(x)

    theta = np.array([-1.5, 1.0], np.float32)
    LBFGS().segment(theta, watched)
    assert set(seen) == {np.dtype(np.float64)}
    assert theta.dtype == np.float32
    assert (theta == scipys([-1.5, 1.0], rosenbrock, maxiter=20, maxcor=10, gtol=1e-5).astype(np.float32)).all()


def test_it_has_no_update_from_one_gradient() -> None:
    assert LBFGS.whole_batch_only
    with pytest.raises(NotImplementedError, match="segments"):
        LBFGS().update(np.ones(1), np.ones(1), {}, 1.0, 1)


def test_it_takes_no_learning_rate() -> None:
    with pytest.raises(OptionError, match="lbfgs takes no learning_rate: a line search finds each step's length"):
        LBFGS(learning_rate=0.1)
    with pytest.raises(OptionError, match="lbfgs takes no learning_rate"):
        optimizers.get("lbfgs", 0.1)


def test_how_often_the_cost_may_be_evaluated() -> None:
    theta = np.array([-1.2, 1.0])
    found = LBFGS(evaluations=6).minimise(theta, rosenbrock)
    assert not found.converged
    assert 6 <= found.evaluations < LBFGS().minimise(theta, rosenbrock).evaluations  # the search under way is ended
    with pytest.raises(OptionError, match="evaluations of lbfgs must be a whole number, at least 1, not 0"):
        LBFGS(evaluations=0)


def test_the_costs_after_each_iteration_and_the_fall_that_ends_it() -> None:
    theta = np.array([-1.2, 1.0])
    found = LBFGS().minimise(theta, rosenbrock)
    assert (theta == [-1.2, 1.0]).all()
    assert len(found.costs) == 20
    assert found.cost == found.costs[-1] == rosenbrock(found.theta)[0]
    sooner = LBFGS(fall=1e-2).minimise(theta, rosenbrock)
    assert sooner.converged
    falls = -np.diff([rosenbrock(theta)[0], *sooner.costs]) / np.maximum(np.abs(sooner.costs), 1)
    assert falls[-1] <= 1e-2 < falls[:-1].min()
