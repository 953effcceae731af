"""Ctrl-C during a training: the step under way is finished first, so that θ and the optimizer's state agree."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupts:
    """Whether Ctrl-C has been pressed; a second one does not wait."""

    pressed = False

    def handle(self, number: int, frame: FrameType | None) -> None:
        """The signal handler."""
        if self.pressed:
            raise KeyboardInterrupt
        self.pressed = True


@contextmanager
def deferred() -> Iterator[Interrupts]:
    """Ctrl-C sets a flag inside: in the main thread, where Python's own handler is in place; else nothing changes."""
    interrupts = Interrupts()
    ours = threading.current_thread() is threading.main_thread() and (
        signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if ours:
        signal.signal(signal.SIGINT, interrupts.handle)
    try:
        yield interrupts
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
