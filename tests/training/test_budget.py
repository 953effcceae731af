"""A training within a number of seconds, by a clock that the tests wind themselves."""

from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.errors import OptionError
from backlit.optimizers import Plan, schedules
from backlit.training import budget, loop
from backlit.training.budget import Budget, seconds_of

RNG = np.random.default_rng(3)
X = RNG.normal(size=(40, 3)).astype("f4")
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
PER_EPOCH = 8  # 40 rows in batches of 5


# --- the plan


def test_what_fits_into_the_seconds_that_are_left() -> None:
    """0.1 s a step and 2 s an epoch's end, 10 steps an epoch: 0.3 s a step, and one end more: (30 - 5 - 2)/0.3."""
    found = Budget(Plan(10, 50), seconds=30.0)
    found.took(steps=10, seconds=1.0)
    found.validated(2.0)
    found.fit(step=10, elapsed=5.0)
    assert found.plan == Plan(10, 9, 10 + 76)
    assert (found.plan.steps, found.cut_short) == (86, True)


def test_a_budget_never_lengthens() -> None:
    found = Budget(Plan(10, 5), seconds=1e6)
    found.took(1, 0.001)
    found.fit(1, 0.001)
    assert (found.plan.steps, found.plan.epochs, found.cut_short) == (50, 5, False)


def test_without_seconds_the_plan_is_what_was_asked_for() -> None:
    found = Budget(Plan(10, 5), None)
    found.took(1, 1e9)
    found.fit(1, 1e9)
    assert found.plan is found.asked_for


def test_a_machine_that_slows_down_shortens_the_plan() -> None:
    found = Budget(Plan(100, 100), seconds=10.0)
    found.took(10, 0.1)
    found.fit(10, 0.1)
    first = found.plan.steps
    found.took(10, 0.5)  # five times as slow: 0.01 + 0.3 (0.05 - 0.01) a step
    found.fit(20, 0.6)
    assert first == 1000
    assert found.plan.steps == 20 + int(9.4 / 0.022)


def test_when_the_time_is_up_the_plan_ends_where_the_training_is() -> None:
    found = Budget(Plan(10, 5), seconds=1.0)
    found.took(7, 2.0)
    found.fit(7, 2.0)
    assert (found.plan.steps, found.plan.epochs) == (7, 1)


@pytest.mark.parametrize(
    ("time", "seconds"),
    [("30s", 30), ("30", 30), (" 5 m ", 300), ("1.5min", 90), ("1H", 3600), (".5s", 0.5), (np.float32(2), 2), (7, 7)],
)
def test_seconds_in_words(time: Any, seconds: float) -> None:
    assert seconds_of(time) == seconds


@pytest.mark.parametrize(
    "time", ["", "s", "30 days", "-1s", 0, -1, True, float("nan"), float("inf"), "0s", [30], "1e9"]
)
def test_what_is_no_time_is_refused(time: Any) -> None:
    with pytest.raises(OptionError, match="time must be a number of seconds above 0, or as 30s, 5m or 1h, not"):
        seconds_of(time)


# --- a training under a clock of our own: each run of steps takes STEP seconds a step, each epoch's end nothing

