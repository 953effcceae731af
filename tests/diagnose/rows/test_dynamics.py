"""What is collected while networks train: held against a training watched from outside."""

import numpy as np
import pytest

import backlit as bl
from backlit import objective as objectives
from backlit.diagnose.rows import gradients
from backlit.diagnose.rows.dynamics import EARLY_EPOCHS, Dynamics, Watch
from backlit.engines import TrainingData, choose

EPOCHS = 7


class Outputs(bl.Callback):
    """Keeps a^L and the norms of the rows' gradients of every epoch."""

    def __init__(self, data, objective):
        self.data, self.objective, self.a, self.norms = data, objective, [], []

    def on_epoch_end(self, run):
        self.a.append(run.network.predict(self.data.X).astype(np.float64))
        engine = choose("reference", run.network).engine
        back = gradients.row_passes(engine, run.network, self.objective, self.data.X, self.data.Y)
        self.norms.append(np.concatenate([np.sqrt(gradients.square_norms(passed)) for _, passed in back]))


@pytest.fixture(scope="module")
def watched():
    X, y = bl.data.load("iris")
    X = ((X - X.mean(axis=0)) / X.std(axis=0)).astype(np.float32)
    y = np.where(np.arange(150) % 11 == 0, (y + 1) % 3, y)  # some that are forgotten, some never learnt
    objective = objectives.choose("softmax")
    data = TrainingData(X, np.eye(3, dtype=np.float32)[y], np.ones(150, np.float32), "argmax")
    inside = np.arange(150) % 4 != 0
    net, dynamics = bl.Network([4, 16, 3], output="softmax", seed=3), Dynamics.empty(150, 3)
    look = Outputs(data, objective)
    watch = Watch(
        dynamics, choose("reference", net).engine, objective, data,
        outside=np.flatnonzero(~inside), inside=inside, epochs=EPOCHS,
    )  # fmt: skip
    bl.train(net, X[inside], y[inside], epochs=EPOCHS, learning_rate=0.02, callbacks=[watch, look], engine="reference")
    watch.add()
    return dynamics, np.array(look.a), np.array(look.norms), y, inside


def test_each_sum_goes_to_the_rows_it_is_of(watched):
    dynamics, *_, inside = watched
    assert (dynamics.inside_count == inside).all()
    assert (dynamics.outside_count == ~inside).all()
    for values in (dynamics.cost, dynamics.gradient, dynamics.first):
        assert not values[~inside].any()
        assert values[inside].all()
    assert not dynamics.outside[inside].any()
    assert not dynamics.inside[~inside].any()
    assert (dynamics.votes.sum(axis=1) == ~inside).all()


def test_forgetting_is_right_and_then_wrong(watched):
    dynamics, a, _, y, inside = watched
    right = a.argmax(axis=2) == y
    forgotten = np.zeros(150)
    for i in range(150):
        for before, after in zip(right[:-1, i], right[1:, i], strict=True):
            forgotten[i] += before and not after
    assert forgotten[inside].any()
    assert (dynamics.forgotten[inside] == forgotten[inside]).all()
    never = ~right.any(axis=0)
    assert never[inside].any()
    assert (dynamics.unlearnt[inside] == never[inside]).all()
    first = np.where(never, EPOCHS, right.argmax(axis=0) + 1)
    assert (dynamics.first[inside] == first[inside]).all()


def test_opinions_and_costs_are_means_over_epochs(watched):
    dynamics, a, norms, y, inside = watched
    later = np.log(a[EPOCHS // 2 :]).mean(axis=0)
    np.testing.assert_allclose(dynamics.outside[~inside], later[~inside], rtol=1e-5)  # float32 answers
    np.testing.assert_allclose(dynamics.inside[inside], later[inside], rtol=1e-5)
    cost = -np.log(a[:, np.arange(150), y]).mean(axis=0)
    np.testing.assert_allclose(dynamics.cost[inside], cost[inside], rtol=1e-4)
    np.testing.assert_allclose(dynamics.outside_cost[~inside], cost[~inside], rtol=1e-4)
    np.testing.assert_allclose(dynamics.gradient[inside], norms[:EARLY_EPOCHS].mean(axis=0)[inside], rtol=1e-6)
    assert (dynamics.votes.argmax(axis=1) == a[-1].argmax(axis=1))[~inside].all()
