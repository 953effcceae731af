"""The lens's folder: what is in it is what was in memory, at any moment and after any end."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict

import numpy as np
import polars
import pytest

import backlit as bl
from backlit.diagnose import lens as lens_module
from backlit.diagnose.record import BY_LAYER, BY_ROW, BY_STEP
from backlit.formats import durable


def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 4))
    return X, (X[:, 0] > 0).astype(int)


def trained(lens, epochs=4, **options):
    net = bl.Network([4, 6, 1], activation="tanh", output="sigmoid")
    X, y = data()
    return bl.train(net, X, y, epochs=epochs, batch_size=8, callbacks=[lens], progress=False, **options)


def assert_same(found, expected):
    for name in (*BY_STEP, *BY_LAYER, *BY_ROW):
        assert np.array_equal(getattr(found, name), getattr(expected, name), equal_nan=True), name
        assert getattr(found, name).dtype == getattr(expected, name).dtype
    assert asdict(found.about) == asdict(expected.about)
    assert found.history == expected.history or np.isnan(found.history[-1]["cost"])
    assert found.stopped == expected.stopped
    assert len(found.histograms) == len(expected.histograms)
    for one, other in zip(found.histograms, expected.histograms, strict=True):
        assert (one.step, one.layer, one.quantity, one.not_finite) == (
            other.step, other.layer, other.quantity, other.not_finite,
        )  # fmt: skip
        assert (one.counts == other.counts).all()
        assert (one.edges == other.edges).all()


def without_seconds(record):
    from dataclasses import replace

    return replace(record, history=tuple({k: v for k, v in r.items() if k != "seconds"} for r in record.history))


def test_the_folder_holds_what_memory_would(tmp_path, monkeypatch):
    monkeypatch.setattr(lens_module, "FLUSH_SECONDS", 0.0)  # a part whenever the training looks up
    monkeypatch.setattr(lens_module, "FLUSH_SHARE", 0.0)
    in_memory, on_disk = bl.Lens(histograms=5), bl.Lens(histograms=5, path=tmp_path / "a.lens")
    trained(in_memory)
    run = trained(on_disk)
    assert len(list((tmp_path / "a.lens").glob("steps-*.parquet"))) > 1
    read = bl.read_lens(tmp_path / "a.lens")
    assert_same(without_seconds(read), without_seconds(in_memory.record))
    assert_same(read, on_disk.record)
    assert read.stopped == run.stopped == "all epochs done"
    table = polars.read_parquet(tmp_path / "a.lens" / "layers-*.parquet")
    assert table.shape == (2 * len(read), 2 + len(BY_LAYER))


def test_the_record_can_be_read_while_the_training_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(lens_module, "FLUSH_SECONDS", 0.0)
    monkeypatch.setattr(lens_module, "FLUSH_SHARE", 0.0)
    seen = []

    class Reader(bl.Callback):
        def on_epoch_end(self, run):
            seen.append((len(run.lens.record), len(bl.read_lens(tmp_path / "a.lens")), run.step))

    net = bl.Network([4, 6, 1], activation="tanh", output="sigmoid")
    X, y = data()
    lens = bl.Lens(path=tmp_path / "a.lens")
    bl.train(net, X, y, epochs=3, batch_size=8, callbacks=[lens, Reader()], progress=False)
    assert [all_of_it for all_of_it, _, _ in seen] == [step for _, _, step in seen]
    assert seen[-1][1] > 0


def test_a_killed_training_leaves_its_record(tmp_path):
    program = f"""
import backlit as bl, numpy as np
from backlit.diagnose import lens
lens.FLUSH_SECONDS = 0.0
X = np.random.default_rng(0).normal(size=(500, 4))
net = bl.Network([4, 6, 1], activation="tanh", output="sigmoid")
bl.train(net, X, (X[:, 0] > 0).astype(int), epochs=10**6, callbacks=[bl.Lens(path={str(tmp_path / "a.lens")!r})],
         progress=False)
