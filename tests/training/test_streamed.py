"""Training from a file: the order of rows is said, the bits are those of the same rows in memory, a stop loses none."""

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import backlit as bl
from backlit.data.lazy import LazyRows
from backlit.engines import ENGINES, TrainingData, Windows
from backlit.training import loop
from backlit.training import setup as setups

RNG = np.random.default_rng(8)
ROWS, BATCH = 203, 8
X = RNG.normal(size=(ROWS, 4)).astype("f4")
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
WEIGHTS = RNG.uniform(0.5, 2, ROWS)

ENGINE_NAMES = [name for name, engine in ENGINES.items() if engine.unsupported(bl.Network([2, 1])) is None]


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    table = pl.DataFrame({f"x{i}": X[:, i] for i in range(4)} | {"y": Y})
    table.write_parquet(tmp_path / "t.parquet", row_group_size=31)
    return tmp_path / "t.parquet"


def network() -> bl.Network:
    return bl.Network([4, 6, 2], output="softmax", dropout=0.2, seed=1)


def train(net: bl.Network, *data: Any, **options: Any) -> bl.Run:
    return bl.train(net, *data, **{"batch_size": BATCH, "epochs": 3, "progress": False, **options})


def in_memory(monkeypatch: pytest.MonkeyPatch, source: bl.data.Stream, kept: np.ndarray | None) -> None:
    """From here on the rows of an array are taken in the order in which those of this stream would be."""
    edges = source.edges if kept is None else np.searchsorted(kept, source.edges)
    monkeypatch.setattr(setups, "_windows", lambda X: Windows(edges, source.blocks))


