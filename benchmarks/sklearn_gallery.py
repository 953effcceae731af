"""Five examples of scikit-learn's gallery with the class name exchanged: what they score, and how long their fits take.

    python benchmarks/sklearn_gallery.py EXAMPLES [--mnist FOLDER] [--seeds 3] [--only NAME]

EXAMPLES is the folder ``examples`` of scikit-learn's source distribution, MNIST a folder of IDX files, in the place of
the download in one of them. Every run is a process of its own; scikit-learn's class and Backlit's take turns. The first
seed is the example's own, those after it are added to it. Nothing is drawn on a screen. Writes
``results/sklearn_gallery.json``.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "sklearn_gallery.json"
EXAMPLES = (
    "neural_networks/plot_mlp_alpha.py",
    "neural_networks/plot_mlp_training_curves.py",
    "neural_networks/plot_mnist_filters.py",
    "classification/plot_classifier_comparison.py",
    "inspection/plot_partial_dependence_visualization_api.py",
)
CLASSES = {"MLPClassifier": "BackpropClassifier", "MLPRegressor": "BackpropRegressor"}
IMPORT = re.compile(r"from sklearn\.neural_network import (MLPClassifier|MLPRegressor)\b")


def exchanged(source: str) -> str:
    """The example with another class under the name it uses."""
    found, count = IMPORT.subn(lambda match: f"from backlit import {CLASSES[match[1]]} as {match[1]}", source)
    assert count == 1, "the example imports its class in another way"
    return found


def run_one(path: Path, seed: int, mnist: Path | None) -> dict[str, Any]:
    """Runs an example in this process, with its class's ``fit`` timed and ``score`` heard."""
    import runpy
    import warnings

    import matplotlib as mpl

    mpl.use("Agg")
    warnings.simplefilter("ignore")
    source = path.read_text("utf-8")
    kind = kind_in(source)
    heard: dict[str, list[float]] = {"seconds": [], "scores": [], "losses": [], "epochs": []}
    fitted: list[tuple[Any, Any, Any]] = []
    fit, score = kind.fit, kind.score

    def timed_fit(self: Any, X: Any, y: Any, *more: Any, **named: Any) -> Any:
        if isinstance(self.random_state, int):
            self.random_state += seed
        start = time.perf_counter()
        done = fit(self, X, y, *more, **named)
        heard["seconds"].append(time.perf_counter() - start)
        heard["losses"].append(float(self.loss_))
        heard["epochs"].append(int(self.n_iter_))
        fitted.append((self, X, y))
        return done

    def heard_score(self: Any, *given: Any, **named: Any) -> float:
        found = float(score(self, *given, **named))
        heard["scores"].append(found)
        return found

    kind.fit, kind.score = timed_fit, heard_score
    if mnist is not None:
        import sklearn.datasets

        sklearn.datasets.fetch_openml = lambda *_, **__: openml_mnist(mnist)
    start = time.perf_counter()
    runpy.run_path(str(path))
    whole = time.perf_counter() - start
    if not heard["scores"]:  # an example that scores nothing: on its training rows
        heard["scores"] = [float(score(*one)) for one in fitted]
    return {"seconds_fit": sum(heard["seconds"]), "seconds_whole": whole, "fits": len(fitted),
            "score": statistics.fmean(heard["scores"]), "loss": statistics.fmean(heard["losses"]),
            "epochs": sum(heard["epochs"])}  # fmt: skip


def kind_in(source: str) -> Any:
    """The class that the example, exchanged or not, trains."""
    import sklearn.neural_network

    import backlit

    theirs = IMPORT.search(source)
    if theirs:
        return getattr(sklearn.neural_network, theirs[1])
    ours = re.search(r"from backlit import (\w+) as", source)
    assert ours
    return getattr(backlit, ours[1])


def openml_mnist(folder: Path) -> tuple[Any, Any]:
    """As the download gives it: (70000, 784) of int64 and the labels as text."""
    from backlit.data.idx import read_folder

    parts = [read_folder(folder, part) for part in ("train", "test")]
    X = np.concatenate([part.X for part in parts]).astype(np.int64)
    return X, np.concatenate([part.known_y for part in parts]).astype(str).astype(object)


def main() -> None:
    """Every example, both classes, every seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("examples", type=Path)
    parser.add_argument("--mnist", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--run", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.run is not None:
        print(json.dumps(run_one(chosen.examples, chosen.run, chosen.mnist)))
        return
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        for name in EXAMPLES:
            if chosen.only in name:
                results[Path(name).stem] = compare(name, chosen, Path(folder))
                RESULTS.write_text(json.dumps(results, indent=1) + "\n")


def compare(name: str, chosen: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """One example: both classes in turn, seed by seed."""
    source = (chosen.examples / name).read_text("utf-8")
    found: dict[str, Any] = {"scikit-learn": [], "backlit": []}
    for seed in range(chosen.seeds):
        for who, text in (("scikit-learn", source), ("backlit", exchanged(source))):
            path = folder / Path(name).name
            path.write_text(text, "utf-8")
            command = [sys.executable, __file__, str(path), "--run", str(seed)]
            command += ["--mnist", str(chosen.mnist)] if chosen.mnist else []
            done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
            found[who].append(json.loads(done.stdout.splitlines()[-1]))
    medians = {who: statistics.median(run["seconds_fit"] for run in runs) for who, runs in found.items()}
    scores = {who: [round(run["score"], 4) for run in runs] for who, runs in found.items()}
    print(f"{Path(name).stem}: fits {medians['scikit-learn']:.2f} s and {medians['backlit']:.2f} s; scores {scores}")
    return {"runs": found, "seconds_fit": medians, "times_as_fast": medians["scikit-learn"] / medians["backlit"]}


if __name__ == "__main__":
    main()
