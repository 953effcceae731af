"""State dicts in safetensors: those PyTorch saves, whatever the names; and files that claim what they do not hold."""

import json

import numpy as np
import pytest
import safetensors.numpy

import backlit as bl
from backlit.errors import BacklitError, DataError, ModelFileError, OptionError
from backlit.formats import state_dict

RNG = np.random.default_rng(3)


def layer(outputs, inputs, dtype=np.float32):
    return RNG.normal(size=(outputs, inputs)).astype(dtype), RNG.normal(size=outputs).astype(dtype)


def saved(path, tensors, **metadata):
    safetensors.numpy.save_file(tensors, path, metadata or None)
    return path


def named(*names, sizes):
    found = {}
    for name, inputs, outputs in zip(names, sizes, sizes[1:], strict=False):
        found[f"{name}.weight"], found[f"{name}.bias"] = layer(outputs, inputs)
    return found


def relu(tensors, *names, X):
    a = X.astype(np.float64)
    for number, name in enumerate(names):
        a = a @ tensors[f"{name}.weight"].T.astype(np.float64) + tensors[f"{name}.bias"]
        a = np.maximum(a, 0) if number < len(names) - 1 else a
    return a


@pytest.mark.parametrize(
    ("names", "sizes"),
    [
        (("0", "2", "10"), (4, 4, 4, 4)),  # numbers by their value, as 2 before 10
        (("fc1", "fc2", "fc10"), (4, 5, 6, 3)),
        (("stack.hidden.0", "stack.hidden.3", "stack.out"), (4, 4, 4, 2)),
        (("zebra", "mole", "ant"), (4, 5, 6, 3)),  # by their shapes
    ],
)
def test_the_order_is_that_of_the_names_or_of_the_shapes(names, sizes, tmp_path):
    tensors = named(*names, sizes=sizes)
    found = state_dict.read(saved(tmp_path / "net.safetensors", tensors), activation="relu", output="identity")
    X = RNG.normal(size=(9, sizes[0])).astype(np.float32)
    assert found.network.predict(X) == pytest.approx(relu(tensors, *names, X=X), rel=1e-5, abs=1e-5)
    assert any("by their shapes" in what for what in found.lost) == (names[0] == "zebra")


def test_an_order_that_is_not_clear_is_refused(tmp_path):
    clear = r"do not follow each other .* there is more than one order; rename"
    with pytest.raises(OptionError, match=clear):  # b and c are of one shape
        state_dict.read(saved(tmp_path / "x.safetensors", named("b", "c", "a", sizes=(4, 5, 5, 5))), activation="relu")
    with pytest.raises(OptionError, match="there is no order"):
        state_dict.read(saved(tmp_path / "y.safetensors", named("a", sizes=(4, 5)) | named("b", sizes=(6, 7))))


