"""A training, while it runs and after."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backlit.network import Network
from backlit.notation import Array, IndexArray
from backlit.training.history import History


@dataclass(eq=False)
class Run:
    """What :func:`backlit.train` returns, and what callbacks see on the way.

    ``network`` is the one that was given; ``epoch`` is the one under way, or the last one done, from 1; ``stopped``
    says why the training ended; ``best_epoch`` is the epoch whose parameters early stopping kept (None without it);
    ``train_rows`` and ``validation_rows`` are row numbers of the data as given (None unless the validation was split
    off); ``epochs`` and ``steps`` are how many there will be, as far as is known where the time is limited;
    ``failure`` is what ended a training that failed; ``lens`` is the :class:`~backlit.Lens` that watched, if any.
    """

    network: Network
    history: History
    epochs: int
    steps_per_epoch: int
    train_rows: IndexArray | None
    validation_rows: IndexArray | None
    engine: str
    engine_reason: str
    objective: str
    options: dict[str, Any]
    epoch: int = 1
    step: int = 0
    steps: int = 0
    cost: float | None = None  # of the epoch under way, so far
    seconds: float = 0.0
    rows: int = 0
    stopped: str | None = None
    best_epoch: int | None = None
    resumed_from_step: int = 0
    decision: str | None = None  # what counts as right: argmax, threshold, or None for numbers
    n: float = 0.0  # Σw over the training rows
    row_weights: Array | None = field(default=None, repr=False)  # w̃ of the training rows
    failure: BaseException | None = field(default=None, repr=False)
    lens: Any = field(default=None, repr=False)
    _stop_reason: str | None = field(default=None, repr=False)

    def stop(self, reason: str) -> None:
        """Ends the training at the end of this epoch."""
        self._stop_reason = reason or "stopped by a callback"

    @property
    def stop_reason(self) -> str | None:
        """What :meth:`stop` was told, if anything."""
        return self._stop_reason

    def plot(self, path: str | Path | None = None, *, force: bool = False) -> Any:
        """The learning curve by matplotlib (``pip install 'backlit[plot]'``): a Figure, or written to ``path``.

        Raises:
            OutputPathError: the path exists and ``force`` is not set, or cannot be written.
            OptionError: matplotlib is not installed, ``path`` is none, or there is no epoch to draw.
        """
        from backlit.training.curves import draw_figure

        return draw_figure(self.history, path, force=force, best_epoch=self.best_epoch)

    def curve(self, width: int = 72, height: int = 16) -> str:
        """The learning curve as text for a terminal."""
        from backlit.training.curves import draw_text

        return draw_text(self.history, width, height)

    def __repr__(self) -> str:
        done = f"{len(self.history)} of {self.epochs} epochs"
        return f"Run({done}, engine {self.engine}, {self.stopped or 'under way'}; {self.history!r})"
