"""One BLAS thread: a matrix product split over threads sums in another order and gives other bits."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from threading import Lock
from typing import Any


@contextmanager
def one_thread(*, everywhere: bool = False) -> Iterator[None]:
    """NumPy's BLAS runs on one thread inside; ``everywhere`` also holds those loaded since, as SciPy's own.

    BLAS has one number of threads for the whole process: it is put back when the last of those inside has left, or one
    training would give the other, in another Python thread, its threads back in the middle.
    """
    _enter(everywhere)
    try:
        yield
    finally:
        _leave()


class _Held:
    """How many are inside, and what is to be undone when the last one leaves."""

    lock = Lock()
    inside = 0
    limits = ExitStack()


def _enter(everywhere: bool) -> None:
    with _Held.lock:
        if everywhere or not _Held.inside:
            found = _find() if everywhere else _controller()
            _Held.limits.enter_context(found.limit(limits=1, user_api="blas"))
        _Held.inside += 1


def _leave() -> None:
    with _Held.lock:
        _Held.inside -= 1
        if not _Held.inside:
            _Held.limits.close()


def _find() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


_controller = lru_cache(maxsize=1)(_find)  # finding the loaded libraries costs a millisecond: done once
