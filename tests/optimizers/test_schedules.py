"""The factor of each schedule by hand, step by step, and as PyTorch's schedulers give it."""

from typing import Any

import numpy as np
import pytest

from backlit.errors import OptionError
from backlit.optimizers import Constant, Cosine, OneCycle, Plan, Plateau, ReduceOnPlateau, Schedule, Step, WarmUp
from backlit.optimizers.schedules import SCHEDULES, get

ROOT_HALF = np.sqrt(0.5)  # cos π/4


def factors(schedule: Schedule, steps: int) -> list[float]:
    """The factors of a training of one epoch."""
    return schedule.factors(0, steps, Plan(steps, 1)).tolist()


def test_a_plan_counts_steps() -> None:
    assert Plan(steps_per_epoch=7, epochs=3).steps == 21


def test_constant() -> None:
    assert factors(Constant(), 4) == [1, 1, 1, 1]


def test_step() -> None:
    # five steps an epoch, ten a drop: epochs 0 and 1, 2 and 3, 4
    plan = Plan(steps_per_epoch=5, epochs=5)
    assert Step(every=2, drop=0.5).factors(0, 25, plan).tolist() == [1] * 10 + [0.5] * 10 + [0.25] * 5
    assert Step(every=1, drop=0.1).factors(4, 11, plan) == pytest.approx([1, *[0.1] * 5, 0.01], rel=1e-15)
    assert Step().factors(0, 3, Plan(1, 30)).tolist() == [1, 1, 1]
    assert Step().factor(10, Plan(1, 30)) == 0.5


def test_cosine() -> None:
    # ½(1 + cos(π t/8)) at t = 0, 2, 4, 6, 8: 1, ½(1 + √½), ½, ½(1 - √½), 0
    plan = Plan(4, 2)
    wave = [1, (1 + ROOT_HALF) / 2, 0.5, (1 - ROOT_HALF) / 2, 0]
    assert [Cosine().factor(t, plan) for t in (0, 2, 4, 6, 8)] == pytest.approx(wave, abs=1e-15)
    # with a floor of 0.2, 0.2 + 0.8 of it
    floored = [0.2 + 0.8 * w for w in wave]
    assert [Cosine(floor=0.2).factor(t, plan) for t in (0, 2, 4, 6, 8)] == pytest.approx(floored, abs=1e-15)


def test_one_cycle() -> None:
    # Ten steps, the first five up from ¼ to 1, the last five down to 1/100, each along half a wave: a quarter of the
    # way up is ¼ + ¾ · ½(1 - √½), half of it ¼ + ¾ · ½; the way down has five steps, from step 4 to step 9.
    cycle = factors(OneCycle(rise=0.5, start_divisor=4, end_divisor=100), 10)
    assert cycle[:5] == pytest.approx(
        [0.25, 0.25 + 0.75 * (1 - ROOT_HALF) / 2, 0.625, 0.25 + 0.75 * (1 + ROOT_HALF) / 2, 1], abs=1e-15
    )
    down = [0.01 + 0.99 * (1 + np.cos(np.pi * t / 5)) / 2 for t in range(1, 6)]
    assert cycle[5:] == pytest.approx(down, abs=1e-15)
    assert cycle[9] == pytest.approx(0.01, abs=1e-15)
    # the defaults: from 1/25 to 1/250,000
    assert factors(OneCycle(), 100)[0] == pytest.approx(0.04, abs=1e-15)
    assert factors(OneCycle(), 100)[29] == pytest.approx(1, abs=1e-15)
    assert factors(OneCycle(), 100)[99] == pytest.approx(4e-6, abs=1e-15)


@pytest.mark.parametrize("steps", [1, 2, 3, 5])
def test_the_shortest_trainings_have_a_rate_too(steps: int) -> None:
    for name in SCHEDULES:
        found = factors(get(name), steps)
        assert all(0 < factor <= 1 for factor in found), (name, found)


def test_warm_up() -> None:
    # 0.3 of ten steps: ¼, ½, ¾, then what follows
    assert factors(WarmUp(fraction=0.3), 10) == [0.25, 0.5, 0.75] + [1] * 7
    assert factors(WarmUp(), 100) == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6] + [1] * 95, abs=1e-15)


