"""Where the value of one weight comes from: every optimizer's steps, booked to the rows, add up to what it did."""

import numpy as np
import pytest

import backlit as bl
from backlit.errors import OptionError
from backlit.optimizers import SGD, Adam, AdamW, RMSprop

OPTIMIZERS = {
    "sgd": SGD(0.1), "momentum": SGD(0.05, momentum=0.9), "nesterov": SGD(0.05, momentum=0.9, nesterov=True),
    "rmsprop": RMSprop(0.01), "adam": Adam(0.01), "adamw": AdamW(0.01, weight_decay=0.1),
}  # fmt: skip


@pytest.fixture(scope="module")
def iris():
    X, y = bl.data.load("iris")
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    return X, y, np.random.default_rng(0).uniform(0.2, 2, len(y))


def network(seed=1, dtype="float64", dropout=0.0):
    return bl.Network([4, 6, 3], activation="tanh", output="softmax", seed=seed, dtype=dtype, dropout=dropout)


@pytest.mark.parametrize("engine", ["reference", "auto"])
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize(("place", "epoch"), [((2, 3, 1), 1), ((3, 2, 5), 3), ((2, 0), 2)])
def test_the_shares_add_up_to_what_the_weight_did(iris, name, place, epoch, engine):
    X, y, weights = iris
    watch, net, seen = bl.rows.Provenance(*place, epoch=epoch), network(dropout=0.2), []

    class Look(bl.Callback):
        def on_epoch_begin(self, run):
            self.look(run)

        def on_train_end(self, run):
            self.look(run)

        def look(self, run):
            layer = run.network.layer(place[0])
            seen.append(layer.W[place[1:]] if len(place) == 3 else layer.b[place[1]])

    bl.train(
        net, X, y, optimizer=OPTIMIZERS[name], epochs=4, batch_size=32, l2=3.0, clip=0.4, sample_weight=weights,
        callbacks=[watch, Look()], engine=engine,
    )  # fmt: skip
    found = watch.result
    assert found.before == seen[epoch - 1]
    assert found.after == pytest.approx(seen[epoch], rel=1e-14)  # the record has the update, rounded once more
    scale = np.abs(found.moved).sum()
    assert scale > 0
    assert abs(found.rounding) < 1e-12 * max(scale, 1)  # float64 throughout; a sum of a few hundred terms
    assert (found.penalty == 0) == (len(place) == 2)
    assert (found.decay != 0) == (name == "adamw")


def test_a_rows_share_is_its_own_gradient_by_autograd(iris):
    torch = pytest.importorskip("torch")
    X, y, _ = iris
    watch, net = bl.rows.Provenance(2, 3, 1), network()
    start = net.copy()
    bl.train(net, X, y, optimizer="sgd", learning_rate=0.5, epochs=1, batch_size="all", callbacks=[watch])
    W2, b2, W3, b3 = (torch.tensor(np.array(v)) for l in (2, 3) for v in (start.layer(l).W, start.layer(l).b))
    W2.requires_grad_(True)
    for row in (0, 60, 149):
        z = W3 @ torch.tanh(W2 @ torch.tensor(X[row]) + b2) + b3
        C = torch.nn.functional.cross_entropy(z, torch.tensor(int(y[row])))
        gradient = torch.autograd.grad(C, W2)[0][3, 1].item()
        assert watch.result.moved[row] == pytest.approx(-0.5 / 150 * gradient, rel=1e-9)


def test_rows_are_those_of_the_data_as_given(iris):
    X, y, _ = iris
    watch = bl.rows.Provenance(2, 0, 0)
    run = bl.train(network(), X, y, epochs=1, validation=0.3, callbacks=[watch])
    found = watch.result
    assert (found.rows == run.train_rows).all()
    table = found.to_polars()
    assert table.columns == ["index", "moved"]
    assert (np.diff(np.abs(table["moved"].to_numpy())) <= 0).all()
    assert set(found.up(3)) | set(found.down(3)) <= set(run.train_rows)
    assert found.moved[np.searchsorted(found.rows, found.up(1)[0])] == found.moved.max()


def test_the_training_has_the_same_bits(iris):
    X, y, _ = iris
    one, other = network(dtype="float32"), network(dtype="float32")
    bl.train(one, X, y, epochs=3)
    bl.train(other, X, y, epochs=3, callbacks=[bl.rows.Provenance(2, 0, 0, epoch=2), bl.rows.Snapshots()])
    assert one.parameters.tobytes() == other.parameters.tobytes()


def test_in_words_and_as_a_file(iris, tmp_path):
    X, y, _ = iris
    watch = bl.rows.Provenance(2, 3, 1)
    bl.train(network(), X, y, optimizer="adam", l2=1, epochs=1, callbacks=[watch])
    found = watch.result
    assert str(found).startswith("W²[3, 1] in epoch 1: from ")
    assert "penalty" in str(found)
    assert "its denominator, which the rows set together, is taken as it was" in str(found)
    assert found.to_dict(rows=2)["rows_together"] == pytest.approx(found.moved.sum())
    found.write(tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_text().splitlines()[0] == "index,moved"
    assert bl.rows.Provenance(2, 3)._k is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layer": 1, "j": 0, "k": 0}, "layer of the provenance must be a whole number, at least 2"),
        ({"layer": 2, "j": -1, "k": 0}, "j of the provenance must be"),
        ({"layer": 2, "j": 0, "k": 0, "epoch": 0}, "epoch of the provenance must be"),
    ],
)
def test_a_place_that_cannot_be(arguments, message):
    with pytest.raises(OptionError, match=message):
        bl.rows.Provenance(**arguments)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((4, 0, 0), {}, r"no neuron 0 in layer 4 of a network of \[4, 6, 3\]"),
        ((3, 3, 0), {}, "no neuron 3 in layer 3"),
        ((2, 0, 4), {}, "no weight from neuron 4 of layer 1: it has 4"),
        ((2, 0, 0), {"optimizer": "lbfgs"}, "lbfgs: its steps are found by searches along lines"),
    ],
)
def test_what_a_training_cannot_book(iris, arguments, options, message):
    X, y, _ = iris
    with pytest.raises(OptionError, match=message):
        bl.train(network(), X, y, epochs=2, callbacks=[bl.rows.Provenance(*arguments)], **options)


def test_an_epoch_that_never_comes(iris):
    X, y, _ = iris
    watch = bl.rows.Provenance(2, 0, 0, epoch=9)
    with pytest.raises(OptionError, match="there is no epoch 9: the training has 2"):
        bl.train(network(), X, y, epochs=2, callbacks=[watch])
    with pytest.raises(OptionError, match="no training came to the end of epoch 9"):
        _ = watch.result


def test_a_resumed_training_is_not_booked(iris, tmp_path):
    X, y, _ = iris
    place = tmp_path / "run.ckpt"
    bl.train(network(), X, y, epochs=1, checkpoint=place)
    with pytest.raises(OptionError, match="resumed cannot be booked"):
        bl.train(network(), X, y, epochs=2, checkpoint=place, resume=True, callbacks=[bl.rows.Provenance(2, 0, 0)])
