"""A network is its layers and one vector: every view writes through, every bad option is named."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backlit.errors import BacklitError, OptionError
from backlit.network import Network, count_parameters, layout


def small(**options: Any) -> Network:
    return Network([2, 3, 2], **{"activation": "tanh", "output": "softmax", "seed": 1, **options})


def test_layers_lie_one_after_another_weights_row_by_row_then_biases() -> None:
    net = small()
    net.parameters[:] = np.arange(17)  # 3·2 + 3 + 2·3 + 2
    assert net.layer(2).W.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert net.layer(2).b.tolist() == [6, 7, 8]
    assert net.layer(3).W.tolist() == [[9, 10, 11], [12, 13, 14]]
    assert net.layer(3).b.tolist() == [15, 16]
    assert count_parameters([2, 3, 2]) == net.parameters.size == 17
    assert list(layout([2, 3, 2])) == [
        (2, (3, 2), slice(0, 6), slice(6, 9)),
        (3, (2, 3), slice(9, 15), slice(15, 17)),
    ]


def check_that_views_write_through(net: Network) -> None:
    net.layer(2).W[1, 0] = 100
    net.layer(3).b[1] = 200
    assert net.parameters[2] == 100
    assert net.parameters[16] == 200
    net.parameters[6] = 300
    assert net.layer(2).b[0] == 300
    assert net.layers[0].b[0] == 300
    assert net.parameters.flags.c_contiguous
    assert net.parameters.flags.owndata


def test_views_write_through() -> None:
    net = small()
    vector = net.parameters
    check_that_views_write_through(net)
    assert net.parameters is vector


@pytest.mark.parametrize(
    "duplicate",
    [Network.copy, copy.copy, copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))],
    ids=["copy", "copy.copy", "copy.deepcopy", "pickle"],
)
def test_a_duplicate_is_the_same_network(duplicate: Callable[[Network], Network]) -> None:
    net = small(dropout=0.25, dtype="float64", initializer="gaussian")
    twin = duplicate(net)
    assert (twin.parameters == net.parameters).all()
    assert repr(twin) == repr(net)
    for option in ("sizes", "L", "dtype", "dropout", "seed", "initializer"):
        assert getattr(twin, option) == getattr(net, option)
    assert [a.name for a in twin.activations] == [a.name for a in net.activations]
    check_that_views_write_through(twin)


@pytest.mark.parametrize(
    "duplicate",
    [Network.copy, copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))],
    ids=["copy", "copy.deepcopy", "pickle"],
)
def test_a_copy_is_independent(duplicate: Callable[[Network], Network]) -> None:
    net = small()
    before = net.parameters.copy()
    twin = duplicate(net)
    twin.layer(2).W[...] = 9
    twin.parameters[-1] = 9
    assert (net.parameters == before).all()
    net.parameters[:] = 5
    assert twin.layer(2).W[0, 0] == 9


def test_a_copy_of_another_dtype_is_rounded() -> None:
    net = small(dtype="float64")
    narrow = net.copy("float32")
    assert narrow.dtype == np.float32
    assert net.dtype == np.float64
    assert (narrow.parameters == net.parameters.astype(np.float32)).all()
    check_that_views_write_through(narrow)
    with pytest.raises(OptionError, match="dtype must be float32 or float64"):
        net.copy("int32")


def test_a_vector_laid_out_alike_is_split_into_views() -> None:
    net = small()
    gradient = np.zeros_like(net.parameters)
    views = net.split(gradient)
    views[3][0][0, 1] = 7
    views[2][1][2] = 8
    assert gradient[10] == 7
    assert gradient[8] == 8
    assert set(views) == {2, 3}


def test_what_a_network_says_of_itself() -> None:
    net = Network([64, 30, 20, 10], activation=["relu", "tanh"], output="softmax", dropout=[0.5, 0], seed=9)
    # 64·30 + 30 + 30·20 + 20 + 20·10 + 10 = 2780
    assert repr(net) == "Network(64-30-20-10, relu, tanh, softmax: 2,780 parameters, float32)"
    assert repr(net.layer(2)) == "Layer(2: 64 → 30, relu, dropout=0.5)"
    assert repr(net.layer(3)) == "Layer(3: 30 → 20, tanh)"
    assert (net.L, net.sizes, net.seed, net.initializer) == (4, (64, 30, 20, 10), 9, "auto")
    assert net.dropout == (0.5, 0.0)
    assert [layer.dropout for layer in net.layers] == [0.5, 0.0, 0.0]  # the output never drops
    assert [layer.number for layer in net.layers] == [2, 3, 4]


def test_defaults() -> None:
    net = Network([3, 4, 1])
    assert [a.name for a in net.activations] == ["relu", "identity"]
    assert (net.dtype, net.dropout, net.seed) == (np.float32, (0.0,), 0)


def test_one_option_for_all_hidden_layers_or_one_each() -> None:
    one = Network([2, 3, 4, 1], activation="elu", dropout=0.5)
    assert [a.name for a in one.activations] == ["elu", "elu", "identity"]
    assert one.dropout == (0.5, 0.5)
    each = Network([2, 3, 4, 1], activation=("elu", "silu"), dropout=(0.5, 0.25))
    assert [a.name for a in each.activations] == ["elu", "silu", "identity"]
    assert each.dropout == (0.5, 0.25)


def test_a_network_without_hidden_layers() -> None:
    net = Network([3, 2], output="sigmoid", activation="tanh", dropout=0.5)
    assert net.layer(2).W.shape == (2, 3)
    assert [a.name for a in net.activations] == ["sigmoid"]
    assert net.layer(2).dropout == 0


def test_seeds_and_layers_start_at_different_places() -> None:
    starts = [Network([3, 3, 3], activation="tanh", output="tanh", seed=seed).parameters for seed in (0, 0, 1)]
    assert (starts[0] == starts[1]).all()
    assert (starts[0] != starts[2]).any()
    first, second = Network([3, 3, 3], activation="tanh", output="tanh").layers
    assert (first.W != second.W).any()


def test_layer_1_is_refused_with_the_reason() -> None:
    with pytest.raises(OptionError, match="layer 1 is the input and has no weights; the first layer that has is layer"):
        small().layer(1)


@pytest.mark.parametrize("number", [0, -1, 4, 2.0, "2", None])
def test_a_layer_that_is_not_there_is_refused(number: Any) -> None:
    with pytest.raises(OptionError, match="this network has weights in layers 2 to 3") as caught:
        small().layer(number)
    assert repr(number) in str(caught.value)


BAD_OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"sizes": 5}, "sizes must be neurons a layer, input first, as [64, 30, 10], not 5"),
    ({"sizes": None}, "sizes must be neurons a layer"),
    ({"sizes": []}, "a network needs an input and an output layer, as [64, 10]; sizes was []"),
    ({"sizes": [4]}, "a network needs an input and an output layer, as [64, 10]; sizes was [4]"),
    ({"sizes": [2, 0, 1]}, "layer 2 must have a whole number of neurons, at least 1, not 0"),
    ({"sizes": [-2, 1]}, "layer 1 must have a whole number of neurons, at least 1, not -2"),
    ({"sizes": [2, 3.0]}, "layer 2 must have a whole number of neurons, at least 1, not 3.0"),
    ({"sizes": [2, True]}, "layer 2 must have a whole number of neurons, at least 1, not True"),
    ({"sizes": "64"}, "layer 1 must have a whole number of neurons, at least 1, not '6'"),
    ({"activation": "sigmiod"}, "activation 'sigmiod' is not known; did you mean 'sigmoid'?"),
    ({"activation": "softmax"}, "activation 'softmax' is for the output layer only; give a hidden layer another"),
    ({"activation": ["relu", "relu"]}, "activation has 2 values for 1 hidden layers; give one, or one a layer"),
    ({"activation": []}, "activation has 0 values for 1 hidden layers; give one, or one a layer"),
    ({"activation": None}, "activation must be one value or one a hidden layer, not None"),
    ({"activation": [None]}, "activation 'None' is not known"),
    ({"output": "softmx"}, "output 'softmx' is not known; did you mean 'softmax'?"),
    ({"output": None}, "output 'None' is not known"),
    ({"initializer": "hee"}, "initializer 'hee' is not known"),
    ({"initializer": None}, "initializer 'None' is not known"),
    ({"initializer": ["auto"]}, "initializer '['auto']' is not known"),
    ({"dropout": 1}, "dropout is a probability from 0 up to but not including 1, not 1"),
    ({"dropout": 1.0}, "dropout is a probability from 0 up to but not including 1, not 1.0"),
    ({"dropout": -0.1}, "dropout is a probability from 0 up to but not including 1, not -0.1"),
    ({"dropout": np.nan}, "dropout is a probability from 0 up to but not including 1, not nan"),
    ({"dropout": [0.1, 0.2]}, "dropout has 2 values for 1 hidden layers; give one, or one a layer"),
    ({"dropout": None}, "dropout must be one value or one a hidden layer, not None"),
    ({"dropout": [None]}, "dropout is a probability from 0 up to but not including 1, not None"),
    ({"dropout": "0.5", "sizes": [2, 3, 4, 5, 1]}, "dropout is a probability from 0 up to but not including 1, not '0"),
    ({"seed": -1}, "seed must be a whole number from 0 to 2^64 - 1, not -1"),
    ({"seed": 1.5}, "seed must be a whole number from 0 to 2^64 - 1, not 1.5"),
    ({"dtype": "float16"}, "dtype must be float32 or float64, not 'float16'"),
    ({"dtype": "flaot32"}, "dtype must be float32 or float64, not 'flaot32'"),
    ({"dtype": None}, "dtype must be float32 or float64, not None"),
    ({"dtype": int}, "dtype must be float32 or float64, not <class 'int'>"),
]


@pytest.mark.parametrize(("options", "message"), BAD_OPTIONS)
def test_a_bad_option_is_named_in_one_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        Network(**{"sizes": [2, 3, 1], **options})
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, BacklitError)


@pytest.mark.parametrize("numbers", [(2, 3, 1), np.array([2, 3, 1]), [np.int64(2), 3, 1], range(2, 5)])
def test_sizes_may_be_any_whole_numbers(numbers: Any) -> None:
    net = Network(numbers)
    assert net.sizes == tuple(int(n) for n in numbers)
    assert all(type(n) is int for n in net.sizes)


@pytest.mark.parametrize("p", [0, 0.25, np.float32(0.25), np.float64(0.25), [np.float32(0.25)]])
def test_a_probability_may_be_any_number(p: Any) -> None:
    assert Network([2, 3, 1], dropout=p).dropout in {(0.0,), (0.25,)}


@pytest.mark.parametrize("dtype", ["float64", np.float64, np.dtype("float64"), float, ">f8", "<f8"])
def test_a_dtype_is_taken_in_the_machines_own_order(dtype: Any) -> None:
    assert Network([2, 1], dtype=dtype).dtype == np.float64
    assert Network([2, 1], dtype=dtype).dtype.isnative


def test_a_network_no_memory_holds_is_refused() -> None:
    for sizes in ([10**10, 10**10], [2**40, 1], [9**24, 1]):
        with pytest.raises(OptionError, match=r"^layers of .* neurons need [\d,]+ parameters: too many$"):
            Network(sizes)


def test_a_network_from_another_process_can_be_written() -> None:
    """joblib hands arrays over 1 MB to its workers as read-only views of a file."""
    network = Network([3, 4, 2], seed=1)
    state = network.__dict__.copy()
    state["_parameters"] = network.parameters.copy()
    state["_parameters"].flags.writeable = False
    arrived = object.__new__(Network)
    arrived.__setstate__(state)
    arrived.layer(2).W[0, 0] = 7
    assert arrived.parameters[0] == 7
    assert state["_parameters"][0] == network.parameters[0] != 7


def test_a_shallow_copy_shares_no_parameters() -> None:
    network = Network([3, 4, 2], seed=1)
    twin = copy.copy(network)
    twin.parameters[:] = 0
    assert network.parameters.any()
