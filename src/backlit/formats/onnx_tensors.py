"""ONNX's tensors and attributes, every claim held against the bytes that there are before anything is made of it."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlit.formats.container import MOST_DIMENSIONS, MOST_NUMBERS, Refusal, damaged, quote

FIELDS = {
    1: ("float_data", 4, np.float32), 11: ("double_data", 8, np.float64), 7: ("int64_data", 8, np.int64),
    6: ("int32_data", 4, np.int32), 9: ("int32_data", 1, np.bool_), 10: ("int32_data", 2, np.float16),
}  # fmt: skip
"""Type of a tensor → the field of its numbers where they are not raw, bytes of one that is, dtype."""


def array(tensor: Any) -> NDArray[Any]:
    """The numbers of a tensor.

    Raises:
        Refusal: they are in another file, of a type that no network has, or not as many as the shape claims.
    """
    name = quote(tensor.name)
    if tensor.data_location != 0 or len(tensor.external_data):
        raise Refusal(f"keeps tensor {name} in another file, which is not opened; save it as one file")
    if tensor.data_type not in FIELDS:
        raise Refusal(f"has a tensor {name} of ONNX's type {tensor.data_type}; floats of 16, 32 and 64 bits are read")
    field, width, dtype = FIELDS[tensor.data_type]
    shape = tuple(tensor.dims)
    if len(shape) > MOST_DIMENSIONS or any(not 0 <= n <= MOST_NUMBERS for n in shape):
        raise damaged(f"tensor {name} claims the shape {quote(shape)}")
    if tensor.HasField("segment") or tensor.string_data:
        raise damaged(f"tensor {name} is in segments, or text")
    count, values = math.prod(shape), getattr(tensor, field)
    if tensor.HasField("raw_data"):
        if len(tensor.raw_data) != count * width:
            raise damaged(f"tensor {name} claims {count:,} numbers of {width} bytes and has {len(tensor.raw_data):,}")
        found: NDArray[Any] = np.frombuffer(tensor.raw_data, np.dtype(dtype).newbyteorder("<")).astype(dtype)
    elif len(values) != count:
        raise damaged(f"tensor {name} claims {count:,} numbers and has {len(values):,}")
    elif dtype is np.float16:
        found = np.array(values, np.int64).astype(np.uint16).view(np.float16)
    else:
        found = np.array(values).astype(dtype)
    return found.reshape(shape)


def attributes(node: Any, known: tuple[str, ...], what: str) -> dict[str, Any]:
    """The attributes of a node, if it has no others than these: numbers, text, lists of whole numbers.

    Raises:
        Refusal: it has another one, twice the same, or one of another kind.
    """
    found: dict[str, Any] = {}
    for attribute in node.attribute:
        kinds = {1: "f", 2: "i", 3: "s", 4: "t", 7: "ints"}
        if attribute.name not in known or attribute.name in found:
            raise Refusal(f"has {what} with the attribute {quote(attribute.name)}, which is not read")
        if attribute.type not in kinds:
            raise Refusal(f"has {what} whose {quote(attribute.name)} is of a kind that is not read")
        value = getattr(attribute, kinds[attribute.type])
        found[attribute.name] = list(value) if attribute.type == 7 else value
    return found
