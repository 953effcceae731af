"""``backlit train --lens``: a folder that can be read, a table at the end, rows counted as in the source."""

import numpy as np

import backlit as bl


def test_the_lens_is_written_and_shown(run, here):
    done = run("train iris --epochs 5 --layers 6 --lens iris.lens")
    assert done.code == 0, done.err
    assert "layer 2  4 → 6, relu" in done.out
    assert "‖ΔW‖ / ‖W‖" in done.out
    record = bl.read_lens(here / "iris.lens")
    assert len(record) == 5 * record.about.steps_per_epoch
    assert record.stopped == "all epochs done"
    assert len(np.unique(record.row)) == record.about.rows == 90
    assert record.row.max() > 90  # the source's own numbers


def test_the_same_model_without_it(run, here):
    for name, lens in (("a", ""), ("b", "--lens b.lens")):
        assert run(f"train iris --epochs 3 --layers 6 --out {name}.safetensors {lens}").code == 0
    assert (
        bl.load_model("a.safetensors").network.parameters == bl.load_model("b.safetensors").network.parameters
    ).all()


def test_the_folder_is_checked_before_the_training(run, here):
    (here / "iris.lens").write_text("…")
    done = run("train iris --epochs 3 --lens iris.lens")
    assert done.code == 2
    assert "iris.lens is a file" in done.err
    assert not (here / "iris.safetensors").exists()


def test_json_and_quiet_show_no_table(run, here):
    assert run("train iris --epochs 2 --lens a.lens --json").json["scores"]
    assert "layer 2" not in run("train iris --epochs 2 --lens b.lens --quiet").out
