"""Keras models: what Keras itself computes, what is lost, and what is refused by its name."""

import numpy as np
import pytest

import backlit as bl
from backlit.errors import DataError, OptionError
from backlit.formats import export, from_keras, keras_models, to_keras
from backlit.formats.extras import version_of

if version_of("keras") is None or version_of("torch") is None:  # importing Keras itself would look for TensorFlow
    pytest.skip("keras and its torch backend are not installed", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""Of Keras' own get_weights and save, on tensors of PyTorch."""

keras = keras_models._keras()
if keras.backend.backend() != "torch":
    pytest.skip("Keras runs on another backend here", allow_module_level=True)
layers = keras.layers

X = np.random.default_rng(7).normal(size=(20, 4)).astype(np.float32)


def chain(*between, last=()):
    return keras.Sequential([keras.Input((4,)), layers.Dense(6), *between, layers.Dense(3), *last])


def outputs(model, rows=X):
    return model(rows, training=False).detach().cpu().numpy()


@pytest.mark.parametrize(
    ("name", "ours"),
    [("relu", "relu"), ("elu", "elu"), ("gelu", "gelu"), ("silu", "silu"), ("swish", "silu"), ("softplus", "softplus"),
     ("sigmoid", "sigmoid"), ("tanh", "tanh"), ("linear", "identity"), (None, "identity")],
)  # fmt: skip
def test_every_activation_is_known(name, ours):
    model = chain(layers.Activation(name) if name else layers.Activation("linear"))
    model.layers[0].set_weights([2 * w for w in model.layers[0].get_weights()])
    network = from_keras(model)
    assert network.activations[0].name == ours
    assert network.predict(X) == pytest.approx(outputs(model), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(
    ("layer", "ours"),
    [(layers.ReLU(), "relu"), (layers.LeakyReLU(negative_slope=0.01), "leaky-relu"), (layers.ELU(), "elu")],
)
def test_layers_of_activations_are_known(layer, ours):
    model = chain(layer, last=[layers.Softmax()])
    network = from_keras(model)
    assert [a.name for a in network.activations] == [ours, "softmax"]
    assert network.predict(X) == pytest.approx(outputs(model), rel=1e-5, abs=1e-6)


def test_the_gradients_are_kerass():
    found = keras_models.read(chain(layers.Activation("gelu")))
    assert 0 < found.agreement.gradients < 1e-5
    assert found.agreement.against == f"Keras {keras.__version__} on torch"


def test_a_functional_model_that_is_a_chain_is_read():
    inputs = keras.Input((2, 2))
    flat = layers.Flatten()(inputs)
    a = layers.Dropout(0.5)(layers.Dense(5, activation="tanh", use_bias=False, kernel_regularizer="l2")(flat))
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(a))
    found = keras_models.read(model)
    assert found.network.dropout == (0.5,)
    assert found.network.predict(X) == pytest.approx(outputs(model, X.reshape(-1, 2, 2)), rel=1e-5, abs=1e-6)
    lost = " / ".join(found.lost)
    for words in ("no bias", "regularizer", "flat"):
        assert words in lost


def test_layers_in_another_order_than_listed_would_be_seen():
    """A shared layer is listed once and runs twice: only the numbers tell."""
    inputs = keras.Input((4,))
    shared = layers.Dense(4, activation="tanh")
    model = keras.Model(inputs, shared(shared(inputs)))
    with pytest.raises(OptionError, match="does not compute what Keras"):
        from_keras(model)


def test_an_output_that_was_left_to_the_loss_can_be_given():
    model = chain()
    logits = outputs(model).astype(np.float64)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert from_keras(model, output="softmax").predict(X) == pytest.approx(p, abs=1e-6)


def test_a_compiled_model_loses_its_optimizer():
    model = chain()
    model.compile("adam", "mse")
    assert any("optimizer (adam)" in what for what in keras_models.read(model).lost)


def own_relu(z):
    return z * 2


own_relu.__name__ = "relu"


def two_inputs():
    one, other = keras.Input((2,)), keras.Input((2,))
    return keras.Model([one, other], layers.Dense(3)(layers.Concatenate()([one, other])))


def test_a_layer_that_is_not_trained_has_no_gradients_to_compare():
    model = chain(layers.Activation("tanh"))
    model.layers[0].trainable = False
    found = keras_models.read(model)
    assert found.agreement.gradients is None
    assert found.agreement.outputs < 1e-6


def test_a_regularizer_of_biases_is_lost_too():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, bias_regularizer="l2")])
    assert any("regularizer" in what for what in keras_models.read(model).lost)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda: chain(layers.Activation("leaky_relu")), "activation leaky_relu.*slope is 0.2 there, Backlit's 0.01"),
        (lambda: chain(layers.LeakyReLU()), r"\(LeakyReLU\) is none that Backlit has"),
        (lambda: chain(layers.BatchNormalization()), r"\(BatchNormalization\) is none that Backlit has"),
        (lambda: chain(layers.Activation(lambda z: z * 2)), "which Backlit does not have"),
        (lambda: chain(layers.Activation("tanh"), layers.Activation("tanh")), "second activation"),
        (lambda: chain(layers.ReLU(max_value=6)), r"\(ReLU\)"),
        (lambda: chain(layers.Activation("exponential")), "for the output layer only"),
        (lambda: chain(layers.Flatten()), r"\(Flatten\) is none that Backlit has"),
        (lambda: chain(layers.ReLU(negative_slope=0.1)), r"\(ReLU\) is none that Backlit has"),
        (lambda: chain(layers.ELU(alpha=0.5)), r"\(ELU\) is none that Backlit has"),
        (lambda: chain(last=[layers.Softmax(axis=0)]), r"\(Softmax\) is none that Backlit has"),
        (lambda: chain(layers.Activation(own_relu)), "has the activation relu, which Backlit does not have"),
        (two_inputs, "a chain has one input and one output"),
        (lambda: keras.Sequential([layers.Dense(3)]), "takes a built keras.Sequential"),
        (lambda: 3, "not int"),
    ],
)
def test_what_backlit_does_not_have_is_refused_by_its_name(model, words):
    with pytest.raises((OptionError, DataError), match=words):
        from_keras(model())


def test_a_file_of_keras_is_read_by_keras(tmp_path):
    network = bl.Network([4, 6, 5, 3], activation=["leaky-relu", "gelu"], output="softmax", dropout=[0.25, 0])
    found = export(network, tmp_path / "net.keras")
    assert found.agreement.gradients < 1e-5
    loaded = keras.saving.load_model(tmp_path / "net.keras")
    assert outputs(loaded) == pytest.approx(network.predict(X), rel=1e-5, abs=1e-6)
    assert from_keras(loaded).dropout == (0.25, 0)


def test_weights_of_float64_stay_while_keras_computes_in_float32():
    network = bl.Network([4, 6, 3], dtype="float64")
    model = to_keras(network)
    assert np.array_equal(model.layers[0].get_weights()[0].T, network.layer(2).W)
    assert from_keras(model).dtype == np.float64