def test_warm_up_then_cosine() -> None:
    # Two steps of warm-up, and the eight steps that are left are the cosine's own.
    found = factors(WarmUp(fraction=0.2, then=Cosine()), 10)
    assert found[:2] == pytest.approx([1 / 3, 2 / 3], abs=1e-15)
    assert found[2:] == factors(Cosine(), 8)


def test_warm_up_then_step_counts_epochs_from_its_end() -> None:
    schedule = WarmUp(fraction=0.2, then=Step(every=1, drop=0.5))
    # five epochs of two steps; after two steps of warm-up two of 1, two of ½, …
    found = schedule.factors(0, 10, Plan(steps_per_epoch=2, epochs=5)).tolist()
    assert found == pytest.approx([1 / 3, 2 / 3, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125], abs=1e-15)


@pytest.mark.parametrize("then", [WarmUp(), ReduceOnPlateau(), "cosine", None])
def test_what_cannot_follow_a_warm_up(then: Any) -> None:
    with pytest.raises(OptionError, match="what follows a warm-up must be a schedule that depends on the step alone"):
        WarmUp(then=then)


def hear(schedule: ReduceOnPlateau, costs: list[float]) -> list[float]:
    """The factor after each epoch."""
    heard, found = Plateau(), []
    for cost in costs:
        heard = schedule.hear(heard, cost)
        found.append(heard.factor)
    return found


def test_reduce_on_plateau() -> None:
    schedule = ReduceOnPlateau(patience=2, drop=0.5, floor=0.2)
    # 3 is the best; 3 and 4 are two epochs without a fall: ½; 2 is the best; 2.5 and 2 are two: ¼; then ⅛, held at 0.2
    assert hear(schedule, [3, 3, 4, 2, 2.5, 2, 2, 2]) == [1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.2]
    assert hear(ReduceOnPlateau(patience=1, drop=0.1), [1, 1, 1]) == pytest.approx([1, 0.1, 0.01], rel=1e-15)
    assert schedule.factor(7, Plan(10, 1)) == 1.0  # what it heard is multiplied in by the training


def test_a_fall_is_one_by_more_than_the_threshold() -> None:
    # With a threshold of 0.1, 0.91 is no fall from 1 and 0.89 is.
    assert hear(ReduceOnPlateau(patience=1, threshold=0.1), [1, 0.91]) == [1, 0.5]
    assert hear(ReduceOnPlateau(patience=1, threshold=0.1), [1, 0.89]) == [1, 1]
    assert hear(ReduceOnPlateau(patience=1, threshold=0.0), [1, 0.999999]) == [1, 1]


def test_a_cost_that_is_no_number_is_no_fall() -> None:
    assert hear(ReduceOnPlateau(patience=1), [1, np.nan, 0.5]) == [1, 0.5, 0.5]


def test_what_was_heard_is_a_state_of_its_own() -> None:
    heard = Plateau()
    assert ReduceOnPlateau().hear(heard, 1.0) == Plateau(1.0, 1.0, 0)
    assert heard == Plateau(1.0, float("inf"), 0)


# PyTorch


def torch_rates(make: Any, steps: int) -> list[float]:
    """The learning rate before each step, of an optimizer whose own is 1."""
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = make(torch.optim.lr_scheduler, optimizer)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


# PyTorch works most rates out from the ones before, and rounds at each step.
AS_TORCH = {"rel": 1e-11, "abs": 1e-13}


@pytest.mark.parametrize("floor", [0.0, 0.1])
def test_cosine_is_pytorchs(floor: float) -> None:
    theirs = torch_rates(lambda s, o: s.CosineAnnealingLR(o, T_max=40, eta_min=floor), 40)
    assert factors(Cosine(floor=floor), 40) == pytest.approx(theirs, **AS_TORCH)


@pytest.mark.parametrize(("rise", "start", "end"), [(0.3, 25, 250_000), (0.5, 4, 100), (0.15, 10, 1e4)])
@pytest.mark.parametrize("steps", [40, 101])
def test_one_cycle_is_pytorchs(steps: int, rise: float, start: float, end: float) -> None:
    options = {"pct_start": rise, "div_factor": start, "final_div_factor": end / start, "cycle_momentum": False}
    theirs = torch_rates(lambda s, o: s.OneCycleLR(o, 1.0, total_steps=steps, **options), steps - 1)
    theirs.append(1 / end)  # asked for one step more than its last, PyTorch's raises
    assert factors(OneCycle(rise, start, end), steps) == pytest.approx(theirs, **AS_TORCH)


