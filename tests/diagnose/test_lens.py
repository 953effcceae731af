"""The lens: its record against sums made by hand from what a recorded step holds, and the training's bits."""

import numpy as np
import pytest

import backlit as bl
from backlit.diagnose.record import BY_LAYER, moving_mean


class Recorder(bl.Callback):
    """Keeps every step whole."""

    def __init__(self):
        self.records = []

    def wants(self, step):
        return True

    def on_step(self, run, record):
        self.records.append(record)


def data(rows=40, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 6))
    return X, np.argmax(X[:, :3] + 0.3 * rng.normal(size=(rows, 3)), axis=1)


def trained(callbacks, engine="reference", epochs=2, **options):
    X, y = data()
    net = bl.Network([6, 9, 7, 3], activation=["tanh", "relu"], output="softmax", dropout=[0.2, 0.0], dtype="float64")
    settings = {"l2": 0.5, "clip": 0.7, "batch_size": 12, "validation": 0.2, "sample_weight": np.linspace(0.2, 2, 40)}
    run = bl.train(net, X, y, epochs=epochs, callbacks=callbacks, engine=engine, progress=False, **(settings | options))
    return net, run


@pytest.mark.parametrize("engine", ["reference", "auto"])
def test_every_number_by_hand(engine):
    """From the recorded steps' own z, a, δ and gradients, written out once more, row by row."""
    recorder, lens = Recorder(), bl.Lens()
    net, run = trained([recorder, lens], engine)
    record = run.lens.record
    assert run.lens is lens
    assert len(record) == len(recorder.records) == 2 * run.steps_per_epoch
    _, y = data()
    weights = np.linspace(0.2, 2, 40)[run.train_rows]
    w_tilde = weights / weights.mean()
    for s, step in enumerate(recorder.records):
        forward, delta, m = step.backward.forward, step.backward.errors.delta, len(step.rows)
        applied = step.backward.gradients
        unclip = max(step.norm / 0.7, 1.0)
        w = w_tilde[step.rows]
        assert record.step[s] == step.step
        assert record.m[s] == m
        start, end = record.row_starts[s : s + 2]
        assert (record.row[start:end] == run.train_rows[step.rows]).all()
        assert record.learning_rate[s] == step.learning_rate
        assert record.cost[s] == pytest.approx((w @ step.backward.row_costs) / w.sum(), rel=1e-12)
        right = forward.output.argmax(1) == y[run.train_rows[step.rows]]
        assert record.accuracy[s] == pytest.approx((w @ right) / w.sum(), rel=1e-12)
        assert record.gradient_norm[s] == pytest.approx(step.norm, rel=1e-12)
        before, change = net.split(step.parameters), net.split(step.update)
        by_row = np.zeros(m)
        for l in (2, 3, 4):
            z, a, sigma = forward.z[l], forward.a[l], forward.sigma[l]
            slope = {2: 1 - sigma**2, 3: np.heaviside(z, 0), 4: sigma * (1 - sigma)}[l]
            below = 0.05 / 4 if l == 4 else 0.05
            W, b = before[l]
            gW, gb = applied.W[l] * unclip, applied.b[l] * unclip
            each = [np.outer(delta[l][i], np.append(forward.a[l - 1][i], 1)) for i in range(m)]  # ∇C_x, W and b
            squares = np.array([np.sum(g**2) for g in each])
            by_row += squares
            mean = sum(w[i] * each[i] for i in range(m)) / m
            expected = {
                "z_rms": np.sqrt(np.mean(z**2)),
                "a_rms": np.sqrt(np.mean(a**2)),
                "delta_rms": np.sqrt(np.mean(delta[l] ** 2)),
                "slope": np.mean(slope),
                "saturated": np.mean(slope < below),
                "zero": np.mean(sigma == 0),
                "dead": np.mean((slope < below).all(axis=0)),
                "weight_norm": np.linalg.norm(W),
                "bias_norm": np.linalg.norm(b),
                "weight_gradient": np.linalg.norm(gW),
                "bias_gradient": np.linalg.norm(gb),
                "data_gradient": np.linalg.norm(mean),
                "weight_update": np.linalg.norm(change[l][0]),
                "bias_update": np.linalg.norm(change[l][1]),
                "descent": np.sum(gW * change[l][0]) + np.sum(gb * change[l][1]),
                "row_gradient_squares": np.sum(w**2 * squares),
            }
            found = {name: column[s] for name, column in record.layer(l).items()}
            assert found == pytest.approx(expected, rel=1e-10, abs=1e-14)
        assert record.row_gradient[start:end] == pytest.approx(np.sqrt(by_row), rel=1e-6)
        assert record.row_cost[start:end] == pytest.approx(step.backward.row_costs, rel=1e-6)


