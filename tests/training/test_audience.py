"""Who listens is handed what was recorded: also the step in which a training diverged."""

from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.training import loop


class Watch(bl.Callback):
    """Wants these steps, and keeps whatever it is handed."""

    def __init__(self, *wanted: int) -> None:
        self.wanted, self.records = wanted, []

    def wants(self, step: int) -> bool:
        return step in self.wanted

    def on_step(self, run: bl.Run, record: Any) -> None:
        self.records.append(record)


def runaway(*callbacks: bl.Callback) -> bl.DivergenceError:
    X = np.random.default_rng(0).normal(size=(40, 3))
    net = bl.Network([3, 4, 1], activation="identity", seed=0, dtype="float64")
    plain = {"optimizer": "sgd", "learning_rate": 40.0, "batch_size": 4, "epochs": 20, "progress": False}
    with pytest.raises(bl.DivergenceError) as caught:
        bl.train(net, X, X[:, 0], callbacks=list(callbacks), **plain)
    return caught.value


@pytest.mark.parametrize("steps_a_run", [1, 7, 64])
def test_of_steps_that_diverge_those_wanted_are_handed_out_up_to_the_one_it_happened_in(
    steps_a_run: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop.Pace, "__init__", lambda self: setattr(self, "steps", steps_a_run))
    monkeypatch.setattr(loop.Pace, "took", lambda self, steps, seconds: None)
    at = runaway().where["step"]
    assert at >= 2
    watch, idle = Watch(0, at - 1, at, at + 1), Watch()
    error = runaway(watch, idle)
    assert error.where["step"] == at
    assert [record.step for record in watch.records] == [0, at - 1, at]
    assert idle.records == []
    last = watch.records[-1]
    assert np.isfinite(last.parameters).all()
    np.testing.assert_array_equal(last.parameters, error.record.parameters)
    np.testing.assert_array_equal(last.update, error.record.update)


def test_an_observer_that_fails_then_does_not_hide_the_divergence(monkeypatch: pytest.MonkeyPatch) -> None:
    class Breaks(Watch):
        def on_step(self, run: bl.Run, record: Any) -> None:
            if record.step == at:
                raise ZeroDivisionError("of its own")

    at = runaway().where["step"]
    monkeypatch.setattr(loop.Pace, "__init__", lambda self: setattr(self, "steps", 40))
    error = runaway(Breaks(at))
    assert "training diverged in epoch" in str(error)
    assert any("on_step of a callback failed too: ZeroDivisionError('of its own')" in n for n in error.__notes__)
