"""The reference engine against scikit-learn's MLPClassifier: same work, same number of BLAS threads, one run.

Whole epochs of 20,000 rows in float32, shuffling and batch gathering included; the two take turns, and medians count.

python benchmarks/reference_speed.py [--rounds 7]
"""

import argparse
import json
import statistics
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

import backlit as bl

RESULTS = Path(__file__).parent / "results" / "reference_speed.json"
ROWS = 20_000
WORK = {
    "784-30-10, sigmoid, sgd, batch 10": (30, "sigmoid", "sgd", 10),
    "784-128-10, relu, adam, batch 32": (128, "relu", "adam", 32),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    warnings.simplefilter("ignore")  # scikit-learn says that one epoch is not enough to converge
    rng = np.random.default_rng(0)
    X, y = rng.random((ROWS, 784), dtype=np.float32), rng.integers(0, 10, ROWS)

    def ours(hidden: int, activation: str, optimizer: str, batch: int) -> None:
        network = bl.Network([784, hidden, 10], activation=activation, output="softmax")
        bl.train(network, X, y, optimizer=optimizer, batch_size=batch, learning_rate=0.001, epochs=1,
                 engine="reference", progress=False)  # fmt: skip

    def theirs(hidden: int, activation: str, optimizer: str, batch: int) -> None:
        activation = {"sigmoid": "logistic"}.get(activation, activation)
        MLPClassifier((hidden,), activation=activation, solver=optimizer, batch_size=batch, alpha=0, momentum=0,
                      learning_rate_init=0.001, max_iter=1).fit(X, y)  # fmt: skip

    results = {}
    for name, work in WORK.items():
        seconds: dict[str, list[float]] = {"reference": [], "scikit-learn": []}
        for _ in range(rounds):
            for system, train in (("reference", ours), ("scikit-learn", theirs)):
                with threadpool_limits(1):
                    start = time.perf_counter()
                    train(*work)
                    seconds[system].append(time.perf_counter() - start)
        steps = ROWS / work[-1]
        micro = {system: statistics.median(times) / steps * 1e6 for system, times in seconds.items()}
        ratio = micro["scikit-learn"] / micro["reference"]
        results[name] = {"microseconds_a_step": micro, "times_as_fast": ratio}
        print(f"{name}: reference {micro['reference']:.0f} µs a step, scikit-learn {micro['scikit-learn']:.0f}: "
              f"{ratio:.2f} times as fast")  # fmt: skip
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
