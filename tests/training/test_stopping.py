"""Early stopping: patience counted, min_delta, what is watched, and the best epoch put back."""

from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.engines import Score
from backlit.engines.reference import ReferenceEngine
from backlit.errors import OptionError
from backlit.training import stopping
from backlit.training.history import EpochRecord
from backlit.training.stopping import Best, EarlyStopping

X, Y = np.random.default_rng(0).normal(size=(12, 2)), np.arange(12) % 2


class Scripted(ReferenceEngine):
    """An engine whose validation says what the test wants it to."""

    def __init__(self, costs: list[float], accuracies: list[float] | None = None) -> None:
        self.script = iter(zip(costs, accuracies or [0.5] * len(costs), strict=True))

    def evaluate(self, *args: Any) -> Score:
        cost, accuracy = next(self.script)
        return Score(cost, accuracy, None)


class Keep(bl.Callback):
    """Every epoch's parameters."""

    def __init__(self) -> None:
        self.kept: list[np.ndarray] = []

    def on_epoch_end(self, run: bl.Run) -> None:
        self.kept.append(run.network.parameters.copy())


def train(rule: Any, costs: list[float], accuracies: list[float] | None = None) -> tuple[bl.Network, bl.Run, Keep]:
    net, keep = bl.Network([2, 2], output="softmax", seed=0), Keep()
    run = bl.train(
        net, X, Y, validation=(X, Y), early_stopping=rule, epochs=len(costs), engine=Scripted(costs, accuracies),
        callbacks=[keep], progress=False,
    )  # fmt: skip
    return net, run, keep


@pytest.mark.parametrize(
    ("rule", "costs", "epochs", "best"),
    [
        (2, [5, 4, 3, 3.5, 3.2, 1, 0], 5, 3),  # two epochs without a new best, and the better ones are never seen
        (1, [5, 4, 4.1, 1], 3, 2),
        (2, [5, 6, 4, 6, 3, 6, 6, 1], 7, 5),  # a new best starts the count anew
        (3, [2, 2, 2, 2, 1], 4, 1),  # a tie is not better
        (EarlyStopping(patience=2, min_delta=0.5), [5, 4.6, 4.5, 4.4], 3, 1),  # better by 0.5, not by more
        (EarlyStopping(patience=2, min_delta=0.5), [5, 4.6, 4.49, 4.3, 4.2, 1], 5, 3),
        (EarlyStopping(patience=None), [5, 1, 2, 3, 4, 6], 6, 2),  # never ends early, keeps the best
        (True, [1] + [2] * 15, 11, 1),  # ten epochs of patience
        (3, [np.nan, 5, np.nan, 4, np.nan, np.nan, 3], 7, 7),  # what is not a number is never the best
        (2, [np.inf, np.inf, np.inf, 1], 3, 1),
    ],
)
def test_patience(rule: Any, costs: list[float], epochs: int, best: int) -> None:
    net, run, keep = train(rule, costs)
    assert len(run.history) == epochs
    assert run.best_epoch == best
    np.testing.assert_array_equal(net.parameters, keep.kept[best - 1])
    if best != epochs:
        assert not np.array_equal(net.parameters, keep.kept[-1])
    patience = 10 if rule is True else rule if isinstance(rule, int) else rule.patience
    early = f"early stopping: no better validation_cost in {patience} epochs"
    assert run.stopped == (early if epochs < len(costs) else "all epochs done")


def test_without_it_the_last_epoch_stays() -> None:
    net, run, keep = train(None, [1, 2, 3])
    np.testing.assert_array_equal(net.parameters, keep.kept[-1])
    assert run.best_epoch is None
    assert train(False, [1, 2, 3])[1].best_epoch is None


