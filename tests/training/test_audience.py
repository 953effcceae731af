"""Who listens is handed what was recorded: also the step in which a training diverged."""

from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.training import loop


class Watch(bl.Callback):
    """Wants these steps; keeps whatever it is handed."""

    def __init__(self, *wanted: int) -> None:
        self.wanted, self.steps, self.last = wanted, [], []

    def wants(self, step: int) -> bool:
        return step in self.wanted

    def on_step(self, run: bl.Run, record: Any) -> None:
        assert not self.last
        self.steps.append(record.step)

    def on_divergence(self, run: bl.Run, record: Any) -> None:
        self.last.append(record)


def runaway(*callbacks: bl.Callback, **options: Any) -> bl.DivergenceError:
    X = np.random.default_rng(0).normal(size=(40, 3))
    net = bl.Network([3, 4, 1], activation="identity", seed=0, dtype="float64")
    plain = {"optimizer": "sgd", "learning_rate": 40.0, "batch_size": 4, "epochs": 20, "progress": False}
    with pytest.raises(bl.DivergenceError) as caught:
        bl.train(net, X, X[:, 0], callbacks=list(callbacks), **{**plain, **options})
    return caught.value


@pytest.mark.parametrize("steps_a_run", [1, 7, 64])
def test_observers_get_the_steps_before_it_and_the_one_it_happened_in(
    steps_a_run: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop.Pace, "__init__", lambda self: setattr(self, "steps", steps_a_run))
    monkeypatch.setattr(loop.Pace, "took", lambda self, steps, seconds: None)
    where = runaway().where
    at = where["step"]
    assert at >= 2
    watching, idle = Watch(0, at - 1, at, at + 1), Watch()
    assert runaway(watching, idle).where == where
    assert watching.steps == [0, at - 1]
    assert idle.steps == []
    for watch in (watching, idle):
        (record,) = watch.last
        assert record.step == at
        assert np.isfinite(record.parameters).all()
        assert record.learning_rate == where["learning_rate"]
        if where["quantity"] == "z":
            row = record.rows.tolist().index(where["row"])
            assert record.backward.forward.z[where["layer"]][row, where["neuron"]] == pytest.approx(
                where["value"], nan_ok=True
            )


def test_an_observer_that_fails_then_does_not_hide_the_divergence() -> None:
    class Breaks(bl.Callback):
        def on_divergence(self, run: bl.Run, record: Any) -> None:
            raise ZeroDivisionError("of its own")

    error = runaway(Breaks())
    assert "training diverged in epoch" in str(error)
    assert any("on_divergence of a callback failed too: ZeroDivisionError('of its own')" in n for n in error.__notes__)


def test_an_optimizer_without_steps_to_record_has_none_to_hand_out() -> None:
    watch = Watch()
    X = np.full((6, 2), 1e200)
    net = bl.Network([2, 1], seed=0, dtype="float64")
    with pytest.raises(bl.DivergenceError):
        bl.train(net, X, np.arange(6.0), optimizer="lbfgs", epochs=3, callbacks=[watch], progress=False)
    assert watch.last == []
