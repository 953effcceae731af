"""``bl.why``: the naive ways and backpropagation on one task, measured."""

from time import perf_counter

from backlit.engines.blas import one_thread
from backlit.errors import OptionError
from backlit.optimizers.base import check_number
from backlit.randomness import check_seed
from backlit.why import growth, race, task
from backlit.why.counts import GridTime
from backlit.why.report import WhyReport
from backlit.why.searches import searches

SHARE_OF_A_SEARCH, SHARE_OF_GROWTH = 0.15, 0.2
"""Of the seconds: four searches, and the growth; the rest is spare."""

GRID_VALUES = 5
GRID_WEIGHTS = (1, 2, 3, 4, 5)
SHORTEST = 0.5


def why(
    name: str = "digits",
    *,
    seconds: float = 20.0,
    passes: int | None = None,
    values: int = 1000,
    evaluations_per_second: float = 1e9,
    seed: int = 0,
) -> WhyReport:
    """Why backpropagation: what the other ways cost, measured on one task in one table and one picture.

    One weight at a time, all combinations on a grid, gradient descent by finite differences, and by backpropagation:
    each starts at the same parameters and gets the same seconds, or the same passes. A pass is one sweep through the
    network, forward or backward, for one row.

    Args:
        name: of the task: ``digits`` (2,260 parameters, 100 rows) or ``xor`` (13 parameters, 4 rows).
        seconds: for everything together.
        passes: what each search may use, within its share of the seconds; None: as many as they last for.
        values: values a weight, of the time all combinations would take.
        evaluations_per_second: of the same.
        seed: of the first parameters.

    Raises:
        OptionError: an unknown task, or a budget too small for one evaluation of the cost.

    >>> report = why("xor", seconds=1)
    >>> [course.name for course in report.courses][-1], str(report.grid[3])
    ('backpropagation', '16.7 minutes')
    """
    check_seed(seed)
    check_number("why", "seconds", seconds, low=0, open_low=True)
    check_number("why", "evaluations_per_second", evaluations_per_second, low=0, open_low=True)
    if isinstance(values, bool) or not isinstance(values, int) or values < 1:
        raise OptionError(f"values must be a whole number above 0, not {values!r}")
    if seconds < SHORTEST:
        raise OptionError(f"{seconds:g} seconds are too few to measure anything by; give at least {SHORTEST:g}")
    began = perf_counter()
    chosen = task.get(name, seed)
    if passes is not None and (isinstance(passes, bool) or not isinstance(passes, int) or passes < chosen.rows):
        raise OptionError(
            f"passes must be at least {chosen.rows}: one evaluation of the cost of {name} takes a pass for each of its "
            f"{chosen.rows} rows; not {passes!r}"
        )
    courses = []
    with one_thread():
        for search_name, search in searches(chosen, GRID_VALUES).items():
            courses.append(race.run(chosen, search_name, search, SHARE_OF_A_SEARCH * seconds, passes))
        left = 0.85 * seconds - (perf_counter() - began)
        grown = growth.measure(max(0.05 * seconds, min(left, SHARE_OF_GROWTH * seconds)), seed)
    budget = f"{SHARE_OF_A_SEARCH * seconds:.2g} s" if passes is None else f"{passes:,} passes"
    grid = tuple(GridTime(values, n, float(evaluations_per_second)) for n in (*GRID_WEIGHTS, chosen.parameters))
    return WhyReport(chosen, tuple(courses), grown, grid, GRID_VALUES, perf_counter() - began, budget)
