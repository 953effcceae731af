"""PyTorch: a chain of ``torch.nn`` modules to a network, and a network to a ``torch.nn.Sequential``.

W of ``nn.Linear`` is (neurons, inputs), as here. Nothing is ever unpickled: give a module, or a state dict as
``.safetensors`` (:mod:`backlit.formats.state_dict`).
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from typing import Any

import numpy as np

from backlit import activations
from backlit.activations import LeakyRelu
from backlit.errors import OptionError
from backlit.formats import agreement
from backlit.formats.chain import ChainBuilder
from backlit.formats.extras import need
from backlit.formats.imported import Imported, finish
from backlit.network import Network
from backlit.notation import Array

SPLIT_OF_SOFTPLUS = 40.0
"""From where ``nn.Softplus`` made here is the identity: ln(1 + e^{-40}) is below half a unit of 40's last place."""

PLAIN = {
    "ReLU": "relu", "SiLU": "silu", "Sigmoid": "sigmoid", "Tanh": "tanh", "Identity": "identity",
}  # fmt: skip


def from_torch(module: Any, *, output: str | None = None) -> Network:
    """The network that computes what a PyTorch module computes, verified by outputs and autograd's gradients.

    Args:
        module: an ``nn.Sequential`` (nested ones too) of Linear, ReLU, LeakyReLU(0.01), ELU, GELU, SiLU, Softplus,
            Sigmoid, Tanh, Identity, Softmax, LogSoftmax, Dropout and Flatten.
        output: an activation for the outputs of a module that ends with its Linear, as ``"softmax"`` for one that was
            trained with ``nn.CrossEntropyLoss``.

    Raises:
        OptionError: a module is none of these, or not as Backlit has it (which, and why).
        DataError: its shapes do not go together.

    >>> from_torch(__import__("torch").nn.Linear(3, 2))  # doctest: +SKIP
    Network(3-2, identity: 8 parameters, float32)
    """
    return read(module, output=output).network


def read(module: Any, *, output: str | None = None) -> Imported:
    """As :func:`from_torch`, with what was measured and what was lost."""
    torch = need("torch", "torch", "a PyTorch module")
    if not isinstance(module, torch.nn.Module):
        raise OptionError(f"from_torch takes a torch.nn.Module, not a value of type {type(module).__name__}")
    builder = ChainBuilder(type(module).__name__)
    for name, part in _flat(module, "", torch):
        _take(builder, name, part, torch)
    logarithm = any(isinstance(part, torch.nn.LogSoftmax) for part in module.modules())
    add_output(builder, output)
    network = builder.network()
    found = _measured(
        network, module, torch, np.exp if logarithm else None, network.activations[-1] if output else None
    )
    return finish(builder, "torch", found, network)


def to_torch(network: Network) -> Any:
    """The ``torch.nn.Sequential`` that computes what the network computes, verified by outputs and gradients.

    In the network's dtype, in training mode as any new module: call ``.eval()`` before predicting if it has dropout.

    Raises:
        OptionError: an activation is not one of Backlit's own.
    """
    return write(network)[0]


def write(network: Network) -> tuple[Any, agreement.Agreement]:
    """As :func:`to_torch`, with what was measured."""
    torch = need("torch", "torch", "a PyTorch module")
    dtype = getattr(torch, network.dtype.name)
    parts: list[Any] = []
    for layer in network.layers:
        linear = torch.nn.Linear(layer.W.shape[1], layer.W.shape[0], dtype=dtype)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(np.ascontiguousarray(layer.W)))
            linear.bias.copy_(torch.from_numpy(np.ascontiguousarray(layer.b)))
        parts += [linear, *_activation(layer.activation, torch)]
        if layer.dropout:
            parts.append(torch.nn.Dropout(layer.dropout))
    module = torch.nn.Sequential(*parts)

    return module, _measured(network, module, torch)


def _measured(
    network: Network, module: Any, torch: Any, after: Callable[[Any], Any] | None = None, added: Any = None
) -> agreement.Agreement:
    """Outputs, and autograd's gradients where the module's own outputs are the network's."""
    twin = deepcopy(module).cpu().eval().to(getattr(torch, network.dtype.name))  # the user's own is left as it is

    def outputs(X: Array) -> Any:
        with torch.no_grad():
            found = twin(torch.from_numpy(X)).numpy()
        found = found if after is None else after(found)
        return found if added is None else added.value(found)

    def gradients(X: Array, G: Array) -> list[tuple[Any, Any]]:
        linear = [part for part in twin.modules() if isinstance(part, torch.nn.Linear)]
        twin.requires_grad_(True)
        twin.zero_grad()
        with torch.enable_grad():  # the caller may have turned it off
            ((torch.from_numpy(G) * twin(torch.from_numpy(X))).sum() / len(X)).backward()
        return [(part.weight.grad, None if part.bias is None else part.bias.grad) for part in linear]

    own = after is None and added is None
    return agreement.measure(network, f"PyTorch {torch.__version__}", outputs, gradients if own else None)


