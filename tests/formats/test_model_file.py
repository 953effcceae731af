"""A model file gives a network or a model back, to the bit; what it could not give back is not saved."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import safetensors
from hypothesis import given, settings
from hypothesis import strategies as st

from backlit import initializers
from backlit.activations import ACTIVATIONS, Elementwise, LeakyRelu, Sigmoid
from backlit.data.encoding import Encoding
from backlit.errors import BacklitError, DataError, ModelFileError, OptionError, OutputPathError
from backlit.formats import model_file
from backlit.model import Model
from backlit.network import Network
from backlit.notation import Array

ENCODINGS = {
    "classes": Encoding(
        ("length", "naïve \U0001f600"), np.array([0.1, -1e300]), np.array([1 / 3, 5e-324]), "classes", "iris", 3,
        classes=("setosa", "versicolor", ""), codes=(0, 5, -1),
    ),
    "digits": Encoding(
        tuple("abcdef"), np.zeros(6), np.full(6, 16.0), "classes", "digit", 3,
        classes=(0, 1, 2**62), image_shape=(2, 3), full_scale=16.0,
    ),
    "yes or no": Encoding(("x",), np.zeros(1), np.ones(1), "classes", "", 1, classes=(False, True)),
    "labels": Encoding(("x", "y"), np.zeros(2), np.ones(2), "labels", "topics", 3),
    "numbers": Encoding(
        ("x", "x"), np.zeros(2), np.ones(2), "numbers", "price", 2, target_offset=np.array([-0.0, 1e-310]),
        target_scale=np.array([0.1, 1.7e308]),
    ),
}  # fmt: skip

PROVENANCE = {
    "source": 'iris – naïve \U0001f600 \ud800 "\\\n\x00',
    "numbers": [2**64 - 1, 0.1, 5e-324, -0.0, 1.7e308],
    "history": [{"epoch": 1, "cost": 1 / 3, "validation_accuracy": None}],
    "options": {"nested": [[], {}, [True, False]]},
    "": "",
}


def model_of(name: str) -> Model:
    encoding = ENCODINGS[name]
    return Model(Network([len(encoding.columns), 4, encoding.outputs], seed=7), encoding, PROVENANCE)


def assert_same_network(found: Network, saved: Network) -> None:
    assert type(found) is Network
    assert found.sizes == saved.sizes
    assert [type(activation) for activation in found.activations] == [type(a) for a in saved.activations]
    assert found.dropout == saved.dropout
    assert (found.initializer, found.seed, found.dtype) == (saved.initializer, saved.seed, saved.dtype)
    assert found.parameters.tobytes() == saved.parameters.tobytes()


# ---- There and back

HIDDEN = [name for name, activation in ACTIVATIONS.items() if not activation.output_only]
FINITE = {  # every number a float can be but NaN and infinity: subnormals and -0.0 too
    "float32": st.floats(allow_nan=False, allow_infinity=False, width=32),
    "float64": st.floats(allow_nan=False, allow_infinity=False, width=64),
}


@st.composite
def networks(draw: st.DrawFn) -> Network:
    sizes = draw(st.lists(st.integers(1, 5), min_size=2, max_size=6))
    hidden = len(sizes) - 2
    dtype = draw(st.sampled_from(sorted(FINITE)))
    network = Network(
        sizes,
        activation=draw(st.lists(st.sampled_from(HIDDEN), min_size=hidden, max_size=hidden)),
        output=draw(st.sampled_from(sorted(ACTIVATIONS))),
        initializer=draw(st.sampled_from(["auto", *initializers.INITIALIZERS]) | st.builds(own_initializer, st.text())),
        dropout=draw(st.lists(st.floats(0, 1, exclude_max=True), min_size=hidden, max_size=hidden)),
        seed=draw(st.integers(0, 2**64 - 1)),
        dtype=dtype,
    )
    numbers = draw(st.lists(FINITE[dtype], min_size=1, max_size=8))
    network.parameters[...] = np.resize(np.array(numbers, dtype=dtype), network.parameters.shape)
    return network


def own_initializer(name: str) -> initializers.Initializer:
    return initializers.Initializer(name, lambda rng, fan_out, fan_in: rng.random((fan_out, fan_in)))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models") / "model.safetensors"


@settings(max_examples=200, deadline=None)
@given(network=networks())
def test_any_network_comes_back_bit_for_bit(path: Path, network: Network) -> None:
    with mock.patch.object(os, "fsync"):  # no loss of power is tried here, and the disk takes its time
        model_file.save(network, path, force=True)
    assert_same_network(model_file.load(path), network)


@pytest.mark.parametrize("name", ENCODINGS)
def test_a_model_comes_back_whole(path: Path, name: str) -> None:
    model = model_of(name)
    model_file.save(model, path, force=True)
    found = model_file.load_model(path)
    assert type(found) is Model
    assert_same_network(found.network, model.network)
    for field in Encoding.__dataclass_fields__:
        there, here = getattr(found.encoding, field), getattr(model.encoding, field)
        assert type(there) is type(here), field
        if isinstance(here, np.ndarray):
            assert (there.dtype, there.tobytes()) == (here.dtype, here.tobytes()), field
        else:
            assert repr(there) == repr(here), field  # which tells True from 1
    assert json.dumps(found.provenance, sort_keys=True) == json.dumps(PROVENANCE, sort_keys=True)


def test_parameters_that_were_trained_come_back_not_those_of_the_seed(tmp_path: Path) -> None:
    network = Network([2, 3, 1], seed=5)
    drawn = network.parameters.copy()
    network.layer(3).W[...] = 0.25
    model_file.save(network, tmp_path / "model")
    found = model_file.load(tmp_path / "model")
    assert np.array_equal(found.parameters, network.parameters)
    assert not np.array_equal(found.parameters, drawn)


def test_a_loaded_network_is_like_any_other(tmp_path: Path) -> None:
    network = Network([3, 4, 2], activation="tanh", output="softmax", dropout=0.5, seed=3)
    model_file.save(network, tmp_path / "model")
    found = model_file.load(tmp_path / "model")
    X = np.random.default_rng(0).standard_normal((5, 3))
    assert found.predict(X).tobytes() == network.predict(X).tobytes()
    assert found.parameters.flags.writeable
    assert found.parameters.flags.c_contiguous
    found.layer(2).W[0, 0] = 42  # views into the vector, as in a network that was not loaded
    assert found.parameters[0] == 42
    assert network.parameters[0] != 42
    model_file.save(found, tmp_path / "again")
    assert_same_network(model_file.load(tmp_path / "again"), found)


def test_a_network_of_numpys_numbers(tmp_path: Path) -> None:
    network = Network(list(np.array([2, 3, 1])), dropout=np.float32(0.25), seed=np.uint64(2**64 - 1))  # type: ignore[arg-type]
    model_file.save(network, tmp_path / "model")
    assert_same_network(model_file.load(tmp_path / "model"), network)


def test_load_takes_the_network_out_of_a_model(tmp_path: Path) -> None:
    model = model_of("classes")
    model_file.save(model, tmp_path / "model")
    assert_same_network(model_file.load(tmp_path / "model"), model.network)


def test_a_network_alone_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    model_file.save(Network([2, 1]), path)
    with pytest.raises(ModelFileError) as caught:
        model_file.load_model(path)
    assert str(caught.value) == f"{path} holds a network without an encoding; bl.load reads it"


def test_read_gives_whichever_of_the_two_there_is(tmp_path: Path) -> None:
    model_file.save(Network([2, 1]), tmp_path / "network")
    model_file.save(model_of("labels"), tmp_path / "model")
    assert type(model_file.read(tmp_path / "network")) is Network
    assert type(model_file.read(tmp_path / "model")) is Model


# ---- What stands in the file


def test_the_same_model_is_the_same_bytes(tmp_path: Path) -> None:
    """Whatever the order in which its provenance was put together."""
    model = model_of("classes")
    again = Model(model.network.copy(), model.encoding, dict(reversed(PROVENANCE.items())))
    model_file.save(model, tmp_path / "a")
    model_file.save(again, tmp_path / "b")
    model_file.save(model_file.load_model(tmp_path / "a"), tmp_path / "c")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes()


def test_the_safetensors_library_alone_reads_the_parameters(tmp_path: Path) -> None:
    network = Network([2, 3, 1], seed=1, dtype="float64")
    model_file.save(network, tmp_path / "model")
    with safetensors.safe_open(tmp_path / "model", framework="numpy") as file:
        assert sorted(file.keys()) == ["layer2.W", "layer2.b", "layer3.W", "layer3.b"]
        for layer in network.layers:
            W, b = file.get_tensor(f"layer{layer.number}.W"), file.get_tensor(f"layer{layer.number}.b")
            assert (W.dtype, W.shape, W.tobytes()) == (layer.W.dtype, layer.W.shape, layer.W.tobytes())
            assert (b.dtype, b.shape, b.tobytes()) == (layer.b.dtype, layer.b.shape, layer.b.tobytes())
        assert json.loads(file.metadata()["document"]) == {
            "network": {
                "sizes": [2, 3, 1], "activations": ["relu", "identity"], "dropout": [0.0], "initializer": "auto",
                "seed": 1, "dtype": "float64",
            },
            "encoding": None,
            "provenance": {},
        }  # fmt: skip


# ---- What is not saved


class Own(Elementwise):
    name = "own"

    def value(self, z: Array) -> Array:
        return 2 * z

    def slope(self, z: Array, a: Array) -> Array:
        return np.full_like(z, 2)


class Impostor(Own):
    name = "sigmoid"


class Heir(Sigmoid):
    """Of the built-in's own family, and yet another function."""

    def value(self, z: Array) -> Array:
        return 1 - super().value(z)


