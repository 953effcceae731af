"""θ as it was along a training, kept for those who want to look back."""

from collections.abc import Iterator
from dataclasses import dataclass

from backlit.errors import OptionError
from backlit.network import Network
from backlit.notation import Array, IndexArray
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
    With them it keeps what the training said of itself: ``cost``, ``optimizer``, ``batch_size``, ``train_rows``
    (numbers of the data as given, None for all) and ``row_weights`` (w̃ of the training rows).

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
        self.cost = self.optimizer = ""
        self.batch_size = 1
        self.train_rows: IndexArray | None = None
        self.row_weights: Array | None = None

    def on_train_begin(self, run: Run) -> None:
        """Starts over, for the snapshots are of one training; of one that is resumed it goes on."""
        if not run.resumed_from_step:
            self._kept = []
        self._network = run.network
        self.cost, self.optimizer = run.options["cost"], run.options["optimizer"]["name"]
        self.batch_size = run.options["batch_size"]
        self.train_rows, self.row_weights = run.train_rows, run.row_weights

    def on_epoch_end(self, run: Run) -> None:
        """Copies θ; of an epoch that is not a k-th one, until the next."""
        last = run.history[-1]
        if self._kept and self._kept[-1].epoch % self.every:
            self._kept.pop()
        self._kept.append(Snapshot(last.epoch, run.network.parameters.copy(), last.learning_rate))

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Snapshot]:
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

    def __repr__(self) -> str:
        return f"Snapshots({len(self)} of θ)"