@pytest.mark.parametrize(("every", "drop"), [(3, 0.5), (1, 0.9)])
def test_step_is_pytorchs(every: int, drop: float) -> None:
    theirs = torch_rates(lambda s, o: s.StepLR(o, step_size=every, gamma=drop), 12)
    ours = [Step(every, drop).factor(4 * epoch, Plan(4, 12)) for epoch in range(12)]
    assert ours == pytest.approx(theirs, **AS_TORCH)


def test_warm_up_is_pytorchs() -> None:
    theirs = torch_rates(lambda s, o: s.LinearLR(o, start_factor=1 / 9, total_iters=8), 40)
    assert factors(WarmUp(fraction=0.2), 40) == pytest.approx(theirs, **AS_TORCH)


@pytest.mark.parametrize("schedule", [
    ReduceOnPlateau(), ReduceOnPlateau(patience=1, drop=0.9), ReduceOnPlateau(3, 0.5, floor=0.1, threshold=0.05),
])  # fmt: skip
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_reduce_on_plateau_is_pytorchs(schedule: ReduceOnPlateau, seed: int) -> None:
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=schedule.drop, patience=schedule.patience - 1, threshold=schedule.threshold,
        min_lr=schedule.floor, eps=0,
    )  # fmt: skip
    costs = np.exp(-np.linspace(0, 2, 60)) + np.random.default_rng(seed).normal(0, 0.1, 60)
    their_factors = []
    for cost in costs:
        theirs.step(cost)
        their_factors.append(optimizer.param_groups[0]["lr"])
    assert min(their_factors) < 1
    assert hear(schedule, costs.tolist()) == pytest.approx(their_factors, rel=1e-12)


# Names and numbers


def test_which_schedules_need_to_know_the_end() -> None:
    needs = {name for name, schedule in SCHEDULES.items() if schedule.needs_the_end}
    assert needs == {"cosine", "one-cycle", "warm-up"}
    for name in set(SCHEDULES) - needs:  # more epochs leave the first ones as they were
        short, long = Plan(4, 5), Plan(4, 50)
        assert get(name).factors(0, 20, short).tolist() == get(name).factors(0, 20, long).tolist()
    for name in needs:
        assert get(name).factors(0, 20, Plan(4, 5)).tolist() != get(name).factors(0, 20, Plan(4, 50)).tolist()


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_by_name(name: str) -> None:
    schedule = get(name)
    assert schedule == SCHEDULES[name]()
    assert schedule.describe()["name"] == schedule.name == name
    assert get(schedule) is schedule


def test_describing_a_warm_up_says_what_follows() -> None:
    assert WarmUp(0.1, Cosine(0.2)).describe() == {
        "name": "warm-up", "fraction": 0.1, "then": {"name": "cosine", "floor": 0.2},
    }  # fmt: skip


@pytest.mark.parametrize(("given", "message"), [
    ("cosin", "schedule 'cosin' is not known; did you mean 'cosine'"),
    ([], "is not known"),
    (None, "schedule 'None' is not known"),
])  # fmt: skip
def test_an_unknown_schedule_is_refused(given: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        get(given)


@pytest.mark.parametrize(
    ("schedule", "option", "value"),
    [
        *((Step, "every", value) for value in (0, -1, "2")),
        *((Step, "drop", value) for value in (0, -0.5, np.nan)),
        *((Cosine, "floor", value) for value in (-0.1, 1, np.nan)),
        *((OneCycle, "rise", value) for value in (0, 1, -0.1)),
        *((OneCycle, divisor, value) for divisor in ("start_divisor", "end_divisor") for value in (0.5, 0, np.inf)),
        *((WarmUp, "fraction", value) for value in (0, 1, np.nan, None)),
        *((ReduceOnPlateau, "patience", value) for value in (0, 1.5, "5")),
        *((ReduceOnPlateau, "drop", value) for value in (0, 1)),
        *((ReduceOnPlateau, "floor", value) for value in (-0.1, 1)),
        *((ReduceOnPlateau, "threshold", value) for value in (-1e-4, 1)),
    ],
)
def test_a_bad_number_is_named(schedule: type[Schedule], option: str, value: Any) -> None:
    with pytest.raises(
        OptionError, match=f"^{option} of {schedule.name} schedule must be a (whole )?number[, ]"
    ) as caught:
        schedule(**{option: value})
    assert str(caught.value).endswith(f"not {value!r}")