def changed() -> LeakyRelu:
    leaky = LeakyRelu()
    leaky.negative_slope = 0.3
    return leaky


def endless() -> dict[str, Any]:
    provenance: dict[str, Any] = {}
    provenance["again"] = provenance
    return provenance


def deep() -> dict[str, Any]:
    provenance: dict[str, Any] = {}
    for _ in range(100_000):
        provenance = {"deeper": provenance}
    return provenance


def with_parameter(value: float) -> Network:
    network = Network([2, 3, 1])
    network.layer(3).W[0, 1] = value
    return network


def with_provenance(provenance: Any) -> Model:
    return Model(Network([1, 1]), ENCODINGS["yes or no"], provenance)


OWN_ACTIVATION = "is not one of Backlit's own, and a file holds no code"
NOT_PLAIN = "must be plain JSON data that fit a file's header"
UNFIT: dict[str, tuple[Any, str]] = {
    "an activation of one's own": (Network([2, 3, 1], activation=Own()), f"activation 'own' {OWN_ACTIVATION}"),
    "an output of one's own": (Network([2, 3, 1], output=Own()), f"activation 'own' {OWN_ACTIVATION}"),
    "one that borrows a name": (Network([2, 1], output=Impostor()), f"activation 'sigmoid' {OWN_ACTIVATION}"),
    "one that inherits a name": (Network([2, 1], output=Heir()), f"activation 'sigmoid' {OWN_ACTIVATION}"),
    "one that was changed": (Network([2, 1], output=changed()), f"activation 'leaky-relu' {OWN_ACTIVATION}"),
    "a parameter NaN": (with_parameter(np.nan), "layer 3 has a W that is not finite, at [0, 1]"),
    "a parameter infinite": (with_parameter(-np.inf), "layer 3 has a W that is not finite, at [0, 1]"),
    "something else": ({"W": [1.0]}, "save takes a Network or a Model, not a value of type dict"),
    "a class": (Network, "save takes a Network or a Model, not a value of type type"),
    "nothing": (None, "save takes a Network or a Model, not a value of type NoneType"),
    "an array in the provenance": (with_provenance({"scores": np.zeros(2)}), NOT_PLAIN),
    "NaN in the provenance": (with_provenance({"history": [{"cost": float("nan")}]}), NOT_PLAIN),
    "a path in the provenance": (with_provenance({"source": Path("x")}), NOT_PLAIN),
    "a provenance without end": (with_provenance(endless()), NOT_PLAIN),
    "a provenance too deep": (with_provenance(deep()), NOT_PLAIN),
    "a provenance too long": (with_provenance({"history": "x" * 17_000_000}), "16,777,216 is the most a file may have"),
    "a provenance of none": (with_provenance(None), "provenance is a dict of plain JSON data, not None"),
    "a provenance of text": (with_provenance("iris"), "provenance is a dict of plain JSON data, not 'iris'"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_what_a_file_could_not_give_back_is_not_saved(tmp_path: Path, name: str) -> None:
    thing, reason = UNFIT[name]
    path = tmp_path / "model"
    path.write_bytes(b"the old file")
    with pytest.raises(OptionError) as caught:
        model_file.save(thing, path, force=True)
    message = str(caught.value)
    assert reason in message
    assert "\n" not in message
    assert len(message) < 300
    assert path.read_bytes() == b"the old file"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "wrong",
    [
        {"offset": np.array([0.0])},
        {"scale": np.array([1.0, 0.0])},
        {"scale": np.array([1.0, np.nan])},
        {"classes": ("setosa", "setosa", "virginica")},
        {"classes": ("a", "b")},
        {"classes": ("a", "b", 3)},
        {"task": "guesses"},
        {"image_shape": (5, 5)},
        {"full_scale": 16.0},
    ],
)
def test_an_encoding_that_could_not_be_read_is_not_saved(tmp_path: Path, wrong: dict[str, Any]) -> None:
    right = ENCODINGS["classes"]
    fields = {field: getattr(right, field) for field in Encoding.__dataclass_fields__} | {"codes": ()}
    network = Network([2, 3])
    model_file.save(Model(network, Encoding(**fields)), tmp_path / "right")  # what differs is what is wrong
    with pytest.raises(DataError, match=r"^encoding: "):
        model_file.save(Model(network, Encoding(**{**fields, **wrong})), tmp_path / "wrong")
    assert [path.name for path in tmp_path.iterdir()] == ["right"]


def test_an_existing_file_is_overwritten_only_with_force(tmp_path: Path) -> None:
    path = tmp_path / "model"
    first, second = Network([2, 1], seed=1), Network([3, 1], seed=2)
    model_file.save(first, path)
    with pytest.raises(OutputPathError, match="exists; force=True overwrites it, or choose another name"):
        model_file.save(second, path)
    assert_same_network(model_file.load(path), first)
    model_file.save(second, path, force=True)
    assert_same_network(model_file.load(path), second)


@pytest.mark.parametrize("path", [None, 3, True, 1.5, b"model", ["model"], Path])
def test_what_is_no_path_is_refused_in_one_line(path: Any) -> None:
    calls: list[tuple[type[BacklitError], Callable[[], object]]] = [
        (ModelFileError, lambda: model_file.load(path)),
        (ModelFileError, lambda: model_file.load_model(path)),
        (OutputPathError, lambda: model_file.save(Network([2, 1]), path)),
        (OutputPathError, lambda: model_file.save(Network([2, 1]), path, force=True)),
    ]
    for error, call in calls:
        with pytest.raises(error, match=r"^the path of a file to (read|write) is text or a pathlib.Path, not \w+$"):
            call()


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputPathError, match="its folder does not exist; create it first"):
        model_file.save(Network([2, 1]), tmp_path / "no" / "model")
