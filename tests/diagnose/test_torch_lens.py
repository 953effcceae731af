"""lens_torch: the record of the same network in Backlit, the training's bits, and what it leaves behind."""

import gc
from itertools import pairwise

import numpy as np
import pytest

import backlit as bl
from backlit.diagnose import torch_sums
from backlit.diagnose.record import BY_LAYER, BY_ROW, BY_STEP
from backlit.diagnose.torch_sums import LayerPass
from backlit.engines.statistics import SUMS

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
nn = torch.nn
# The hooks see PyTorch's own float32 arithmetic; ten steps of it stay this near to ours.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SIZES = (12, 20, 16, 8, 5)


def data(rows=60):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, SIZES[0])).astype(np.float32)
    return X, rng.integers(0, SIZES[-1], rows)


def module_of(network, activation):
    parts = []
    for layer in network.layers:
        linear = nn.Linear(layer.W.shape[1], layer.W.shape[0])
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(layer.W.copy()))
            linear.bias.copy_(torch.from_numpy(layer.b.copy()))
        parts += [linear, activation()]
    return nn.Sequential(*parts[:-1])


def fit(model, X, y, batches, optimizer, criterion, dtype=None):
    for rows in batches:
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype is not None):
            loss = criterion(model(torch.from_numpy(X[rows])), torch.from_numpy(y[rows]))
        loss.backward()
        optimizer.step()


def ours(name, optimizer, epochs=2):
    """The same network trained by Backlit: its start, its record, its batches."""
    X, y = data()
    network = bl.Network(SIZES, activation=name, output="softmax", seed=1)
    start, lens = network.copy(), bl.Lens()
    bl.train(network, X, y, optimizer=optimizer, epochs=epochs, batch_size=16, callbacks=[lens], progress=False)
    record = lens.record
    starts = record.row_starts
    return start, record, [record.row[a:b] for a, b in pairwise(starts)]


ACTIVATIONS = {
    "relu": lambda: nn.ReLU(inplace=True),
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "leaky-relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "silu": lambda: nn.SiLU(inplace=True),
    "softplus": nn.Softplus,
}


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_record_is_that_of_the_same_network(name, reduction):
    rate = 0.05
    start, right, batches = ours(name, bl.optimizers.SGD(rate))
    model = module_of(start, ACTIVATIONS[name])
    if reduction == "sum":  # the mean's gradients are the sum's / 16; the last batch of an epoch has 12 rows
        batches, right = batches[:3], right.between(0, 3)
        rate /= 16
    X, y = data()
    criterion = nn.CrossEntropyLoss(reduction=reduction)
    with bl.lens_torch(model, criterion=criterion) as lens:
        fit(model, X, y, batches, torch.optim.SGD(model.parameters(), lr=rate), criterion)
    found = lens.record
    assert found.about.sizes == SIZES
    assert found.about.activations == (*[name] * 3, "softmax")
    assert found.m.tolist() == right.m.tolist()
    gradients = 16.0 if reduction == "sum" else 1.0
    for column in BY_LAYER:
        if (name, column) == ("gelu", "zero"):
            continue  # PyTorch's gelu is 0 from z = -5.4 on, where 1 + erf rounds to 0; ours keeps its tail
        by = gradients if column in ("weight_gradient", "bias_gradient", "data_gradient", "descent") else 1.0
        assert getattr(found, column) / by == pytest.approx(getattr(right, column), rel=1e-5, abs=1e-7), column
    assert found.row_gradient == pytest.approx(right.row_gradient, rel=1e-5)
    assert found.cost == pytest.approx(right.cost, rel=1e-5)
    assert np.isnan(found.accuracy).all()
    assert np.isnan(found.row_cost).all()


def functional():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.last = nn.Linear(12, 30), nn.Linear(30, 30), nn.Linear(30, 5)
            self.drop = nn.Dropout(0.3)

        def forward(self, x):
            x = self.drop(torch.sigmoid(self.first(x)))
            return self.last(nn.functional.layer_norm(self.second(x).relu_(), (30,)))

    return Model()


