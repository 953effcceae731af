"""A training through the command line: its options as flags of `backlit train`, scored by `backlit evaluate`."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from faults.cases import Training

THROUGH_FLAGS = (
    "sigmoid stack", "exploding start", "imbalance", "penalty", "dropout", "rate, high", "rate, dead", "rate, low",
    "large batch", "few epochs", "small batch",
)  # fmt: skip
"""Kinds of faults that are nothing but flags."""


def flags_of(training: Training) -> list[str]:
    """What `backlit train` is to be told; the same validation share, of the same rows."""
    rows, train, network = training.rows, training.train, training.network
    held_out = len(rows.X_validation) / (len(rows.X) + len(rows.X_validation))
    options: dict[str, Any] = {
        "layers": ",".join(map(str, training.hidden)),
        "activation": training.activation,
        "optimizer": "sgd" if training.optimizer == "momentum" else training.optimizer,
        "momentum": 0.9 if training.optimizer == "momentum" else None,
        "schedule": "constant",
        "initializer": network.get("initializer", "auto"),
        "dropout": network.get("dropout", 0.0),
        "dtype": network.get("dtype", "float32"),
        "seed": training.seed,
        "validation": held_out,
        "test": 0,
        "task": "classes" if rows.classes else "numbers",
    }
    names = ("learning_rate", "batch_size", "epochs", "l2", "cost", "early_stopping", "class_weight")
    options |= {name.replace("_", "-"): train.get(name) for name in names}
    return [part for name, value in options.items() if value is not None for part in (f"--{name}", f"{value}")]


def score(training: Training, more: tuple[str, ...], folder: Path) -> float:
    """Accuracy or R² on the test rows, after a training with these flags and ``more``, which win."""
    rows = training.rows
    folder.mkdir(parents=True, exist_ok=True)
    X, y = np.vstack([rows.X, rows.X_validation]), np.concatenate([rows.y, rows.y_validation])
    np.savez(folder / "train.npz", X=X, y=y)
    np.savez(folder / "test.npz", X=rows.X_test, y=rows.y_test)
    model = folder / "model.safetensors"
    told = ["train", str(folder / "train.npz"), *flags_of(training), *more, "--out", str(model), "--force", "--json"]
    done = _backlit(told)
    if done.returncode:
        return -1.0  # it diverged
    found = json.loads(_backlit(["evaluate", str(model), str(folder / "test.npz"), "--json"]).stdout)
    scores = found["scores"]["all"]
    return max(float(scores["accuracy" if rows.classes else "r2"]), -1.0)


def _backlit(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "backlit", *arguments], capture_output=True, text=True, check=False)
