"""SIGKILL at random moments: resumed until it is done, a training ends with the same bits as one nobody killed."""

import json
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

if not hasattr(signal, "SIGKILL"):
    pytest.skip("there is no SIGKILL here", allow_module_level=True)

PROGRAM = textwrap.dedent("""
    import hashlib, json, sys, time
    import numpy as np, backlit as bl

    path, epochs, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])

    class Slow(bl.Callback):
        def on_train_begin(self, run):
            print("begun", flush=True)

        def on_progress(self, run):
            time.sleep(seconds)

    rng = np.random.default_rng(0)
    X, V = rng.normal(size=(50, 6)), rng.normal(size=(20, 6))
    net = bl.Network([6, 12, 3], output="softmax", dropout=0.2, seed=0)
    run = bl.train(
        net, X, np.arange(50) % 3, validation=(V, np.arange(20) % 3), epochs=epochs, batch_size=8, schedule="cosine",
        early_stopping=bl.EarlyStopping(None), sample_weight=rng.uniform(0, 1, 50), l2=0.01, callbacks=[Slow()],
        checkpoint=bl.Checkpoint(path, every_steps=2), resume=True, progress=False,
    )
    history = run.history.to_dict()
    history.pop("seconds")
    bits = hashlib.sha256(net.parameters.tobytes()).hexdigest()
    print(json.dumps({"bits": bits, "history": history, "best": run.best_epoch, "from": run.resumed_from_step}))
""")


def start(path: Path, epochs: int, seconds: float) -> "subprocess.Popen[str]":
    child = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM, str(path), str(epochs), str(seconds)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == "begun\n", child.communicate()[1]
    return child


def finish(child: "subprocess.Popen[str]") -> dict[str, Any]:
    out, err = child.communicate(timeout=120)
    assert child.returncode == 0, err
    result: dict[str, Any] = json.loads(out)
    return result


@pytest.mark.parametrize(("kills", "epochs"), [(3, 8), pytest.param(20, 60, marks=pytest.mark.slow)])
def test_killed_and_resumed_until_it_is_done(kills: int, epochs: int, tmp_path: Path) -> None:
    expected = finish(start(tmp_path / "never killed", epochs, 0.0))
    path, draw = tmp_path / "killed", random.Random()
    landed, reached = 0, 0
    while landed < kills:
        child = start(path, epochs, 0.01)
        time.sleep(draw.uniform(0.0, 0.12))
        child.send_signal(signal.SIGKILL)
        child.communicate()
        if child.returncode == -signal.SIGKILL:
            landed += 1
            reached += path.exists()
        else:  # it was done before the kill: from the start, then
            path.unlink()
            reached = 0
    found = finish(start(path, epochs, 0.0))
    assert found.pop("from") > 0 or not reached
    expected.pop("from")
    assert found == expected
