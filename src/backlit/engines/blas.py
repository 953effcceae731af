"""One BLAS thread: a matrix product split over threads sums in another order and gives other bits."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import RLock
from typing import Any

_one_at_a_time = RLock()
"""BLAS has one number of threads for the whole process. Of two trainings in two Python threads, the first to put it
back would give the other its threads back in the middle."""


@contextmanager
def one_thread(*, everywhere: bool = False) -> Iterator[None]:
    """NumPy's BLAS runs on one thread inside; ``everywhere`` also holds those loaded since, as SciPy's own.

    Python threads take turns: whoever comes while another is inside waits.
    """
    with _one_at_a_time, (_find() if everywhere else _controller()).limit(limits=1, user_api="blas"):
        yield


def _find() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


_controller = lru_cache(maxsize=1)(_find)  # finding the loaded libraries costs a millisecond: done once
