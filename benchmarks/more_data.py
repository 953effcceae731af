"""How often the real score at all rows lies in the interval that fewer rows gave: ``bl.more_data`` by holding out.

    python benchmarks/more_data.py [FOLDER_OF_TABLES] [FOLDER_OF_IDX_FILES] [--write docs/more-data.md] [--again]

Of each set eleven amounts of rows, ten splits. Then, for each of the larger amounts in turn: the law is fitted to the
amounts up to half of it and down to a sixteenth (four at least), from five of the ten splits, drawn twelve times; its
interval of 80 % at the larger amount is held against the mean of all ten splits there.

The step of the walk (``power_law.WALK``) was chosen on digits, breast-cancer, diabetes, titanic and the four made sets
of seed 0; the others chose nothing. Curves are kept in ``results/more_data.json``: ``--again`` measures them anew.
"""

import argparse
import dataclasses
import json
import os
from pathlib import Path

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "BACKLIT_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

import numpy as np  # noqa: E402  (after the number of threads is set)

from backlit import data  # noqa: E402
from backlit.data import Dataset  # noqa: E402
from backlit.data.labels import infer_task  # noqa: E402
from backlit.diagnose.more_data.find import of_recipe  # noqa: E402
from backlit.diagnose.more_data.learner import Recipe, in_memory  # noqa: E402
from backlit.diagnose.more_data.power_law import extrapolate  # noqa: E402

RESULTS = Path(__file__).parent / "results" / "more_data.json"
SPLITS, AMOUNTS, TIMES, LEVEL = 10, 11, 12, 0.8
MADE = ("linear", "ball", "clusters", "friedman")


def made(kind: str, rows: int, seed: int) -> Dataset:
    """Data whose noise is known."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 8))
    if kind == "linear":
        y = X @ rng.normal(size=8) + rng.normal(size=rows)
    elif kind == "friedman":
        X = rng.random((rows, 8))
        y = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2 + 10 * X[:, 3] + 5 * X[:, 4]
        y = y + 1.5 * rng.normal(size=rows)
    elif kind == "ball":
        y = np.where(rng.random(rows) < 0.05, (X**2).sum(1) <= 7.34, (X**2).sum(1) > 7.34).astype(np.int64)
    else:
        centres = 1.3 * rng.normal(size=(6, 8))
        y = rng.integers(0, 6, rows)
        X = centres[y] + rng.normal(size=(rows, 8))
    names = tuple(f"x{i}" for i in range(8))
    return Dataset(X=X, y=y, source=f"{kind} {rows:,}", columns=names, target="y")


def sample(table, rows: int):
    """So many rows of it, drawn at random."""
    kept = np.sort(np.random.default_rng(0).permutation(table.rows)[:rows])
    if isinstance(table, Dataset):
        return dataclasses.replace(table, X=table.X[kept], y=table.known_y[kept])
    frame = table.take(kept)
    return dataclasses.replace(table, y=table.known_y[kept], rows=len(kept), blocks=lambda: iter([frame]))


def sets(tables: Path | None, mnist: Path | None):
    """Name → (whether it chose, how to get it)."""
    found = {name: (True, lambda name=name: data.read(name)) for name in ("digits", "breast-cancer", "diabetes")}
    found |= {f"{kind}, 2,000 rows": (True, lambda kind=kind: made(kind, 2000, 0)) for kind in MADE}
    for kind, rows in zip(MADE, (1000, 4000, 1000, 1000), strict=True):
        found[f"{kind}, {rows:,} rows"] = (False, lambda kind=kind, rows=rows: made(kind, rows, 1))
    found["wine"] = (False, lambda: data.read("wine"))
    if tables is not None:
        found["titanic"] = (True, lambda: in_memory(data.read(str(tables / "titanic.csv"), target="Survived")))
        housing = {"target": "median_house_value"}
        found["housing, 4,000 rows"] = (False, lambda: sample(data.read(str(tables / "housing.csv"), **housing), 4000))
        found["adult, 4,000 rows"] = (
            False, lambda: sample(data.read(str(tables / "adult-train.csv"), header=False), 4000)
        )  # fmt: skip
    if mnist is not None:
        found["mnist, 5,000 rows"] = (False, lambda: sample(data.read(str(mnist)), 5000))
    return found


def curve(dataset) -> dict:
    """Amounts, and the scores of each split."""
    most = dataset.rows - round(0.2 * dataset.rows)
    amounts = np.unique(np.geomspace(max(20, most / 32), most, AMOUNTS).round())
    found = of_recipe(dataset, Recipe(infer_task(dataset.known_y)), amounts=amounts.tolist(), splits=SPLITS)
    return {"amounts": found.amounts.tolist(), "scores": found.scores.tolist(), "score": found.score}


def trials(found: dict, seed: int) -> tuple[list[bool], list[float]]:
    """Whether the interval held it, and how wide it was in units of the error, of each trial."""
    amounts, errors = np.array(found["amounts"]), 1 - np.array(found["scores"])
    rng, held, width = np.random.RandomState(seed), [], []
    for j, rows in enumerate(amounts):
        fitted = np.flatnonzero((amounts <= 0.505 * rows) & (amounts >= rows / 17))
        if len(fitted) < 4:
            continue
        for _ in range(TIMES):
            some = rng.permutation(SPLITS)[: SPLITS // 2]
            laws = extrapolate(amounts[fitted], errors[np.ix_(some, fitted)], rng, draws=400)
            low, high = np.quantile(laws.at(float(rows)), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
            real = errors[:, j].mean()
            held.append(bool(low <= real <= high))
            width.append(float((high - low) / real))
    return held, width


def table(curves: dict, chose: dict[str, bool]) -> str:
    """Of each set the share of its intervals that held, and over the sets of each kind their mean."""
    lines = ["| set | trials | intervals that held | their width, of the error |", "|---|---|---|---|"]
    rates: dict[bool, list[float]] = {True: [], False: []}
    for name, found in curves.items():
        held, width = trials(found, 0)
        if held:
            rates[chose[name]].append(float(np.mean(held)))
            by = "" if chose[name] else " *"
            lines.append(f"| {name}{by} | {len(held)} | {np.mean(held):.0%} | {np.median(width):.0%} |")
    chosen, other = (f"{np.mean(rates[kind]):.0%} over {len(rates[kind])} sets" for kind in (True, False))
    lines.append(f"\nOf intervals stated as 80%: {chosen} that chose the width, {other} that chose nothing (*).")
    return "\n".join(lines).replace("%", " %")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", type=Path, nargs="?")
    parser.add_argument("mnist", type=Path, nargs="?")
    parser.add_argument("--write", type=Path)
    parser.add_argument("--again", action="store_true")
    asked = parser.parse_args()
    curves = {} if asked.again or not RESULTS.exists() else json.loads(RESULTS.read_text("utf-8"))
    known = sets(asked.tables, asked.mnist)
    for name, (_, get) in known.items():
        if name not in curves:
            curves[name] = curve(get())
            print(name, np.mean(curves[name]["scores"], axis=0).round(4), flush=True)
            RESULTS.write_text(json.dumps(curves) + "\n", "utf-8")
    said = table(curves, {name: chose for name, (chose, _) in known.items()})
    print("\n" + said)
    if asked.write:
        page = asked.write.read_text("utf-8")
        before, mark, rest = page.partition("<!-- intervals: benchmarks/more_data.py -->\n")
        _, end, after = rest.partition("<!-- end of intervals -->")
        asked.write.write_text(f"{before}{mark}{said}\n\n{end}{after}", "utf-8")


if __name__ == "__main__":
    main()
