"""Influence: the factored sums against gradients formed one by one, and what a training did in truth."""

import numpy as np
import pytest
from scipy.stats import spearmanr

import backlit as bl
from backlit.errors import DataError, OptionError


def trained(net, X, y, every=1, **options):
    kept = bl.rows.Snapshots(every=every)
    run = bl.train(net, X, y, callbacks=[kept], **options)
    return kept, run


def brute_force(net, kept, X, y, x, y_x, hidden):
    """Σ_k η_k/m ⟨∇C_i, ∇C_x⟩ with every gradient formed by PyTorch's autograd, row by row."""
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(
        torch.nn.Linear(net.sizes[0], net.sizes[1]), hidden(), torch.nn.Linear(net.sizes[1], net.sizes[2])
    ).double()

    def gradient(row, target):
        module.zero_grad()
        cost = torch.nn.functional.cross_entropy(module(torch.tensor(row, dtype=torch.float64)), torch.tensor(target))
        cost.backward()
        return np.concatenate([p.grad.numpy().ravel() for p in module.parameters()])

    total = np.zeros(len(X))
    for snapshot in kept:
        for layer, values in net.split(snapshot.parameters).items():
            with torch.no_grad():
                module[2 * (layer - 2)].weight[...] = torch.tensor(values[0], dtype=torch.float64)
                module[2 * (layer - 2)].bias[...] = torch.tensor(values[1], dtype=torch.float64)
        of_x = gradient(x, int(y_x))
        products = [gradient(row, int(target)) @ of_x for row, target in zip(X, y, strict=True)]
        total += snapshot.learning_rate / kept.batch_size * np.array(products)
    return total


def test_it_agrees_with_the_brute_force_sum():
    torch = pytest.importorskip("torch")
    X, y = bl.data.load("digits")
    X, y = X[:200], y[:200]
    net = bl.Network([64, 12, 10], activation="tanh", output="softmax", seed=2)
    kept, _ = trained(net, X, y, epochs=4, optimizer="adam", batch_size=10)
    for row in (3, 117):
        found = bl.rows.influence(kept, X, y, row, int(y[row]))
        expected = brute_force(net, kept, X, y, X[row], y[row], torch.nn.Tanh)
        assert spearmanr(found.score, expected).statistic > 0.999  # asked for: 0.95
        np.testing.assert_allclose(found.score, expected, atol=1e-4 * np.abs(expected).max())  # float32 against float64


def test_rows_of_the_same_class_rank_above_others_on_digits():
    X, y = bl.data.load("digits")
    net = bl.Network([64, 30, 10], output="softmax", seed=0)
    kept, run = trained(net, X, y, epochs=15, validation=0.2, every=3)
    shares, aucs = [], []
    for row in run.validation_rows[:40]:
        found = bl.rows.influence(kept, X, y, int(row), int(y[row]))
        same = y[found.rows] == y[row]
        shares.append(same[np.argsort(-found.score)[:20]].mean())
        ranks = np.argsort(np.argsort(found.score))
        aucs.append((ranks[same].mean() - (same.sum() - 1) / 2) / (~same).sum())  # Mann and Whitney's U
    assert np.mean(shares) > 0.95
    assert np.mean(aucs) > 0.9
    assert len(found.rows) == len(run.train_rows)


@pytest.mark.parametrize("batch_size", [10, "all"])
def test_together_the_rows_lowered_the_cost_by_what_it_was_lowered(batch_size):
    """At a small learning rate first order is all there is: Σ_i influence = C_x before - C_x after."""
    X, y = bl.data.load("iris")
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    weights = np.random.default_rng(0).uniform(0.5, 2, len(y))
    net = bl.Network([4, 5, 3], activation="tanh", output="softmax", seed=1, dtype="float64")
    before = -np.log(net.predict(X)[np.arange(150), y])
    kept, _ = trained(
        net, X, y, epochs=20, optimizer="sgd", learning_rate=1e-3, batch_size=batch_size, sample_weight=weights
    )
    after = -np.log(net.predict(X)[np.arange(150), y])
    for row in (0, 75, 149):
        found = bl.rows.influence(kept, X, y, row, int(y[row]))
        assert found.score.sum() == pytest.approx(before[row] - after[row], rel=0.05)  # η²: about 1 % here


