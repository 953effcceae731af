"""Same seed, same bits: parameters, and history but for its clocks; whoever watches, however many threads BLAS has."""

import json
import os
import subprocess
import sys
import textwrap
from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.training import audience, loop
from backlit.training.history import CLOCKS

RNG = np.random.default_rng(3)
X = RNG.normal(size=(53, 6))
Y = RNG.integers(0, 3, 53)
OPTIONS: dict[str, Any] = {
    "optimizer": "adam", "learning_rate": 0.02, "schedule": "cosine", "l2": 0.1, "clip": 0.7, "batch_size": 7,
    "epochs": 4, "validation": (X[:11], Y[:11]), "sample_weight": RNG.uniform(0, 2, 53), "early_stopping": 3, "seed": 5,
}  # fmt: skip


def bits(callbacks: list[bl.Callback] | None = None, dtype: str = "float32", **changed: Any) -> tuple[bytes, Any]:
    net = bl.Network([6, 9, 5, 3], output="softmax", dropout=(0.2, 0.1), seed=2, dtype=dtype)
    run = bl.train(net, X, Y, callbacks=callbacks or [], progress=False, **{**OPTIONS, **changed})
    history = [{k: v for k, v in epoch.items() if k not in CLOCKS} for epoch in run.history.records()]
    return net.parameters.tobytes(), (history, run.best_epoch, run.stopped)


class Watches(bl.Callback):
    """Records every third step, reads everything, draws random numbers of its own."""

    def wants(self, step: int) -> bool:
        return step % 3 == 0

    def on_step(self, run: bl.Run, record: Any) -> None:
        np.random.default_rng().normal(size=3)
        self.last = record.backward.gradients.vector.sum() + record.update.sum()

    def on_epoch_end(self, run: bl.Run) -> None:
        run.network.predict(X)
        run.network.copy()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_twice_and_watched(dtype: str) -> None:
    once = bits(dtype=dtype)
    assert bits(dtype=dtype) == once
    assert bits([Watches(), bl.Callback()], dtype=dtype) == once
    assert bits(dtype=dtype, seed=6) != once


def test_a_training_draws_from_no_generator_but_its_own() -> None:
    state = np.random.get_state()
    once = bits(validation=0.2)
    np.random.seed(123)
    assert bits(validation=0.2) == once
    after = np.random.get_state()
    np.random.set_state(state)
    np.random.seed(123)
    assert (np.random.get_state()[1] == after[1]).all()


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 8, 1000])
def test_where_the_runs_of_steps_are_cut_has_no_influence(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    once = bits()
    monkeypatch.setattr(loop.Pace, "__init__", lambda self: setattr(self, "steps", steps))
    monkeypatch.setattr(loop.Pace, "took", lambda self, done, seconds: None)
    assert bits() == once
    monkeypatch.setattr(audience, "MOST_RECORDED", 2)
    assert bits([Watches()]) == once


def test_what_was_trained_before_has_no_influence() -> None:
    once = bits()
    bits(seed=9, batch_size=3)
    assert bits() == once


PROGRAM = textwrap.dedent("""
    import hashlib, json, sys
    import numpy as np, backlit as bl

    rng = np.random.default_rng(0)
    X, V = rng.normal(size=(600, 784)).astype("f4"), rng.normal(size=(100, 784)).astype("f4")
    found = {"raw": hashlib.sha256((V @ X[:30].T).tobytes()).hexdigest()}  # a first layer's product
    for optimizer in ("adam", bl.optimizers.LBFGS(iterations=3)):
        net = bl.Network([784, 30, 10], output="softmax", seed=0)
        batch = 100 if optimizer == "adam" else None
        run = bl.train(net, X, np.arange(600) % 10, optimizer=optimizer, batch_size=batch, epochs=2, progress=False,
                       validation=(V, np.arange(100) % 10))
        history = run.history.to_dict()
        history.pop("seconds")
        answers = hashlib.sha256(net.predict(V).tobytes()).hexdigest()
        found[batch] = [hashlib.sha256(net.parameters.tobytes()).hexdigest(), history, answers]
    print(json.dumps(found))
""")


def test_one_and_two_blas_threads() -> None:
    """Sizes at which NumPy's own products come out differently, where they do so at all."""
    found = []
    for threads in ("1", "2"):
        names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
        environment = {**os.environ, **dict.fromkeys(names, threads)}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
        )
        found.append(json.loads(done.stdout))
    one, two = found
    assert one.keys() == two.keys() == {"raw", "100", "null"}
    assert one["100"] == two["100"]
    assert one["null"] == two["null"]
    if one["raw"] == two["raw"]:
        pytest.skip("the bits are the same; but this machine's BLAS gives the same with two threads anyway")
