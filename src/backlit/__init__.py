"""Backlit: train feed-forward neural networks by backpropagation, and see every error that flows back.

>>> import backlit as bl
>>> X, y = bl.data.load("digits")
>>> net = bl.Network([64, 30, 10], output="softmax", seed=0)
>>> run = bl.train(net, X, y, epochs=5, validation=0.2)
>>> run.history[-1].validation_accuracy > 0.85
True
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backlit import activations, costs, data, formats, initializers, objective, optimizers
    from backlit.check import check, check_backward, check_gradient
    from backlit.diagnose import Diagnosis, Finding, Lens, LensRecord, diagnose, lens_torch, read_lens, rows
    from backlit.diagnose.learning_rate import find_learning_rate
    from backlit.diagnose.more_data import more_data
    from backlit.errors import (
        BacklitError,
        CheckpointError,
        CheckpointWarning,
        DataError,
        DivergenceError,
        LensWarning,
        ModelFileError,
        OptionError,
        OutputPathError,
        TrainingInterrupted,
    )
    from backlit.estimators import BackpropClassifier, BackpropRegressor
    from backlit.formats.model_file import load, load_model, save
    from backlit.formats.torch_modules import from_torch, to_torch
    from backlit.model import Model
    from backlit.network import Network
    from backlit.optimizers import schedules
    from backlit.trace.tracing import Trace, trace
    from backlit.training import Callback, Checkpoint, EarlyStopping, History, Run, train
    from backlit.why import why

_FROM = {
    "activations": "backlit.activations",
    "check": "backlit.check",  # a module that can be called
    "costs": "backlit.costs",
    "data": "backlit.data",
    "diagnose": "backlit.diagnose",  # likewise
    "formats": "backlit.formats",
    "initializers": "backlit.initializers",
    "objective": "backlit.objective",
    "optimizers": "backlit.optimizers",
    "rows": "backlit.diagnose.rows",  # likewise
    "schedules": "backlit.optimizers.schedules",
    "trace": "backlit.trace",  # likewise
    "why": "backlit.why",  # likewise
}
_NAMES = {
    "backlit.check": ("check_backward", "check_gradient"),
    "backlit.diagnose": ("Diagnosis", "Finding", "Lens", "LensRecord", "lens_torch", "read_lens"),
    "backlit.diagnose.learning_rate": ("find_learning_rate",),
    "backlit.diagnose.more_data": ("more_data",),
    "backlit.errors": (
        "BacklitError", "CheckpointError", "CheckpointWarning", "DataError", "DivergenceError", "LensWarning",
        "ModelFileError",
        "OptionError", "OutputPathError", "TrainingInterrupted",
    ),
    "backlit.estimators": ("BackpropClassifier", "BackpropRegressor"),
    "backlit.formats.model_file": ("load", "load_model", "save"),
    "backlit.formats.torch_modules": ("from_torch", "to_torch"),
    "backlit.model": ("Model",),
    "backlit.network": ("Network",),
    "backlit.trace.tracing": ("Trace",),
    "backlit.training": ("Callback", "Checkpoint", "EarlyStopping", "History", "Run", "train"),
}  # fmt: skip
_HOME = {name: module for module, names in _NAMES.items() for name in names}

__all__ = [
    "BacklitError", "BackpropClassifier", "BackpropRegressor", "Callback", "Checkpoint", "CheckpointError",
    "CheckpointWarning", "DataError", "Diagnosis", "DivergenceError", "EarlyStopping", "Finding", "History", "Lens",
    "LensRecord", "LensWarning", "Model", "ModelFileError", "Network", "OptionError", "OutputPathError", "Run", "Trace",
    "TrainingInterrupted", "__version__", "activations", "check", "check_backward", "check_gradient", "costs", "data",
    "diagnose", "find_learning_rate", "formats", "from_torch", "initializers", "lens_torch", "load", "load_model",
    "more_data", "objective", "optimizers", "read_lens", "rows", "save", "schedules", "to_torch", "trace", "train",
    "why",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Loads what is asked for when it is asked for: importing Backlit costs little more than importing NumPy."""
    if name in _FROM:
        found: Any = import_module(_FROM[name])
    elif name in _HOME:
        found = getattr(import_module(_HOME[name]), name)
    elif name == "__version__":
        from importlib.metadata import version

        found = version("backlit")
    else:
        raise AttributeError(f"module 'backlit' has no attribute '{name}'")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
