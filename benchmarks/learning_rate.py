"""What the suggestion of ``bl.find_learning_rate`` is worth beside the best of a grid of learning rates.

    python benchmarks/learning_rate.py [FOLDER_OF_TABLES] [FOLDER_OF_IDX_FILES] [--seeds 5] [--write README.md]

Of each set a quarter of the rows is held out, anew with each seed; the range test sees the training rows alone. Then
as many epochs as ``backlit train`` makes by its rules (30, or 500 steps) in batches of 32 with a constant learning
rate: the suggested one, and each of 10^-5, 10^-4.5, … 10^1.5, from the same start. Accuracy, or R² of numbers, of the
rows held out. The best of the grid is the best mean over the seeds, seen afterwards, which flatters the grid. A
difference is within noise where it is less than two standard errors of the paired differences (and of a thousandth,
where these happen to be equal).

The rule was chosen on digits, breast-cancer, diabetes, wine and 3,000 images of MNIST; titanic, housing, adult and iris
chose nothing. Writes ``results/learning_rate.json`` and, with ``--write``, the table between its marks.
"""

import argparse
import json
import os
import time
from pathlib import Path

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "BACKLIT_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

import numpy as np  # noqa: E402  (after the number of threads is set)

import backlit as bl  # noqa: E402
from backlit import data  # noqa: E402
from backlit.data import encoding as encodings  # noqa: E402
from backlit.optimizers import SGD  # noqa: E402
from backlit.training import defaults  # noqa: E402

HERE = Path(__file__).parent
GRID = 10.0 ** np.arange(-5, 1.51, 0.5)
OUTPUT = {"classes": "softmax", "labels": "sigmoid", "numbers": "identity"}
KINDS = {
    "adam, relu": ("adam", "relu"),
    "sgd, relu": ("sgd", "relu"),
    "sgd with momentum 0.9, tanh": (SGD(momentum=0.9), "tanh"),
}
HIDDEN, MOST_ROWS = 64, 3000
FEWEST = 1e-3
"""Of a standard error, where all seeds happen to score alike."""


def sets(tables: Path | None, mnist: Path | None) -> dict[str, tuple[str, dict]]:
    """Name → source and options; those that chose the rule last."""
    found = {"iris": ("iris", {})}
    if tables is not None:
        found |= {
            "titanic": (str(tables / "titanic.csv"), {"target": "Survived"}),
            "housing": (str(tables / "housing.csv"), {"target": "median_house_value"}),
            "adult": (str(tables / "adult-train.csv"), {"header": False}),
        }
    found |= {name: (name, {}) for name in ("digits", "breast-cancer", "diabetes", "wine")}
    return found | ({} if mnist is None else {"mnist": (str(mnist), {})})