STEP = 0.25


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes with the steps alone: two of them a run."""
    now = [100.0]

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return now[0]

    run_steps = loop.Training._run_steps

    def slow(self: Any, until: int) -> Any:
        session_run = self.session.run

        def run(until: int, *rest: Any) -> Any:
            now[0] += STEP * (until - self.session.step)
            return session_run(until, *rest)

        monkeypatch.setattr(self.session, "run", run, raising=False)
        found = run_steps(self, until)
        monkeypatch.setattr(self.session, "run", session_run)
        return found

    monkeypatch.setattr(loop.Training, "_run_steps", slow)
    monkeypatch.setattr(loop, "time", Clock)
    monkeypatch.setattr(loop.Pace, "__init__", lambda self: setattr(self, "steps", 2))
    monkeypatch.setattr(loop.Pace, "took", lambda self, steps, seconds: None)


def network() -> bl.Network:
    return bl.Network([3, 6, 2], activation="tanh", output="softmax", seed=4)


def train(net: bl.Network, **options: Any) -> bl.Run:
    plain = {"batch_size": 5, "epochs": 50, "engine": "reference", "progress": False, "schedule": "one-cycle"}
    return bl.train(net, X, Y, **{**plain, **options})


@pytest.mark.usefixtures("clock")
def test_it_ends_within_the_time_in_the_middle_of_an_epoch() -> None:
    """5 s at 0.25 s a step are 20 steps: two epochs of 8 and half a third."""
    run = train(network(), time="5s", validation=(X, Y), early_stopping=bl.EarlyStopping(None))
    assert run.stopped == budget.TIME_UP
    assert run.history["steps"] == [8, 16, 20]
    assert run.seconds == 5.0
    assert (run.steps, run.epochs, run.step) == (20, 3, 20)
    assert run.history[-1].validation_cost is not None
    assert run.options["time"] == 5.0


@pytest.mark.usefixtures("clock")
def test_the_schedule_ends_with_the_time() -> None:
    """From the second look on the steps are known to be 20, and the rates are those of a training of 20 steps."""
    rates: list[float] = []

    class Watch(bl.Callback):
        def wants(self, step: int) -> bool:
            return True

        def on_step(self, run: bl.Run, record: Any) -> None:
            rates.append(record.learning_rate)

    train(network(), time=5, callbacks=[Watch()])
    expected = schedules.get("one-cycle").factors(2, 20, Plan(20, 1)) * 0.001
    assert rates[2:] == pytest.approx(expected.tolist(), rel=1e-12)
    assert rates[-1] == pytest.approx(0.001 / 250_000)


@pytest.mark.usefixtures("clock")
def test_a_cost_of_part_of_an_epoch_is_the_mean_of_its_rows() -> None:
    """With a rate of nearly nothing θ stays: the third epoch's cost is that of the 20 rows it saw."""
    net = network()
    run = train(net, time=5, optimizer="sgd", learning_rate=1e-30)
    from backlit.randomness import order_of_rows

    seen = order_of_rows(0, 2, 40)[:20]
    a = network().predict(X[seen])
    assert run.history[2].cost == pytest.approx(-np.log(a[np.arange(20), Y[seen]]).mean(), rel=1e-6)


@pytest.mark.usefixtures("clock")
def test_time_enough_changes_no_bit() -> None:
    with_time, without = network(), network()
    assert train(with_time, time="1h", epochs=3).stopped == "all epochs done"
    train(without, epochs=3)
    np.testing.assert_array_equal(with_time.parameters, without.parameters)


@pytest.mark.usefixtures("clock")
def test_at_least_a_run_of_steps_is_made() -> None:
    run = train(network(), time=1e-6)
    assert (run.history["steps"], run.stopped) == ([2], budget.TIME_UP)


@pytest.mark.usefixtures("clock")
def test_a_divergence_is_found_again_though_the_rates_came_from_a_clock() -> None:
    with pytest.raises(bl.DivergenceError) as caught:
        train(network(), time=3, optimizer="sgd", learning_rate=1e30, validation=(X, Y))
    assert caught.value.where["step"] is not None


# --- checkpoints


class KilledError(Exception):
    pass


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("after", [6, 11])
def test_a_training_that_is_killed_goes_on_with_the_time_that_is_left(after: int, tmp_path: Any) -> None:
    where = bl.Checkpoint(tmp_path / "c", every_seconds=None, every_steps=2)

    class Die(bl.Callback):
        def on_progress(self, run: bl.Run) -> None:
            if run.step > after:
                raise KilledError

    with pytest.raises(KilledError):
        train(network(), time=5, checkpoint=where, callbacks=[Die()])
    run = train(network(), time=5, checkpoint=where, resume=True)
    assert run.resumed_from_step == after // 2 * 2
    assert (run.history["steps"], run.stopped, run.seconds) == ([8, 16, 20], budget.TIME_UP, 5.0)


@pytest.mark.usefixtures("clock")
def test_when_the_time_was_up_nothing_is_left_to_resume(tmp_path: Any) -> None:
    where, ended, again = bl.Checkpoint(tmp_path / "c"), network(), network()
    options = {"time": 5, "checkpoint": where, "validation": (X, Y), "early_stopping": bl.EarlyStopping(None)}
    first = train(ended, **options)
    second = train(again, resume=True, **options)
    assert (second.stopped, second.history["cost"]) == (budget.TIME_UP, first.history["cost"])
    np.testing.assert_array_equal(again.parameters, ended.parameters)


@pytest.mark.usefixtures("clock")
def test_another_time_is_another_training(tmp_path: Any) -> None:
    where = bl.Checkpoint(tmp_path / "c")
    train(network(), time=5, checkpoint=where)
    with pytest.raises(bl.CheckpointError, match=r"time was 5\.0 there and is 6\.0 here"):
        train(network(), time=6, checkpoint=where, resume=True)
