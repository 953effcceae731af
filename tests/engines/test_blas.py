"""BLAS is held to one thread inside, and given back what it had."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import threadpoolctl

from backlit.engines import blas


def threads() -> list[int]:
    return [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        if set(threads()) != {2}:
            pytest.skip("this NumPy's BLAS cannot be told how many threads to use")
        yield


@pytest.mark.parametrize("everywhere", [False, True])
def test_one_inside_and_as_before_outside(everywhere: bool) -> None:
    with blas.one_thread(everywhere=everywhere):
        assert set(threads()) == {1}
    assert set(threads()) == {2}


def test_given_back_after_an_error_too() -> None:
    with pytest.raises(ZeroDivisionError), blas.one_thread():
        _ = 1 / 0
    assert set(threads()) == {2}


def test_nested_it_holds_until_the_outermost_ends() -> None:
    with blas.one_thread():
        with blas.one_thread(everywhere=True):
            assert set(threads()) == {1}
        assert set(threads()) == {1}
    assert set(threads()) == {2}


@pytest.mark.parametrize("everywhere", [False, True])
def test_of_two_that_overlap_the_first_to_leave_does_not_free_the_other(everywhere: bool) -> None:
    """As two trainings in two Python threads do; the number of BLAS threads is one for the whole process."""
    first, second = ExitStack(), ExitStack()
    first.enter_context(blas.one_thread())
    second.enter_context(blas.one_thread(everywhere=everywhere))
    first.close()
    assert set(threads()) == {1}
    second.close()
    assert set(threads()) == {2}


def test_many_threads_at_once_leave_things_as_they_were() -> None:
    wrong, barrier = [], threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        for _ in range(50):
            with blas.one_thread():
                if set(threads()) != {1}:
                    wrong.append(threads())

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong
    assert set(threads()) == {2}
