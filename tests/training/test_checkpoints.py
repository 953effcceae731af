"""A training that is stopped anywhere and resumed ends with the same bits as one that was not."""

from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.errors import CheckpointError, OptionError, OutputPathError
from backlit.formats import container
from backlit.optimizers import schedules
from backlit.training import checkpoints
from backlit.training.history import CLOCKS, EpochRecord

RNG = np.random.default_rng(9)
X = RNG.normal(size=(23, 3)).astype("f4")
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
WEIGHTS = RNG.uniform(0.1, 2, 23)
PER_EPOCH = 5  # 23 rows in batches of 5

EVERYTHING = {
    "optimizer": "adam", "learning_rate": 0.03, "schedule": "one-cycle", "l2": 0.01, "clip": 1.0,
    "validation": (X[:7], Y[:7]), "early_stopping": bl.EarlyStopping(3, min_delta=0.01), "sample_weight": WEIGHTS,
    "class_weight": "balanced", "seed": 3,
}  # fmt: skip


class KilledError(Exception):
    pass


class Die(bl.Callback):
    """Ends the training where a kill would: nothing of it reaches the checkpoint."""

    def __init__(self, after: int) -> None:
        self.after = after

    def on_progress(self, run: bl.Run) -> None:
        if run.step > self.after:
            raise KilledError


def network(dropout: float = 0.0, dtype: str = "float32") -> bl.Network:
    return bl.Network([3, 6, 2], activation="tanh", output="softmax", dropout=dropout, seed=4, dtype=dtype)


def train(net: bl.Network, **options: Any) -> bl.Run:
    return bl.train(net, X, Y, **{"batch_size": 5, "epochs": 6, "progress": False, **options})


def killed(path: Path, after: int, every: int = 1, dropout: float = 0.0, **options: Any) -> None:
    """A training with a checkpoint every so many steps that dies after ``after``: at the next look, unsaved."""
    where = bl.Checkpoint(path, every_seconds=None, every_steps=every)
    with pytest.raises(KilledError):
        train(network(dropout), checkpoint=where, callbacks=[Die(after)], **options)


def without_clocks(run: bl.Run) -> list[dict[str, Any]]:
    return [{k: v for k, v in epoch.items() if k not in CLOCKS} for epoch in run.history.records()]


def same(one: tuple[bl.Network, bl.Run], other: tuple[bl.Network, bl.Run]) -> None:
    np.testing.assert_array_equal(one[0].parameters, other[0].parameters)
    assert without_clocks(one[1]) == without_clocks(other[1])
    for what in ("best_epoch", "stopped", "step", "epoch", "steps_per_epoch"):
        assert getattr(one[1], what) == getattr(other[1], what), what


OPTIMIZERS = [
    bl.optimizers.SGD(0.5), bl.optimizers.SGD(0.2, momentum=0.9), bl.optimizers.SGD(0.2, momentum=0.9, nesterov=True),
    bl.optimizers.RMSprop(0.01), bl.optimizers.Adam(0.02), bl.optimizers.AdamW(0.02),
]  # fmt: skip

SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "cosine": {"schedule": "cosine"},
    "warm-up": {"schedule": "warm-up"},
    "step": {"schedule": schedules.Step(every=1)},
    "reduce-on-plateau": {
        "schedule": schedules.ReduceOnPlateau(patience=1, threshold=0.2), "validation": (X[:7], Y[:7]),
    },
    "weights": {"sample_weight": WEIGHTS, "class_weight": {0: 3.0}},
    "share": {"validation": 0.3, "batch_size": 4},
    "dropout": {"dropout": 0.5},
    "everything": {**EVERYTHING, "dropout": 0.3},
}  # fmt: skip


@pytest.mark.parametrize("after", [1, 4, 5, 6, 13, 28])
@pytest.mark.parametrize("name", SETTINGS)
def test_resumed_anywhere_it_ends_with_the_same_bits(name: str, after: int, tmp_path: Path) -> None:
    options = {**SETTINGS[name]}
    dropout = options.pop("dropout", 0.0)
    whole, resumed = network(dropout), network(dropout)
    expected = train(whole, **options)
    after %= expected.step
    killed(tmp_path / "c", after, dropout=dropout, **options)
    run = train(resumed, checkpoint=tmp_path / "c", resume=True, **options)
    assert run.resumed_from_step == after
    same((whole, expected), (resumed, run))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_resumed_with_every_optimizer(optimizer: Any, tmp_path: Path) -> None:
    whole, resumed = network(), network()
    expected = train(whole, optimizer=optimizer)
    killed(tmp_path / "c", 12, every=3, optimizer=optimizer)
    run = train(resumed, optimizer=optimizer, checkpoint=tmp_path / "c", resume=True)
    assert run.resumed_from_step == 12
    same((whole, expected), (resumed, run))


