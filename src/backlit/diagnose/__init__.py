"""Diagnose: what is recorded while a network trains, what it means, and which rows of the data to look at."""

from backlit.diagnose.lens import Lens
from backlit.diagnose.record import LensRecord

__all__ = ["Lens", "LensRecord"]
