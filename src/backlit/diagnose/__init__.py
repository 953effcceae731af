"""Diagnose: what is recorded while a network trains, what it means, and which rows of the data to look at.

The package carries the name of its function and can be called for the same reason as :mod:`backlit.check`.
"""

from backlit.diagnose.callable_module import make_callable
from backlit.diagnose.findings import Diagnosis, Finding, NotJudged, Remedy, diagnose
from backlit.diagnose.lens import Lens
from backlit.diagnose.record import LensRecord
from backlit.diagnose.store import read_lens
from backlit.diagnose.torch_lens import TorchLens, lens_torch

__all__ = [
    "Diagnosis", "Finding", "Lens", "LensRecord", "NotJudged", "Remedy", "TorchLens", "diagnose", "lens_torch",
    "read_lens",
]  # fmt: skip

make_callable(__name__, diagnose)
