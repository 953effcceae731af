"""Ctrl-C and SIGTERM during a training: the step under way is finished first, so that θ and the optimizer agree."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], object] | int | None

OURS: dict[signal.Signals, Handler] = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
"""Signal → the handler that is replaced. Another one is its owner's, and stays."""


class Interrupts:
    """Which signal asked for an end, if any; a second one does not wait."""

    signal: int | None = None
    at_once = False

    @property
    def pressed(self) -> bool:
        """Whether any did."""
        return self.signal is not None

    def handle(self, number: int, frame: FrameType | None) -> None:
        """The signal handler."""
        if self.pressed:
            self.at_once = True
            raise KeyboardInterrupt
        self.signal = number


@contextmanager
def deferred() -> Iterator[Interrupts]:
    """A signal sets a flag inside: in the main thread, where nobody has set a handler of their own."""
    interrupts = Interrupts()
    replaced = []
    if threading.current_thread() is threading.main_thread():
        replaced = [number for number, usual in OURS.items() if signal.getsignal(number) is usual]
    for number in replaced:
        signal.signal(number, interrupts.handle)
    try:
        yield interrupts
    finally:
        for number in replaced:
            signal.signal(number, OURS[number])
