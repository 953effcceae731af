"""Who listens to a training: which steps they want recorded, and what they are told when."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from backlit.engines import StepRecord
from backlit.errors import DivergenceError
from backlit.training.callbacks import Callback
from backlit.training.run import Run

MOST_RECORDED = 64
"""Steps of one run of steps: a record holds every number of its step, and the memory has an end."""

Listeners = dict[int, list[Callback]]
"""Recorded step → who wanted it."""


class Audience:
    """The callbacks of one training, told in their order."""

    def __init__(self, run: Run, callbacks: Sequence[Callback]) -> None:
        self._run, self._callbacks = run, callbacks
        self._listening = [c for c in callbacks if getattr(c.wants, "__func__", None) is not Callback.wants]

    def tell(self, hook: str) -> None:
        """Calls a hook that takes the run alone."""
        for callback in self._callbacks:
            getattr(callback, hook)(self._run)

    def listeners(self, first: int, until: int) -> tuple[Listeners, int]:
        """Who wants which of the steps, and up to which step that holds: not more are recorded at once."""
        listeners: Listeners = {}
        for step in range(first, until) if self._listening else ():
            if wanting := [callback for callback in self._listening if callback.wants(step)]:
                listeners[step] = wanting
            if len(listeners) == MOST_RECORDED:
                return listeners, step + 1
        return listeners, until

    def hand_out(self, records: Iterable[StepRecord], listeners: Listeners) -> None:
        """Each record to those who wanted it."""
        for record in records:
            for callback in listeners[record.step]:
                callback.on_step(self._run, record)

    def diverged(self, error: DivergenceError, records: Iterable[StepRecord], listeners: Listeners) -> None:
        """The records up to the step in which it happened; behind it there is nothing left to see."""
        with _noted(error, "on_step"):
            self.hand_out((record for record in records if record.step <= error.record.step), listeners)

    def tell_the_end(self) -> None:
        """Every callback hears of it, even after one that failed: the progress bar must give the terminal back."""
        with ExitStack() as stack:
            for callback in reversed(self._callbacks):
                stack.callback(callback.on_train_end, self._run)

    def tell_the_end_after(self, failure: BaseException) -> None:
        """The same after a failure, which stays what the user hears of."""
        with _noted(failure, "on_train_end"):
            self.tell_the_end()


@contextmanager
def _noted(failure: BaseException, hook: str) -> Iterator[None]:
    """The failure is what the user must hear of, not what a callback made of it."""
    try:
        yield
    except Exception as another:
        failure.add_note(f"after which {hook} of a callback failed too: {another!r}")
