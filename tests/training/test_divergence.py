"""Divergence: noticed, replayed, named, the network put back. The replay is done once more here, in plain NumPy."""

from itertools import count
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.engines.reference import ReferenceEngine
from backlit.randomness import order_of_rows
from backlit.training import divergence

RNG = np.random.default_rng(8)
X = RNG.normal(size=(40, 3))
Y = X[:, 0] - X[:, 1] ** 2


def network(dtype: str = "float64", sizes: tuple[int, ...] = (3, 6, 4, 1)) -> bl.Network:
    return bl.Network(sizes, activation="relu", seed=1, dtype=dtype)


def first_not_finite(
    X: np.ndarray, Y: np.ndarray, rows: np.ndarray, rate: float, batch: int, seed: int, dtype: str, w: np.ndarray
) -> tuple[Any, ...]:
    """(epoch, step, quantity, layer, neuron, row, value) of sgd on relu-relu-identity with the quadratic cost.

    The first number that is not finite, or the output of the costliest row once a batch's mean cost is a million times
    the usual. ``rows`` are the training rows' numbers in the data as given.
    """
    net = network(dtype)
    theta = {l: [net.layer(l).W.copy(), net.layer(l).b.copy()] for l in (2, 3, 4)}
    X, Y, w, step, usual = X[rows].astype(dtype), Y[rows].astype(dtype), w.astype(dtype), 0, 0.0

    def look(quantity: str, layer: int | None, values: np.ndarray, taken: np.ndarray | None) -> tuple[Any, ...] | None:
        for place in np.argwhere(~np.isfinite(values)):
            row = None if taken is None else int(rows[taken[place[0]]])
            neuron = None if quantity == "cost" else int(place[0] if taken is None else place[1])
            return step // -(-len(X) // batch) + 1, step, quantity, layer, neuron, row, float(values[tuple(place)])
        return None

    for epoch in count():
        order = order_of_rows(seed, epoch, len(X))
        for start in range(0, len(X), batch):
            taken = order[start : start + batch]
            with np.errstate(all="ignore"):
                a, z = {1: X[taken]}, {}
                for l in (2, 3, 4):
                    z[l] = a[l - 1] @ theta[l][0].T + theta[l][1]
                    a[l] = z[l] if l == 4 else np.where(z[l] > 0, z[l], 0 * z[l])
                cost = 0.5 * ((a[4] - Y[taken, None]) ** 2).sum(axis=1)
                delta = {4: a[4] - Y[taken, None]}
                for l in (3, 2):
                    delta[l] = delta[l + 1] @ theta[l + 1][0] * (z[l] > 0)
                share = w[taken] / len(taken)
                g = {l: ((delta[l] * share[:, None]).T @ a[l - 1], share @ delta[l]) for l in (2, 3, 4)}
                for l in (2, 3, 4):
                    theta[l] = [theta[l][0] - g[l][0] * rate, theta[l][1] - g[l][1] * rate]
            checks: list[tuple[str, int | None, np.ndarray, np.ndarray | None]] = []
            for l in (2, 3, 4):
                checks += [("z", l, z[l], taken), ("a", l, a[l], taken)]
            checks += [("cost", None, cost, taken)]
            checks += [("delta", l, delta[l], taken) for l in (4, 3, 2)]
            for l in (2, 3, 4):
                checks += [("gradient of the weights", l, g[l][0], None), ("gradient of the biases", l, g[l][1], None)]
            for l in (2, 3, 4):
                checks += [("weight after the update", l, theta[l][0], None)]
                checks += [("bias after the update", l, theta[l][1], None)]
            for check in checks:
                if found := look(*check):
                    return found
            mean = w[taken] @ cost / w[taken].sum()
            usual = mean if step == 0 else usual
            if mean > 1e6 * (1 + usual):
                usual = max(usual, (0.5 * (network(dtype).predict(X)[:, 0] - Y) ** 2).max())
            if mean > 1e6 * (1 + usual):
                worst = int(cost.argmax())
                return epoch + 1, step, "z", 4, 0, int(rows[taken[worst]]), float(z[4][worst, 0])
            step += 1
    raise AssertionError


def diverges(net: bl.Network, X: Any = X, Y: Any = Y, **options: Any) -> bl.DivergenceError:
    before = net.parameters.copy()
    with pytest.raises(bl.DivergenceError) as caught:
        bl.train(net, X, Y, **{"optimizer": "sgd", "batch_size": 4, "epochs": 9, "progress": False, **options})
    assert "\n" not in str(caught.value)
    if caught.value.where["epoch"] == 1:
        np.testing.assert_array_equal(net.parameters, before)
        assert caught.value.__notes__ == ["the network is as it was before the training"]
    return caught.value


