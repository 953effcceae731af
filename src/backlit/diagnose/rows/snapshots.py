"""θ as it was along a training, kept for those who want to look back."""

from dataclasses import dataclass

import numpy as np

from backlit.errors import OptionError
from backlit.network import Network
from backlit.notation import Array
from backlit.objective import Objective
from backlit.objective import choose as choose_objective
from backlit.optimizers.base import check_whole
from backlit.training import Callback, Run


@dataclass(frozen=True, eq=False)
class Snapshot:
    """θ at the end of an epoch (from 1), and η of its last step."""

    epoch: int
    parameters: Array
    learning_rate: float


class Snapshots(Callback):
    """Keeps a copy of θ at the end of every epoch, or of every k-th: ``bl.train(..., callbacks=[snapshots])``.

    It observes; the training has the same bits with it and without. It takes 4 bytes (float32) a parameter and epoch.

    Args:
        every: epochs; the last one is always kept.

    Raises:
        OptionError: ``every`` is not a whole number, at least 1.

    >>> import backlit as bl
    >>> X, y = bl.data.load("iris")
    >>> kept = Snapshots(every=4)
    >>> run = bl.train(bl.Network([4, 3], output="softmax"), X, y, epochs=10, callbacks=[kept])
    >>> [snapshot.epoch for snapshot in kept]
    [4, 8, 10]
    """

    def __init__(self, every: int = 1) -> None:
        check_whole("the snapshots", "every", every)
        self.every = int(every)
        self._network: Network | None = None
        self._kept: list[Snapshot] = []
        self._cost, self._l2 = "", 0.0

    def on_train_begin(self, run: Run) -> None:
        """Starts over: the snapshots are of one training."""
        self._network, self._kept = run.network, []
        self._cost = run.options["cost"]

    def on_epoch_end(self, run: Run) -> None:
        """Copies θ; of an epoch that is not a k-th one, until the next."""
        last = run.history[-1]
        if self._kept and self._kept[-1].epoch % self.every:
            self._kept.pop()
        self._kept.append(Snapshot(last.epoch, run.network.parameters.copy(), last.learning_rate))

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(tuple(self._kept))

    @property
    def network(self) -> Network:
        """A network of its own with the parameters of the last snapshot.

        Raises:
            OptionError: nothing was kept yet.
        """
        if self._network is None or not self._kept:
            raise OptionError("there are no snapshots yet: give them to bl.train(..., callbacks=[snapshots]) first")
        twin = self._network.copy()
        twin.parameters[...] = self._kept[-1].parameters
        return twin

    @property
    def objective(self) -> Objective:
        """The cost of the training, without its penalty.

        Raises:
            OptionError: nothing was kept yet.
        """
        return choose_objective(self.network.activations[-1], self._cost)

    def __repr__(self) -> str:
        return f"Snapshots({len(self)} of θ)"
