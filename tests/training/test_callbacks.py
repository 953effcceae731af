"""The hooks: which are called, in which order, how often, and with what."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.training import audience, loop, progress

RNG = np.random.default_rng(2)
X, Y = RNG.normal(size=(10, 2)), np.arange(10) % 2


class Diary(bl.Callback):
    """Writes down every hook with the epoch and step it was called at; wants the steps it was told to."""

    def __init__(self, wanted: tuple[int, ...] = (), name: str = "") -> None:
        self.entries: list[tuple[str, int, int]] = []
        self.wanted, self.name = wanted, name
        self.asked: list[int] = []
        self.records: list[Any] = []

    def note(self, hook: str, run: bl.Run) -> None:
        self.entries.append((self.name + hook, run.epoch, run.step))

    def on_train_begin(self, run: bl.Run) -> None:
        self.note("train begin", run)

    def on_epoch_begin(self, run: bl.Run) -> None:
        assert len(run.history) == run.epoch - 1
        self.note("epoch begin", run)

    def wants(self, step: int) -> bool:
        self.asked.append(step)
        return step in self.wanted

    def on_step(self, run: bl.Run, record: Any) -> None:
        self.records.append(record)
        self.note(f"step {record.step}", run)

    def on_epoch_end(self, run: bl.Run) -> None:
        assert run.history[-1].epoch == run.epoch
        self.note("epoch end", run)

    def on_train_end(self, run: bl.Run) -> None:
        self.note("train end", run)


def train(*callbacks: bl.Callback, **options: Any) -> tuple[bl.Network, bl.Run]:
    net = bl.Network([2, 3, 2], output="softmax", seed=1, dtype="float64")
    plain = {"batch_size": 4, "epochs": 2, "progress": False}
    return net, bl.train(net, X, Y, callbacks=list(callbacks), **{**plain, **options})


def one_step_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop.Pace, "took", lambda self, steps, seconds: None)
    monkeypatch.setattr(loop.Pace, "__init__", lambda self: setattr(self, "steps", 1))


def test_order_and_count_of_the_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    one_step_a_run(monkeypatch)
    diary = Diary(wanted=(0, 4, 5))
    train(diary)
    assert diary.entries == [
        ("train begin", 1, 0),
        ("epoch begin", 1, 0), ("step 0", 1, 1), ("epoch end", 1, 3),
        ("epoch begin", 2, 3), ("step 4", 2, 5), ("step 5", 2, 6), ("epoch end", 2, 6),
        ("train end", 2, 6),
    ]  # fmt: skip


def test_several_callbacks_are_called_in_the_order_given() -> None:
    entries: list[Any] = []
    first, second = Diary(name="1 "), Diary(name="2 ")
    first.entries = second.entries = entries
    train(first, second, epochs=1)
    assert [hook for hook, _, _ in entries] == [
        f"{who} {hook}" for hook in ("train begin", "epoch begin", "epoch end", "train end") for who in (1, 2)
    ]


def test_every_step_is_asked_about_once_and_before_it_runs() -> None:
    class Asks(Diary):
        def wants(self, step: int) -> bool:
            assert step >= self.run.step
            return super().wants(step)

        def on_train_begin(self, run: bl.Run) -> None:
            self.run = run

    asks = Asks(wanted=(1, 3))
    train(asks, epochs=3)
    assert asks.asked == list(range(9))


def test_what_a_callback_wants_it_gets_and_no_other_does() -> None:
    """A ``wants`` may remember what it was asked: every second call, here."""

    class EverySecond(Diary):
        def wants(self, step: int) -> bool:
            self.asked.append(step)
            return len(self.asked) % 2 == 0

    every_second, one, none = EverySecond(), Diary(wanted=(3,)), Diary()
    train(every_second, one, none)
    assert [record.step for record in every_second.records] == [1, 3, 5]
    assert [record.step for record in one.records] == [3]
    assert not none.records


def test_a_record_shows_the_step_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its content against the equations is the engine's own test; here, that the steps follow from one another."""
    diary = Diary(wanted=tuple(range(6)))
    net, run = train(diary, optimizer=bl.optimizers.SGD(0.5), l2=0.1)
    records = diary.records
    start = bl.Network([2, 3, 2], output="softmax", seed=1, dtype="float64").parameters
    np.testing.assert_array_equal(records[0].parameters, start)
    for before, after in pairwise(records):
        np.testing.assert_allclose(before.parameters + before.update, after.parameters, rtol=1e-14, atol=1e-16)
    np.testing.assert_allclose(records[-1].parameters + records[-1].update, net.parameters, rtol=1e-14)
    for record in records:
        # the update is a difference of numbers of the size of θ
        np.testing.assert_allclose(record.update, -0.5 * record.backward.gradients.vector, rtol=1e-10, atol=1e-15)
    for epoch in range(2):
        taken = np.concatenate([record.rows for record in records[3 * epoch : 3 * epoch + 3]])
        assert sorted(taken) == list(range(10))
    costs = [record.backward.row_costs.sum() for record in records]
    assert run.history["cost"] == pytest.approx([sum(costs[:3]) / 10, sum(costs[3:]) / 10], rel=1e-14)