@pytest.mark.parametrize("engine", ["reference", "auto"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"optimizer": "sgd", "learning_rate": 0.1, "clip": None, "l2": 0.0},
        {"optimizer": "rmsprop", "sample_weight": None},
        {"optimizer": bl.optimizers.SGD(0.1, momentum=0.9, nesterov=True), "schedule": "cosine"},
        {"optimizer": "adamw", "batch_size": "all"},
    ],
)
def test_the_same_bits_with_and_without(engine, options):
    bare, bare_run = trained([], engine, **options)
    seen, seen_run = trained([bl.Lens(histograms=5)], engine, **options)
    sparse, _ = trained([bl.Lens(every=3)], engine, **options)
    assert (bare.parameters == seen.parameters).all()
    assert (bare.parameters == sparse.parameters).all()
    without_clock = [{k: v for k, v in r.items() if k != "seconds"} for r in bare_run.history.records()]
    assert without_clock == [{k: v for k, v in r.items() if k != "seconds"} for r in seen_run.history.records()]


def test_the_schedule_and_two_lenses():
    by_number, by_rule = bl.Lens(every=3), bl.Lens(every=lambda step: step in (1, 5))
    _, run = trained([by_number, by_rule])
    assert by_number.record.step.tolist() == list(range(0, 2 * run.steps_per_epoch, 3))
    assert by_rule.record.step.tolist() == [1, 5]
    everything = bl.Lens()
    trained([everything])
    for lens in (by_number, by_rule):
        kept = np.isin(everything.record.step, lens.record.step)
        for name in BY_LAYER:
            assert (getattr(lens.record, name) == getattr(everything.record, name)[kept]).all()
        assert (lens.record.row_gradient == everything.record.row_gradient[np.repeat(kept, everything.record.m)]).all()


def test_gradient_variance_and_noise_scale_are_without_bias():
    """Over every batch of 3 of 5 rows, the means of the estimates are the numbers of all rows (counted with m - 1)."""
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(5, 2)), rng.normal(size=(5, 1))
    net = bl.Network([2, 1], dtype="float64", seed=1)
    W, b = net.layer(2).W.copy(), net.layer(2).b.copy()
    each = np.array([np.append((W @ x + b - t) * x, W @ x + b - t) for x, t in zip(X, y, strict=True)])
    variance = each.var(axis=0, ddof=1).sum()
    from itertools import combinations

    estimates = []
    for rows in combinations(range(5), 3):
        net.layer(2).W[...], net.layer(2).b[...] = W, b
        lens = bl.Lens()
        bl.train(net, X[list(rows)], y[list(rows)], batch_size="all", epochs=1, callbacks=[lens], progress=False)
        estimates.append(lens.record)
    assert np.mean([r.gradient_variance[0] for r in estimates]) == pytest.approx(variance, rel=1e-10)
    record = estimates[0]
    g = each[[0, 1, 2]]
    signal = (g.mean(axis=0) ** 2).sum() - g.var(axis=0, ddof=1).sum() / 3
    assert record.mean_gradient_square[0] == pytest.approx(signal, rel=1e-10)
    scale = g.var(axis=0, ddof=1).sum() / signal if signal > 0 else np.inf
    assert record.noise_scale()[0] == pytest.approx(scale, rel=1e-10)
    assert record.signal_to_noise()[0] == pytest.approx(3 / scale, rel=1e-10)


def test_moving_mean():
    assert moving_mean(np.array([1.0, np.nan, 3.0, 5.0]), 2) == pytest.approx([1, 1, 3, 4])


def test_histograms_on_demand():
    recorder, lens = Recorder(), bl.Lens(histograms=2, bins=5)
    trained([recorder, lens])
    steps = sorted({h.step for h in lens.record.histograms})
    assert steps == [r.step for r in recorder.records][::2]
    found = {(h.step, h.layer, h.quantity): h for h in lens.record.histograms}
    assert len(found) == len(steps) * 3 * 3
    delta = recorder.records[2].backward.errors.delta[3]
    counts, edges = np.histogram(delta, 5)
    assert (found[2, 3, "delta"].counts == counts).all()
    assert found[2, 3, "delta"].edges == pytest.approx(edges)
    assert found[2, 3, "delta"].not_finite == 0


