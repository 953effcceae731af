"""Keras 3: a model built of Dense layers to a network, and a network to a ``keras.Sequential``.

``kernel`` there is (inputs, neurons): Wᵀ. A ``.keras`` file is written by Keras and not read here: its loader can be
made to run what a file brings with it. Load a file you trust with Keras, and hand the model over.
"""

import json
import os
import sys
from importlib.util import find_spec
from typing import Any

import numpy as np

from backlit.activations import LeakyRelu
from backlit.errors import OptionError
from backlit.formats import agreement
from backlit.formats.chain import ChainBuilder
from backlit.formats.extras import need
from backlit.formats.imported import Imported, finish
from backlit.formats.torch_modules import add_output
from backlit.network import Network
from backlit.notation import Array

ACTIVATIONS = {
    "identity": "linear", "sigmoid": "sigmoid", "tanh": "tanh", "relu": "relu", "elu": "elu", "gelu": "gelu",
    "silu": "silu", "softplus": "softplus", "softmax": "softmax", "exponential": "exponential",
}  # fmt: skip
"""Ours → the function of keras.activations that is the same; leaky-relu there has 0.2 and goes by its layer."""


def from_keras(model: Any, *, output: str | None = None) -> Network:
    """The network that computes what a Keras model computes, verified by outputs, and gradients on the torch backend.

    Args:
        model: a ``keras.Sequential``, or a functional model that is one chain, of Dense, Activation, Dropout, Flatten
            and the layers ReLU, LeakyReLU(0.01), ELU and Softmax.
        output: an activation for the outputs of a model that leaves it to its loss (``from_logits=True``).

    Raises:
        OptionError: a layer is none of these, or not as Backlit has it (which, and why).
        DataError: its shapes do not go together.
    """
    return read(model, output=output).network


def read(model: Any, *, output: str | None = None) -> Imported:
    """As :func:`from_keras`, with what was measured and what was lost."""
    keras = _keras()
    if not isinstance(model, keras.Model) or not getattr(model, "built", False):
        raise OptionError(f"from_keras takes a built keras.Sequential or keras.Model, not {type(model).__name__}")
    if len(model.inputs or ()) != 1 or len(model.outputs or ()) != 1:
        raise OptionError(f"{model.name}: a chain has one input and one output, and this model has others")
    builder = ChainBuilder(model.name)
    for layer in model.layers:
        _take(builder, layer, keras)
    if getattr(model, "optimizer", None) is not None:
        builder.lose(f"the state of its optimizer ({model.optimizer.name}), and what it was compiled with")
    add_output(builder, output)
    network = builder.network()
    found = _measured(network, model, keras, network.activations[-1] if output else None)
    return finish(builder, "keras", found, network)


def to_keras(network: Network) -> Any:
    """The ``keras.Sequential`` that computes what the network computes, verified; in the network's dtype.

    Raises:
        OptionError: an activation is not one of Backlit's own.
    """
    return write(network)[0]


def write(network: Network) -> tuple[Any, agreement.Agreement]:
    """As :func:`to_keras`, with what was measured."""
    keras = _keras()
    dtype = network.dtype.name
    parts: list[Any] = [keras.Input((network.sizes[0],), dtype=dtype)]
    for layer in network.layers:
        name = layer.activation.name
        if name not in ACTIVATIONS and name != "leaky-relu":
            raise OptionError(f"activation '{name}' is not one of Backlit's own; Keras has none of that name")
        parts.append(keras.layers.Dense(len(layer.W), activation=ACTIVATIONS.get(name, "linear"), dtype=dtype))
        if name == "leaky-relu":
            parts.append(keras.layers.LeakyReLU(negative_slope=LeakyRelu.negative_slope, dtype=dtype))
        if layer.dropout:
            parts.append(keras.layers.Dropout(layer.dropout, dtype=dtype))
    model = keras.Sequential(parts)
    dense = [part for part in model.layers if isinstance(part, keras.layers.Dense)]
    for part, layer in zip(dense, network.layers, strict=True):
        part.set_weights([np.ascontiguousarray(layer.W.T), np.ascontiguousarray(layer.b)])
    return model, _measured(network, model, keras)