def test_an_accuracy_is_better_when_higher() -> None:
    rule = EarlyStopping(patience=2, monitor="validation_accuracy")
    _, run, _ = train(rule, [1, 2, 3, 4, 5, 6], [0.5, 0.7, 0.7, 0.6, 0.9, 0.9])
    assert run.best_epoch == 2
    assert run.stopped == "early stopping: no better validation_accuracy in 2 epochs"


@pytest.mark.parametrize("monitor", ["cost", "accuracy", "validation_r2"])
def test_what_else_can_be_watched(monitor: str) -> None:
    numbers = monitor == "validation_r2"
    net = bl.Network([2, 1] if numbers else [2, 2], output="identity" if numbers else "softmax", seed=0)
    validation = (X, X[:, 0]) if numbers else None
    rule = EarlyStopping(patience=None, monitor=monitor)
    run = bl.train(
        net, X, X[:, 0] if numbers else Y, early_stopping=rule, validation=validation, epochs=8, progress=False
    )
    column = run.history[monitor]
    best = np.argmin(column) if monitor == "cost" else np.argmax(column)
    assert run.best_epoch == best + 1


def test_a_run_stopped_by_a_callback_gets_its_best_epoch_too() -> None:
    class Stop(bl.Callback):
        def on_epoch_end(self, run: bl.Run) -> None:
            if len(run.history) == 3:
                run.stop("enough")

    net, keep = bl.Network([2, 2], output="softmax", seed=0), Keep()
    run = bl.train(
        net, X, Y, validation=(X, Y), early_stopping=9, epochs=9, engine=Scripted([1, 2, 3]), callbacks=[keep, Stop()],
        progress=False,
    )  # fmt: skip
    assert (run.stopped, run.best_epoch) == ("enough", 1)
    np.testing.assert_array_equal(net.parameters, keep.kept[0])


def test_the_best_is_put_back_before_the_callbacks_hear_of_the_end() -> None:
    class AtEnd(bl.Callback):
        def on_train_end(self, run: bl.Run) -> None:
            self.seen = run.network.parameters.copy()

    at_end = AtEnd()
    net = bl.Network([2, 2], output="softmax", seed=0)
    bl.train(
        net, X, Y, validation=(X, Y), early_stopping=2, epochs=4, engine=Scripted([1, 2, 3, 4]), callbacks=[at_end]
    )
    np.testing.assert_array_equal(at_end.seen, net.parameters)


def record(epoch: int, **columns: float | None) -> EpochRecord:
    empty = {"accuracy": None, "validation_cost": None, "validation_accuracy": None, "validation_r2": None}
    return EpochRecord(epoch=epoch, steps=epoch, penalty=0.0, learning_rate=0.1, seconds=0.0, **{**empty, **columns})


def test_an_epoch_without_the_value_leaves_things_as_they_were() -> None:
    rule = EarlyStopping(patience=1, monitor="validation_r2")
    best = Best().after(rule, record(1, cost=1.0, validation_r2=0.5))
    assert best.after(rule, record(2, cost=1.0)) == best
    assert not best.exhausted(rule)


@pytest.mark.parametrize(
    ("given", "rule"), [(None, None), (False, None), (True, EarlyStopping()), (7, EarlyStopping(7))]
)
def test_get(given: Any, rule: EarlyStopping | None) -> None:
    assert stopping.get(given) == rule


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patience": 0}, "patience must be a whole number of epochs, at least 1, not 0"),
        ({"patience": -3}, "patience"),
        ({"patience": 2.5}, "patience"),
        ({"patience": True}, "patience"),
        ({"monitor": "validation_cots"}, "did you mean 'validation_cost'"),
        ({"monitor": "seconds"}, "monitor 'seconds' is not known"),
        ({"min_delta": -0.1}, "min_delta of early stopping"),
        ({"min_delta": float("nan")}, "min_delta of early stopping"),
        ({"min_delta": "a"}, "min_delta of early stopping"),
    ],
)
def test_bad_rules_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message) as refused:
        EarlyStopping(**options)
    assert "\n" not in str(refused.value)