def add_output(builder: ChainBuilder, output: str | None) -> None:
    """An activation that the user says belongs to the outputs, which the source leaves to its cost."""
    if output is None or not builder.layers:
        return
    if builder.layers[-1].closed:
        raise OptionError(
            f"{builder.what}: its outputs have {builder.layers[-1].activation} already; leave out output={output!r}"
        )
    builder.activation(activations.get(output, option="output").name, f"output={output!r}")


def _flat(module: Any, name: str, torch: Any) -> Iterator[tuple[str, Any]]:
    """The modules of nested Sequentials in the order in which they run."""
    if type(module) is torch.nn.Sequential:
        for inner, part in module.named_children():
            yield from _flat(part, f"{name}.{inner}" if name else inner, torch)
    else:
        yield (f"module '{name}' ({type(module).__name__})" if name else type(module).__name__), module


def _take(builder: ChainBuilder, name: str, part: Any, torch: Any) -> None:
    nn, kind = torch.nn, type(part)
    own = getattr(nn, kind.__name__, None) is kind  # a subclass may compute anything
    if own and kind is nn.Linear:
        bias = None if part.bias is None else _array(part.bias)
        builder.linear(_array(part.weight), bias, name)
    elif own and kind is nn.Dropout:
        builder.dropout(part.p, name)
    elif own and kind is nn.Flatten:
        if (part.start_dim, part.end_dim) != (1, -1) or builder.layers:
            raise OptionError(f"{builder.what}: {name} flattens other than the inputs' axes from 1 on")
        builder.lose(f"{name}: inputs of more than two axes come in flat, rows × columns")
    elif kind is _exponential():
        builder.activation("exponential", name)
    elif own and kind.__name__ in PLAIN:
        builder.activation(PLAIN[kind.__name__], name)
    elif own and kind.__name__ in _SETTINGS:
        activation, fits, needed = _SETTINGS[kind.__name__]
        if not fits(part):
            raise OptionError(f"{builder.what}: {name} is {part}; Backlit has it as {needed}")
        if kind is nn.Softplus and part.threshold < SPLIT_OF_SOFTPLUS:
            builder.lose(f"{name}: it is the identity from {part.threshold:g} on; here ln(1 + e^z) throughout")
        if kind is nn.LogSoftmax:
            builder.lose(f"{name}: its outputs were logarithms; here they are the probabilities themselves (softmax)")
        builder.activation(activation, name)
    else:
        raise OptionError(
            f"{builder.what}: {name} is none that Backlit has; it takes Sequential, Linear, Dropout, Flatten, "
            f"{', '.join([*PLAIN, *_SETTINGS])}"
        )


_SETTINGS: dict[str, tuple[str, Callable[[Any], bool], str]] = {
    "LeakyReLU": (
        "leaky-relu", lambda part: part.negative_slope == LeakyRelu.negative_slope, "LeakyReLU(negative_slope=0.01)",
    ),
    "ELU": ("elu", lambda part: part.alpha == 1, "ELU(alpha=1.0)"),
    "GELU": ("gelu", lambda part: part.approximate == "none", "GELU(approximate='none')"),
    "Softplus": ("softplus", lambda part: part.beta == 1 and part.threshold >= 15, "Softplus(beta=1, threshold=20)"),
    "Softmax": ("softmax", lambda part: part.dim in (1, -1), "Softmax(dim=1)"),
    "LogSoftmax": ("softmax", lambda part: part.dim in (1, -1), "LogSoftmax(dim=1), made softmax"),
}  # fmt: skip


def _activation(activation: Any, torch: Any) -> list[Any]:
    nn = torch.nn
    made: dict[str, Callable[[], Any]] = {
        "sigmoid": nn.Sigmoid,
        "tanh": nn.Tanh,
        "relu": nn.ReLU,
        "leaky-relu": lambda: nn.LeakyReLU(LeakyRelu.negative_slope),
        "elu": nn.ELU,
        "gelu": nn.GELU,
        "silu": nn.SiLU,
        "softplus": lambda: nn.Softplus(threshold=SPLIT_OF_SOFTPLUS),
        "softmax": lambda: nn.Softmax(dim=1),
        "exponential": _exponential(),
    }
    if activation.name == "identity":
        return []
    if activation.name not in made:
        raise OptionError(f"activation '{activation.name}' is not one of Backlit's own; PyTorch has no module for it")
    return [made[activation.name]()]


@cache
def _exponential() -> Any:
    """The module of e^z, which PyTorch has none of; held where Backlit holds it, so that nothing overflows."""
    torch = need("torch", "torch", "a PyTorch module")

    class Exponential(torch.nn.Module):  # type: ignore[misc, name-defined, unused-ignore]
        def forward(self, z: Any) -> Any:
            dtype = np.dtype(str(z.dtype).removeprefix("torch."))
            return z.clamp(max=activations.Exponential.largest_z(dtype)).exp()

    return Exponential


def _array(tensor: Any) -> Any:
    tensor = tensor.detach().cpu()
    return tensor.float().numpy() if str(tensor.dtype) == "torch.bfloat16" else tensor.numpy()