@pytest.mark.parametrize("engine", ENGINE_NAMES)
@pytest.mark.parametrize("window", [16, 50, 400])
@pytest.mark.parametrize("validation", [None, 0.25, "given", "stream"])
def test_the_bits_are_those_of_the_same_order_in_memory(
    engine: str, window: int, validation: Any, parquet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = bl.data.stream(parquet, target="y", window=window)
    options: dict[str, Any] = {"engine": engine, "sample_weight": WEIGHTS, "l2": 0.1, "class_weight": "balanced"}
    held_out = {"given": (X[:40], Y[:40]), "stream": bl.data.stream(parquet, target="y", window=11)}
    streamed, whole = network(), network()
    run = train(streamed, source, validation=held_out.get(validation, validation), **options)
    in_memory(monkeypatch, source, run.train_rows)
    twin = {"stream": (X, Y)}
    expected = train(whole, X, Y, validation=twin.get(validation, held_out.get(validation, validation)), **options)
    np.testing.assert_array_equal(streamed.parameters, whole.parameters)
    for column in ("cost", "accuracy", "validation_cost", "validation_accuracy"):
        assert run.history[column] == expected.history[column]
    assert run.options["windows"]["shuffled"] == source.shuffling


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_stopped_at_any_step_it_resumes_to_the_same_bits(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(Exception):
        pass

    class Die(bl.Callback):
        def __init__(self, after: int) -> None:
            self.after = after

        def on_progress(self, run: bl.Run) -> None:
            if run.step > self.after:
                raise KilledError

    monkeypatch.setattr(loop.Pace, "__init__", lambda self: setattr(self, "steps", 1))
    monkeypatch.setattr(loop.Pace, "took", lambda self, steps, seconds: None)
    np.save(tmp_path / "X.npy", X)
    source = bl.data.stream(tmp_path / "X.npy", window=48)
    options = {"engine": engine, "validation": 0.2, "early_stopping": 5, "schedule": "cosine", "epochs": 2}
    whole = network()
    expected = train(whole, source, Y, **options)
    for after in range(1, expected.step, 9):
        where = bl.Checkpoint(tmp_path / f"{after}", every_seconds=None, every_steps=1)
        with pytest.raises(KilledError):
            train(network(), source, Y, checkpoint=where, callbacks=[Die(after)], **options)
        resumed = network()
        again = bl.data.stream(tmp_path / "X.npy", window=48)
        run = train(resumed, again, Y, checkpoint=where, resume=True, **options)
        assert run.resumed_from_step == after
        np.testing.assert_array_equal(resumed.parameters, whole.parameters)
        assert run.history["validation_cost"] == expected.history["validation_cost"]


def test_another_window_or_another_number_in_the_file_is_another_training(parquet: Path, tmp_path: Path) -> None:
    where, options = tmp_path / "c", {"epochs": 1}
    train(network(), bl.data.stream(parquet, target="y", window=48), checkpoint=where, **options)
    with pytest.raises(bl.CheckpointError, match=r"windows was .*windows of 2.* there and is .*windows of 3.* here"):
        train(network(), bl.data.stream(parquet, target="y", window=96), checkpoint=where, resume=True, **options)
    with pytest.raises(bl.CheckpointError, match=r"windows was .* there and is None here"):
        train(network(), X, Y, checkpoint=where, resume=True, **options)
    changed = X.copy()
    changed[200, 3] += 1
    table = pl.DataFrame({f"x{i}": changed[:, i] for i in range(4)} | {"y": Y})
    table.write_parquet(parquet, row_group_size=31)
    with pytest.raises(bl.CheckpointError, match="its training data is not this one's"):
        train(network(), bl.data.stream(parquet, target="y", window=48), checkpoint=where, resume=True, **options)


def test_targets_of_its_own_or_given(parquet: Path) -> None:
    own, given = network(), network()
    train(own, bl.data.stream(parquet, target="y", window=48))
    train(given, bl.data.stream(parquet, columns=["x0", "x1", "x2", "x3"], window=48), Y)
    np.testing.assert_array_equal(own.parameters, given.parameters)


def test_it_learns(tmp_path: Path) -> None:
    """Rows sorted by class, in windows of a tenth of them: the blocks of a window come from all over the file."""
    accuracies = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(4000, 2))
        y = (X[:, 0] > 0).astype(int)
        by_class = np.argsort(y, kind="stable")
        np.save(tmp_path / "X.npy", X[by_class])
        net = bl.Network([2, 8, 2], output="softmax", seed=seed)
        train(net, bl.data.stream(tmp_path / "X.npy", window=400), y[by_class], epochs=10, seed=seed)
        accuracies.append(float((net.predict(X).argmax(axis=1) == y).mean()))
    assert min(accuracies) > 0.97  # a line through 4,000 points; 0.5 is chance


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"optimizer": "lbfgs"}, "lbfgs with batches of all 203 rows needs them in memory, and X is a stream"),
        ({"batch_size": "all"}, "adam with batches of all 203 rows needs them in memory, and X is a stream"),
    ],
)
def test_what_needs_all_rows_at_once_is_refused(options: dict[str, Any], says: str, parquet: Path) -> None:
    with pytest.raises(bl.OptionError, match=says):
        train(network(), bl.data.stream(parquet, target="y"), **{"batch_size": None, **options})


def test_what_does_not_go_together_is_refused(parquet: Path) -> None:
    for data, says in (
        ((bl.data.stream(parquet),), "X has 5 columns; the network's input layer takes 4"),
        (
            (bl.data.stream(parquet, columns=["x0", "x1", "x2", "x3"]),),
            "y is missing: give the targets",
        ),
        ((X,), "y is missing"),
        ((bl.data.stream(parquet, target="y"), Y[:7]), "y has 7 rows and X has 203"),
    ):
        with pytest.raises(bl.DataError, match=says):
            train(network(), *data)
    with pytest.raises(bl.DataError, match="validation y is missing"):
        train(network(), X, Y, validation=bl.data.stream(parquet, columns=["x0", "x1", "x2", "x3"]))


def test_a_number_that_is_not_finite_is_found_before_the_first_step(tmp_path: Path) -> None:
    wrong = X.copy()
    wrong[150, 1] = np.nan
    np.save(tmp_path / "X.npy", wrong)
    net = network()
    before = net.parameters.copy()
    with pytest.raises(bl.DataError, match=r"X has NaN at row 150, column 1 \('x1'\)"):
        train(net, bl.data.stream(tmp_path / "X.npy", window=20), Y)
    np.testing.assert_array_equal(net.parameters, before)