@pytest.mark.parametrize("autocast", [None, "bfloat16"])
def test_the_training_has_the_same_bits(autocast):
    X, y = data()
    batches, states = np.split(np.arange(60), 6) * 2, []
    for watched in (False, True):
        torch.manual_seed(3)
        model = functional()
        optimizer, criterion = torch.optim.Adam(model.parameters(), lr=0.01), nn.CrossEntropyLoss()
        lens = bl.lens_torch(model, criterion=criterion) if watched else None
        fit(model, X, y, batches, optimizer, criterion, autocast)
        states.append([p.detach().clone() for p in model.parameters()])
        if lens:
            record = lens.record
            lens.remove()
    assert all(torch.equal(one, other) for one, other in zip(*states, strict=True))
    assert len(record) == 12
    assert record.about.activations[0] == "sigmoid"  # found behind the dropout
    assert record.about.activations[1:] == ("unknown", "softmax")
    assert np.isnan(record.slope[:, 1]).all()
    assert np.isfinite(record.delta_rms).all()
    assert (record.delta_rms > 0).all()


def test_rows_of_several_vectors_and_layers_without_bias():
    """Against the gradient of each row on its own."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 7, bias=False), nn.Tanh(), nn.Linear(7, 3))
    X, criterion = torch.randn(5, 4, 6), nn.MSELoss(reduction="sum")
    Y = torch.randn(5, 4, 3)
    expected = []
    for x, y in zip(X, Y, strict=True):
        gradients = torch.autograd.grad(criterion(model(x), y), list(model.parameters()))
        expected.append(float(sum((g**2).sum() for g in gradients)) ** 0.5)
    hidden = model[:2](X).detach()
    with bl.lens_torch(model, criterion=criterion) as lens:
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
        criterion(model(X), Y).backward()
        optimizer.step()
    assert lens.record.row_gradient == pytest.approx(expected, rel=1e-5)
    assert lens.record.a_rms[0, 0] == pytest.approx(float(hidden.square().mean()) ** 0.5, rel=1e-5)


def test_schedule_and_steps():
    X, y = data()
    model = module_of(bl.Network(SIZES, seed=0), nn.ReLU)
    criterion, optimizer = nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.1)
    lens = bl.lens_torch(model, criterion=criterion, every=3)
    fit(model, X, y, [np.arange(16)] * 7, optimizer, criterion)
    other = nn.Linear(2, 2)
    other(torch.ones(1, 2)).sum().backward()
    torch.optim.SGD(other.parameters(), lr=0.1).step()  # somebody else's step
    assert lens.record.step.tolist() == [0, 3, 6]
    assert lens.record.learning_rate == pytest.approx([0.1] * 3)
    assert "3 steps" in repr(lens)


def test_no_graph_and_no_hook_is_left():
    X, y = data()
    model = module_of(bl.Network(SIZES, seed=0), nn.ReLU)
    lens = bl.lens_torch(model)

    def kept():
        gc.collect()
        return sum(type(thing) is LayerPass for thing in gc.get_objects())

    outputs = model(torch.from_numpy(X))
    assert kept() == 4
    del outputs
    assert kept() == 0  # without a backward pass it goes with its graph
    with torch.no_grad():
        assert model(torch.from_numpy(X)).shape == (60, 5)
    assert kept() == 0
    fit(model, X, y, [np.arange(8)], torch.optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss())
    assert kept() == 0
    lens.remove()
    assert all(not part._forward_hooks and not part._backward_hooks for part in model.modules())
    before = len(lens.record)
    fit(model, X, y, [np.arange(8)], torch.optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss())
    assert len(lens.record) == before == 1
    lens.remove()  # twice does no harm


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (lambda: nn.Sequential(nn.ReLU()), {}, "has no nn.Linear to watch"),
        (lambda: bl.Network([2, 1]), {}, "of a Network use bl.Lens"),
        (lambda: nn.Linear(2, 1), {"reduction": "meen"}, "did you mean 'mean'"),
        (lambda: nn.Linear(2, 1), {"output": "softmx"}, "did you mean 'softmax'"),
        (lambda: nn.Linear(2, 1), {"criterion": nn.functional.mse_loss}, "criterion must be a loss module"),
        (lambda: nn.Linear(2, 1), {"criterion": nn.MSELoss(reduction="none")}, "reduction 'none' is not known"),
        (lambda: nn.Linear(2, 1), {"every": 0}, "every of a lens"),
    ],
)
def test_what_cannot_be_watched(model, options, message):
    with pytest.raises(bl.OptionError, match=message):
        bl.lens_torch(model(), **options)


def test_no_step_yet():
    with pytest.raises(bl.OptionError, match="has seen no step"):
        bl.lens_torch(nn.Linear(2, 1)).record  # noqa: B018


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1, 5, 1000, 5000])
def test_an_update_is_summed_alike_with_and_without_the_native_core(dtype, size, monkeypatch):
    """In float32 to the rounding of a thousand terms a lane. A layer with a bias, and one without."""
    rng = np.random.default_rng(size)
    sizes = [[size, 3], [4]]

    def made():
        return [[rng.normal(size=n).astype(dtype) for n in layer] for layer in sizes]

    before, after, g = made(), made(), made()

    def summed():
        own, sums = [[theta.copy() for theta in layer] for layer in before], np.zeros((2, len(SUMS)))
        torch_sums.sums_of_updates(sums, own, after, g)
        for here, now in zip(own, after, strict=True):
            assert all((theta == right).all() for theta, right in zip(here, now, strict=True))
        return dict(zip(SUMS, sums.T, strict=True))

    def squares(arrays, which):
        return [float((layer[which].astype(np.float64) ** 2).sum()) if which < len(layer) else 0.0 for layer in arrays]

    found = summed()
    monkeypatch.setattr(torch_sums.native, "MISSING", "not built")
    plain = summed()
    change = [[now - theta for now, theta in zip(*pair, strict=True)] for pair in zip(after, before, strict=True)]
    expected = {
        "W": squares(before, 0), "b": squares(before, 1), "weight_gradient": squares(g, 0),
        "bias_gradient": squares(g, 1), "weight_update": squares(change, 0), "bias_update": squares(change, 1),
        "data_gradient": np.add(squares(g, 0), squares(g, 1)),
        "descent": [sum(float(a @ b.astype(np.float64)) for a, b in zip(*pair, strict=True))
                    for pair in zip(g, change, strict=True)],
    }  # fmt: skip
    limit = 1e-5 if dtype == "float32" else 1e-12
    for name, right in expected.items():
        assert found[name] == pytest.approx(plain[name], rel=limit, abs=1e-4)
        assert found[name] == pytest.approx(right, rel=1e-5, abs=1e-4)


class Awkward(nn.Module):
    """What the sweep must get right, or leave to NumPy: dropout, in-place relu, a layer without bias, tokens."""

    def __init__(self, kind):
        super().__init__()
        self.first, self.second = nn.Linear(6, 40, bias=kind != "no bias"), nn.Linear(40, 3)
        self.dropout = nn.Dropout(0.4 if kind == "dropout" else 0.0)
        self.kind = kind

    def forward(self, x):
        z = self.first(x.repeat_interleave(2, 1).reshape(len(x), 2, 6) if self.kind == "tokens" else x)
        a = {"gelu": nn.functional.gelu, "tanh": torch.tanh}.get(self.kind, torch.relu)(z)
        a = self.second(self.dropout(a))
        return a.sum(1) if self.kind == "tokens" else a


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("kind", ["plain", "gelu", "tanh", "dropout", "no bias", "tokens"])
def test_a_pass_is_summed_alike_with_and_without_the_native_core(kind, reduction, monkeypatch):
    def recorded():
        torch.manual_seed(3)
        model, criterion = Awkward(kind), nn.CrossEntropyLoss(reduction=reduction)
        optimizer = torch.optim.SGD(model.parameters(), 0.01)
        X, y = torch.randn(70, 6), torch.randint(0, 3, (70,))
        with bl.lens_torch(model, criterion=criterion) as lens:
            for rows in (slice(0, 33), slice(33, 70), slice(0, 5)):
                optimizer.zero_grad()
                criterion(model(X[rows]), y[rows]).backward()
                optimizer.step()
        return lens.record

    found = recorded()
    monkeypatch.setattr(torch_sums.native, "MISSING", "not built")
    plain = recorded()
    assert found.m.tolist() == [33, 37, 5]
    for name in (*BY_STEP, *BY_LAYER, *BY_ROW):
        assert getattr(found, name) == pytest.approx(getattr(plain, name), rel=1e-5, abs=1e-8, nan_ok=True), name
