"""When a checkpoint is due, and the writing of it."""

import time
from typing import Any

from backlit.training import checkpoints
from backlit.training.checkpoints import TrainingState
from backlit.training.setup import Setup


class Saving:
    """The checkpoint that a training was asked for, if any: of which training it is, and when it was last written."""

    def __init__(self, setup: Setup) -> None:
        self.checkpoint = setup.checkpoint
        self._steps_per_epoch = setup.duration.steps_per_epoch
        self.identity: dict[str, Any] = (
            checkpoints.identity(
                setup.network,
                setup.options,
                setup.data,
                setup.validation,
                n=setup.objective.n,
                needs_end=setup.schedule.needs_the_end,
            )
            if setup.checkpoint
            else {}
        )
        self._saved_at = time.monotonic()

    def next_step(self, step: int) -> int | None:
        """The next step after which one is due, where that is known beforehand."""
        every = self.checkpoint.every_steps if self.checkpoint else None
        return (step // every + 1) * every if every else None

    def is_due(self, step: int, finished: str | None) -> bool:
        """Whether one is due after so many steps."""
        if self.checkpoint is None:
            return False
        if finished or (self.checkpoint.every_steps and step % self.checkpoint.every_steps == 0):
            return True
        epochs, rest = divmod(step, self._steps_per_epoch)
        if self.checkpoint.every_epochs and not rest and epochs % self.checkpoint.every_epochs == 0:
            return True
        seconds = self.checkpoint.every_seconds
        return seconds is not None and time.monotonic() - self._saved_at >= seconds

    def save(self, state: TrainingState) -> None:
        """Writes it, where one was asked for."""
        if self.checkpoint is not None:
            checkpoints.save(self.checkpoint.path, state, self.identity)
            self._saved_at = time.monotonic()
