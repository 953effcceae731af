"""``bl.rows``: which rows of the data to look at."""

from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backlit import objective as objectives
from backlit.costs import Cost
from backlit.data import scaling
from backlit.data import targets as target_encoding
from backlit.data.checks import as_matrix, as_numbers, check_finite
from backlit.data.dataset import as_target
from backlit.data.encoding import infer_task
from backlit.data.targets import Targets
from backlit.diagnose.rows import judging, progress
from backlit.diagnose.rows.report import RowsReport
from backlit.diagnose.rows.trainings import Plan
from backlit.engines import TrainingData
from backlit.errors import DataError, OptionError
from backlit.network import Network
from backlit.notation import Array
from backlit.optimizers import Optimizer, Schedule
from backlit.optimizers.base import check_whole
from backlit.randomness import check_seed
from backlit.training import row_weights

OUTPUT_OF_TASK = {"classes": "softmax", "labels": "sigmoid", "numbers": "identity"}

WIDTH = 256
DROPOUT = 0.5
NARROW_INPUT = 100
"""Columns up to which a second hidden layer is worth its time, by measurement (docs/rows.md)."""
