"""The seam: what an engine is. It executes the equations, whole passes and whole runs of steps at a time.

Everything that trains, traces or checks a network goes through this page, so that what is shown is what was computed.
An engine decides nothing: the order of rows, the masks, the learning rates and the steps to record come from outside.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backlit.backpropagation import BackwardPass, ForwardPass
from backlit.engines.statistics import Statistics
from backlit.network import Network
from backlit.notation import Array, Float64Array, IndexArray
from backlit.objective import Objective
from backlit.optimizers import Optimizer, State


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What a session trains on: X (rows, n_1), Y (rows, n_L), w̃ (rows,) of mean 1, all of the network's dtype.

    ``decision`` says what counts as right: ``argmax``, ``threshold`` or None (see :mod:`backlit.data.targets`). X need
    not be in memory, or not in one piece: then it is a :class:`~backlit.data.lazy.LazyRows`.
    """

    X: Any  # an Array, or LazyRows: both are sliced alike, and who asks for more has the data in memory
    Y: Array
    row_weights: Array
    decision: str | None

    @property
    def rows(self) -> int:
        """How many."""
        return len(self.X)


@dataclass(frozen=True, eq=False)
class Windows:
    """How rows are shuffled that are read block by block: the blocks anew in each epoch, the rows within a window.

    Block i is the rows from ``edges[i]`` to ``edges[i + 1]`` - 1, and a window ``blocks`` blocks that come one after
    the other in the epoch.
    """

    edges: IndexArray
    blocks: int

    @property
    def most_rows(self) -> int:
        """Of any window."""
        return int(np.sort(np.diff(self.edges))[-self.blocks :].sum())


@dataclass(frozen=True)
class StepPlan:
    """How a session makes its steps; ``clip`` is the largest global norm of a gradient, or None.

    Without ``shuffle`` every epoch takes the rows as they lie; with ``windows`` they are shuffled within those. A
    training that goes on with other rows says how many steps and epochs there were before: they count on in the
    optimizer, the masks and the orders of rows.
    """

    optimizer: Optimizer
    batch_size: int
    seed: int
    clip: float | None = None
    shuffle: bool = True
    steps_before: int = 0
    epochs_before: int = 0
    windows: Windows | None = None


@dataclass(frozen=True, eq=False)
class StepRecord:
    """Everything of one recorded step, copied out: nothing in it changes when training goes on.

    ``rows`` are the batch's rows in the training data; ``backward.gradients`` those applied, after the penalty and
    clipping; ``parameters`` are θ before the update; ``norm`` is ‖∂C/∂θ‖ before clipping.
    """

    step: int
    rows: IndexArray
    backward: BackwardPass
    parameters: Array
    update: Array
    norm: float
    learning_rate: float


@dataclass(frozen=True, eq=False)
class StepsReport:
    """What a run of k steps came to: sums over each step's rows, before its update, in float64, (k,) each.

    ``costs`` is Σ_i w̃_i C_i without the penalty, ``hits`` Σ_i w̃_i [row i is right], ``weights`` Σ_i w̃_i.
    ``converged`` is set by an optimizer that has nothing left to do; ``statistics`` are of the measured steps.
    """

    costs: Float64Array
    hits: Float64Array
    weights: Float64Array
    records: list[StepRecord] = field(default_factory=list)
    converged: bool = False
    statistics: Statistics | None = None


@dataclass(frozen=True)
class Score:
    """Of rows nobody trains on: means weighted by row. ``accuracy`` is None for numbers, ``r2`` for classes."""

    cost: float
    accuracy: float | None
    r2: float | None


class Session(ABC):
    """A training under way: θ (``network.parameters``), the optimizer's state, and how many steps were made.

    θ is written in place and is right whenever ``run`` is not running. Step t (from 0) belongs to epoch
    ⌊t / steps_per_epoch⌋ and takes the rows of :func:`backlit.engines.order.batch_rows`.
    """

    def __init__(self, network: Network, objective: Objective, data: TrainingData, plan: StepPlan) -> None:
        self.network, self.objective, self.data, self.plan = network, objective, data, plan
        self.state: State = plan.optimizer.init(network.parameters)
        self.step = 0

    @abstractmethod
    def run(
        self,
        until_step: int,
        learning_rates: Float64Array,
        record_steps: Collection[int] = (),
        measure_steps: Collection[int] = (),
    ) -> StepsReport:
        """Makes the steps from ``step`` to ``until_step`` - 1, with one learning rate each.

        A step among ``record_steps`` is copied out whole, at many times its cost; of one among ``measure_steps`` only
        its sums are kept (:mod:`backlit.engines.statistics`), at a few per cent. Neither changes a bit of θ.
        """

    @property
    def steps_per_epoch(self) -> int:
        """⌈rows / batch size⌉."""
        return -(-self.data.rows // self.plan.batch_size)

    def restore(self, parameters: Array, state: State, step: int) -> None:
        """Puts θ, the optimizer's state and the number of the step back where they were."""
        self.network.parameters[...] = parameters
        for slot, values in state.items():
            self.state[slot][...] = values
        self.step = step


class Engine(ABC):
    """Who executes the equations."""

    name: str
    description: str

    @abstractmethod
    def unsupported(
        self, network: Network, objective: Objective | None = None, optimizer: Optimizer | None = None
    ) -> str | None:
        """Why this engine cannot do it, in words; None where it can."""

    @abstractmethod
    def predict(self, network: Network, X: Array) -> Array:
        """a^L of every row, without dropout."""

    @abstractmethod
    def forward_pass(self, network: Network, X: Array) -> ForwardPass:
        """Every z and a, without dropout."""

    @abstractmethod
    def backward_pass(
        self, network: Network, objective: Objective, X: Array, Y: Array, row_weights: Array
    ) -> BackwardPass:
        """There and back, without dropout."""

    @abstractmethod
    def evaluate(self, network: Network, objective: Objective, data: TrainingData) -> Score:
        """Cost (without the penalty), share of right rows and R², without dropout."""

    @abstractmethod
    def session(self, network: Network, objective: Objective, data: TrainingData, plan: StepPlan) -> Session:
        """A training of this network, before its first step."""
