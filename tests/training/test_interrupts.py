"""Ctrl-C: the step under way is finished, the checkpoint written, the network put back to its last completed epoch."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.training import interrupts, loop

X = np.random.default_rng(1).normal(size=(12, 2))
Y = np.arange(12) % 2
PER_EPOCH = 4


def network() -> bl.Network:
    return bl.Network([2, 3, 2], output="softmax", seed=1)


def train(net: bl.Network, *callbacks: bl.Callback, **options: Any) -> bl.Run:
    plain = {"batch_size": 3, "epochs": 5, "progress": False}
    return bl.train(net, X, Y, callbacks=list(callbacks), **{**plain, **options})


@pytest.fixture(autouse=True)
def python_s_own_handler() -> Iterator[None]:
    """As in a terminal: a shell lets what it runs in the background ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def one_step_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop.Pace, "__init__", lambda self: setattr(self, "steps", 1))
    monkeypatch.setattr(loop.Pace, "took", lambda self, steps, seconds: None)


class Press(bl.Callback):
    """Presses Ctrl-C in one hook, when so many steps are done."""

    def __init__(self, hook: str, at_step: int, times: int = 1, number: int = signal.SIGINT) -> None:
        self.hook, self.at_step, self.times, self.number, self.got_past = hook, at_step, times, number, 0
        setattr(self, hook, self.press)

    def press(self, run: bl.Run, *record: Any) -> None:
        if run.step == self.at_step:
            for _ in range(self.times):
                signal.raise_signal(self.number)
                self.got_past += 1


def interrupted(net: bl.Network, *callbacks: bl.Callback, **options: Any) -> bl.TrainingInterrupted:
    with pytest.raises(KeyboardInterrupt) as caught:
        train(net, *callbacks, **options)
    assert type(caught.value) is bl.TrainingInterrupted
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return caught.value


def after_epochs(epochs: int) -> np.ndarray:
    net = network()
    if epochs:
        train(net, epochs=epochs)
    return net.parameters


@pytest.mark.parametrize(
    ("hook", "at_step", "epoch", "done"),
    [
        ("on_train_begin", 0, 1, 0),
        ("on_epoch_begin", 4, 2, 1),
        ("on_progress", 1, 1, 0),
        ("on_progress", 6, 2, 1),
        ("on_progress", 8, 2, 2),  # the epoch's last step was made: its end is awaited
        ("on_epoch_end", 12, 3, 3),
        ("on_progress", 20, 5, 5),  # nor is it lost at the very end
    ],
)
def test_the_network_is_at_its_last_completed_epoch_and_the_message_says_so(
    hook: str, at_step: int, epoch: int, done: int
) -> None:
    class End(bl.Callback):
        stopped = None

        def on_train_end(self, run: bl.Run) -> None:
            self.stopped = run.stopped
            self.parameters = run.network.parameters.copy()

    net, end = network(), End()
    stop = interrupted(net, Press(hook, at_step), end)
    where = f"after epoch {done}" if done else "before the training"
    assert str(stop) == f"interrupted in epoch {epoch}; the network is as it was {where}"
    np.testing.assert_array_equal(net.parameters, after_epochs(done))
    assert len(stop.run.history) == done
    assert stop.run.network is net
    assert stop.run.stopped == end.stopped == "interrupted"
    np.testing.assert_array_equal(end.parameters, net.parameters)


@pytest.mark.parametrize("at_step", [1, 6, 8, 20])
def test_the_checkpoint_is_written_and_goes_on_to_the_same_bits(at_step: int, tmp_path: Path) -> None:
    net, whole = network(), network()
    options = {"schedule": "cosine", "validation": (X, Y), "early_stopping": 3}
    where = bl.Checkpoint(tmp_path / "c", every_seconds=None)
    interrupted(net, Press("on_progress", at_step), checkpoint=where, **options)
    run = train(net, checkpoint=where, resume=True, **options)
    assert run.resumed_from_step == at_step  # not a step was lost
    expected = train(whole, **options)
    np.testing.assert_array_equal(net.parameters, whole.parameters)
    assert run.history["cost"] == expected.history["cost"]
    assert run.history["validation_cost"] == expected.history["validation_cost"]
    assert len(run.history) == 5


