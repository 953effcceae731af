"""One training of the faults benchmark as plain values, from which it is made again bit by bit; and sensible ones."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from faults import sets

import backlit as bl

WIDTHS = {"setting": (16, 32, 64), "reported": (24, 50, 100)}
HIDDEN = {
    "setting": ("relu", "relu", "tanh", "sigmoid", "elu"),
    "reported": ("relu", "relu", "tanh", "sigmoid", "leaky-relu", "gelu", "silu", "softplus"),
}
MOST_LAYERS = {"sigmoid": 1, "softplus": 2}  # hidden, of a sensible network; 3 of the others

# optimizer → learning rates that suit it
OPTIMIZERS = {
    "adam": (0.001, 0.003),
    "adamw": (0.001, 0.003),
    "rmsprop": (0.001,),
    "sgd": (0.1, 0.05),
    "momentum": (0.02, 0.01),
}
BATCHES = (16, 32, 64)


@dataclass(frozen=True, eq=False)
class Training:
    """What is trained, and how. ``started`` changes the network before its first step."""

    rows: sets.Rows
    hidden: tuple[int, ...]
    activation: Any = "relu"
    network: dict[str, Any] = field(default_factory=dict)  # further options of bl.Network
    optimizer: str = "adam"
    train: dict[str, Any] = field(default_factory=dict)  # further options of bl.train
    started: tuple[Callable[[bl.Network], None], ...] = ()
    seed: int = 0

    def but(self, **changes: Any) -> "Training":
        """With other values; ``network`` and ``train`` are added to, not replaced."""
        for name in ("network", "train"):
            if name in changes:
                changes[name] = {**getattr(self, name), **changes[name]}
        return replace(self, **changes)

    def make(self) -> tuple[bl.Network, dict[str, Any]]:
        """The network before its first step, and the options of ``bl.train``."""
        rows = self.rows
        output = "identity" if not rows.classes else "sigmoid" if rows.classes == 2 else "softmax"
        options = {"output": output, "seed": self.seed, **self.network}
        net = bl.Network([rows.X.shape[1], *self.hidden, rows.outputs], activation=self.activation, **options)
        for change in self.started:
            change(net)
        how = dict(self.train)
        rate = how.pop("learning_rate", None)
        optimizer: Any = self.optimizer
        if optimizer == "momentum":
            optimizer = bl.optimizers.SGD(rate, momentum=0.9)
            rate = None
        how |= {"optimizer": optimizer, "learning_rate": rate, "seed": self.seed, "progress": False}
        return net, how | {"validation": (rows.X_validation, rows.y_validation)}


def generator(*key: Any) -> np.random.Generator:
    """Of a case: the same on every machine and in every order."""
    return np.random.default_rng([crc32(str(part).encode()) for part in key])


def sensible(part: str, name: str, seed: int, folder: Path | None, rng: np.random.Generator) -> Training:
    """A training as a careful user would set it up, drawn from the widths, depths and so on of the part."""
    rows = sets.load(name, seed, folder)
    activation = str(rng.choice(HIDDEN[part]))
    layers = int(rng.integers(1, min(3, MOST_LAYERS.get(activation, 3)) + 1))
    hidden = tuple(sorted((int(n) for n in rng.choice(WIDTHS[part], layers)), reverse=True))
    optimizer = str(rng.choice(list(OPTIMIZERS)))
    rate = float(rng.choice(OPTIMIZERS[optimizer]))
    if activation == "sigmoid":
        rate *= 3
    batch = int(rng.choice(BATCHES if len(rows.X) > 300 else BATCHES[:2]))
    train = {"learning_rate": rate, "batch_size": batch, "epochs": epochs(rows, batch, rng)}
    train["l2"] = float(rng.choice((0.0, 0.1, 1.0)))
    if rng.random() < 0.5:
        train["early_stopping"] = 10
    network = {"dtype": str(rng.choice(("float32", "float32", "float64")))}
    if layers == 1 and hidden[0] >= 50 and rng.random() < 0.3:
        network["dropout"] = 0.2
    return Training(rows, hidden, activation, network, optimizer, train, seed=seed * 101 + int(rng.integers(100)))


def epochs(rows: sets.Rows, batch: int, rng: np.random.Generator) -> int:
    """As many as come to some 1,500 to 4,000 steps, between 30 and 200."""
    steps = rng.uniform(1500, 4000)
    return int(np.clip(steps * batch / len(rows.X), 30, 200))
