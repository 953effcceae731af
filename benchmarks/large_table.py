"""A table of two million rows: how much memory training on it and predicting it takes, and how long.

    python benchmarks/large_table.py [--rows 2000000] [--keep FOLDER]

Writes a CSV of 24 columns of numbers, 4 of text and a target, and one four times as long; trains an epoch on the one
and predicts both, each command in a process of its own, whose peak of resident memory is read when it has ended. The
matrix is what the network sees of all rows, training, validation and test, in float32. Prints a table and writes
``results/large_table.json``.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

HERE = Path(__file__).parent
MIB = 1 << 20
NUMBERS, TEXTS, VALUES, BLOCK = 24, 4, 12, 100_000


def generate(path: Path, rows: int, times: int = 1) -> None:
    """A CSV whose target follows from four of its columns, with chance in it; a twelfth of one column is missing."""
    words = np.array([f"kind{i}" for i in range(VALUES)])
    with path.open("wb") as file:
        for block in range(times * rows // BLOCK):
            rng = np.random.default_rng(block)
            x = rng.normal(size=(BLOCK, NUMBERS)).round(4)
            text = rng.integers(0, VALUES, (BLOCK, TEXTS))
            z = x[:, 0] - x[:, 1] * x[:, 2] + 2 * (text[:, 0] == 3) + rng.normal(size=BLOCK)
            frame = pl.DataFrame(
                {f"x{i}": x[:, i] for i in range(NUMBERS)}
                | {f"c{i}": words[text[:, i]] for i in range(TEXTS)}
                | {"y": np.where(z > 0, "yes", "no")}
            ).with_columns(x5=pl.when(pl.col("x6") > 1.4).then(None).otherwise(pl.col("x5")))
            frame.write_csv(file, include_header=not block)


def measured(*arguments: str) -> dict[str, float]:
    """Seconds of a command, and the peak of its memory in MiB."""
    begin = time.monotonic()
    child = subprocess.Popen([sys.executable, "-m", "backlit", *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"backlit {' '.join(arguments)} ended with {child.returncode}")
    return {"seconds": round(time.monotonic() - begin, 1), "peak_mib": round(usage.ru_maxrss / 1024)}


def main() -> None:
    """Measures, prints and writes."""
    import backlit as bl

    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--keep", type=Path, help="a folder for the files, which are made where they are missing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        once, longer, model = folder / "once.csv", folder / "longer.csv", folder / "once.safetensors"
        for path, times in ((once, 1), (longer, 4)):
            if not path.exists():
                generate(path, options.rows, times)
        found: dict[str, Any] = {
            "start": measured("info"),
            "train": measured("train", str(once), "--target", "y", "--epochs", "1", "-q", "--force", "-o", str(model)),
            "predict": measured("predict", str(model), str(once), "-o", str(folder / "p.csv"), "--force"),
            "predict, four times as long": measured(
                "predict", str(model), str(longer), "-o", str(folder / "p.csv"), "--force"
            ),
        }
        inputs = len(bl.load_model(model).encoding.inputs)
        found |= {"rows": options.rows, "inputs": inputs, "matrix_mib": round(4 * options.rows * inputs / MIB)}
        found["train"]["times_the_matrix"] = round(found["train"]["peak_mib"] / found["matrix_mib"], 2)
        found |= {"file_mib": {path.name: round(path.stat().st_size / MIB) for path in (once, longer)}}
    print(
        f"matrix: {options.rows:,} rows × {inputs} inputs, {found['matrix_mib']:,} MiB; files: {found['file_mib']} MiB"
    )
    for name in ("start", "train", "predict", "predict, four times as long"):
        print(f"{name:<28} {found[name]['seconds']:>7} s  peak {found[name]['peak_mib']:>6,} MiB")
    print(f"training took {found['train']['times_the_matrix']} times the matrix")
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "large_table.json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