def test_the_first_cause_and_the_state_before_it():
    X, y = data()
    net = bl.Network([6, 9, 3], activation="relu", output="identity", dtype="float64")
    lens = bl.Lens(row_numbers=np.arange(40) + 1000)
    with pytest.raises(bl.DivergenceError) as raised:
        bl.train(
            net, X, np.eye(3)[y], optimizer="sgd", learning_rate=1e200, batch_size=8, callbacks=[lens], progress=False
        )
    cause, record = lens.record.cause, lens.record
    assert cause.where["step"] == raised.value.where["step"]
    assert cause.where["row"] == raised.value.where["row"] + 1000
    assert record.stopped.startswith("failed: ")
    step = int(np.flatnonzero(record.step == cause.where["step"])[0])
    start, end = record.row_starts[step : step + 2]
    assert (record.row[start:end] == cause.rows).all()
    with np.errstate(over="ignore", invalid="ignore"):  # replayed: the number is made again
        t = bl.trace(cause.network, X[cause.rows - 1000], np.eye(3)[y][cause.rows - 1000])
        place = list(cause.rows).index(cause.where["row"])
        value = {"z": t.z, "a": t.a, "delta": t.delta}[cause.where["quantity"]](cause.where["layer"])
    assert str(value[place, cause.where["neuron"]]) == str(cause.where["value"])


def test_a_resumed_training_goes_on_in_the_same_record(tmp_path):
    class Stop(bl.Callback):
        def on_epoch_end(self, run):
            run.stop("enough")

    whole, first = bl.Lens(), bl.Lens()
    trained([whole], epochs=3)
    path = tmp_path / "state"
    trained([first, Stop()], epochs=3, checkpoint=path)
    assert len(first.record) == len(whole.record) // 3
    trained([first], epochs=3, checkpoint=path, resume=True)
    for name in ("step", "delta_rms", "row_gradient", "weight_update"):
        assert (getattr(first.record, name) == getattr(whole.record, name)).all()


def test_lbfgs_measures_the_start_of_each_segment():
    lens = bl.Lens()
    X, y = data()
    net = bl.Network([6, 5, 3], activation="tanh", output="softmax", dtype="float64")
    start = net.copy()
    bl.train(net, X, y, optimizer="lbfgs", epochs=2, callbacks=[lens], progress=False)
    record = lens.record
    assert record.step.tolist() == [0, 1]
    assert record.weight_norm[0] == pytest.approx([np.linalg.norm(layer.W) for layer in start.layers], rel=1e-12)
    assert (record.descent.sum(axis=1) < 0).all()


def test_tables():
    lens = bl.Lens()
    trained([lens])
    layers = lens.record.to_polars()
    assert layers.shape[0] == 3 * len(lens.record)
    assert layers.filter(layer=3)["delta_rms"].to_list() == lens.record.delta_rms[:, 1].tolist()
    assert lens.record.to_polars("rows")["step"].to_list() == np.repeat(lens.record.step, lens.record.m).tolist()
    assert lens.record.to_polars("steps").shape[0] == len(lens.record)
    with pytest.raises(bl.OptionError, match="did you mean 'layers'"):
        lens.record.to_polars("layer")
    part = lens.record.between(2, 4)
    assert part.step.tolist() == [2, 3]
    assert len(part.row) == part.m.sum()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"every": 0}, "every of a lens is a number of steps"),
        ({"every": "all"}, "not 'all'"),
        ({"every": True}, "not True"),
        ({"histograms": 0.5}, "histograms of a lens"),
        ({"bins": 0}, "bins of a histogram"),
    ],
)
def test_options_that_cannot_be(options, message):
    with pytest.raises(bl.OptionError, match=message):
        bl.Lens(**options)


def test_a_lens_that_saw_nothing():
    with pytest.raises(bl.OptionError, match="has seen no training"):
        bl.Lens().record  # noqa: B018
    lens = bl.Lens()
    trained([lens])
    with pytest.raises(bl.OptionError, match="no layer 9"):
        lens.record.layer(9)