def facts(error: bl.DivergenceError) -> tuple[Any, ...]:
    return tuple(error.where[what] for what in ("epoch", "step", "quantity", "layer", "neuron", "row", "value"))


def test_learning_rate_1e6_names_step_layer_neuron_row_and_value() -> None:
    error = diverges(network(), learning_rate=1e6)
    epoch, step, quantity, layer, neuron, row, value = first_not_finite(
        X, Y, np.arange(40), 1e6, 4, 0, "float64", np.ones(40)
    )
    assert facts(error)[:6] == (epoch, step, quantity, layer, neuron, row)
    assert error.where["value"] == pytest.approx(value, rel=1e-9)
    assert None not in (layer, neuron, row)
    cost = (value - Y[row]) ** 2 / 2
    assert error.where["cost"] == pytest.approx(cost, rel=1e-9)
    assert str(error) == (
        f"training diverged in epoch {epoch}, step {step} (learning rate 1e+06): z (layer {layer}, neuron {neuron}, "
        f"row {row}) is {value:g}, and that row's cost {cost:g}; "
        "lower the learning_rate, or clip the gradients (clip=1)"
    )


@pytest.mark.parametrize(
    ("rate", "dtype", "batch", "seed"),
    [
        (1e6, "float32", 4, 0), (30.0, "float32", 5, 1), (3.0, "float64", 7, 2), (1e18, "float32", 3, 3),
        (1e150, "float64", 4, 4), (1e60, "float64", 8, 5), (1e36, "float32", 7, 6),
    ],
)  # fmt: skip
@pytest.mark.parametrize("validation", [None, 0.25])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_first_number_that_is_not_finite_is_the_users_own(
    rate: float, dtype: str, batch: int, seed: int, validation: float | None, weighted: bool
) -> None:
    """Shuffled, with rows held out, weighted: ``row`` is its number in the data as given."""
    weights = RNG.uniform(0.5, 2, 40) if weighted else np.ones(40)

    class Rows(bl.Callback):
        def on_train_begin(self, run: bl.Run) -> None:
            self.rows = np.arange(40) if run.train_rows is None else run.train_rows

    look = Rows()
    error = diverges(
        network(dtype), learning_rate=rate, batch_size=batch, seed=seed, validation=validation, epochs=60,
        callbacks=[look], sample_weight=weights,
    )  # fmt: skip
    w = weights[look.rows] / weights[look.rows].mean()
    expected = first_not_finite(X, Y, look.rows, rate, batch, seed, dtype, w)
    assert facts(error)[:6] == expected[:6]
    if np.isfinite(expected[6]):
        np.testing.assert_allclose(facts(error)[6], expected[6], rtol=1e-3 if dtype == "float32" else 1e-9)
    else:  # whether a sum past the largest float is inf or inf - inf depends on the order in which an engine adds
        assert not np.isfinite(facts(error)[6])
    assert error.where["learning_rate"] == rate


def test_an_update_that_overflows_names_the_parameter() -> None:
    """Everything of step 0 is finite but η times the gradient of W²_{1,2}."""
    net = bl.Network([3, 2], dtype="float64", seed=0)
    X, Y = np.array([[1e-9, 0.0, 1e5]]), np.array([[0.0, 50.0]])
    net.parameters[:] = 0
    error = diverges(net, X, Y, learning_rate=1e303, batch_size=1, epochs=1)
    assert facts(error) == (1, 0, "weight after the update", 2, 1, None, np.inf)
    assert "weight after the update (layer 2, neuron 1) is inf; lower the learning_rate" in str(error)
    error = diverges(net, X * 1e-9, Y * 1e4, learning_rate=1e303, batch_size=1, epochs=3)
    assert facts(error) == (1, 0, "bias after the update", 2, 1, None, np.inf)


def test_numbers_beyond_any_float_before_the_first_update_are_not_blamed_on_the_learning_rate() -> None:
    error = diverges(bl.Network([3, 4, 1], seed=0), X * 1e25, Y)
    assert facts(error)[1:3] == (0, "cost")
    assert str(error).endswith("scale the columns of X, and y, to about 1, or start from smaller weights")
    assert error.where["row"] in order_of_rows(0, 0, 40)[:4]


def test_an_optimizer_whose_steps_do_not_grow_is_caught_running_away() -> None:
    """Adam's first step is η in every parameter, whatever the gradient: the second batch meets weights of 10⁶."""
    error = diverges(network(), optimizer="adam", learning_rate=1e6)
    net, first, second = network(), *(order_of_rows(0, 0, 40)[start : start + 4] for start in (0, 4))
    gradient = ReferenceEngine().backward_pass(
        net, bl.objective.choose("identity"), X[first], Y[first, None], np.ones(4)
    ).gradients.vector  # fmt: skip
    net.parameters[:] -= 1e6 * gradient / (np.abs(gradient) + 1e-8)
    z = net.predict(X[second])[:, 0]
    costs = (z - Y[second]) ** 2 / 2
    worst = costs.argmax()
    assert facts(error)[:6] == (1, 1, "z", 4, 0, second[worst])
    assert error.where["value"] == pytest.approx(z[worst], rel=1e-9)
    assert error.where["cost"] == pytest.approx(costs[worst], rel=1e-9)


