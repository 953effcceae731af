"""A model file read in twenty lines without Backlit, by docs/model-file.md alone. Takes a file, or none for a demo."""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


SIGMAS = {
    "identity": lambda z: z, "relu": lambda z: np.maximum(z, 0), "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh, "softmax": softmax,
}  # fmt: skip


def read(path):
    content = Path(path).read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    document = json.loads(header.pop("__metadata__")["document"])
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        numbers = np.frombuffer(content[start + begin : start + end], {"F32": "<f4", "F64": "<f8"}[entry["dtype"]])
        tensors[name] = numbers.reshape(entry["shape"])
    return document, tensors


def predict(document, tensors, x):
    a = x
    for layer, activation in enumerate(document["network"]["activations"], start=2):
        a = SIGMAS[activation](a @ tensors[f"layer{layer}.W"].T + tensors[f"layer{layer}.b"])
    return a


def demo():
    """A file that Backlit wrote, read both ways."""
    import backlit as bl

    network = bl.Network([4, 8, 3], activation="tanh", output="softmax", seed=1, dtype="float64")
    with tempfile.TemporaryDirectory() as folder:
        bl.save(network, Path(folder) / "net.safetensors")
        document, tensors = read(Path(folder) / "net.safetensors")
    X = np.random.default_rng(0).normal(size=(5, 4))
    print("layers:", document["network"]["sizes"], "activations:", document["network"]["activations"])
    print(f"largest difference from Backlit: {abs(predict(document, tensors, X) - network.predict(X)).max():.1e}")


if len(sys.argv) > 1:
    print(json.dumps(read(sys.argv[1])[0]["network"], indent=2))
else:
    demo()
