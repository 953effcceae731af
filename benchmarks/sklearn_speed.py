"""The estimators beside scikit-learn's networks, by scikit-learn's own defaults and for the same number of epochs.

    python benchmarks/sklearn_speed.py DATA [--seeds 3] [--only NAME] [--grid]

DATA is a folder with ``mnist`` (IDX files) and ``tables`` (adult-train.csv, adult-test.csv, housing.csv). Both get the
same matrices, in float32 and in float64; they take turns, seed by seed, in one process; scores are of rows that took no
part. ``--grid`` times ``GridSearchCV`` on one and on two processes instead. Writes ``results/sklearn_speed.json``.
"""

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "sklearn_speed.json"
Rows = tuple[Any, Any, Any, Any]


def mnist(data: Path) -> Rows:
    """60,000 images to train on, 10,000 to score, pixels from 0 to 1."""
    from backlit.data.idx import read_folder

    train, test = (read_folder(data / "mnist", part) for part in ("train", "test"))
    return train.X / 255.0, train.known_y, test.X / 255.0, test.known_y


def adult(data: Path) -> Rows:
    """32,561 rows of the census, 16,281 to score, as the table encoding has them."""
    import polars as pl

    from backlit.data.tables import encoding

    train, test = (
        pl.read_csv(data / "tables" / f"adult-{part}.csv", has_header=False, null_values=["?", " ?"])
        for part in ("train", "test")
    )
    test = test.rename(dict(zip(test.columns, train.columns, strict=True)))
    target = train.columns[-1]
    train, test = train.drop_nulls(target), test.drop_nulls(target)  # a line that is empty
    learnt = encoding.fit(train.drop(target))
    y = [frame[target].str.strip_chars(" .").to_numpy() for frame in (train, test)]
    X = [learnt.features(frame.drop(target)) for frame in (train, test)]
    return X[0], y[0], X[1], y[1]


def housing(data: Path) -> Rows:
    """20,640 blocks of houses, a fifth of them to score; the price in standard deviations."""
    import polars as pl
    from sklearn.model_selection import train_test_split

    from backlit.data.tables import encoding

    frame = pl.read_csv(data / "tables" / "housing.csv")
    target = frame["median_house_value"].to_numpy().astype(float)
    X = encoding.fit(frame.drop("median_house_value")).features(frame.drop("median_house_value"))
    X_train, X_test, y_train, y_test = train_test_split(X, target, test_size=0.2, random_state=0)
    mean, deviation = y_train.mean(), y_train.std()
    return X_train, (y_train - mean) / deviation, X_test, (y_test - mean) / deviation


def synthetic(_: Path) -> Rows:
    """100,000 rows of 50 columns in 3 classes, a fifth of them to score."""
    from sklearn.datasets import make_classification
    from sklearn.model_selection import train_test_split

    X, y = make_classification(100_000, 50, n_informative=20, n_classes=3, random_state=0)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
    return X_train, y_train, X_test, y_test


SETS: dict[str, tuple[Callable[[Path], Rows], int]] = {
    "mnist": (mnist, 4), "adult": (adult, 15), "housing": (housing, 30), "synthetic": (synthetic, 8),
}  # fmt: skip
"""Each with the epochs it is trained for: so many that scikit-learn takes some seconds."""


def estimators(regression: bool) -> dict[str, Any]:
    """The two classes."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    import backlit as bl

    if regression:
        return {"scikit-learn": MLPRegressor, "backlit": bl.BackpropRegressor}
    return {"scikit-learn": MLPClassifier, "backlit": bl.BackpropClassifier}


def compare(rows: Rows, epochs: int, dtype: str, seeds: int) -> dict[str, Any]:
    """Fits of the same number of epochs, in turn."""
    X, y, X_test, y_test = rows
    X, X_test = X.astype(dtype), X_test.astype(dtype)
    kinds = estimators(regression=y.dtype.kind == "f")
    found: dict[str, Any] = {who: {"seconds": [], "scores": [], "losses": []} for who in kinds}
    for seed in range(seeds):
        for who, kind in kinds.items():
            model = kind(max_iter=epochs, n_iter_no_change=epochs, random_state=seed)
            start = time.perf_counter()
            model.fit(X, y)
            found[who]["seconds"].append(time.perf_counter() - start)
            found[who]["scores"].append(float(model.score(X_test, y_test)))
            found[who]["losses"].append(float(model.loss_))
    seconds = {who: statistics.median(one["seconds"]) for who, one in found.items()}
    return {"epochs": epochs, "runs": found, "times_as_fast": seconds["scikit-learn"] / seconds["backlit"]}


def grid(rows: Rows) -> dict[str, Any]:
    """The same grid search on one process and on two."""
    from sklearn.model_selection import GridSearchCV

    X, y, _, _ = rows
    X = X.astype("f4")
    found: dict[str, Any] = {}
    for who, kind in estimators(regression=False).items():
        model = kind(max_iter=10, n_iter_no_change=10, random_state=0)
        seconds: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(3):
            for jobs, times in seconds.items():
                search = GridSearchCV(model, {"alpha": [1e-5, 1e-4, 1e-3, 1e-2]}, cv=3, n_jobs=jobs, refit=False)
                start = time.perf_counter()
                search.fit(X, y)
                times.append(time.perf_counter() - start)
        found[who] = {f"n_jobs={jobs}": statistics.median(times) for jobs, times in seconds.items()}
    return found


def main() -> None:
    """The sets that are chosen."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--grid", action="store_true")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if chosen.grid:
        results["GridSearchCV"] = grid(adult(chosen.data))
        print(results["GridSearchCV"])
    for name, (read, epochs) in SETS.items():
        if chosen.grid or chosen.only not in name:
            continue
        rows = read(chosen.data)
        for dtype in ("float32", "float64"):
            one = results[f"{name}, {dtype}"] = compare(rows, epochs, dtype, chosen.seeds)
            scores = {who: [round(score, 4) for score in run["scores"]] for who, run in one["runs"].items()}
            print(f"{name}, {dtype}: {one['times_as_fast']:.1f} times as fast; scores {scores}", flush=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