def test_one_batch_of_all_rows_is_caught_too() -> None:
    error = diverges(network(), optimizer="adam", learning_rate=1e6, batch_size="all")
    assert facts(error)[:5] == (2, 1, "z", 4, 0)
    assert np.isfinite(error.where["value"])


def test_a_later_epoch_goes_back_to_the_epoch_before() -> None:
    """Five good epochs; then the step schedule's drop of 10⁷ makes a training of it that cannot hold."""
    schedule = bl.schedules.Step(every=5, drop=1e7)
    net, good = network(), network()
    bl.train(good, X, Y, optimizer="sgd", learning_rate=0.01, epochs=5, batch_size=4, progress=False)

    class End(bl.Callback):
        def on_train_end(self, run: bl.Run) -> None:
            self.run = run

    end = End()
    error = diverges(net, learning_rate=0.01, schedule=schedule, callbacks=[end])
    assert error.where["epoch"] == 6
    assert error.where["step"] >= 50
    assert error.where["learning_rate"] == pytest.approx(1e5)
    np.testing.assert_array_equal(net.parameters, good.parameters)
    assert error.__notes__ == ["the network is as it was after epoch 5"]
    assert len(end.run.history) == 5
    assert end.run.stopped.startswith("failed: training diverged in epoch 6")


def test_dropout_clipping_and_momentum_replay_to_the_same_place() -> None:
    """The masks and the state are those of the first time: the place is where an unwatched training breaks."""
    net = bl.Network([3, 6, 4, 1], seed=1, dropout=0.3, dtype="float32")
    error = diverges(net, optimizer=bl.optimizers.SGD(50.0, momentum=0.9), clip=1e30)
    records = []

    class All(bl.Callback):
        def wants(self, step: int) -> bool:
            return step < error.where["step"]

        def on_step(self, run: bl.Run, record: Any) -> None:
            records.append(record)

    again = diverges(net, optimizer=bl.optimizers.SGD(50.0, momentum=0.9), clip=1e30, callbacks=[All()])
    assert str(again) == str(error)
    assert all(divergence.first_in(record, net) is None for record in records)


def test_it_does_not_matter_when_it_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    from backlit.training import loop

    expected = facts(diverges(network(), learning_rate=1e6))
    for steps in (1, 3, 1000):
        monkeypatch.setattr(loop.Pace, "__init__", lambda self, steps=steps: setattr(self, "steps", steps))
        assert str(facts(diverges(network(), learning_rate=1e6))) == str(expected)


def test_rare_rows_that_cost_a_million_times_the_others_are_no_divergence() -> None:
    """Most targets 0, a few of them 3·10⁵: the first batch knows nothing of them."""
    Y = np.zeros(40)
    Y[order_of_rows(0, 0, 40)[21]] = 3e5
    options = {"cost": "mse", "batch_size": 4, "epochs": 2, "progress": False}
    run = bl.train(network(), X, Y, **options)
    assert len(run.history) == 2
    assert run.history[0].cost > 1e9
    with pytest.raises(bl.DivergenceError):  # and what does run away is caught none the less
        bl.train(network(), X, Y, optimizer="adam", learning_rate=1e6, **options)


def test_the_costliest_row_is_found_chunk_by_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(divergence, "CHUNK", 7)
    from backlit.engines import Choice, TrainingData
    from backlit.objective import choose

    net, start = network(), network().parameters.copy()
    net.parameters[:] = 0  # it is the start's parameters that count
    costs = 0.5 * (network().predict(X)[:, 0] - Y) ** 2
    data = TrainingData(X, Y[:, None], np.ones(40), None)
    setup = SimpleNamespace(data=data, network=net, objective=choose("identity"), choice=Choice(ReferenceEngine(), ""))
    found = divergence.largest_cost(setup, start)
    assert found == pytest.approx(costs.max(), rel=1e-12)
    assert not net.parameters.any()


@pytest.mark.parametrize(
    ("costs", "usual", "away"),
    [
        ([1.0, 2.0], 1.0, False), ([1.0, 1.9e6], 1.0, False), ([1.0, 2.1e6], 1.0, True), ([0.9e6], 0.0, False),
        ([np.nan], 1.0, True), ([np.inf], 1.0, True), ([np.inf], np.inf, True), ([-np.inf], 0.0, True),
        ([-2.1e6], 1.0, True), ([], 0.0, False), ([1e300], 1e299, False),
    ],
)  # fmt: skip
def test_what_has_run_away(costs: list[float], usual: float, away: bool) -> None:
    assert divergence.has_run_away(np.array(costs), usual) is away


