"""The data sets of the faults benchmark: rows to train on, to validate with, and to score on, scaled as they should be.

Thresholds are set on those of ``SETTING``; rates are reported on those of ``REPORTED``, which no threshold has seen.
"""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from sklearn import datasets

import backlit as bl

SETTING = ("digits", "iris", "diabetes", "moons", "clusters", "friedman1", "housing", "adult", "titanic")
REPORTED = ("breast-cancer", "wine", "rings", "teacher", "friedman2", "curve", "mnist", "odds")
FROM_FOLDER = ("housing", "adult", "mnist", "titanic")
NUMBERS = ("diabetes", "friedman1", "housing", "friedman2", "curve")
IMAGES = ("digits", "mnist")

TRAIN, VALIDATION, TEST = 1200, 400, 1500  # rows at most


@dataclass(frozen=True, eq=False)
class Rows:
    """Those to train on, those to validate with, and those that choose nothing and score the network."""

    X: np.ndarray
    y: np.ndarray
    X_validation: np.ndarray
    y_validation: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    classes: int  # 0: numbers

    @property
    def outputs(self) -> int:
        return 1 if self.classes in (0, 2) else self.classes

    def with_columns(self, change) -> "Rows":
        """X replaced by ``change(X)`` in all three parts."""
        parts = {name: change(getattr(self, name)) for name in ("X", "X_validation", "X_test")}
        return replace(self, **{name: X.astype(np.float32) for name, X in parts.items()})

    def with_targets(self, change) -> "Rows":
        """y replaced by ``change(y)`` in all three parts."""
        return replace(self, **{name: change(getattr(self, name)) for name in ("y", "y_validation", "y_test")})

    def first(self, count: int) -> "Rows":
        """Fewer rows to train on, the others as they are."""
        return replace(self, X=self.X[:count], y=self.y[:count])


def names(part: str, folder: Path | None) -> tuple[str, ...]:
    """The sets of a part that are there."""
    both = {"setting": SETTING, "reported": REPORTED}[part]
    return tuple(name for name in both if folder is not None or name not in FROM_FOLDER)


@cache
def load(name: str, seed: int, folder: Path | None) -> Rows:
    """A random split of the set; numbers standardised by the rows to train on, pixels from 0 to 1."""
    X, y, classes = _whole(name, folder)
    order = np.random.default_rng((seed, 1)).permutation(len(X))
    test = min(TEST, len(X) // 4)
    validation = min(VALIDATION, len(X) // 5)
    train = min(TRAIN, len(X) - test - validation)
    parts = np.split(order[: train + validation + test], [train, train + validation])
    if name not in IMAGES:
        mean, scale = X[parts[0]].mean(axis=0), X[parts[0]].std(axis=0)
        X = (X - mean) / np.where(scale > 0, scale, 1)
    if not classes:
        y = (y - y[parts[0]].mean()) / y[parts[0]].std()
    X, y = X.astype(np.float32), y.astype(np.int64 if classes else np.float32)
    split = {"X": parts[0], "X_validation": parts[1], "X_test": parts[2]}
    return Rows(
        **{part: X[rows] for part, rows in split.items()},
        **{part.replace("X", "y"): y[rows] for part, rows in split.items()},
        classes=classes,
    )


@cache
def _whole(name: str, folder: Path | None) -> tuple[np.ndarray, np.ndarray, int]:
    """All rows there are, in raw units, and how many classes."""
    if name in ("digits", "iris", "wine", "breast-cancer", "diabetes"):
        X, y = bl.data.load(name)
        X, y = np.asarray(X, dtype=float), np.asarray(y)
        X = X / X.max() if name == "digits" else X
    elif name in FROM_FOLDER:
        X, y = {"housing": _housing, "adult": _adult, "mnist": _mnist, "titanic": _titanic}[name](Path(folder))
    else:
        X, y = MADE[name]()
    return X, y, 0 if name in NUMBERS else len(np.unique(y))


def _rings():
    return datasets.make_gaussian_quantiles(n_samples=3000, n_features=4, n_classes=3, random_state=2)


def _teacher():
    """The largest of six random functions of fifteen numbers."""
    rng = np.random.default_rng(3)
    X = rng.standard_normal((3000, 15))
    hidden = np.tanh(X @ rng.standard_normal((15, 12)) * 0.5)
    z = hidden @ rng.standard_normal((12, 6))
    return X, (z - z.mean(axis=0)).argmax(axis=1)


def _odds():
    """A yes or no that six numbers make more or less likely, and never certain: the best there is are some 83 %."""
    rng = np.random.default_rng(5)
    X = rng.standard_normal((3000, 6))
    z = 1.6 * X[:, 0] - 1.2 * X[:, 1] + 1.2 * X[:, 2] * X[:, 3] + 0.6
    return X, (rng.random(3000) < 1 / (1 + np.exp(-z))).astype(int)


def _curve():
    rng = np.random.default_rng(4)
    X = rng.uniform(-2, 2, (3000, 3))
    return X, np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.1 * rng.standard_normal(3000)


MADE = {
    "moons": lambda: datasets.make_moons(3000, noise=0.2, random_state=0),
    "clusters": lambda: datasets.make_classification(
        3000, 20, n_informative=8, n_redundant=4, n_classes=5, n_clusters_per_class=1, class_sep=1.5, random_state=0
    ),
    "friedman1": lambda: datasets.make_friedman1(3000, 10, noise=0.5, random_state=0),
    "rings": _rings,
    "teacher": _teacher,
    "odds": _odds,
    "friedman2": lambda: datasets.make_friedman2(3000, noise=20, random_state=0),
    "curve": _curve,
}  # fmt: skip


def _some(frame, rows: int):
    return frame.sample(min(rows, len(frame)), seed=0, shuffle=True)


def _housing(folder: Path):
    import polars as pl

    frame = _some(pl.read_csv(folder / "tables" / "housing.csv").drop_nulls(), 6000)
    y = frame["median_house_value"].to_numpy().astype(float)
    return frame.drop("median_house_value").to_dummies("ocean_proximity").to_numpy().astype(float), y


def _adult(folder: Path):
    import polars as pl

    frame = _some(pl.read_csv(folder / "tables" / "adult-train.csv", has_header=False, infer_schema=False), 6000)
    frame = frame.select(pl.all().str.strip_chars())
    numbers = [frame.columns[column] for column in (0, 4, 10, 11, 12)]
    texts = [frame.columns[column] for column in (1, 5, 6, 7, 8, 9)]  # without the schooling's name and the country
    X = frame.select(pl.col(numbers).cast(pl.Float64), *texts).to_dummies(texts)
    return X.to_numpy().astype(float), (frame[:, -1] == ">50K").to_numpy().astype(int)


def _titanic(folder: Path):
    import polars as pl

    frame = pl.read_csv(folder / "tables" / "titanic.csv")
    X = frame.select("Pclass", "Sex", pl.col("Age").fill_null(pl.col("Age").median()), "SibSp", "Parch", "Fare")
    return X.to_dummies("Sex", drop_first=True).to_numpy().astype(float), frame["Survived"].to_numpy()


def _mnist(folder: Path):
    images = bl.data.read(folder / "mnist")
    return np.asarray(images.X[:6000], dtype=float).reshape(6000, -1) / 255, np.asarray(images.known_y[:6000])
