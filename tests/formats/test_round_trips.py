"""Out and in again, 50 random networks a format: the network comes back, and what it became computes the same.

Foreign outputs are held to 1e-6 of the largest in float32 and 1e-12 in float64: both sides round each of a few hundred
additions a layer by 6e-8 or 1e-16 of what is added, in orders of their own. Where the output is e^z, an error of z is
as large a relative one of e^z: there it is so much of the largest |z|, where that is above 1.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backlit import formats
from backlit.activations import ACTIVATIONS
from backlit.formats import agreement
from backlit.formats.extras import version_of
from backlit.network import Network

NETWORKS = 50
WITHIN = {"float32": 1e-6, "float64": 1e-12}
HIDDEN = tuple(name for name, activation in ACTIVATIONS.items() if not activation.output_only)

needs_onnx = pytest.mark.skipif(version_of("onnx") is None, reason="onnx is not installed")
needs_torch = pytest.mark.skipif(version_of("torch") is None, reason="torch is not installed")
needs_keras = pytest.mark.skipif(
    version_of("keras") is None or version_of("torch") is None, reason="keras and its torch backend are not installed"
)


def random_network(seed: int, dtype: str, hidden=HIDDEN, outputs=tuple(ACTIVATIONS), same=False) -> Network:
    """One to four layers with weights, of one to forty neurons, dropout in half of them, biases drawn too."""
    rng = np.random.default_rng(seed)
    layers = int(rng.integers(1, 5))
    sizes = rng.integers(1, 41, layers + 1).tolist()
    names = rng.choice(hidden, layers - 1).tolist()
    if same and names:
        names = names[:1] * len(names)
    output = str(rng.choice(outputs))
    if output == "softmax":
        sizes[-1] = max(sizes[-1], 3)
    network = Network(
        sizes, activation=names, output=output, seed=seed, dtype=dtype,
        dropout=[float(rng.choice([0, 0.25])) for _ in names],
    )  # fmt: skip
    for layer in network.layers:
        layer.b[...] = rng.normal(size=layer.b.shape) / 2
    return network


def outputs_of(network: Network) -> tuple[Any, Any]:
    """On the rows that agreement.measure draws too."""
    X = np.random.default_rng(0).normal(size=(agreement.ROWS, network.sizes[0])).astype(network.dtype)
    return X, network.predict(X)


def share(off: float, network: Network) -> float:
    """Of what it may be."""
    largest = np.abs(np.log(outputs_of(network)[1])).max() if network.activations[-1].name == "exponential" else 1
    return float(off / (WITHIN[network.dtype.name] * max(largest, 1)))


def assert_same(found: Network, network: Network, dropout: bool = True) -> None:
    X, a = outputs_of(network)
    assert found.dtype == network.dtype
    assert [x.name for x in found.activations] == [x.name for x in network.activations]
    assert agreement.difference(found.predict(X), a) <= WITHIN[network.dtype.name]
    assert np.array_equal(found.parameters, network.parameters)
    if dropout:
        assert found.dropout == pytest.approx(network.dropout)


def by_file(suffix: str, dropout: bool = True) -> Callable[[Network, Any], Any]:
    def there_and_back(network: Network, folder: Any) -> Any:
        there = formats.export(network, folder / f"net{suffix}", force=True)
        back = formats.import_model(folder / f"net{suffix}")
        assert_same(back.network, network, dropout)
        return there.agreement, back.agreement

    return there_and_back


def by_object(to: str, back: str) -> Callable[[Network, Any], Any]:
    def there_and_back(network: Network, folder: Any) -> Any:
        thing = getattr(formats, to)(network)
        found = formats.import_model(thing)
        assert_same(found.network, network)
        assert_same(getattr(formats, back)(thing), network)
        return (found.agreement,)

    return there_and_back


WAYS = {
    "onnx": pytest.param(by_file(".onnx"), marks=needs_onnx),
    "state dict": pytest.param(by_file(".safetensors"), marks=needs_torch),
    "mat": by_file(".mat", dropout=False),
    "torch": pytest.param(by_object("to_torch", "from_torch"), marks=needs_torch),
    "keras": pytest.param(by_object("to_keras", "from_keras"), marks=needs_keras),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("there_and_back", WAYS.values(), ids=WAYS)
def test_a_random_network_comes_back_and_computes_the_same(there_and_back, dtype, tmp_path):
    worst = {"outputs": 0.0, "gradients": 0.0}
    for seed in range(NETWORKS):
        network = random_network(seed, dtype)
        for found in there_and_back(network, tmp_path):
            if found.against.startswith("Keras") and dtype == "float64":
                continue  # it computes in float32, whatever the dtype; that the network comes back is held above
            worst["outputs"] = max(worst["outputs"], share(found.outputs, network))
            worst["gradients"] = max(worst["gradients"], share(found.gradients or 0.0, network))
    assert worst["outputs"] <= 1, worst
    assert worst["gradients"] <= 1, worst


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_random_network_becomes_a_fitted_mlp_and_comes_back(dtype):
    worst = 0.0
    for seed in range(NETWORKS):
        network = random_network(
            seed, dtype, hidden=("identity", "sigmoid", "tanh", "relu"),
            outputs=("identity", "sigmoid", "softmax", "exponential"), same=True,
        )  # fmt: skip
        mlp = formats.to_sklearn(network)
        back = formats.import_model(mlp)
        assert np.array_equal(back.network.parameters, network.parameters)
        X, a = outputs_of(network)
        theirs = mlp.predict_proba(X) if hasattr(mlp, "predict_proba") else mlp.predict(X).reshape(len(X), -1)
        theirs = theirs[:, 1:] if network.sizes[-1] == 1 and theirs.shape[1] == 2 else theirs
        worst = max(worst, share(agreement.difference(a, theirs), network), share(back.agreement.outputs, network))
    assert worst <= 1
