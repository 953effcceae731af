"""The progress bar: in a terminal it shows how things stand; elsewhere nothing is written."""

import io
import os
import re
import subprocess
import sys
import textwrap
from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.training import progress
from backlit.training.history import EpochRecord, History

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 2))
NUMBERS = {"accuracy": None, "validation_accuracy": None, "validation_r2": None}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run_with(cost: float | None = 0.5, **columns: float | None) -> bl.Run:
    net = bl.Network([2, 1])
    run = bl.Run(net, History(), 3, 10, None, None, "reference", "", "", {}, rows=100, step=7, epoch=1, cost=cost)
    if columns:
        values = {**NUMBERS, "validation_cost": None, **columns}
        run.history.append(EpochRecord(epoch=1, steps=10, cost=1, penalty=0, learning_rate=1, seconds=1, **values))
    return run


def test_a_bar_only_where_somebody_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert progress.bar() == []
    assert isinstance(progress.bar(always=True)[0], progress.ProgressBar)
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert isinstance(progress.bar()[0], progress.ProgressBar)


@pytest.mark.parametrize(
    ("shown", "stream", "bars"),
    [(None, Terminal, 1), (None, io.StringIO, 0), (False, Terminal, 0), (True, io.StringIO, 1), (True, Terminal, 1)],
)
def test_the_option(shown: bool | None, stream: type[io.StringIO], bars: int, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []
    monkeypatch.setattr(sys, "stderr", stream())
    monkeypatch.setattr(progress.ProgressBar, "on_train_begin", lambda self, run: begun.append(run))
    for hook in ("on_progress", "on_epoch_end", "on_train_end"):
        monkeypatch.setattr(progress.ProgressBar, hook, lambda self, run: None)
    bl.train(bl.Network([2, 1]), X, X[:, 0], epochs=1, progress=shown)
    assert len(begun) == bars


def test_nothing_is_written_where_stderr_is_no_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    bl.train(bl.Network([2, 1]), X, X[:, 0], epochs=3)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("run", "numbers"),
    [
        (run_with(None), "{} samples/s"),
        (run_with(), "cost 0.5000 · {} samples/s"),
        (run_with(accuracy=0.25), "cost 0.5000 · accuracy 25.00% · {} samples/s"),
        (run_with(accuracy=0.25, validation_accuracy=0.5), "cost 0.5000 · validation 50.00% · {} samples/s"),
        (run_with(validation_r2=0.75), "cost 0.5000 · validation R² 0.7500 · {} samples/s"),
    ],
)
def test_the_numbers(run: bl.Run, numbers: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """7 steps of 10 rows in 2 seconds, of which 2 were made before: 25 samples a second."""
    bar = progress.ProgressBar()
    bar._started, bar._first = 100.0, 2
    monkeypatch.setattr(progress.time, "monotonic", lambda: 102.0)
    assert bar._fields(run) == {"epoch": 1, "epochs": 3, "numbers": numbers.format(25)}


PROGRAM = textwrap.dedent("""
    import sys, time
    import numpy as np, backlit as bl

    class Slow(bl.Callback):
        def on_progress(self, run):
            time.sleep(0.05)

    class Stop(bl.Callback):
        def on_epoch_end(self, run):
            if run.epoch == 3 and "fail" in sys.argv:
                raise ValueError("at the worst moment")

    X = np.random.default_rng(0).normal(size=(60, 3))
    net = bl.Network([3, 2], output="softmax")
    try:
        bl.train(net, X, np.arange(60) % 2, validation=(X[:20], np.arange(20) % 2), batch_size=6, epochs=4,
                 callbacks=[Slow(), Stop()])
    except ValueError:
        pass
    print("done", file=sys.stderr)
""")


@pytest.mark.parametrize("how", ["well", "fail"])
def test_in_a_terminal(how: str) -> None:
    """A real one, as far as the process can tell: the line is written over and over, and taken away at the end."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "24", "NO_COLOR": "1"}
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, how], stderr=theirs, stdout=subprocess.PIPE, env=environment
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux, when the other end is closed
            break
        if not part:
            break
        written += part
    os.close(ours)
    out, _ = child.communicate(timeout=60)
    assert child.returncode == 0
    assert out == b""
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", written.decode())
    assert re.search(r"epoch +1/4", text)
    assert re.search(rf"epoch +{4 if how == 'well' else 3}/4", text)  # how it stood at the end is drawn in any case
    assert re.search(r"cost \d\.\d{4} · validation \d+\.\d\d% · [\d,]+ samples/s", text)
    assert re.search(r"\d:\d\d", text)  # the time left
    assert written.count(b"\x1b[?25l") == written.count(b"\x1b[?25h") == 1  # the cursor is hidden, and given back
    assert written.rstrip().endswith(b"done")


def test_a_resumed_training_goes_on_from_where_it_stood(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    shown: list[tuple[float, float]] = []
    net = bl.Network([2, 1])
    bl.train(net, X, X[:, 0], epochs=2, batch_size=5, checkpoint=tmp_path / "c", progress=False)

    class Look(progress.ProgressBar):
        def on_train_begin(self, run: bl.Run) -> None:
            super().on_train_begin(run)
            (task,) = self._progress.tasks
            shown.append((task.completed, task.total))

        def on_epoch_end(self, run: bl.Run) -> None:
            super().on_epoch_end(run)
            shown.append((self._progress.tasks[0].completed, self._progress.tasks[0].total))

    bl.train(
        net, X, X[:, 0], epochs=3, batch_size=5, checkpoint=tmp_path / "c", resume=True, callbacks=[Look()],
        progress=False,
    )  # fmt: skip
    assert shown == [(8, 12), (12, 12)]
