"""Training: the loop, its history, its callbacks, its checkpoints."""

from backlit.training.callbacks import Callback
from backlit.training.checkpoints import Checkpoint
from backlit.training.history import EpochRecord, History
from backlit.training.loop import train
from backlit.training.run import Run
from backlit.training.stopping import EarlyStopping

__all__ = ["Callback", "Checkpoint", "EarlyStopping", "EpochRecord", "History", "Run", "train"]
