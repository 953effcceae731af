"""What a training leaves behind, and what it says of itself while it runs."""

from typing import Any

import numpy as np
import pytest

import backlit as bl

RNG = np.random.default_rng(2)
X, Y = RNG.normal(size=(40, 2)), np.arange(40) % 2


def train(**options: Any) -> tuple[bl.Network, bl.Run]:
    net = bl.Network([2, 3, 2], output="softmax", seed=1)
    return net, bl.train(net, X, Y, **{"epochs": 3, "progress": False, **options})


def test_what_is_known_after_a_training() -> None:
    net, run = train(batch_size=16, validation=0.2)
    assert run.network is net
    assert (run.epochs, run.epoch, run.steps_per_epoch, run.step, run.rows) == (3, 3, 2, 6, 32)
    assert run.engine in run.options["engine"]
    assert run.engine_reason
    assert run.objective == "cross-entropy on softmax (fused: δ = a - y)"
    assert run.stopped == "all epochs done"
    assert run.seconds > 0
    assert sorted([*run.train_rows, *run.validation_rows]) == list(range(40))
    assert run.resumed_from_step == 0
    assert train()[1].train_rows is None
    assert train(validation=(X, Y))[1].validation_rows is None
    assert "3 of 3 epochs" in repr(run)
    assert "all epochs done" in repr(run)


def test_the_options_are_plain_data_and_say_all_that_was_asked_for() -> None:
    import json

    run = train(
        optimizer=bl.optimizers.SGD(np.float32(0.5), momentum=0.5), clip=np.float64(2), l2=1, seed=np.int64(7),
        batch_size=np.int64(8), validation=np.float32(0.25), class_weight={0: np.float32(2)},
        early_stopping=bl.EarlyStopping(3, min_delta=np.float32(0.5)), schedule="cosine", sample_weight=np.ones(40),
        engine="reference",
    )[1]  # fmt: skip
    assert run.options == {
        "cost": "cross-entropy",
        "l2": 1.0,
        "label_smoothing": 0.0,
        "optimizer": {"name": "sgd", "learning_rate": 0.5, "momentum": 0.5, "nesterov": False},
        "schedule": {"name": "cosine", "floor": 0.0},
        "clip": 2.0,
        "epochs": 3,
        "time": None,
        "batch_size": 8,
        "windows": None,
        "validation": 0.25,
        "class_weight": {"0": 2.0},
        "sample_weight": True,
        "early_stopping": {"patience": 3, "monitor": "validation_cost", "min_delta": 0.5},
        "engine": "reference",
        "seed": 7,
    }
    assert json.loads(json.dumps(run.options)) == run.options
    assert train(validation=(X, Y), class_weight="balanced")[1].options["validation"] == "given"


def test_the_epoch_is_the_one_under_way_or_the_last_one_done() -> None:
    seen: list[tuple[str, int, int]] = []

    class Look(bl.Callback):
        def on_train_begin(self, run: bl.Run) -> None:
            seen.append(("train", run.epoch, run.step))
            assert "under way" in repr(run)

        def on_epoch_begin(self, run: bl.Run) -> None:
            seen.append(("begin", run.epoch, run.step))

        def on_epoch_end(self, run: bl.Run) -> None:
            seen.append(("end", run.epoch, run.step))
            assert run.stopped is None

    train(batch_size=20, callbacks=[Look()], epochs=2)
    assert seen == [("train", 1, 0), ("begin", 1, 0), ("end", 1, 2), ("begin", 2, 2), ("end", 2, 4)]


def test_seconds_never_run_back() -> None:
    seconds = train(epochs=5)[1].history["seconds"]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0


def test_the_learning_curve_is_drawn_from_here(tmp_path: Any) -> None:
    run = train(validation=0.2, early_stopping=9)[1]
    assert "cost" in run.curve()
    pytest.importorskip("matplotlib")
    assert len(run.plot().axes) == 2
    run.plot(tmp_path / "curve.png")
    with pytest.raises(bl.OutputPathError):
        run.plot(tmp_path / "curve.png")
    run.plot(tmp_path / "curve.png", force=True)


@pytest.mark.parametrize("path", [3, 3.5, ["curve.png"], object()])
def test_a_plot_to_what_is_no_path_is_refused_in_a_line(path: Any) -> None:
    X = [[0.0], [1.0]]
    run = bl.train(bl.Network([1, 1]), X, [0.0, 1.0], epochs=1, progress=False)
    with pytest.raises(bl.OptionError, match=r"a learning curve is drawn to a path, as 'curve\.png', not to "):
        run.plot(path)
