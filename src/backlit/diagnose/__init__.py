"""Diagnose: what is recorded while a network trains, and what it means."""

from backlit.diagnose.lens import Lens
from backlit.diagnose.record import LensRecord

__all__ = ["Lens", "LensRecord"]
