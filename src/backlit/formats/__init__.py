"""Files: how they are written so that no crash can harm them, and how they are read so that no file can harm.

``export`` writes a network or a model as ONNX, as a PyTorch state dict, for Octave and MATLAB, or for Keras;
``import_model`` takes one in from such a file, or from a PyTorch module, a scikit-learn MLP, a Keras model. Every
import is held against its source: outputs and, where that can compute them, gradients.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backlit.formats.agreement import Agreement
    from backlit.formats.convert import Exported, export, import_model
    from backlit.formats.imported import Imported
    from backlit.formats.keras_models import from_keras, to_keras
    from backlit.formats.scikit_learn import from_sklearn, to_sklearn
    from backlit.formats.torch_modules import from_torch, to_torch

_HOME = {
    "Agreement": "agreement", "Exported": "convert", "Imported": "imported", "export": "convert",
    "from_keras": "keras_models", "from_sklearn": "scikit_learn", "from_torch": "torch_modules",
    "import_model": "convert", "to_keras": "keras_models", "to_sklearn": "scikit_learn", "to_torch": "torch_modules",
}  # fmt: skip

__all__ = [
    "Agreement", "Exported", "Imported", "export", "from_keras", "from_sklearn", "from_torch", "import_model",
    "to_keras", "to_sklearn", "to_torch",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Loads what is asked for when it is asked for: reading a model file needs none of it."""
    if name not in _HOME:
        raise AttributeError(f"module 'backlit.formats' has no attribute '{name}'")
    return getattr(import_module(f"backlit.formats.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