def test_lbfgs_neither_crashes_nor_calls_it_converged() -> None:
    error = diverges(network(), X * 1e200, Y, optimizer="lbfgs", batch_size=None)
    assert facts(error) == (1, 0, "cost", None, None, None, np.inf)
    assert "scale the columns of X" in str(error)
    assert "learning_rate" not in str(error).partition("; ")[2]


def test_lbfgs_whose_parameters_overflow_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    minimise = bl.optimizers.LBFGS.minimise

    def overflow(self: Any, theta: np.ndarray, cost_and_gradient: Any) -> Any:
        found = minimise(self, theta, cost_and_gradient)
        found.theta[2 * 3 + 1] = np.nan  # W² row 2, column 1
        return found

    monkeypatch.setattr(bl.optimizers.LBFGS, "minimise", overflow)
    error = diverges(network(), optimizer="lbfgs", batch_size=None)
    assert facts(error)[:6] == (1, 0, "weight after the update", 2, 2, None)


PLACES = ["z 2", "a 2", "z 3", "a 3", "z 4", "a 4", "cost", "delta 4", "delta 3", "delta 2",
          "W 2", "b 2", "W 3", "b 3", "W 4", "b 4", "update W 2", "update b 4"]  # fmt: skip


@pytest.mark.parametrize("n", range(len(PLACES)))
def test_of_several_numbers_the_one_that_the_pass_makes_first_is_named(n: int) -> None:
    """Everything from one place on is infinite: that place is found, with its neuron and row."""
    records: list[Any] = []

    class Look(bl.Callback):
        def wants(self, step: int) -> bool:
            return step == 3

        def on_step(self, run: bl.Run, record: Any) -> None:
            records.append(record)

    net = network(sizes=(3, 6, 4, 2))
    bl.train(net, X, np.stack([Y, Y], axis=1), batch_size=5, epochs=1, callbacks=[Look()], progress=False)
    (record,) = records
    assert divergence.first_in(record, net) is None
    forward, gradients = record.backward.forward, record.backward.gradients
    update = net.split(record.update)
    arrays: dict[str, np.ndarray] = {"cost": record.backward.row_costs}
    for l in (2, 3, 4):
        forward.z[l], forward.a[l] = forward.z[l].copy(), forward.a[l].copy()  # identity shares them
        arrays |= {f"z {l}": forward.z[l], f"a {l}": forward.a[l], f"delta {l}": record.backward.errors.delta[l]}
        arrays |= {f"W {l}": gradients.W[l], f"b {l}": gradients.b[l]}
        arrays |= {f"update W {l}": update[l][0], f"update b {l}": update[l][1]}
    for place in PLACES[n:]:
        arrays[place][(-1,) * arrays[place].ndim] = np.inf
    found = divergence.first_in(record, net)
    kind, layer = PLACES[n].rpartition(" ")[::2] if PLACES[n] != "cost" else ("cost", None)
    names = {
        "W": "gradient of the weights", "b": "gradient of the biases",
        "update W": "weight after the update", "update b": "bias after the update",
    }  # fmt: skip
    rows_there = kind in ("z", "a", "delta", "cost")
    neuron = None if layer is None else (3, 6, 4, 2)[int(layer) - 1] - 1
    assert found == divergence.Found(
        names.get(kind, kind), None if layer is None else int(layer), neuron,
        int(record.rows[-1]) if rows_there else None, np.inf,
    )  # fmt: skip


def test_rare_heavy_rows_that_meet_late_are_no_divergence() -> None:
    # Rows that cost 3 million from the start, in batches whose usual cost is 0: two may first meet in any epoch.
    X = np.random.default_rng(0).normal(size=(40, 2))
    y = np.where(np.arange(40) < 2, 2600.0, 0.0)
    for seed in range(4):
        network = bl.Network([2, 1], dtype="float64", seed=seed)
        run = bl.train(
            network, X, y, optimizer="sgd", learning_rate=1e-9, batch_size=4, epochs=40, seed=seed, progress=False
        )
        assert len(run.history) == 40


def test_a_network_that_is_not_finite_before_the_training_is_named() -> None:
    network = bl.Network([2, 1], dtype="float64")
    network.parameters[1] = np.nan
    with pytest.raises(bl.OptionError, match=r"^network\.parameters hold NaN or infinity before the training"):
        bl.train(network, [[0.0, 1.0], [1.0, 0.0]], [0.0, 1.0], progress=False)
