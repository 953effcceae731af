"""PyTorch modules and functions for ``check_gradient``: in float64, their outputs weighed and summed to one number."""

import sys
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np

from backlit.check.subjects import STREAM, Subject, as_number, flatten_gradient
from backlit.errors import DataError, OptionError
from backlit.notation import Array
from backlit.randomness import initial_generator


def torch_subject(f: Callable[..., Any], gradient: Any, x: Any, seed: int) -> Subject:
    """f of tensors as a function of one float64 vector: of x, and of a module's parameters.

    Raises:
        OptionError: no gradient was given, and x is no tensor that would bring one.
        DataError: f cannot be evaluated, or its output does not depend on x in a way autograd can follow.
    """
    torch = sys.modules.get("torch")  # whoever brings a tensor has imported it
    if torch is None:
        raise OptionError("a gradient is needed: only PyTorch's tensors bring one of their own")
    inputs = list(x) if isinstance(x, (list, tuple)) else [x]
    if not all(isinstance(part, torch.Tensor) for part in inputs):
        raise OptionError("without a gradient, x must be a tensor, or a list of tensors, for autograd to follow")
    module = deepcopy(f).double() if isinstance(f, torch.nn.Module) else f
    inputs = [part.detach().clone().double() if part.is_floating_point() else part for part in inputs]
    leaves: dict[str, Any] = {}
    for i, part in enumerate(inputs):
        if part.is_floating_point():
            leaves["x" if len(inputs) == 1 else f"x[{i}]"] = part.requires_grad_(True)
    if isinstance(module, torch.nn.Module):
        leaves |= {name: p for name, p in module.named_parameters() if p.requires_grad}
    name = getattr(f, "__name__", type(f).__name__)
    name = "f" if name == "<lambda>" else name

    def scalar() -> Any:
        return _one_number(module(*inputs), name, seed)

    try:
        total = scalar()
    except (RuntimeError, TypeError) as error:
        raise DataError(f"{name} cannot be evaluated at x in float64: {str(error).splitlines()[0]}") from None
    parts = [(leaf, tuple(tensor.shape)) for leaf, tensor in leaves.items()]
    if gradient is None:
        if not total.requires_grad:
            raise DataError(f"the output of {name} does not depend on x for autograd: was it detached?")
        found = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
        claimed = [
            np.zeros(shape) if g is None else g.detach().numpy() for g, (_, shape) in zip(found, parts, strict=True)
        ]
        for (leaf, _), g in zip(parts, claimed, strict=True):
            if not np.isfinite(g).all():
                raise DataError(f"autograd's gradient by {leaf} holds NaN or infinity")
        flat_gradient = np.concatenate([g.astype(np.float64).ravel() for g in claimed])
    else:
        given = gradient(*inputs) if callable(gradient) else gradient
        several = list(given) if isinstance(given, (list, tuple)) else [given]
        as_arrays = [g.detach().numpy() if isinstance(g, torch.Tensor) else g for g in several]
        flat_gradient = flatten_gradient(as_arrays if len(parts) > 1 else as_arrays[0], parts, x)
    vector = np.concatenate([leaf.detach().numpy().astype(np.float64).ravel() for leaf in leaves.values()])

    def value(at: Array) -> float:
        with torch.no_grad():
            start = 0
            for leaf in leaves.values():
                piece = at[start : start + leaf.numel()].reshape(tuple(leaf.shape))
                leaf.copy_(torch.as_tensor(piece))
                start += leaf.numel()
            return as_number(scalar().item(), name)

    kind = np.float32 if total.dtype == torch.float32 else np.float64
    return Subject(value, flat_gradient, vector, tuple(parts), float(np.finfo(kind).eps) / 2, name)


def _one_number(outputs: Any, name: str, seed: int) -> Any:
    """The outputs weighed with fixed random numbers and summed; one number as it is."""
    torch = sys.modules["torch"]
    several = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    floating = [out for out in several if isinstance(out, torch.Tensor) and out.is_floating_point()]
    if not floating:
        raise DataError(f"{name} returned {type(several[0]).__name__}, not a tensor of numbers")
    if len(floating) == 1 and floating[0].numel() == 1:
        return floating[0].reshape(())
    rng = initial_generator(seed, STREAM + 2)
    weights = [torch.as_tensor(rng.standard_normal(tuple(out.shape))).to(out.dtype) for out in floating]
    return sum((out * weight).sum() for out, weight in zip(floating, weights, strict=True))