def test_every_kth_snapshot_stands_for_k_epochs():
    X, y = bl.data.load("iris")
    options = {"epochs": 7, "optimizer": "sgd", "learning_rate": 1e-4, "batch_size": 150}
    one, _ = trained(bl.Network([4, 3], output="softmax", dtype="float64"), X, y, **options)
    third, _ = trained(bl.Network([4, 3], output="softmax", dtype="float64"), X, y, every=3, **options)
    assert [snapshot.epoch for snapshot in third] == [3, 6, 7]
    found, coarse = (bl.rows.influence(kept, X, y, 5).score for kept in (one, third))
    np.testing.assert_allclose(found, coarse, rtol=0.02, atol=1e-6)  # θ hardly moves


def test_a_number_is_pushed_up_and_down():
    X, y = bl.data.load("diabetes")
    X, y = ((X - X.mean(axis=0)) / X.std(axis=0))[:200], ((y - y.mean()) / y.std())[:200]
    net = bl.Network([10, 8, 1], activation="tanh", seed=3, dtype="float64")
    before = net.predict(X)[:, 0]
    kept, _ = trained(net, X, y, epochs=10, optimizer="sgd", learning_rate=1e-4, batch_size=20)
    after = net.predict(X)[:, 0]
    for row in (0, 11):
        found = bl.rows.influence(kept, X, y, row)
        assert found.score.sum() == pytest.approx(after[row] - before[row], rel=0.1)
        assert found.what == f"the answer to row {row} is {after[row]:.4g}"
    with pytest.raises(OptionError, match="no output 1"):
        bl.rows.influence(kept, X, y, 0, output=1)


def test_a_row_from_elsewhere_and_classes_by_their_names(tmp_path):
    X, y = bl.data.load("iris")
    kept, _ = trained(bl.Network([4, 8, 3], output="softmax", seed=1), X, y, epochs=30, learning_rate=0.01)
    names = ["setosa", "versicolor", "virginica"]
    found = bl.rows.influence(kept, X, y, [5.0, 3.4, 1.5, 0.2], classes=names)
    assert found.what == "the row is setosa"
    assert found.explained is None
    assert set(found.label[found.up(5)]) == {"setosa"}
    assert "setosa" not in found.label[found.down(5)]
    assert "pushed it up\n  row " in str(found)
    assert "adam scales each parameter's step" in str(found)
    found.write(tmp_path / "rows.parquet")
    table = found.to_polars()
    assert table.columns == ["index", "influence", "label"]
    assert table["influence"].is_sorted(descending=True)
    assert len(found.to_dict(rows=3)["table"]) == 6
    one_output = bl.Network([4, 8, 1], output="sigmoid", seed=1)
    kept, _ = trained(one_output, X[:100], y[:100], epochs=10)
    assert bl.rows.influence(kept, X[:100], y[:100], 0, classes=names).what in (
        "row 0 is setosa",
        "row 0 is versicolor",
    )


def test_what_cannot_be_explained():
    X, y = bl.data.load("iris")
    with pytest.raises(OptionError, match="there are no snapshots yet"):
        bl.rows.influence(bl.rows.Snapshots(), X, y, 0)
    with pytest.raises(OptionError, match="every of the snapshots must be a whole number"):
        bl.rows.Snapshots(every=0)
    kept, _ = trained(bl.Network([4, 3], output="softmax"), X, y, epochs=1)
    with pytest.raises(DataError, match="there is no row 150: there are 150, numbered from 0"):
        bl.rows.influence(kept, X, y, 150)
    with pytest.raises(DataError, match="X has 149 rows, which are not those of the training"):
        bl.rows.influence(kept, X[:149], y[:149], 0)
    with pytest.raises(DataError, match="x has 2 rows"):
        bl.rows.influence(kept, X, y, X[:2])