def test_records_are_handed_over_in_runs_of_bounded_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training that makes a million steps between two looks must not keep a million records."""
    monkeypatch.setattr(audience, "MOST_RECORDED", 5)
    monkeypatch.setattr(loop.Pace, "__init__", lambda self: setattr(self, "steps", 1000))

    class Together(Diary):
        def on_step(self, run: bl.Run, record: Any) -> None:
            super().on_step(run, record)
            assert run.step - 5 <= record.step < run.step

    together = Together(wanted=tuple(range(40)))
    train(together, batch_size=1, epochs=4)
    assert [record.step for record in together.records] == list(range(40))


def test_progress_is_told_of_and_moves_on(monkeypatch: pytest.MonkeyPatch) -> None:
    one_step_a_run(monkeypatch)

    class Progress(bl.Callback):
        def __init__(self) -> None:
            self.steps: list[int] = []
            self.costs: list[float] = []

        def on_progress(self, run: bl.Run) -> None:
            self.steps.append(run.step)
            self.costs.append(run.cost)
            assert run.seconds >= 0

    told, diary = Progress(), Diary(wanted=tuple(range(6)))
    train(told, diary)
    assert told.steps == [1, 2, 3, 4, 5, 6]
    sums = np.array([record.backward.row_costs.sum() for record in diary.records]).reshape(2, 3).cumsum(axis=1)
    np.testing.assert_allclose(told.costs, (sums / [4, 8, 10]).ravel(), rtol=1e-12)


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_begin", "on_progress", "on_epoch_end"])
def test_stop_ends_the_training_at_the_end_of_the_epoch(hook: str) -> None:
    class Stop(bl.Callback):
        pass

    setattr(
        Stop, hook, lambda self, run: run.stop("seen enough") if run.epoch == 2 or hook == "on_train_begin" else None
    )
    net, run = train(Stop(), epochs=9)
    expected = 1 if hook == "on_train_begin" else 2
    assert run.stopped == "seen enough"
    assert len(run.history) == expected
    np.testing.assert_array_equal(net.parameters, train(epochs=expected)[0].parameters)


def test_a_stop_without_a_reason_stops_too() -> None:
    class Stop(bl.Callback):
        def on_epoch_end(self, run: bl.Run) -> None:
            run.stop("")

    run = train(Stop(), epochs=5)[1]
    assert len(run.history) == 1
    assert run.stopped == "stopped by a callback"


HOOKS = ["on_train_begin", "on_epoch_begin", "on_step", "on_progress", "on_epoch_end"]


@pytest.mark.parametrize("hook", HOOKS)
def test_a_callback_that_raises_leaves_the_network_at_its_last_completed_epoch(hook: str) -> None:
    class OopsError(Exception):
        pass

    class Breaks(bl.Callback):
        def wants(self, step: int) -> bool:
            return hook == "on_step"

    def break_in_epoch_2(self: bl.Callback, run: bl.Run, *record: Any) -> None:
        self.run = run
        if run.epoch == 2 or hook == "on_train_begin":
            raise OopsError("as it happens")

    setattr(Breaks, hook, break_in_epoch_2)
    breaks, diary = Breaks(), Diary()
    net = bl.Network([2, 3, 2], output="softmax", seed=1, dtype="float64")
    with pytest.raises(OopsError, match="as it happens") as caught:
        bl.train(net, X, Y, callbacks=[breaks, diary], batch_size=4, epochs=5, progress=False)
    done = {"on_train_begin": 0, "on_epoch_end": 2}.get(hook, 1)
    where = f"after epoch {done}" if done else "before the training"
    assert caught.value.__notes__ == [f"the network is as it was {where}"]
    assert type(caught.value) is OopsError
    expected = train(epochs=done)[0] if done else bl.Network([2, 3, 2], output="softmax", seed=1, dtype="float64")
    np.testing.assert_array_equal(net.parameters, expected.parameters)
    assert breaks.run.stopped == "failed: as it happens"
    assert len(breaks.run.history) == done
    assert diary.entries[-1][0] == "train end"


@pytest.mark.parametrize("fails", [False, True])
def test_every_callback_hears_of_the_end_even_after_one_that_fails_there(
    fails: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The progress bar, which comes last, must give the terminal back."""
    bars = [Diary()]
    monkeypatch.setattr(progress, "bar", lambda always: bars)

    class Breaks(bl.Callback):
        def on_epoch_end(self, run: bl.Run) -> None:
            if fails:
                raise RuntimeError("in the middle")

        def on_train_end(self, run: bl.Run) -> None:
            raise ValueError("at the end")

    kind, why = (RuntimeError, "in the middle") if fails else (ValueError, "at the end")
    with pytest.raises(kind, match=why):
        train(Breaks(), epochs=1, progress=None)
    assert bars[0].entries[-1][0] == "train end"


def test_the_base_class_wants_nothing_and_does_nothing() -> None:
    net, _ = train(bl.Callback())
    assert not bl.Callback().wants(0)
    np.testing.assert_array_equal(net.parameters, train()[0].parameters)


def test_a_callback_that_fails_at_the_end_too_does_not_hide_why() -> None:
    class Fails(bl.Callback):
        def on_epoch_begin(self, run: bl.Run) -> None:
            raise ValueError("the cause")

        def on_train_end(self, run: bl.Run) -> None:
            raise ZeroDivisionError

    with pytest.raises(ValueError, match="the cause") as caught:
        bl.train(bl.Network([2, 1]), [[0.0, 1.0], [1.0, 0.0]], [0.0, 1.0], callbacks=[Fails()], progress=False)
    assert "ZeroDivisionError" in caught.value.__notes__[-1]


def test_a_wants_of_one_callback_alone_is_asked() -> None:
    class Counts(bl.Callback):
        seen = 0

        def on_step(self, run: bl.Run, record: object) -> None:
            self.seen += 1

    counts = Counts()
    counts.wants = lambda step: step == 1  # type: ignore[method-assign]
    bl.train(bl.Network([2, 1]), [[0.0, 1.0], [1.0, 0.0]], [0.0, 1.0], epochs=3, callbacks=[counts], progress=False)
    assert counts.seen == 1
