"""SIGKILL at random moments: none loses more than the interval, and it ends with the bits of one nobody killed."""

import json
import random
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

if not hasattr(signal, "SIGKILL"):
    pytest.skip("there is no SIGKILL here", allow_module_level=True)

PROGRAM = textwrap.dedent("""
    import hashlib, json, sys, time
    import numpy as np, backlit as bl

    path, epochs, seconds, every = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])

    class Slow(bl.Callback):
        def on_train_begin(self, run):
            print("begun", run.step, flush=True)

        def on_progress(self, run):
            print(run.step, flush=True)
            time.sleep(seconds)

    rng = np.random.default_rng(0)
    X, V = rng.normal(size=(50, 6)), rng.normal(size=(20, 6))
    net = bl.Network([6, 12, 3], output="softmax", dropout=0.2, seed=0)
    run = bl.train(
        net, X, np.arange(50) % 3, validation=(V, np.arange(20) % 3), epochs=epochs, batch_size=8, schedule="cosine",
        early_stopping=bl.EarlyStopping(None), sample_weight=rng.uniform(0, 1, 50), l2=0.01, callbacks=[Slow()],
        checkpoint=bl.Checkpoint(path, every_seconds=None, every_steps=every, keep=3), resume=True, progress=False,
    )
    history = run.history.to_dict()
    history.pop("seconds")
    bits = hashlib.sha256(net.parameters.tobytes()).hexdigest()
    print(json.dumps({"bits": bits, "history": history, "best": run.best_epoch, "from": run.resumed_from_step}))
""")


EVERY, PER_EPOCH = 5, 7
"""Steps between two checkpoints, and of an epoch: most checkpoints lie within one."""


def start(path: Path, epochs: int, seconds: float) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM, str(path), str(epochs), str(seconds), str(EVERY)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def begun_at(child: "subprocess.Popen[str]") -> int:
    """The step it goes on from, once it does."""
    assert child.stdout is not None
    line = child.stdout.readline()
    assert line.startswith("begun "), child.communicate()[1]
    return int(line.removeprefix("begun "))


def finish(child: "subprocess.Popen[str]") -> dict[str, Any]:
    begun_at(child)
    out, err = child.communicate(timeout=120)
    assert child.returncode == 0, err
    result: dict[str, Any] = json.loads(out.splitlines()[-1])
    return result


@pytest.mark.parametrize(("kills", "epochs"), [(4, 8), pytest.param(200, 60, marks=pytest.mark.slow)])
def test_killed_and_resumed_until_it_is_done(kills: int, epochs: int, tmp_path: Path) -> None:
    """As often as it is done it begins anew, until so many kills have landed; every end has the same bits."""
    expected = finish(start(tmp_path / "never killed", epochs, 0.0))
    expected.pop("from")
    path, draw = tmp_path / "killed", random.Random()
    landed = reached = 0
    ended = False
    while landed < kills or not ended:
        child = start(path, epochs, 0.01)
        resumed = begun_at(child)
        assert resumed >= reached - EVERY, f"{reached - resumed} steps were lost"
        try:
            child.wait(draw.uniform(0.0, 0.12) if landed < kills else 60)
        except subprocess.TimeoutExpired:
            child.kill()
        out, err = child.communicate()
        steps = out.splitlines()
        if child.returncode == -signal.SIGKILL:
            landed += 1
            made = [int(step) for step in steps if step.isdecimal()]
            reached, ended = made[-1] if made else resumed, False
            continue
        assert child.returncode == 0, err
        found = json.loads(steps[-1])
        assert found.pop("from") == resumed
        assert found == expected
        reached, ended = 0, True
        for file in tmp_path.glob("killed*"):
            file.unlink()
    left = [file.name for file in tmp_path.iterdir() if not file.name.startswith("never")]
    assert left == []  # nothing that the kills left behind: half-written files, locks