def test_a_file_that_goes_away_ends_the_training_at_its_last_epoch(tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", X)

    class Remove(bl.Callback):
        def on_epoch_end(self, run: bl.Run) -> None:
            if run.epoch == 2:
                (tmp_path / "X.npy").unlink()

    net, done = network(), network()
    source = bl.data.stream(tmp_path / "X.npy", window=20)
    with pytest.raises(bl.DataError, match=r"X\.npy: cannot be read any more") as failed:
        train(net, source, Y, epochs=5, callbacks=[Remove()])
    assert failed.value.__notes__ == ["the network is as it was after epoch 2"]
    np.save(tmp_path / "X.npy", X)
    train(done, source, Y, epochs=2)
    np.testing.assert_array_equal(net.parameters, done.parameters)


# ---- Memory


@pytest.mark.parametrize("validation", [None, 0.2, (X[:20], Y[:20])])
@pytest.mark.parametrize("source", ["array", "mapped"])
def test_x_of_the_right_dtype_is_never_copied(
    source: str, validation: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "X.npy", X)
    mine = X if source == "array" else np.load(tmp_path / "X.npy", mmap_mode="r", allow_pickle=False)
    seen: list[TrainingData | None] = []
    prepare = loop.prepare

    def watched(*arguments: Any, **options: Any) -> Any:
        found = prepare(*arguments, **options)
        seen.extend((found.data, found.validation))
        return found

    monkeypatch.setattr(loop, "prepare", watched)
    train(network(), mine, Y, validation=validation)
    for data in seen if validation is None or isinstance(validation, float) else seen[:1]:
        if data is not None:
            where = data.X._X if isinstance(data.X, LazyRows) else data.X
            assert np.shares_memory(where, mine)


PEAK = textwrap.dedent("""
    import sys, numpy as np, backlit as bl, polars

    def peak():  # of what is this process's own, and not the file's
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))

    how, path, engine = sys.argv[1:]
    rows, columns = 100_000, 100
    y = np.arange(rows) % 2
    net = bl.Network([columns, 8, 2], output="softmax", seed=0)
    options = dict(epochs=1, batch_size=256, engine=engine, progress=False)
    small = np.ones((1000, columns), "f4") * np.arange(1000)[:, None] / 1000
    bl.train(net, small, y[:1000], validation=0.2, **options)
    if how == "array":
        X = np.fromfile(path, "f4").reshape(rows, columns)
        before = peak()
        bl.train(net, X, y, validation=0.2, **options)
    else:
        polars.scan_parquet(path).slice(0, 1000).collect() if how == "parquet" else None
        before = peak()
        source = bl.data.stream(path, window=8_000)
        bl.train(net, source, y, validation=0.2, **options)
    print(peak() - before)
""")


@pytest.mark.parametrize("engine", ENGINE_NAMES[:1])
@pytest.mark.parametrize(("how", "most"), [("array", 25), ("npy", 25), ("parquet", 35)])
def test_the_memory_a_training_takes_is_a_fraction_of_the_data(
    how: str, most: int, engine: str, tmp_path: Path
) -> None:
    """Of 40 MB of float32, rows held out included: a window is 3.2 MB, y and its kin 4 MB; polars has its own needs."""
    if not Path("/proc/self/status").exists():
        pytest.skip("needs /proc")
    big = np.random.default_rng(0).normal(size=(100_000, 100)).astype("f4")
    path = tmp_path / f"X.{how}"
    if how == "array":
        big.tofile(path)
    elif how == "npy":
        np.save(path, big)
    else:
        pl.DataFrame(big).write_parquet(path, row_group_size=10_000)
    del big
    done = subprocess.run(
        [sys.executable, "-c", PEAK, how, str(path), engine], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < most
