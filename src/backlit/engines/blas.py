"""One BLAS thread: a matrix product split over threads sums in another order and gives other bits."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any


@contextmanager
def one_thread(*, everywhere: bool = False) -> Iterator[None]:
    """NumPy's BLAS runs on one thread inside; ``everywhere`` also holds those loaded since, as SciPy's own."""
    with (_find() if everywhere else _controller()).limit(limits=1, user_api="blas"):
        yield


def _find() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


_controller = lru_cache(maxsize=1)(_find)  # finding the loaded libraries costs a millisecond: done once
