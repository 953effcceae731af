"""Each initializer has the variance, the bounds and the biases it claims; one seed starts every dtype at one place."""

import numpy as np
import pytest

from backlit import initializers
from backlit.errors import OptionError
from backlit.initializers import INITIALIZERS, Initializer
from backlit.network import Network
from backlit.randomness import initial_generator

FAN_OUT, FAN_IN = 300, 200  # different, so that no fan can stand in for another
VARIANCE = {
    "glorot-uniform": 2 / 500, "glorot-normal": 2 / 500,
    "he-uniform": 2 / 200, "he-normal": 2 / 200,
    "lecun-uniform": 1 / 200, "lecun-normal": 1 / 200,
    "gaussian": 1.0,
    "small-uniform": 0.12**2 / 3,  # of a uniform number on ±0.12
}  # fmt: skip
IS_UNIFORM = {name: name.endswith("uniform") for name in VARIANCE}


def draw(name: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    return INITIALIZERS[name].draw(initial_generator(seed, 2), FAN_OUT, FAN_IN)


def test_every_initializer_is_tested() -> None:
    assert set(VARIANCE) == set(INITIALIZERS)
    assert all(INITIALIZERS[name].name == name for name in INITIALIZERS)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("name", VARIANCE)
def test_mean_and_variance(name: str, seed: int) -> None:
    W, _ = draw(name, seed)
    assert W.shape == (FAN_OUT, FAN_IN)
    # The variance of n numbers is off by √((κ - 1)/n) of itself, κ = 9/5 for a uniform number and 3 for a normal one.
    kurtosis = 1.8 if IS_UNIFORM[name] else 3.0
    assert abs(W.var() / VARIANCE[name] - 1) < 5 * np.sqrt((kurtosis - 1) / W.size)
    assert abs(W.mean()) < 5 * np.sqrt(VARIANCE[name] / W.size)
    # The fourth moment tells the two shapes apart: κ itself, which 60,000 numbers give to about 0.02 (normal: √(24/n)).
    assert (W**4).mean() / W.var() ** 2 == pytest.approx(kurtosis, abs=0.1)


@pytest.mark.parametrize("name", [name for name in VARIANCE if IS_UNIFORM[name]])
def test_uniform_weights_fill_their_bounds(name: str) -> None:
    limit = np.sqrt(3 * VARIANCE[name])  # a uniform number on ±c has the variance c²/3
    W, _ = draw(name)
    assert limit * 0.999 < np.abs(W).max() <= limit  # 60,000 numbers all miss the last 0.1 % once in e^60


@pytest.mark.parametrize("name", VARIANCE)
def test_biases_are_zero_but_for_gaussian_and_small_uniform(name: str) -> None:
    _, b = draw(name)
    assert b.shape == (FAN_OUT,)
    if name == "gaussian":
        assert abs(b.var() - 1) < 5 * np.sqrt(2 / FAN_OUT)
    elif name == "small-uniform":
        assert 0.11 < np.abs(b).max() <= 0.12
        assert abs(b.var() / VARIANCE[name] - 1) < 5 * np.sqrt(0.8 / FAN_OUT)
    else:
        assert (b == 0).all()


@pytest.mark.parametrize("activation", ["relu", "leaky-relu", "elu", "gelu", "silu"])
def test_auto_is_he_normal_for_the_relu_family(activation: str) -> None:
    assert initializers.get("auto", activation).name == "he-normal"


@pytest.mark.parametrize("activation", ["identity", "sigmoid", "tanh", "softplus", "exponential", "softmax", "own"])
def test_auto_is_glorot_uniform_for_the_rest(activation: str) -> None:
    assert initializers.get("auto", activation).name == "glorot-uniform"


def test_auto_chooses_layer_by_layer() -> None:
    net = Network([200, 300, 400], activation="relu", output="softmax", dtype="float64")
    # he: 2/200; glorot: 2/700. Each within five of its sampling errors, as above.
    assert abs(net.layer(2).W.var() * 100 - 1) < 5 * np.sqrt(2 / 60_000)
    assert abs(net.layer(3).W.var() * 350 - 1) < 5 * np.sqrt(0.8 / 120_000)
    assert np.abs(net.layer(3).W).max() <= np.sqrt(6 / 700)


@pytest.mark.parametrize("name", VARIANCE)
def test_float32_is_float64_rounded(name: str) -> None:
    wide, narrow = (Network([5, 4, 3], initializer=name, seed=3, dtype=dtype) for dtype in ("float64", "float32"))
    assert (narrow.parameters == wide.parameters.astype(np.float32)).all()
    assert narrow.dtype == np.float32


def test_a_layer_draws_its_weights_and_then_its_biases() -> None:
    net = Network([5, 4, 3], initializer="gaussian", seed=11, dtype="float64")
    for l, fan_out, fan_in in ((2, 4, 5), (3, 3, 4)):
        rng = initial_generator(11, l)
        assert np.array_equal(net.layer(l).W, rng.standard_normal((fan_out, fan_in)))
        assert np.array_equal(net.layer(l).b, rng.standard_normal(fan_out))


def test_small_uniform_with_an_epsilon_of_ones_own() -> None:
    net = Network([20, 30, 10], initializer=initializers.small_uniform(0.5))
    assert 0.49 < np.abs(net.parameters).max() <= 0.5
    assert net.initializer == "small-uniform"


@pytest.mark.parametrize("epsilon", [0, -0.1, np.nan, np.inf])
def test_a_bad_epsilon_is_refused(epsilon: float) -> None:
    with pytest.raises(OptionError, match="epsilon of small-uniform must be a positive number, not "):
        initializers.small_uniform(epsilon)


def test_an_initializer_of_ones_own_passes_through() -> None:
    sevens = Initializer("sevens", lambda rng, fan_out, fan_in: np.full((fan_out, fan_in), 7.0))
    assert initializers.get(sevens, "relu") is sevens
    net = Network([2, 3, 1], initializer=sevens)
    assert net.parameters.tolist() == [7] * 6 + [0] * 3 + [7] * 3 + [0]
    assert net.initializer == "sevens"


def test_a_misspelt_initializer_gets_the_nearest() -> None:
    with pytest.raises(OptionError, match="initializer 'glorot-unifrom' is not known; did you mean 'glorot-uniform'"):
        initializers.get("glorot-unifrom", "tanh")
    with pytest.raises(OptionError, match="One of: auto, gaussian, glorot-normal"):
        initializers.get("xyz", "tanh")
