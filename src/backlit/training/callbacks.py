"""Where others may look in while a network trains. A callback observes; it never changes the bits of a training."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from backlit.engines import Statistics, StepRecord

if TYPE_CHECKING:
    from backlit.training.run import Run


class Callback:
    """Every hook there is; override those you need and pass ``callbacks=[...]`` to :func:`backlit.train`.

    ``run.stop("why")`` ends the training at the end of the epoch. Steps count from 0 over the whole training.
    """

    def on_train_begin(self, run: "Run") -> None:
        """Before the first step (of a resumed training too)."""

    def on_epoch_begin(self, run: "Run") -> None:
        """Before an epoch's first step."""

    def wants(self, step: int) -> bool:
        """Whether this step is to be recorded for :meth:`on_step`; asked before it runs. A recorded step is slower."""
        return False

    def on_step(self, run: "Run", record: StepRecord) -> None:
        """A step that some callback wanted, soon after it ran; where steps diverge, up to the one it happened in."""

    def measures(self, steps: range) -> Collection[int]:
        """Which of these steps are to be measured for :meth:`on_statistics`; asked before they run.

        A measured step costs a few per cent more: its sums are taken while its numbers are in the cache.
        """
        return ()

    def on_statistics(self, run: "Run", statistics: Statistics) -> None:
        """The steps that this callback wanted measured, soon after they ran; also of steps that then diverge."""

    def on_progress(self, run: "Run") -> None:
        """Every few steps, about ten times a second: ``run.step`` has moved on."""

    def on_epoch_end(self, run: "Run") -> None:
        """After the validation: ``run.history[-1]`` is this epoch's."""

    def on_train_end(self, run: "Run") -> None:
        """After the last epoch, and after the best one was restored; also when a training fails or is interrupted."""