def _take(builder: ChainBuilder, layer: Any, keras: Any) -> None:
    layers, kind = keras.layers, type(layer)
    name = f"layer '{layer.name}' ({kind.__name__})"
    if kind is layers.InputLayer:
        return
    if kind is layers.Dense:
        kernel, bias = np.asarray(_numpy(layer.kernel, keras)), layer.bias
        builder.linear(np.ascontiguousarray(kernel.T), None if bias is None else _numpy(bias, keras), name)
        if layer.kernel_regularizer is not None or layer.bias_regularizer is not None:
            builder.lose(f"{name}: its regularizer; a training is given its l2")
        builder.activation(_function(builder, layer, name, keras), name)
    elif kind is layers.Activation:
        builder.activation(_function(builder, layer, name, keras), name)
    elif kind is layers.Dropout:
        builder.dropout(float(layer.rate), name)
    elif kind is layers.Flatten and not builder.layers:
        builder.lose(f"{name}: inputs of more than two axes come in flat, rows × columns")
    elif kind is layers.Softmax and layer.axis in (-1, 1):
        builder.activation("softmax", name)
    elif kind is layers.ReLU and (layer.max_value, layer.negative_slope, layer.threshold) == (None, 0, 0):
        builder.activation("relu", name)
    elif kind is layers.ELU and layer.alpha == 1:
        builder.activation("elu", name)
    elif kind is layers.LeakyReLU and np.float32(layer.negative_slope) == np.float32(LeakyRelu.negative_slope):
        builder.activation("leaky-relu", name)
    else:
        raise OptionError(
            f"{builder.what}: {name} is none that Backlit has, or has other settings; it takes Dense, Activation, "
            "Dropout, Flatten before the first Dense, ReLU, LeakyReLU(negative_slope=0.01), ELU and Softmax"
        )


def _function(builder: ChainBuilder, layer: Any, name: str, keras: Any) -> str:
    """By identity: a function of the user's own may have any name."""
    for ours, theirs in ACTIVATIONS.items():
        if layer.activation is getattr(keras.activations, theirs):
            return ours
    given = getattr(layer.activation, "__name__", str(layer.activation))
    hint = "; Keras' slope is 0.2 there, Backlit's 0.01" if given == "leaky_relu" else ""
    raise OptionError(
        f"{builder.what}: {name} has the activation {given}, which Backlit does not have{hint}; "
        f"it takes {', '.join(ACTIVATIONS.values())}"
    )


def _measured(network: Network, model: Any, keras: Any, added: Any = None) -> agreement.Agreement:
    """Outputs, and gradients where the backend is PyTorch and every layer is trainable."""
    shape = [-1, *model.inputs[0].shape[1:]]
    torch = need("torch", "torch", "Keras' torch backend") if keras.backend.backend() == "torch" else None
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]

    def outputs(X: Array) -> Any:
        found = _numpy(model(X.reshape(shape), training=False), keras)
        return found if added is None else added.value(found)

    def gradients(X: Array, G: Array) -> list[tuple[Any, Any]]:
        assert torch is not None
        values = [v.value for layer in dense for v in (layer.kernel, layer.bias) if v is not None]
        with torch.enable_grad():  # the caller may have turned it off
            a = model(X.reshape(shape), training=False)
            found = torch.autograd.grad((torch.as_tensor(G, device=a.device) * a).sum() / len(X), values)
        parts = iter(part.cpu().numpy() for part in found)
        return [(next(parts).T, None if layer.bias is None else next(parts)) for layer in dense]

    can = torch is not None and added is None and all(layer.trainable for layer in dense)
    against = f"Keras {keras.__version__} on {keras.backend.backend()}"
    # Its operations make float32 of float64 on every backend but TensorFlow, whatever the dtype of its layers.
    arithmetic = network.dtype.name if keras.backend.backend() == "tensorflow" else "float32"
    return agreement.measure(network, against, outputs, gradients if can else None, arithmetic=arithmetic)


def _numpy(values: Any, keras: Any) -> Any:
    values = getattr(values, "value", values)
    if hasattr(values, "detach"):  # a tensor of PyTorch, which Keras' own way makes warn
        return values.detach().cpu().numpy()
    return np.asarray(keras.ops.convert_to_numpy(values))


def _keras() -> Any:
    """Keras with a backend that is there: its own default is TensorFlow, whether that is installed or not."""
    if "keras" not in sys.modules and "KERAS_BACKEND" not in os.environ and not _is_there(_configured()):
        there = [backend for backend in ("torch", "jax") if _is_there(backend)]
        if there:
            os.environ["KERAS_BACKEND"] = there[0]
    try:
        return need("keras", "keras", "a Keras model")
    except ModuleNotFoundError as missing:
        raise OptionError(
            f"Keras' backend is not installed ({missing.name}): pip install torch, and set KERAS_BACKEND=torch"
        ) from None


def _is_there(library: str) -> bool:
    return find_spec(library) is not None


def _configured() -> str:
    """The backend of Keras' own file of settings, which it writes itself when it is first imported."""
    folder = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")
    try:
        with open(os.path.join(folder, "keras.json"), encoding="utf-8") as stream:
            backend = json.load(stream).get("backend")
    except (OSError, ValueError, AttributeError):
        backend = None
    return backend if backend in ("torch", "jax") else "tensorflow"