def test_a_state_dict_of_pytorch_is_read(tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(4, 7), torch.nn.GELU(), torch.nn.Linear(7, 3), torch.nn.Softmax(dim=1))
    save_file(module.state_dict(), tmp_path / "state.safetensors")
    network = state_dict.read(tmp_path / "state.safetensors", activation="gelu", output="softmax").network
    X = RNG.normal(size=(9, 4)).astype(np.float32)
    with torch.no_grad():
        assert network.predict(X) == pytest.approx(module(torch.from_numpy(X)).numpy(), abs=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_every_float_is_read(dtype, tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    state = torch.nn.Linear(4, 3).to(getattr(torch, dtype)).state_dict()
    save_file({f"0.{name}": value for name, value in state.items()}, tmp_path / "state.safetensors")
    found = state_dict.read(tmp_path / "state.safetensors", output="identity")
    assert found.network.dtype == (np.float64 if dtype == "float64" else np.float32)
    wanted = state["weight"].double().numpy()
    assert np.array_equal(found.network.layer(2).W.astype(np.float64), wanted)
    assert any(dtype in what for what in found.lost) == (dtype != "float64")


def test_what_is_written_pytorch_loads(tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file

    network = bl.Network([4, 5, 6, 3], activation=["elu", "identity"], output="softmax", dropout=[0.5, 0.1], seed=1)
    state_dict.write(network, tmp_path / "net.safetensors")
    module = bl.to_torch(
        bl.Network([4, 5, 6, 3], activation=["elu", "identity"], output="softmax", dropout=0.1, seed=2)
    )
    module.load_state_dict(load_file(tmp_path / "net.safetensors"))
    X = RNG.normal(size=(9, 4)).astype(np.float32)
    with torch.no_grad():
        assert network.predict(X) == pytest.approx(module.eval()(torch.from_numpy(X)).numpy(), abs=1e-6)


def test_the_same_network_gives_the_same_bytes(tmp_path):
    network = bl.Network([4, 5, 3], activation="tanh", dropout=0.5)
    for name in ("one", "two"):
        state_dict.write(network, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_activations_are_given_where_the_file_says_none(tmp_path):
    path = saved(tmp_path / "net.safetensors", named("0", "2", "4", sizes=(4, 5, 6, 3)))
    with pytest.raises(OptionError, match="says no activations; give the hidden layers' own, as activation='relu'"):
        state_dict.read(path, output="softmax")
    with pytest.raises(OptionError, match="give the output layer's own, as output='softmax'"):
        state_dict.read(path, activation="relu")
    found = state_dict.read(path, activation=["relu", "tanh"], output="softmax")
    assert [activation.name for activation in found.network.activations] == ["relu", "tanh", "softmax"]
    with pytest.raises(OptionError, match="activation has 3 values for 2 hidden layers"):
        state_dict.read(path, activation=["relu"] * 3, output="softmax")
    with pytest.raises(OptionError, match="'rleu' is not known; did you mean 'relu'"):
        state_dict.read(path, activation="rleu", output="softmax")
    with pytest.raises(OptionError, match="for the output layer only"):
        state_dict.read(path, activation="softmax", output="softmax")


def test_the_users_word_goes_before_the_files(tmp_path):
    state_dict.write(bl.Network([4, 5, 3], activation="tanh", output="softmax"), tmp_path / "net.safetensors")
    found = state_dict.read(tmp_path / "net.safetensors", output="identity")
    assert [activation.name for activation in found.network.activations] == ["tanh", "identity"]


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        ({"conv.weight": np.zeros((3, 3, 3, 3), np.float32)}, "none of a Linear layer"),
        ({"bn.running_mean": np.zeros(3, np.float32)}, "none of a Linear layer"),
        ({"0.bias": np.zeros(3, np.float32)}, "none of a Linear layer"),
        ({"0.weight": np.zeros((3, 4), np.float32), "0.bias": np.zeros(4, np.float32)}, r"biases of \(4,\)"),
        ({"0.weight": np.full((3, 4), np.nan, np.float32)}, "not finite"),
        ({"0.weight": np.zeros((3, 4), np.int64)}, "of dtype 'I64'"),
        ({}, "has no layer"),
    ],
)
def test_what_is_no_linear_layer_is_refused(tensors, words, tmp_path):
    with pytest.raises((DataError, ModelFileError), match=words):
        state_dict.read(saved(tmp_path / "net.safetensors", tensors), activation="relu", output="identity")


def file_of(path, header, numbers=b""):
    head = json.dumps(header).encode()
    path.write_bytes(len(head).to_bytes(8, "little") + head + numbers)
    return path


def entry(shape, begin, end, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def of_two(**changed):
    """The header of two layers of one neuron, and what Backlit is to have said of them."""
    said = {"activations": ["relu", "identity"], "dropout": [0.5], **changed}
    layers = {"0.weight": entry([1, 1], 0, 4), "2.weight": entry([1, 1], 4, 8)}
    return layers | {"__metadata__": {"backlit": json.dumps(said)}}


def test_what_backlit_said_of_the_layers_is_taken(tmp_path):
    found = state_dict.read(file_of(tmp_path / "net.safetensors", of_two(), b"\0" * 8)).network
    assert ([a.name for a in found.activations], found.dropout) == (["relu", "identity"], (0.5,))


@pytest.mark.parametrize(
    ("header", "numbers", "words"),
    [
        ({"0.weight": entry([1000000, 1000000], 0, 4 * 10**12)}, b"", "beyond the file"),
        ({"0.weight": entry([2, 2], 0, 16), "0.bias": entry([2], 12, 20)}, b"x" * 20, "overlap or leave gaps"),
        ({"0.weight": entry([2, 2], 0, 16), "0.bias": entry([2], 20, 28)}, b"x" * 28, "overlap or leave gaps"),
        ({"0.weight": entry([2, 2], 0, 16)}, b"x" * 20, "claims 16 bytes"),
        ({"0.weight": entry([2, -2], 0, 16)}, b"x" * 16, "makes no sense"),
        ({"0.weight": entry([2, True], 0, 8)}, b"x" * 8, "makes no sense"),
        ({"0.weight": entry([2**40, 2**40], 0, 0)}, b"", "makes no sense"),
        ({"0.weight": {"dtype": "F32"}}, b"", "makes no sense"),
        ({"0.weight": entry([1, 1], 0, 4), "__metadata__": {"backlit": "{}"}}, b"\0" * 4, "not those of its layers"),
        ({"0.weight": entry([1, 1], 0, 4), "__metadata__": {"backlit": "["}}, b"\0" * 4, "not JSON"),
        (of_two(activations=["relu"]), b"\0" * 8, "not those of its layers"),
        (of_two(activations=["relu", "tanh", "tanh"]), b"\0" * 8, "not those of its layers"),
        (of_two(activations=["relu", "rleu"]), b"\0" * 8, "not those of its layers"),
        (of_two(activations=["relu", 3]), b"\0" * 8, "not those of its layers"),
        (of_two(dropout=[]), b"\0" * 8, "not those of its layers"),
        (of_two(dropout=[1]), b"\0" * 8, "not those of its layers"),
        (of_two(dropout=["0.5"]), b"\0" * 8, "not those of its layers"),
        ({"0.weight": entry([1, 1], 0, 4), "__metadata__": 5}, b"\0" * 4, "metadata are not an object"),
    ],
)
def test_a_claim_is_held_against_the_file(header, numbers, words, tmp_path):
    with pytest.raises(ModelFileError, match=words):
        state_dict.read(file_of(tmp_path / "net.safetensors", header, numbers), activation="relu", output="identity")


def test_a_model_file_is_no_state_dict(tmp_path):
    bl.save(bl.Network([2, 1]), tmp_path / "net.safetensors")
    with pytest.raises(ModelFileError, match="file of Backlit's own already"):
        state_dict.read(tmp_path / "net.safetensors")
    with pytest.raises(BacklitError, match="cannot be read"):
        state_dict.read(tmp_path / "none.safetensors")