def test_a_second_ctrl_c_does_not_wait() -> None:
    press, net = Press("on_progress", 6, times=3), network()
    stop = interrupted(net, press)
    assert press.got_past == 1  # the first was noted, the second went off
    np.testing.assert_array_equal(net.parameters, after_epochs(1))
    assert "as it was after epoch 1" in str(stop)


def test_sigterm_is_answered_as_ctrl_c_is_and_the_exception_says_which(tmp_path: Path) -> None:
    net, usual = network(), signal.getsignal(signal.SIGTERM)
    where = bl.Checkpoint(tmp_path / "c", every_seconds=None)
    stop = interrupted(net, Press("on_progress", 6, number=signal.SIGTERM), checkpoint=where)
    assert (stop.signal, stop.at_once) == (signal.SIGTERM, False)
    assert signal.getsignal(signal.SIGTERM) is usual is signal.SIG_DFL
    np.testing.assert_array_equal(net.parameters, after_epochs(1))
    run = train(net, checkpoint=where, resume=True)
    assert run.resumed_from_step == 6
    np.testing.assert_array_equal(net.parameters, after_epochs(5))


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_it_at_once_and_writes_nothing(first: int, second: int, tmp_path: Path) -> None:
    class Both(bl.Callback):
        def on_progress(self, run: bl.Run) -> None:
            if run.step == 6:
                signal.raise_signal(first)
                signal.raise_signal(second)

    where = bl.Checkpoint(tmp_path / "c", every_seconds=None)
    stop = interrupted(network(), Both(), checkpoint=where)
    assert (stop.signal, stop.at_once) == (first, True)
    assert list(tmp_path.iterdir()) == []


def test_a_handler_of_the_users_own_for_sigterm_is_left_alone() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    try:
        train(network(), Press("on_progress", 6, number=signal.SIGTERM))
        assert heard == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_it_passes_through_except_exception() -> None:
    assert not issubclass(bl.TrainingInterrupted, Exception)
    assert issubclass(bl.TrainingInterrupted, KeyboardInterrupt)


def test_a_handler_of_the_users_own_is_left_alone() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        train(network(), Press("on_progress", 6))
        assert heard == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, before)


def test_outside_the_main_thread_nothing_changes() -> None:
    found: list[Any] = []

    def work() -> None:
        with interrupts.deferred() as flag:
            found.append((flag.pressed, signal.getsignal(signal.SIGINT)))
        net = network()
        train(net)
        found.append(net.parameters)

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    assert found[0] == (False, signal.default_int_handler)
    np.testing.assert_array_equal(found[1], after_epochs(5))


def test_the_handler_is_python_s_own_again_after_a_training_and_after_a_failure() -> None:
    train(network())
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

    class Breaks(bl.Callback):
        def on_epoch_begin(self, run: bl.Run) -> None:
            assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train(network(), Breaks())
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_real_signal_to_a_real_process(number: int, tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import signal, sys, numpy as np, backlit as bl

        signal.signal(signal.SIGINT, signal.default_int_handler)

        class Tell(bl.Callback):
            def on_epoch_end(self, run):
                if run.epoch == 3:
                    print("three epochs", flush=True)

        X = np.random.default_rng(0).normal(size=(64, 4))
        net = bl.Network([4, 8, 1], seed=0)
        try:
            bl.train(net, X, X[:, 0], epochs=10**6, batch_size=8, callbacks=[Tell()], checkpoint=sys.argv[1])
        except bl.TrainingInterrupted as stop:
            done = len(stop.run.history)
            twin = bl.Network([4, 8, 1], seed=0)
            bl.train(twin, X, X[:, 0], epochs=done, batch_size=8)
            print(done, (twin.parameters == net.parameters).all(), stop.signal, stop, flush=True)
    """)
    child = subprocess.Popen(
        [sys.executable, "-c", program, tmp_path / "c"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == "three epochs\n"
    child.send_signal(number)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    done, same, which, message = out.split(maxsplit=3)
    assert int(done) >= 3
    assert same == "True"
    assert int(which) == number
    assert f"the network is as it was after epoch {done}" in message
    assert not err
    assert (tmp_path / "c").exists()
