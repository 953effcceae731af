"""BLAS is held to one thread inside, and given back what it had."""

import threading

import pytest
import threadpoolctl

from backlit.engines import blas


def threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"}


@pytest.fixture
def two_threads():
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        if threads() != {2}:
            pytest.skip("this NumPy's BLAS cannot be told how many threads to use")
        yield


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("everywhere", [False, True])
def test_one_inside_and_as_before_outside(everywhere: bool) -> None:
    with blas.one_thread(everywhere=everywhere):
        assert threads() == {1}
    assert threads() == {2}


@pytest.mark.usefixtures("two_threads")
def test_given_back_after_an_error_too() -> None:
    with pytest.raises(ZeroDivisionError), blas.one_thread():
        _ = 1 / 0
    assert threads() == {2}


@pytest.mark.usefixtures("two_threads")
def test_nested_it_holds_until_the_outermost_ends() -> None:
    with blas.one_thread():
        with blas.one_thread(everywhere=True):
            assert threads() == {1}
        assert threads() == {1}
    assert threads() == {2}


def test_trainings_in_several_python_threads_do_not_free_each_other() -> None:
    """The number of BLAS threads is one for the whole process: whoever leaves first must not give it back."""
    before = threads()
    if before in ({1}, set()):
        pytest.skip("this machine's BLAS has one thread anyway")
    wrong, barrier = [], threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        for _ in range(30):
            with blas.one_thread():
                if threads() != {1}:
                    wrong.append(threads())

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong
    assert threads() == before