def parts(source: str, options: dict, seed: int):
    """X and y to train on and of those held out, and the task."""
    whole = data.read(source, **options)
    y = whole.known_y
    rng = np.random.default_rng(seed)
    rows = rng.permutation(whole.rows)[:MOST_ROWS]
    train, held_out = np.sort(rows[len(rows) // 4 :]), np.sort(rows[: len(rows) // 4])
    encoding = encodings.fit(whole, train)
    X, Y = whole.X, encoding.targets(y, np.float32)
    return [(encoding.features(X[part], np.float32), Y[part]) for part in (train, held_out)], encoding.task


def score(net, X, Y, task) -> float:
    """Accuracy, or R²."""
    a = net.predict(X)
    if task == "numbers":
        return float(1 - ((a - Y) ** 2).sum() / ((Y - Y.mean(axis=0)) ** 2).sum())
    return float((a.argmax(axis=1) == Y.argmax(axis=1)).mean())


def measure(source: str, options: dict, kind: str, seeds: int) -> dict:
    """Scores of the grid (rates, seeds), those at the suggestion, and the suggestions."""
    optimizer, activation = KINDS[kind]
    grid, ours, rates, seconds = np.full((len(GRID), seeds), -1.0), np.zeros(seeds), np.zeros(seeds), 0.0
    for seed in range(seeds):
        ((X, Y), (X_out, Y_out)), task = parts(source, options, seed)

        epochs = defaults.choose(len(X), X.shape[1], task).epochs

        def trained(rate, X=X, Y=Y, X_out=X_out, Y_out=Y_out, task=task, seed=seed, epochs=epochs):
            net = network(X, Y, activation, task, seed)
            try:
                bl.train(
                    net, X, Y, optimizer=optimizer, learning_rate=rate, epochs=epochs, batch_size=32, seed=seed,
                    progress=False,
                )  # fmt: skip
            except bl.DivergenceError:
                return -1.0
            return score(net, X_out, Y_out, task)

        began = time.perf_counter()
        found = bl.find_learning_rate(
            network(X, Y, activation, task, seed), X, Y, optimizer=optimizer, batch_size=32, seed=seed
        )
        seconds += time.perf_counter() - began
        rates[seed], ours[seed] = found.suggestion, trained(found.suggestion)
        grid[:, seed] = [trained(float(rate)) for rate in GRID]
    best = int(grid.mean(axis=1).argmax())
    behind = grid[best] - ours
    error = max(float(behind.std(ddof=1) / np.sqrt(seeds)), FEWEST)
    return {
        "best rate": float(GRID[best]), "best": float(grid[best].mean()), "suggestion": rates.tolist(),
        "ours": float(ours.mean()), "behind": float(behind.mean()), "standard error": error,
        "within noise": bool(behind.mean() < 2 * error), "grid": grid.mean(axis=1).tolist(), "seconds": seconds / seeds,
    }  # fmt: skip


def network(X, Y, activation, task, seed):
    return bl.Network([X.shape[1], HIDDEN, Y.shape[1]], activation=activation, output=OUTPUT[task], seed=seed)


def table(results: dict) -> str:
    lines = [
        "| set | optimizer, network | best of the grid | at | suggested | score there | behind, ± its standard error |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, of_set in results.items():
        for kind, r in of_set.items():
            middle = float(np.exp(np.log(r["suggestion"]).mean()))
            lines.append(
                f"| {name} | {kind} | {r['best']:.4f} | {r['best rate']:.2g} | {middle:.2g} | {r['ours']:.4f} | "
                f"{r['behind']:.4f} ± {r['standard error']:.4f}{'' if r['within noise'] else ', beyond noise'} |"
            )
    within = [r["within noise"] for of_set in results.values() for r in of_set.values()]
    new = [r["within noise"] for name in NEW for r in results.get(name, {}).values()]
    lines.append(
        f"\nWithin noise of the best of the grid: {sum(within)} of {len(within)}; of the {len(new)} on sets that chose "
        f"nothing ({', '.join(name for name in NEW if name in results)}) {sum(new)}."
    )
    return "\n".join(lines)


NEW = ("iris", "titanic", "housing", "adult")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", type=Path, nargs="?")
    parser.add_argument("mnist", type=Path, nargs="?")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    results: dict[str, dict] = {}
    for name, (source, options) in sets(asked.tables, asked.mnist).items():
        for kind in KINDS:
            results.setdefault(name, {})[kind] = found = measure(source, options, kind, asked.seeds)
            print(f"{name:14} {kind:28} behind {found['behind']:.4f} ± {found['standard error']:.4f}", flush=True)
    (HERE / "results" / "learning_rate.json").write_text(json.dumps(results, indent=1) + "\n")
    print("\n" + table(results))
    if asked.write:
        page = asked.write.read_text("utf-8")
        before, mark, rest = page.partition("<!-- learning rate: benchmarks/learning_rate.py -->\n")
        _, end, after = rest.partition("<!-- end of learning rate -->")
        asked.write.write_text(f"{before}{mark}{table(results)}\n\n{end}{after}", "utf-8")


if __name__ == "__main__":
    main()
