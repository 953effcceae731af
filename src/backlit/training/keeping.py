"""Keeping a training's checkpoints: when one is due, what a disk that fails costs, which file is gone on from."""

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from backlit.errors import CheckpointError, CheckpointWarning, OutputPathError
from backlit.formats import container, durable
from backlit.formats.lock import Lock
from backlit.network import Network
from backlit.optimizers import State
from backlit.training import checkpoints
from backlit.training.budget import TIME_UP
from backlit.training.checkpoints import Checkpoint, OtherTrainingError, TrainingState


def kept(place: Checkpoint) -> dict[int, Path]:
    """The checkpoints that are there by how old they are: FILE whatever it holds, FILE.1, … if they begin like one."""
    found = durable.kept(place.path)
    return {age: path for age, path in found.items() if not age or container.starts_like_one(path)}


def check_free(place: Checkpoint, *, resume: bool) -> None:
    """Whether a training may write there.

    Raises:
        OutputPathError: a checkpoint is there that was not asked to be resumed or replaced, or the path cannot be
            written, or what is no checkpoint has the name of an older one.
    """
    may_replace = place.force or resume
    there = kept(place)
    if there and not may_replace:
        first = next(iter(there.values()))
        raise OutputPathError(f"{first} exists; resume goes on from it, force replaces it, or choose another name")
    for age, path in durable.kept(place.path).items():
        if age not in there and age < place.keep:
            raise OutputPathError(f"{path} is no checkpoint, and would be replaced by one; choose another name")
    durable.check_writable(place.path, force=may_replace)


class Keeper:
    """Of one training's checkpoints. Only one at a time writes to a place: the second is refused.

    A checkpoint that cannot be written is warned of, and tried again at the next interval: a full disk must not end a
    training that has run for a day. ``failure`` says why the last attempt failed; None where it did not.
    """

    def __init__(self, place: Checkpoint, identity: dict[str, Any], steps_per_epoch: int) -> None:
        self.place = place
        self.failure: str | None = None
        self.saved_step: int | None = None
        self._identity, self._per_epoch = identity, steps_per_epoch
        self._attempted_at = time.monotonic()
        self._step_back = False  # of what was there before, only what is whole and this training's is kept
        self._forget = 1

    @contextmanager
    def alone(self, *, resume: bool) -> Iterator[None]:
        """Holds the place inside.

        Raises:
            OutputPathError: another training writes to it, or has by now.
        """
        lock = self._lock = Lock(self.place.path)
        lock.hold()
        try:
            check_free(self.place, resume=resume)
            durable.clear_leftovers(self.place.path)
            yield
        finally:
            lock.release()

    def next_step(self, step: int, furthest: int) -> int:
        """The next step after which one is due by their number, if it is no further than this."""
        every = self.place.every_steps
        return min(furthest, (step // every + 1) * every) if every else furthest

    def due(self, step: int, *, finished: bool) -> bool:
        """Whether a checkpoint is to be written now."""
        place = self.place
        if finished or (place.every_steps and step % place.every_steps == 0):
            return True
        epochs, rest = divmod(step, self._per_epoch)
        if place.every_epochs and not rest and epochs % place.every_epochs == 0:
            return True
        return place.every_seconds is not None and time.monotonic() - self._attempted_at >= place.every_seconds

    def save(self, state: TrainingState) -> None:
        """Writes the state, or warns that it could not be written."""
        keep = self.place.keep if self._step_back else 1
        try:
            self._lock.hold()
            checkpoints.save(self.place.path, state, self._identity, keep=keep)
        except OutputPathError as failure:
            self._failed(str(failure), state)
        else:
            for age, path in kept(self.place).items() if self._forget else ():
                if age >= self._forget:
                    with suppress(OSError):
                        path.unlink()
            self._step_back, self._forget, self.failure, self.saved_step = True, 0, None, state.now.step
        self._attempted_at = time.monotonic()

    def _failed(self, why: str, state: TrainingState) -> None:
        known, self.failure = self.failure, why
        if why == known and not state.finished:
            return
        kept = "no checkpoint is there" if self.saved_step is None else f"the last one is of step {self.saved_step}"
        then = (
            "the training is done" if state.finished else "the training goes on, and tries again at the next interval"
        )
        warnings.warn(f"{why} (at step {state.now.step}; {kept}); {then}", CheckpointWarning, stacklevel=2)

    def newest(self, network: Network, slots: State) -> TrainingState | None:
        """The state of the newest checkpoint that is whole; None where there is none at all.

        Raises:
            CheckpointError: every one is damaged, or the newest is of another training.
        """
        reasons: list[CheckpointError] = []
        for age, path in kept(self.place).items():
            try:
                state = checkpoints.load(path, self._identity, network, slots)
                self._check_steps(path, state)
            except OtherTrainingError:
                if reasons:
                    break
                raise
            except CheckpointError as reason:
                reasons.append(reason)
                continue
            if age:
                missing = str(reasons[0]).partition(";")[0] if reasons else f"{self.place.path} is missing"
                message = f"{missing}; going on from the one before it, {path}, of step {state.now.step}"
                warnings.warn(message, CheckpointWarning, stacklevel=2)
            self._step_back, self._forget, self.saved_step = not age, self.place.keep, state.now.step
            return state
        if reasons:
            raise reasons[0]
        return None

    def _check_steps(self, path: Path, state: TrainingState) -> None:
        start, step, done = state.epoch_start.step, state.now.step, len(state.history) * self._per_epoch
        ended_within = state.finished == TIME_UP and start == step <= done
        if not ended_within and (start != done or not start <= step < start + self._per_epoch):
            raise CheckpointError(f"{path} is damaged: its steps are not those of its epochs; start anew")
