"""The workloads of the speed benchmarks: sizes, activations, optimizer, batch, rows. Random data of the right shape."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Workload:
    """One network, one objective, one optimizer, one batch size."""

    name: str
    sizes: tuple[int, ...]
    hidden: str
    output: str
    cost: str
    optimizer: str
    batch: int
    rows: int

    @property
    def weights(self) -> int:
        """P, without biases."""
        return sum(n * m for n, m in pairwise(self.sizes))

    @property
    def flops_a_step(self) -> int:
        """(6P - 2 n_1 n_2)·m: forward, back and gradients, without an error for the input."""
        return (6 * self.weights - 2 * self.sizes[0] * self.sizes[1]) * self.batch

    @property
    def steps_an_epoch(self) -> int:
        """Whole batches; every workload's rows divide into them, or the rest is left out by every system alike."""
        return self.rows // self.batch

    @property
    def learning_rate(self) -> float:
        """The same for every system."""
        return 0.5 if self.optimizer == "sgd" else 0.001

    def data(self) -> tuple[Any, Any, Any]:
        """X in [0, 1), Y (one-hot or numbers), and the classes (or None), float32."""
        rng = np.random.default_rng(0)
        rows = self.steps_an_epoch * self.batch
        X = rng.random((rows, self.sizes[0]), dtype=np.float32)
        if self.sizes[-1] == 1:
            return X, rng.random((rows, 1), dtype=np.float32), None
        classes = rng.integers(0, self.sizes[-1], rows)
        return X, np.eye(self.sizes[-1], dtype=np.float32)[classes], classes


WORKLOADS = {
    w.name: w
    for w in (
        Workload("W1", (784, 30, 10), "sigmoid", "sigmoid", "quadratic", "sgd", 10, 20_000),
        Workload("W2", (784, 128, 10), "relu", "softmax", "cross-entropy", "adam", 32, 20_000),
        Workload("W3", (784, 512, 512, 10), "relu", "softmax", "cross-entropy", "adam", 128, 20_000),
        Workload("W4", (20, 64, 64, 1), "relu", "identity", "quadratic", "adam", 32, 60_000),
        Workload("W5", (784, 1024, 1024, 1024, 10), "relu", "softmax", "cross-entropy", "adam", 256, 10_000),
    )
}
