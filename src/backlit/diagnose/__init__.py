"""Diagnose: what is recorded while a network trains, what it means, and which rows of the data to look at."""

from backlit.diagnose.lens import Lens
from backlit.diagnose.record import LensRecord
from backlit.diagnose.store import read_lens
from backlit.diagnose.torch_lens import TorchLens, lens_torch

__all__ = ["Lens", "LensRecord", "TorchLens", "lens_torch", "read_lens"]
