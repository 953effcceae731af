"""How long it takes to check a gradient: Backlit, PyTorch's gradcheck, and a plain loop over the parameters.

    python benchmarks/check_speed.py [--json]

All on the same network, rows and machine, in float64; the fastest of three runs. gradcheck and the loop are run where
they end within a minute or so, on the smaller networks; the loop's time for the largest is extrapolated from a part.
"""

import argparse
import json
from itertools import pairwise
from time import perf_counter

import numpy as np

import backlit as bl

SIZES = ([64, 40, 16, 4], [64, 30, 10], [784, 30, 10])  # 3,324, 2,260 and 23,860 parameters
LOOPED = 300


def fastest(f, runs=3):
    times = []
    for _ in range(runs):
        start = perf_counter()
        f()
        times.append(perf_counter() - start)
    return min(times)


def plain_loop(net, X, Y, count):
    """N + 1 forward passes of all rows, one weight at a time, as everybody writes it; so many of the N weights."""
    twin = net.copy("float64")
    theta = twin.parameters

    def cost():
        return -np.log((twin.predict(X) * Y).sum(axis=1)).mean()

    base = cost()
    for i in range(count):
        kept = theta[i]
        theta[i] = kept + 1e-6
        (cost() - base) / 1e-6
        theta[i] = kept


def gradcheck(sizes, X, Y):
    import torch

    torch.set_num_threads(1)  # such small products gain nothing from more, and lose much where others work beside them
    torch.manual_seed(0)
    weights = [torch.randn(n, before, dtype=torch.float64, requires_grad=True) for before, n in pairwise(sizes)]
    biases = [torch.zeros(n, dtype=torch.float64, requires_grad=True) for n in sizes[1:]]
    x, y = torch.as_tensor(X), torch.as_tensor(Y)

    def cost(*parameters):
        a = x
        half = len(parameters) // 2
        for layer, (W, b) in enumerate(zip(parameters[:half], parameters[half:], strict=True)):
            z = a @ W.T + b
            a = torch.sigmoid(z) if layer < half - 1 else z
        return -(torch.log_softmax(a, dim=1) * y).sum(dim=1).mean()

    assert torch.autograd.gradcheck(cost, (*weights, *biases))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    found = []
    for sizes in SIZES:
        rng = np.random.default_rng(0)
        X, classes = rng.random((10, sizes[0])), rng.integers(0, sizes[-1], 10)
        Y = np.eye(sizes[-1])[classes]
        net = bl.Network(sizes, activation="sigmoid", output="softmax", dtype="float64")
        N = net.parameters.size
        row = {"network": "-".join(map(str, sizes)), "parameters": N, "rows": 10}
        report = bl.check(net, X, classes, all=True)
        assert report.passed
        row["backlit"] = fastest(lambda net=net, X=X, classes=classes: bl.check(net, X, classes, all=True))
        count = min(N, LOOPED)
        row["loop of N + 1 passes"] = (
            fastest(lambda net=net, X=X, Y=Y, count=count: plain_loop(net, X, Y, count), 1) * N / count
        )
        try:
            row["torch gradcheck"] = fastest(
                lambda sizes=sizes, X=X, Y=Y: gradcheck(sizes, X, Y), 1 if N > 10_000 else 3
            )
        except ImportError:
            row["torch gradcheck"] = None
        found.append(row)
        if not as_json:
            times = ", ".join(
                f"{name} {row[name]:.3f} s ({row[name] / row['backlit']:.0f} x)"
                for name in ("torch gradcheck", "loop of N + 1 passes")
                if row[name]
            )
            print(f"{row['network']}: {N:,} parameters, 10 rows: Backlit {row['backlit']:.3f} s; {times}")
    if as_json:
        print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
