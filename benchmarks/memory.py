"""Peak memory of a training on 1 GB of data, above what the process takes with its libraries loaded.

    python benchmarks/memory.py [--rows 1000000] [--folder FOLDER]

One process a way of giving the data: one epoch of 250-8-2 in batches of 256, a fifth of the rows held out. What is
counted is the process's own memory (RssAnon), looked at every 5 ms from outside; pages of a mapped file belong to the
system, which takes them back when it needs them, and are counted apart. Writes results/memory.json.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import numpy as np

COLUMNS = 250
HERE = Path(__file__).parent

PROGRAM = textwrap.dedent("""
    import json, sys, time
    import numpy as np, polars
    import backlit as bl

    way, folder, columns = sys.argv[1], sys.argv[2], int(sys.argv[3])
    y = np.load(f"{folder}/y.npy", allow_pickle=False)

    def train(X, y, epochs):
        net = bl.Network([columns, 8, 2], output="softmax", seed=0)
        return bl.train(net, X, y, epochs=epochs, batch_size=256, validation=0.2, progress=False)

    few = np.random.default_rng(0).normal(size=(2000, columns)).astype("f4")
    train(few, y[:2000], 1)  # everything is loaded
    polars.scan_parquet(f"{folder}/X.parquet").slice(0, 1000).collect()
    if way == "scikit-learn":
        from sklearn.neural_network import MLPClassifier
        sk = MLPClassifier((8,), batch_size=256, max_iter=1, early_stopping=True, validation_fraction=0.2)
        import warnings
        warnings.simplefilter("ignore")
        sk.fit(few, y[:2000])
    print("loaded", flush=True)
    sys.stdin.readline()
    began = time.perf_counter()
    if way in ("array", "scikit-learn"):
        X = np.load(f"{folder}/X.npy", allow_pickle=False)
    elif way == "mapped":
        X = np.load(f"{folder}/X.npy", mmap_mode="r", allow_pickle=False)
    else:
        X = bl.data.stream(f"{folder}/X.{way}")
    if way == "scikit-learn":
        sk.fit(X, y)
        how = "in memory"
    else:
        run = train(X, y, 1)
        how = X.shuffling if isinstance(X, bl.data.Stream) else "all rows shuffled together"
    print(json.dumps({"seconds": round(time.perf_counter() - began, 2), "shuffled": how}), flush=True)
""")

WAYS = {
    "array": "an array in memory",
    "mapped": "`np.load(…, mmap_mode=\"r\")`",
    "npy": "`bl.data.stream(\"X.npy\")`",
    "parquet": "`bl.data.stream(\"X.parquet\")`",
    "scikit-learn": "scikit-learn's MLPClassifier, an array",
}  # fmt: skip


def write(folder: Path, rows: int) -> float:
    """The data, in pieces, so that this process stays small too; returns their size in MB."""
    import polars as pl

    rng, piece = np.random.default_rng(0), 50_000
    X = np.lib.format.open_memmap(folder / "X.npy", "w+", np.float32, (rows, COLUMNS))
    for first in range(0, rows, piece):
        X[first : first + piece] = rng.standard_normal((min(piece, rows - first), COLUMNS), dtype=np.float32)
    X.flush()
    del X
    np.save(folder / "y.npy", rng.integers(0, 2, rows))
    mapped = np.load(folder / "X.npy", mmap_mode="r", allow_pickle=False)
    pl.DataFrame(mapped).write_parquet(folder / "X.parquet", row_group_size=piece)
    return rows * COLUMNS * 4 / 1e6


def status(pid: int) -> dict[str, float]:
    """MB by name."""
    lines = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {words[0][:-1]: int(words[1]) * 1024 / 1e6 for words in lines if len(words) == 3 and words[2] == "kB"}


def measure(way: str, folder: Path) -> dict[str, object]:
    command = [sys.executable, "-c", PROGRAM, way, str(folder), str(COLUMNS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == "loaded\n"
        before, own, mapped = status(child.pid), 0.0, 0.0
        child.stdin.write("\n")
        child.stdin.flush()
        while child.poll() is None:
            try:
                now = status(child.pid)
            except (OSError, IndexError):
                break
            own = max(own, now.get("RssAnon", 0.0) - before["RssAnon"])
            mapped = max(mapped, now.get("RssFile", 0.0) - before["RssFile"])
            time.sleep(0.005)
        out = child.stdout.read()
        assert child.wait() == 0
    return {"peak_mb": round(own), "mapped_mb": round(mapped), **json.loads(out)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the data go for the time being; they take twice their size")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        size = write(folder, arguments.rows)
        print(f"{size:,.0f} MB: {arguments.rows:,} rows × {COLUMNS} columns of float32\n")
        print("| data given as | own memory at the peak | pages of the mapped file |\n|---|---|---|")
        found = {}
        for way, words in WAYS.items():
            found[way] = measure(way, folder)
            print(f"| {words} | {found[way]['peak_mb']:,} MB | {found[way]['mapped_mb']:,} MB |", flush=True)
    results = {"data_mb": size, "rows": arguments.rows, "columns": COLUMNS, "ways": found}
    (HERE / "results" / "memory.json").write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