"""
    process = subprocess.Popen([sys.executable, "-c", program])
    try:
        until = time.monotonic() + 60
        while len(list(tmp_path.glob("a.lens/steps-*.parquet"))) < 2 and time.monotonic() < until:
            time.sleep(0.02)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    record = bl.read_lens(tmp_path / "a.lens")
    assert len(record) > 0
    assert (record.step == np.arange(len(record))).all()
    assert record.stopped is None


def test_a_divergence_is_kept_for_replay(tmp_path):
    X, y = data()
    net = bl.Network([4, 6, 1], output="identity")
    lens = bl.Lens(path=tmp_path / "a.lens", row_numbers=np.arange(50) + 7)
    with pytest.raises(bl.DivergenceError):
        bl.train(net, X, y, optimizer="sgd", learning_rate=1e30, batch_size=8, callbacks=[lens], progress=False)
    read, kept = bl.read_lens(tmp_path / "a.lens").cause, lens.record.cause
    assert read.where == kept.where
    assert f"row {kept.where['row']})" in read.message
    assert (read.network.parameters == kept.network.parameters).all()
    assert (read.rows == kept.rows).all()
    assert read.rows.min() >= 7


def test_a_resumed_training_goes_on_in_the_folder(tmp_path):
    class Stop(bl.Callback):
        def on_epoch_end(self, run):
            run.stop("enough")

    whole = bl.Lens()
    trained(whole)
    X, y = data()
    for callbacks in ([bl.Lens(path=tmp_path / "a.lens"), Stop()], [bl.Lens(path=tmp_path / "a.lens")]):
        net = bl.Network([4, 6, 1], activation="tanh", output="sigmoid")
        bl.train(
            net, X, y, epochs=4, batch_size=8, callbacks=callbacks, progress=False, checkpoint=tmp_path / "state",
            resume=True,
        )  # fmt: skip
    assert_same(without_seconds(bl.read_lens(tmp_path / "a.lens")), without_seconds(whole.record))


def test_what_is_there_is_not_overwritten_unasked(tmp_path):
    place = tmp_path / "a.lens"
    trained(bl.Lens(path=place), epochs=1)
    with pytest.raises(bl.OutputPathError, match=r"a\.lens exists; force overwrites it"):
        trained(bl.Lens(path=place), epochs=1)
    trained(bl.Lens(path=place, force=True), epochs=2)
    assert len(bl.read_lens(place)) == 14
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("…")
    with pytest.raises(bl.OutputPathError, match="something else in it"):
        bl.Lens(path=tmp_path / "letters", force=True)
    with pytest.raises(bl.OutputPathError, match="is a file"):
        bl.Lens(path=tmp_path / "letters" / "dear.txt")


def test_a_full_disk_ends_the_writing_not_the_training(tmp_path, monkeypatch):
    lens = bl.Lens(path=tmp_path / "a.lens")
    write = durable.write

    def full(path, content, **options):
        if str(path).endswith(".parquet"):
            raise bl.OutputPathError(f"{path} cannot be written: No space left on device")
        write(path, content, **options)

    monkeypatch.setattr(durable, "write", full)
    with pytest.warns(bl.LensWarning, match="no longer writes"):
        run = trained(lens)
    assert run.stopped == "all epochs done"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda place: (place / "about.json").unlink(), "is no record of a lens"),
        (lambda place: (place / "about.json").write_text("{"), "is damaged"),
        (lambda place: (place / "about.json").write_text('{"format": "x", "version": 1}'), "another kind"),
        (lambda place: next(place.glob("steps-*")).write_bytes(b"PAR1"), "is damaged"),
        (lambda place: next(place.glob("layers-*")).unlink(), "is no record of a lens"),
        (lambda place: (place / "about.json").write_text('{"format": "backlit lens", "version": 1}'), "is damaged"),
    ],
)  # fmt: skip
def test_what_is_no_record_is_named(tmp_path, damage, message):
    place = tmp_path / "a.lens"
    trained(bl.Lens(path=place), epochs=1)
    damage(place)
    with pytest.raises(bl.DataError, match=message):
        bl.read_lens(place)


def test_no_folder():
    with pytest.raises(bl.DataError, match="is no record of a lens"):
        bl.read_lens("nowhere.lens")