@pytest.mark.parametrize("after", [1, 3])
def test_resumed_lbfgs(after: int, tmp_path: Path) -> None:
    options = {"optimizer": bl.optimizers.LBFGS(iterations=2), "batch_size": None, "epochs": 7, "l2": 0.5}
    whole, resumed = network(), network()
    expected = train(whole, **options)
    killed(tmp_path / "c", after, **options)
    run = train(resumed, checkpoint=tmp_path / "c", resume=True, **options)
    assert run.resumed_from_step == after
    same((whole, expected), (resumed, run))


def test_stopped_and_resumed_again_and_again(tmp_path: Path) -> None:
    whole, resumed, path = network(0.3), network(0.3), tmp_path / "c"
    expected = train(whole, **EVERYTHING)
    for stops in count():
        try:
            callbacks = [Die(3 * stops)]
            where = bl.Checkpoint(path, every_seconds=None, every_steps=2)
            run = train(resumed, checkpoint=where, resume=True, callbacks=callbacks, **EVERYTHING)
            break
        except KilledError:
            resumed = network(0.3)
            if path.exists():
                resumed.parameters[:] = 7.0  # whatever is left in memory must not matter
    assert stops > 4
    same((whole, expected), (resumed, run))


@pytest.mark.parametrize("every", [{"every_steps": 5}, {"every_epochs": 1}, {"every_seconds": 0}])
def test_at_an_epochs_end_it_is_the_epochs_end_that_is_saved(every: dict[str, Any], tmp_path: Path) -> None:
    """Between its last step and its validation an epoch cannot be taken up again: nothing is saved there."""

    class DieInEpochEnd(bl.Callback):
        def on_epoch_end(self, run: bl.Run) -> None:
            if run.epoch == 3:
                raise KilledError

    where = bl.Checkpoint(tmp_path / "c", **{"every_seconds": None, **every})
    with pytest.raises(KilledError):
        train(network(), checkpoint=where, callbacks=[DieInEpochEnd()], **EVERYTHING)
    whole, resumed = network(), network()
    run = train(resumed, checkpoint=tmp_path / "c", resume=True, **EVERYTHING)
    assert 10 <= run.resumed_from_step < 15
    same((whole, train(whole, **EVERYTHING)), (resumed, run))


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        ({"every_steps": 3}, [3, 6, 9, 12, 15, 15]),
        ({"every_steps": 5}, [5, 10, 15]),
        ({"every_epochs": 2}, [10, 15]),
        ({"every_epochs": 1, "every_steps": 4}, [4, 5, 8, 10, 12, 15]),
        ({}, [15]),
    ],
)
def test_how_often_it_is_saved(
    every: dict[str, int], expected: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[int] = []
    save = checkpoints.save

    def watched(path: Path, state: Any, who: Any, **options: Any) -> None:
        steps.append(state.now.step)
        save(path, state, who, **options)

    monkeypatch.setattr(checkpoints, "save", watched)
    train(network(), epochs=3, checkpoint=bl.Checkpoint(tmp_path / "c", every_seconds=None, **every))
    assert sorted(set(steps)) == sorted(set(expected))
    assert len(steps) == len(set(steps))


def test_resumed_in_the_middle_of_an_epoch_a_failure_goes_back_to_that_epochs_start(tmp_path: Path) -> None:
    """Which the process that fails has never seen."""
    killed(tmp_path / "c", after=13)
    resumed, done = network(), network()
    with pytest.raises(KilledError) as failure:
        train(resumed, checkpoint=tmp_path / "c", resume=True, callbacks=[Die(13)])
    train(done, epochs=2)
    np.testing.assert_array_equal(resumed.parameters, done.parameters)
    assert failure.value.__notes__ == ["the network is as it was after epoch 2"]


def test_a_resumed_training_still_knows_where_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Divergence is measured by what the rows cost there."""
    killed(tmp_path / "c", after=13)
    states: list[Any] = []
    load = checkpoints.load

    def watched(*arguments: Any) -> Any:
        states.append(load(*arguments))
        return states[-1]

    monkeypatch.setattr(checkpoints, "load", watched)
    train(network(), checkpoint=tmp_path / "c", resume=True)
    np.testing.assert_array_equal(states[0].start_parameters, network().parameters)
    assert states[0].usual_cost is not None


def test_a_finished_training_resumed_is_the_same_and_makes_no_step(tmp_path: Path) -> None:
    converges = {"optimizer": "lbfgs", "batch_size": None, "l2": 5.0, "epochs": 50}
    for name, options in (("plain", {}), ("stopped early", EVERYTHING), ("converged", converges)):
        first, again = network(), network()
        run = train(first, checkpoint=tmp_path / name, **options)
        assert name != "converged" or run.stopped == "converged"

        class NoStep(bl.Callback):
            def on_progress(self, run: bl.Run) -> None:
                raise AssertionError("a step was made")

        same(
            (first, run),
            (again, train(again, checkpoint=tmp_path / name, resume=True, callbacks=[NoStep()], **options)),
        )


@pytest.mark.parametrize("rule", [None, bl.EarlyStopping(None)])
def test_more_epochs_can_be_asked_for(rule: Any, tmp_path: Path) -> None:
    options = {"validation": (X[:7], Y[:7]), "early_stopping": rule}
    net, whole = network(), network()
    assert train(net, epochs=3, checkpoint=tmp_path / "c", **options).stopped == "all epochs done"
    run = train(net, epochs=8, checkpoint=tmp_path / "c", resume=True, **options)
    assert run.resumed_from_step == 3 * PER_EPOCH
    same((whole, train(whole, epochs=8, **options)), (net, run))


def test_fewer_epochs_than_were_done_are_refused(tmp_path: Path) -> None:
    train(network(), epochs=4, checkpoint=tmp_path / "c")
    for epochs in (1, 3):
        with pytest.raises(CheckpointError, match=f"is in epoch 4 already, beyond the {epochs} asked for"):
            train(network(), epochs=epochs, checkpoint=tmp_path / "c", resume=True)
    killed(tmp_path / "d", after=7)
    with pytest.raises(CheckpointError, match="is in epoch 2 already, beyond the 1 asked for"):
        train(network(), epochs=1, checkpoint=tmp_path / "d", resume=True)


def test_fewer_epochs_than_were_planned_are_not(tmp_path: Path) -> None:
    killed(tmp_path / "c", after=7)
    net, whole = network(), network()
    run = train(net, epochs=2, checkpoint=tmp_path / "c", resume=True)
    same((whole, train(whole, epochs=2)), (net, run))


def test_a_schedule_that_needs_the_end_holds_the_number_of_epochs(tmp_path: Path) -> None:
    train(network(), epochs=3, schedule="cosine", checkpoint=tmp_path / "c")
    with pytest.raises(CheckpointError, match="epochs was 3 there and is 5 here"):
        train(network(), epochs=5, schedule="cosine", checkpoint=tmp_path / "c", resume=True)


@pytest.mark.parametrize("seconds", [None, 0.0, 1000.0])
def test_saving_changes_no_bit(seconds: float | None, tmp_path: Path) -> None:
    whole, saved = network(0.3), network(0.3)
    where = bl.Checkpoint(tmp_path / "c", every_seconds=seconds, every_steps=2 if seconds else None)
    same((whole, train(whole, **EVERYTHING)), (saved, train(saved, checkpoint=where, **EVERYTHING)))


def test_resume_without_a_file_starts_anew(tmp_path: Path) -> None:
    net, whole = network(), network()
    run = train(net, checkpoint=tmp_path / "c", resume=True)
    assert run.resumed_from_step == 0
    same((whole, train(whole)), (net, run))
    assert (tmp_path / "c").exists()


def test_the_clock_goes_on_where_it_stood(tmp_path: Path) -> None:
    train(network(), epochs=3, checkpoint=tmp_path / "c")
    document = container.read(tmp_path / "c", ["checkpoint"]).document
    run = train(network(), epochs=5, checkpoint=tmp_path / "c", resume=True)
    assert run.history["seconds"] == sorted(run.history["seconds"])
    assert run.history["seconds"][3] > document["seconds"] > 0


class NoStepMayBeMade(bl.Callback):
    def on_train_begin(self, run: bl.Run) -> None:
        raise AssertionError("the training began")


def test_a_file_that_is_there_is_not_replaced_unasked(tmp_path: Path) -> None:
    path = tmp_path / "c"
    path.write_text("my thesis")
    with pytest.raises(OutputPathError, match="exists; resume goes on from it, force replaces it"):
        train(network(), checkpoint=path, callbacks=[NoStepMayBeMade()])
    assert path.read_text() == "my thesis"
    train(network(), checkpoint=bl.Checkpoint(path, force=True))
    assert train(network(), checkpoint=path, resume=True).resumed_from_step == 6 * PER_EPOCH


@pytest.mark.parametrize("resume", [False, True])
def test_a_path_that_cannot_be_written_is_found_before_the_first_step(resume: bool, tmp_path: Path) -> None:
    for path in (tmp_path / "no-such-folder" / "c", tmp_path):
        with pytest.raises(OutputPathError):
            train(network(), checkpoint=path, resume=resume, callbacks=[NoStepMayBeMade()])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options", [{"every_seconds": -1}, {"every_steps": 0}, {"every_epochs": 2.5}, {"every_steps": True}, {"path": 5}]
)
def test_bad_intervals_and_paths_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match="checkpoint"):
        bl.Checkpoint(**{"path": "c", **options})


def test_a_history_longer_than_a_files_header_is_saved_and_read(tmp_path):
    # As JSON 60,000 epochs are about 20 MB, and a header may have 16 MiB; as a table of numbers nothing limits them.
    record = EpochRecord(1, 3, 0.1, None, 0.0, float("nan"), 0.5, None, 0.01, 1.5)
    network = bl.Network([2, 1], dtype="float64")
    here = checkpoints.Snapshot(180_000, network.parameters.copy(), {})
    history = [replace(record, epoch=epoch, steps=3 * epoch, cost=1 / epoch) for epoch in range(1, 60_001)]
    path = tmp_path / "long.ckpt"
    checkpoints.save(path, checkpoints.TrainingState(here, here, network.parameters, history=history), {})

    back = checkpoints.load(path, {}, network, {}).history

    assert len(back) == 60_000
    assert [(r.epoch, r.steps, r.cost) for r in back] == [(r.epoch, r.steps, r.cost) for r in history]
    assert {(r.accuracy, r.validation_accuracy, r.validation_r2) for r in back} == {(None, 0.5, None)}
    assert all(np.isnan(r.validation_cost) for r in back)
    assert type(back[0].epoch) is int


def test_another_sum_of_weights_is_another_training(tmp_path):
    # The row weights relative to each other are the same, and the penalty λ/(2n) Σ‖W‖² is a hundred times weaker.
    options = {"epochs": 2, "l2": 1.0, "checkpoint": tmp_path / "c", "progress": False}
    bl.train(bl.Network([3, 1], output="sigmoid"), X, Y, sample_weight=np.ones(23), **options)
    with pytest.raises(CheckpointError, match=r"is of another training: n was 23\.0 there and is 2300\.0 here"):
        bl.train(bl.Network([3, 1], output="sigmoid"), X, Y, sample_weight=np.full(23, 100.0), **options, resume=True)


def test_a_callbacks_stop_ends_the_run_not_the_training(tmp_path):
    class Enough(bl.Callback):
        def on_epoch_end(self, run):
            if len(run.history) == 2:
                run.stop("enough")

    options = {"epochs": 5, "checkpoint": tmp_path / "c", "progress": False}
    stopped, whole = bl.Network([3, 1], output="sigmoid"), bl.Network([3, 1], output="sigmoid")
    assert bl.train(stopped, X, Y, callbacks=[Enough()], **options).stopped == "enough"
    run = bl.train(stopped, X, Y, resume=True, **options)
    assert len(run.history) == 5
    bl.train(whole, X, Y, epochs=5, progress=False)
    np.testing.assert_array_equal(stopped.parameters, whole.parameters)
