"""The defaults on tables, and the estimators, beside scikit-learn's MLP and HistGradientBoosting: score and fit time.

    python benchmarks/tables.py [FOLDER_OF_TABLES] [--splits 5] [--only titanic,housing] [--systems backlit,…]

Ours is the command line as anybody types it, without an option: ``backlit train FILE``. A fifth of the rows is held
out for the test (by ``train_test_split``, stratified for classes; of the bundled sets by the command itself) and
chooses nothing. All systems are trained on the same remaining rows, of which ours sets a fifth (of the bundled sets a
quarter) apart to choose its best epoch by. The others get what the usual pipeline gives them: medians for what is
missing, one-hot categories and a StandardScaler for the MLP, categories as they are for HistGradientBoosting; of the
Titanic, Name, Ticket and PassengerId are dropped for them, and the deck stands for the cabin. The estimators
(``BackpropClassifier()``, ``BackpropRegressor()``, with no option but the seed) come twice: in the MLP's place in its
pipeline, and with ``encode="auto"`` on the frame as it is, numbers to learn standardised; each in float64 and with
everything in float32. One thread each. Times are of the fit alone, ours with the reading of the file, its encoding and
the saving of the model. The Adult test file is scored by three seeds, as its authors split it.

Prints a table; writes ``results/tables.json`` and ``results/tables.png``, of sets and systems that were not run what is
there already.
"""

import argparse
import contextlib
import io
import json
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "BACKLIT_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

import numpy as np  # noqa: E402  (after the number of threads is set)
import pandas as pd  # noqa: E402

HERE = Path(__file__).parent
BUNDLED = ("digits", "iris", "wine", "breast-cancer", "diabetes")
ADULT = (
    "age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation", "relationship", "race",
    "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country", "income",
)  # fmt: skip


@dataclass(frozen=True)
class Result:
    """One system on one split."""

    data: str
    system: str
    split: int
    score: float
    seconds: float


@dataclass(frozen=True, eq=False)
class Split:
    """What all are trained on and judged by; ``ours`` are the arguments of ``backlit train``."""

    number: int
    train: pd.DataFrame
    y_train: np.ndarray
    test: pd.DataFrame
    y_test: np.ndarray
    ours: list[str]
    test_file: Path | None = None


def of_bundled(name: str, splits: int) -> Iterator[Split]:
    """The command's own split of a bundled set."""
    from backlit import data

    dataset = data.read(name)
    X, y = pd.DataFrame(dataset.X, columns=list(dataset.columns)), dataset.known_y
    for seed in range(splits):
        parts = data.split(y, validation=0.2, test=0.2, seed=seed, stratify=name != "diabetes")
        rest = np.concatenate([parts.train, parts.validation])
        yield Split(seed, X.iloc[rest], y[rest], X.iloc[parts.test], y[parts.test], [name, "--seed", str(seed)])


def of_file(frame: pd.DataFrame, target: str, classes: bool, splits: int, folder: Path) -> Iterator[Split]:
    """Files of the rows to train on and of those to be judged by."""
    from sklearn.model_selection import train_test_split

    y = frame[target].to_numpy()
    for seed in range(splits):
        rest, test = train_test_split(
            np.arange(len(y)), test_size=0.2, random_state=seed, stratify=y if classes else None
        )
        train_file, test_file = folder / "train.csv", folder / "test.csv"
        frame.iloc[rest].to_csv(train_file, index=False)
        frame.iloc[test].to_csv(test_file, index=False)
        X = frame.drop(columns=target)
        ours = [str(train_file), "--target", target, "--test", "0", "--seed", str(seed)]
        yield Split(seed, X.iloc[rest], y[rest], X.iloc[test], y[test], ours, test_file)


def of_adult(tables: Path, splits: int) -> Iterator[Split]:
    """The training file and the test file, as they were published, by several seeds."""
    train, test = (
        pd.read_csv(tables / f"adult-{part}.csv", names=ADULT, skipinitialspace=True, na_values="?", comment="|")
        for part in ("train", "test")
    )
    y_train, y_test = (frame.pop("income").str.rstrip(".").to_numpy() for frame in (train, test))
    for seed in range(splits):
        ours = [str(tables / "adult-train.csv"), "--no-header", "--test", "0", "--seed", str(seed)]
        yield Split(seed, train, y_train, test, y_test, ours, tables / "adult-test.csv")


