"""The range test: its costs against gradient descent written out, and everything left as it was."""

import random
import signal

import numpy as np
import pytest

import backlit as bl
from backlit.optimizers import SGD, Optimizer


def data(rows=60, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 5))
    return X, np.argmax(X[:, :3] + 0.3 * rng.normal(size=(rows, 3)), axis=1)


def network(**options):
    return bl.Network([5, 8, 3], output="softmax", seed=3, **{"dtype": "float64", **options})


class Warm(Optimizer):
    """Against the contract it keeps a velocity of its own, and counts; it may also press Ctrl-C."""

    name = "warm"

    def __init__(self, press_at=None):
        object.__setattr__(self, "learning_rate", 0.05)
        object.__setattr__(self, "memory", {"velocity": 0.0, "steps": 0, "press_at": press_at})

    def update(self, theta, gradient, state, learning_rate, step):
        self.memory["steps"] += 1
        if self.memory["steps"] == self.memory["press_at"]:
            signal.raise_signal(signal.SIGINT)
        self.memory["velocity"] = 0.9 * self.memory["velocity"] - learning_rate * gradient
        theta += self.memory["velocity"]

    def describe(self):
        return {"name": self.name}


def bits_after(net, X, y, optimizer, engine):
    run = bl.train(net, X, y, optimizer=optimizer, epochs=3, batch_size=16, engine=engine, seed=5, progress=False)
    return net.parameters.tobytes(), [record.cost for record in run.history]


@pytest.mark.parametrize("engine", ["reference", "auto"])
@pytest.mark.parametrize("optimizer", ["adam", SGD(0.05, momentum=0.9)])
def test_a_training_after_it_has_the_same_bits(engine, optimizer):
    X, y = data()
    net, alone = network(dropout=0.3), network(dropout=0.3)
    for one in (net, alone):
        bits_after(one, X, y, optimizer, engine)  # both are on their way already
    before, of_numpy, of_python = net.parameters.tobytes(), np.random.get_state(), random.getstate()
    kept = X.copy(), y.copy()
    found = bl.find_learning_rate(net, X, y, optimizer=optimizer, batch_size=16, engine=engine, seed=5)
    assert len(found.rates) > 100
    assert net.parameters.tobytes() == before
    after = np.random.get_state()
    assert all(np.array_equal(a, b) for a, b in zip(of_numpy, after, strict=True))
    assert random.getstate() == of_python
    assert (kept[0] == X).all()
    assert (kept[1] == y).all()
    assert bits_after(net, X, y, optimizer, engine) == bits_after(alone, X, y, optimizer, engine)


def test_a_warm_optimizer_stays_as_warm_as_it_was():
    X, y = data()
    net, alone, warm, its_twin = network(), network(), Warm(), Warm()
    for one, optimizer in ((net, warm), (alone, its_twin)):
        bits_after(one, X, y, optimizer, "reference")
    velocity = warm.memory["velocity"].copy()
    bl.find_learning_rate(net, X, y, optimizer=warm, engine="reference")
    assert warm.memory["steps"] == its_twin.memory["steps"]
    assert (warm.memory["velocity"] == velocity).all()
    assert bits_after(net, X, y, warm, "reference") == bits_after(alone, X, y, its_twin, "reference")


def test_interrupted_it_leaves_everything_as_it_was():
    X, y = data()
    net, before, warm = network(), network().parameters.tobytes(), Warm(press_at=37)
    state, handler = np.random.get_state()[1].copy(), signal.getsignal(signal.SIGINT)
    with pytest.raises(bl.TrainingInterrupted, match="there is nothing to report; the network is as it was"):
        bl.find_learning_rate(net, X, y, optimizer=warm, engine="reference")
    assert net.parameters.tobytes() == before
    assert warm.memory == {"velocity": 0.0, "steps": 0, "press_at": 37}
    assert (np.random.get_state()[1] == state).all()
    assert signal.getsignal(signal.SIGINT) is handler


def test_diverging_it_leaves_everything_as_it_was():
    X, _ = data()
    net = bl.Network([5, 8, 1], seed=3)
    before = net.parameters.tobytes()
    found = bl.find_learning_rate(net, X, 100 * X[:, :1], optimizer="sgd", highest=1e9)
    assert found.diverged
    assert found.rates[-1] < 1e9
    assert np.isfinite(found.smoothed).all()
    assert net.parameters.tobytes() == before


def test_the_costs_are_those_of_gradient_descent_written_out():
    """A linear network with a batch of all rows: θ ← θ - η_i ∂C/∂θ, by NumPy alone."""
    rng = np.random.default_rng(1)
    X, true = rng.normal(size=(30, 4)), rng.normal(size=(1, 4))
    y = X @ true.T + 0.1 * rng.normal(size=(30, 1))
    net = bl.Network([4, 1], output="identity", seed=2, dtype="float64")
    found = bl.find_learning_rate(
        net, X, y, optimizer="sgd", batch_size="all", l2=0.3, lowest=1e-4, highest=1e3, steps=50, sweeps=1
    )
    W, b = net.layer(2).W.copy(), net.layer(2).b.copy()
    for i, rate in enumerate(1e-4 * (1e3 / 1e-4) ** (np.arange(50) / 49)):
        if i == len(found.costs):
            break
        off = X @ W.T + b - y
        assert found.rates[i] == pytest.approx(rate, rel=1e-12)
        assert found.costs[i] == pytest.approx(0.5 * (off**2).mean(), rel=1e-9)  # 40 steps of growing numbers
        W -= rate * (off.T @ X / 30 + 0.3 / 30 * W)
        b -= rate * off.mean(axis=0)
    assert 20 < len(found.costs) < 50  # it diverges


