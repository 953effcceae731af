"""What ``bl.diagnose`` takes, and what it says of what it cannot use."""

import numpy as np
import pytest

import backlit as bl
from backlit.diagnose.findings.gather import gather


@pytest.fixture(scope="module")
def trained():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 4))
    y = (X[:, 0] > 0).astype(int)
    net, lens = bl.Network([4, 6, 2], output="softmax", seed=0), bl.Lens()
    run = bl.train(net, X, y, epochs=12, batch_size=16, validation=0.25, callbacks=[lens])
    return net, X, y, run, lens


def test_the_rows_of_the_run_are_found(trained):
    net, X, y, run, _ = trained
    evidence = gather(net, X, y, run=run)
    assert np.allclose(evidence.given.X, X[run.train_rows])
    assert np.allclose(evidence.given_held_out.X, X[run.validation_rows])
    assert evidence.given.called(np.arange(60)) == tuple(run.train_rows.tolist()) != tuple(range(60))
    assert evidence.given_held_out.Y.argmax(1).tolist() == y[run.validation_rows].tolist()


def test_weights_are_those_of_the_training(trained):
    net, X, y, _, _ = trained
    given = gather(net, X, y, sample_weight=np.arange(80), class_weight={0: 3.0}).given
    expected = np.arange(80) * np.where(y == 0, 3.0, 1.0)
    assert np.allclose(given.weights, expected / expected.mean())


def test_validation_data_take_the_place_of_the_split(trained):
    net, X, y, run, _ = trained
    evidence = gather(net, X, y, run=run, validation_data=(X[:7], y[:7]))
    assert len(evidence.given_held_out) == 7


@pytest.mark.parametrize("of", ["lens", "record", "run", "folder"])
def test_a_record_from_wherever_it_is(trained, tmp_path, of):
    net, X, y, run, lens = trained
    if of == "folder":
        path = tmp_path / "x.lens"
        bl.train(net.copy(), X, y, epochs=12, batch_size=16, callbacks=[bl.Lens(path=path)])
    given = {"lens": lens, "record": lens.record, "run": None, "folder": path if of == "folder" else None}[of]
    evidence = gather(net, lens=given, run=run if of == "run" else None)
    assert len(evidence.record) == len(bl.read_lens(given) if of == "folder" else lens.record)
    assert len(evidence.history) == 12


def test_a_record_that_was_read_gives_the_same_findings(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 4)) * 1e4
    y = (X[:, 0] > 0).astype(int)
    net = bl.Network([4, 6, 2], output="softmax", seed=0)
    run = bl.train(net, X, y, epochs=12, batch_size=16, callbacks=[bl.Lens(path=tmp_path / "x.lens")])
    live, read = bl.diagnose(net, X, y, run=run), bl.diagnose(net, X, y, lens=bl.read_lens(tmp_path / "x.lens"))
    assert live.first.rule == "unscaled-features"
    assert str(live) == str(read)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a: {"net": None, "X": None, "y": None}, "there is nothing to diagnose"),
        (lambda a: {"net": "net"}, "net must be a backlit.Network, not str"),
        (lambda a: {"run": 3}, "run must be what bl.train returned, not int"),
        (lambda a: {"lens": 3}, "lens must be a bl.Lens, a record of one or its folder, not int"),
        (lambda a: {"lens": bl.Lens()}, "this lens has seen no training"),
        (lambda a: {"lens": "/no/such/folder"}, "is no record of a lens"),
        (lambda a: {"y": None}, "y is missing: give rows and their targets"),
        (lambda a: {"X": None}, "X is missing: give rows and their targets"),
        (lambda a: {"X": a["X"][:, :3]}, "X has 3 columns; the network's input layer takes 4"),
        (lambda a: {"y": a["y"][:10]}, "y has 10"),
        (lambda a: {"y": a["y"] + 7}, "at row 0; with 2 outputs"),
        (lambda a: {"X": a["X"] * np.nan}, "X has"),
        (lambda a: {"validation_data": a["X"]}, "validation_data must be a pair"),
        (lambda a: {"validation_data": (a["X"], None)}, "validation y is missing"),
        (lambda a: {"names": ["a"]}, "there are 1 names for 4 columns"),
        (lambda a: {"thresholds": {"dead.share": 1}}, "threshold 'dead.share' is not known; did you mean"),
        (lambda a: {"net": bl.Network([4, 9, 2], output="softmax"), "lens": a["record"]}, "not of one training"),
        (lambda a: {"net": None, "lens": a["record"]}, "rows were given without a network"),
        (lambda a: {"run": a["run"], "X": a["X"][:50], "y": a["y"][:50]}, "bl.train was given 80: give the same"),
        (lambda a: {"cost": "quadratik"}, "did you mean 'quadratic'"),
        (lambda a: {"sample_weight": [1.0]}, "sample_weight"),
    ],
)
def test_bad_input_is_one_line_that_says_what_to_do(trained, change, said):
    net, X, y, run, lens = trained
    given = {"net": net, "X": X, "y": y}
    given |= change(given | {"run": run, "record": lens.record})
    with pytest.raises(bl.BacklitError) as failure:
        bl.diagnose(**given)
    assert said in str(failure.value)
    assert "\n" not in str(failure.value)


def test_a_stream_is_refused(trained, tmp_path):
    net, X, y, _, _ = trained
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", y)
    stream = bl.data.stream(f"{tmp_path / 'X.npy'},{tmp_path / 'y.npy'}")
    with pytest.raises(bl.BacklitError, match="is a stream"):
        bl.diagnose(net, stream, y)


def test_a_cost_of_the_users_own_is_asked_for(trained):
    from backlit.costs import Quadratic

    class Own(Quadratic):
        name = "own"

    _, X, y, _, _ = trained
    net = bl.Network([4, 6, 2], output="softmax", seed=0)
    run = bl.train(net, X, y, cost=Own(), epochs=2)
    with pytest.raises(bl.BacklitError, match="a cost of your own, 'own': give it as cost="):
        bl.diagnose(net, X, y, run=run)
    assert gather(net, X, y, run=run, cost=Own()).objective.cost.name == "own"