def data_sets(tables: Path | None, splits: int, folder: Path) -> dict[str, Callable[[], Iterator[Split]]]:
    """Name → its splits."""
    found: dict[str, Callable[[], Iterator[Split]]] = {
        name: lambda name=name: of_bundled(name, splits) for name in BUNDLED
    }
    if tables is not None:
        titanic, housing = (pd.read_csv(tables / f"{name}.csv") for name in ("titanic", "housing"))
        found["titanic"] = lambda: of_file(titanic, "Survived", True, splits, folder)
        found["housing"] = lambda: of_file(housing, "median_house_value", False, splits, folder)
        found["adult"] = lambda: of_adult(tables, min(splits, 3))
    return found


COLOURS = ("#1f6fb4", "#e1812c", "#9c9c9c", "#2f9e6e", "#8fd0b3", "#7a4fb0", "#bda4dc")


def backlit(split: Split, folder: Path) -> tuple[float, float]:
    """``backlit train`` and, where the test rows are a file, ``backlit evaluate``."""
    from backlit.cli import main

    model = folder / "model.safetensors"
    started = time.perf_counter()
    document = command(main, ["train", *split.ours, "--out", str(model), "--force", "--quiet", "--json"])
    seconds = time.perf_counter() - started
    if split.test_file is None:
        scores = document["scores"]["test"]
    else:
        scores = command(main, ["evaluate", str(model), str(split.test_file), "--json"])["scores"]["all"]
    return scores.get("accuracy", scores.get("r2")), seconds


def command(main: Callable[[list[str]], int], arguments: list[str]) -> Any:
    """The one document of a command."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()) as err:
        code = main(arguments)
    if code:
        raise SystemExit(err.getvalue())
    return json.loads(out.getvalue())


def usual(frame: pd.DataFrame) -> pd.DataFrame:
    """What somebody does by hand to the Titanic; of any other table nothing."""
    if "Cabin" not in frame:
        return frame
    deck = frame["Cabin"].str[0].rename("deck")
    return frame.drop(columns=["PassengerId", "Name", "Ticket", "Cabin"]).assign(deck=deck)


def mlp(split: Split, folder: Path) -> tuple[float, float]:
    """scikit-learn's MLP with its own defaults, behind the usual pipeline."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    return in_pipeline(split, MLPClassifier, MLPRegressor, None)


def estimator(split: Split, dtype: str) -> tuple[float, float]:
    """Ours in its place."""
    import backlit as bl

    return in_pipeline(split, bl.BackpropClassifier, bl.BackpropRegressor, dtype)


def encoding_estimator(split: Split, dtype: str) -> tuple[float, float]:
    """Ours with the frame as it is."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.preprocessing import StandardScaler

    import backlit as bl

    train, test = split.train, split.test
    numbers = dict.fromkeys(train.select_dtypes("number"), dtype)
    if is_number(split.y_train):
        network = bl.BackpropRegressor(random_state=split.number, encode="auto")
        model: Any = TransformedTargetRegressor(network, transformer=StandardScaler(), check_inverse=False)
    else:
        model = bl.BackpropClassifier(random_state=split.number, encode="auto")
    return timed(model, train.astype(numbers), test.astype(numbers), split)


def in_pipeline(split: Split, classifier: Any, regressor: Any, dtype: str | None) -> tuple[float, float]:
    """A network behind medians, one-hot categories and a StandardScaler; numbers to learn are standardised."""
    from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    train, test = usual(split.train), usual(split.test)
    numbers = list(train.select_dtypes("number"))
    columns: Any = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
            ("texts", OneHotEncoder(handle_unknown="ignore"), [name for name in train if name not in numbers]),
        ]
    )
    if dtype is not None:
        columns = make_pipeline(columns, FunctionTransformer(lambda X: X.astype(dtype), accept_sparse=True))
    if is_number(split.y_train):
        network: Any = TransformedTargetRegressor(regressor(random_state=split.number), transformer=StandardScaler())
    else:
        network = classifier(random_state=split.number)
    return timed(make_pipeline(columns, network), train, test, split)


def boosting(split: Split, folder: Path) -> tuple[float, float]:
    """HistGradientBoosting with its own defaults, texts as categories."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    train, test = usual(split.train), usual(split.test)
    texts = list(train.select_dtypes(exclude="number"))
    kinds = {name: pd.CategoricalDtype(sorted(train[name].dropna().unique())) for name in texts}
    test = test.assign(**{name: test[name].where(test[name].isin(kinds[name].categories)) for name in texts})
    kind = HistGradientBoostingRegressor if is_number(split.y_train) else HistGradientBoostingClassifier
    model = kind(random_state=split.number, categorical_features="from_dtype")
    return timed(model, train.astype(kinds), test.astype(kinds), split)


def is_number(y: np.ndarray) -> bool:
    """Whether these are numbers to learn, not classes."""
    return y.dtype.kind in "fi" and len(np.unique(y)) > 20