def test_it_runs_away_where_theory_says_it_must():
    """Gradient descent on a quadratic grows beyond η = 2/λ, λ the largest eigenvalue of the Hessian."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(200, 6)) * [3, 1, 1, 0.5, 0.5, 0.3]
    y = X @ rng.normal(size=(6, 1))
    with_bias = np.hstack([X, np.ones((200, 1))])
    edge = 2 / np.linalg.eigvalsh(with_bias.T @ with_bias / 200)[-1]
    net = bl.Network([6, 1], output="identity", dtype="float64")
    found = bl.find_learning_rate(net, X, y, optimizer="sgd", batch_size="all", sweeps=1)
    assert edge < found.rises < 5 * edge  # 50 steps a decade take a while to grow back to the start
    assert found.suggestion < edge
    assert found.steepest <= found.suggestion <= found.lowest


def test_further_sweeps_take_the_next_seeds():
    X, y = data()
    both = bl.find_learning_rate(network(), X, y, sweeps=2, batch_size=16, seed=7, highest=0.01)
    each = [bl.find_learning_rate(network(), X, y, sweeps=1, batch_size=16, seed=s, highest=0.01) for s in (7, 8)]
    assert (each[0].costs != each[1].costs).any()
    assert both.costs == pytest.approx((each[0].costs + each[1].costs) / 2, rel=1e-12)


def test_every_option_of_the_training_counts():
    X, y = data()
    options = {"highest": 0.01, "sweeps": 1, "batch_size": 16}
    plain = bl.find_learning_rate(network(), X, y, **options).costs
    others = [
        {"cost": "quadratic"}, {"l2": 50.0}, {"label_smoothing": 0.2}, {"optimizer": "sgd"}, {"clip": 1e-3},
        {"batch_size": 8}, {"sample_weight": np.linspace(0.1, 3, 60)}, {"class_weight": {0: 9.0}}, {"seed": 1},
    ]  # fmt: skip
    for other in others:
        if "clip" in other or "l2" in other:  # adam does not care how long a gradient is
            other |= {"optimizer": "sgd"}
            compared = bl.find_learning_rate(network(), X, y, **options | {"optimizer": "sgd"}).costs
        else:
            compared = plain
        assert not np.allclose(bl.find_learning_rate(network(), X, y, **options | other).costs, compared, rtol=1e-9)
    rate = SGD(0.001), SGD(5.0)  # the optimizer's own plays no part
    first, second = (bl.find_learning_rate(network(), X, y, **options | {"optimizer": one}) for one in rate)
    assert (first.costs == second.costs).all()
    assert first.optimizer == {"name": "sgd", "momentum": 0.0, "nesterov": False}


def test_a_stream_is_tried_as_an_array_is(tmp_path):
    X, y = data()
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", y)
    stream = bl.data.stream(f"{tmp_path / 'X.npy'},{tmp_path / 'y.npy'}")
    assert bl.find_learning_rate(network(), stream).suggestion > 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"optimizer": "lbfgs"}, "lbfgs has no learning rate to find: a line search finds each step's length"),
        ({"optimizer": "adm"}, "did you mean 'adam'"),
        ({"lowest": 0}, "lowest of find_learning_rate must be a number above 0"),
        ({"lowest": 0.1, "highest": 0.5}, "highest must be at least ten times lowest"),
        ({"steps": 19}, "steps of find_learning_rate must be a whole number, at least 20"),
        ({"sweeps": 0}, "sweeps of find_learning_rate must be a whole number, at least 1"),
        ({"batch_size": 100}, "there are 60 training rows, fewer than one batch of 100"),
        ({"seed": -1}, "seed must be a whole number"),
    ],
)
def test_what_cannot_be_tried_is_one_line(options, words):
    with pytest.raises(bl.BacklitError, match=words) as caught:
        bl.find_learning_rate(network(), *data(), **options)
    assert "\n" not in str(caught.value)


def test_bad_data_is_one_line():
    X, y = data()
    with pytest.raises(bl.DataError, match="targets"):
        bl.find_learning_rate(network(), X)
    with pytest.raises(bl.OptionError, match=r"must be a backlit.Network, not str"):
        bl.find_learning_rate("net", X, y)
    huge = bl.Network([5, 1], output="identity")
    with pytest.raises(bl.DataError, match="scale the columns of X"):
        bl.find_learning_rate(huge, 1e12 * X, 1e12 * X[:, :1], optimizer="sgd")