def timed(model: Any, train: pd.DataFrame, test: pd.DataFrame, split: Split) -> tuple[float, float]:
    """Accuracy or R² on the test rows, and the seconds of the fit."""
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that 200 epochs were not enough, as the MLP says on most sets
        model.fit(train, split.y_train)
    seconds = time.perf_counter() - started
    return float(model.score(test, split.y_test)), seconds


SYSTEMS: dict[str, Callable[[Split, Path], tuple[float, float]]] = {
    "backlit": backlit,
    "scikit-learn MLP": mlp,
    "HistGradientBoosting": boosting,
    "estimator, float64": lambda split, folder: estimator(split, "float64"),
    "estimator, float32": lambda split, folder: estimator(split, "float32"),
    'encode="auto", float64': lambda split, folder: encoding_estimator(split, "float64"),
    'encode="auto", float32': lambda split, folder: encoding_estimator(split, "float32"),
}


def main() -> None:
    """Every system on every split of every set."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "tables", nargs="?", type=Path, help="folder of adult-train.csv, adult-test.csv, housing.csv, titanic.csv"
    )
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--only", default="", help="names of sets, between commas")
    parser.add_argument("--systems", default=";".join(SYSTEMS), help="names of systems, between semicolons")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "tables.json")
    options = parser.parse_args()
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as folder:
        sets = data_sets(options.tables, options.splits, Path(folder))
        for name in options.only.split(",") if options.only else sets:
            for split in sets[name]():
                for system in options.systems.split(";"):
                    score, seconds = SYSTEMS[system](split, Path(folder))
                    results.append(Result(name, system, split.number, score, seconds))
            print("\n".join(line for line in lines(results) if line.startswith(f"| {name} ")), flush=True)
    print("\n" + "\n".join(lines(results)))
    together = {key(result): result for result in (*known(options.out), *results)}
    ordered = [together[place] for place in sorted(together, key=lambda place: order(*place))]
    options.out.write_text(json.dumps([asdict(result) for result in ordered], indent=1) + "\n")
    draw(ordered, options.out.with_suffix(".png"))
    print("\nof all results:\n" + "\n".join(lines(ordered)))


def key(result: Result) -> tuple[str, str, int]:
    """Which run it is of."""
    return result.data, result.system, result.split


def order(data: str, system: str, split: int) -> tuple[int, int, int]:
    """Sets and systems as they are named above."""
    return [*BUNDLED, "titanic", "housing", "adult"].index(data), list(SYSTEMS).index(system), split


def known(path: Path) -> list[Result]:
    """The results that are there already."""
    return [Result(**result) for result in json.loads(path.read_text())] if path.exists() else []


def lines(results: list[Result]) -> Iterator[str]:
    """A Markdown table: mean score, its standard deviation over the splits, mean seconds."""
    systems = list(dict.fromkeys(result.system for result in results))
    yield f"| set | {' | '.join(systems)} |"
    yield "|---|" + "---|" * len(systems)
    for name in dict.fromkeys(result.data for result in results):
        cells = []
        for system in systems:
            of = [result for result in results if (result.data, result.system) == (name, system)]
            scores, seconds = [result.score for result in of], [result.seconds for result in of]
            cells.append(f"{np.mean(scores):.4f} ± {np.std(scores):.4f}, {np.mean(seconds):.2f} s" if of else "-")
        yield f"| {name} | {' | '.join(cells)} |"


def draw(results: list[Result], path: Path) -> None:
    """Scores against HistGradientBoosting's, a point a split; fit times beside them."""
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(result.data for result in results))
    colours = dict(zip(SYSTEMS, COLOURS, strict=True))
    figure = Figure(figsize=(11, 0.85 * len(names) + 1.6), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for k, (system, colour) in enumerate(colours.items()):
        for i, name in enumerate(names):
            of = [result for result in results if (result.data, result.system) == (name, system)]
            height = i + 0.12 * (k - (len(colours) - 1) / 2)
            if not of:
                continue
            left.plot([r.score for r in of], [height] * len(of), ".", color=colour, alpha=0.45, markersize=5)
            left.plot(np.mean([r.score for r in of]), height, "|", color=colour, markersize=9, markeredgewidth=2.5)
            mean = np.mean([r.seconds for r in of])
            right.barh(height, mean, height=0.11, color=colour, label=system if i == 0 else None)
    left.set(xlabel="accuracy, or R²: mean (bar) and splits (dots)", xlim=(None, 1.005))
    left.set_yticks(range(len(names)), names)
    left.invert_yaxis()
    left.grid(alpha=0.3, axis="x")
    right.set(xlabel="seconds of a fit, one thread (logarithmic)", xscale="log")
    right.grid(alpha=0.3, axis="x")
    right.legend()
    figure.savefig(path, dpi=130)


if __name__ == "__main__":
    main()
