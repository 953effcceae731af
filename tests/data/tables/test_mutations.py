"""Files that were good before something happened to their bytes: they load, or are refused in one line."""

import random
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from backlit.data import fit, read
from backlit.errors import BacklitError

ROWS = 60


def good():
    rng = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "number": rng.normal(size=ROWS), "count": rng.integers(0, 9, ROWS), "truth": rng.integers(0, 2, ROWS) > 0,
            "text": [('a, "b"', "c", None)[i % 3] for i in range(ROWS)],
            "day": [date(2024, 1, 1) + timedelta(days=i) for i in range(ROWS)], "y": ["no", "yes"] * (ROWS // 2),
        }
    )  # fmt: skip


def mutated(content, seed):
    """Bytes changed, added, cut out or copied to elsewhere, from one place to sixteen."""
    rng, changed = random.Random(seed), bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(len(changed))
        kind = rng.randrange(5)
        if kind == 0:
            changed[at] = rng.randrange(256)
        elif kind == 1:
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            changed[at:at] = rng.randbytes(rng.randrange(1, 9))
        elif kind == 3:
            del changed[at : at + rng.randrange(1, 20)]
        else:
            begin = rng.randrange(len(changed))
            changed[at : at + 9] = changed[begin : begin + 9]
    return bytes(changed)


def load_all(path, content, seeds):
    """How many load; the others must be refused by an error of ours, in one line."""
    loaded = 0
    for seed in seeds:
        path.write_bytes(mutated(content, seed))
        try:
            table = read(path, target="y")
            X = fit(table, np.arange(table.rows)).features(table.X)
        except BacklitError as refusal:
            assert "\n" not in str(refusal), f"seed {seed}: {refusal}"  # noqa: PT017
        else:
            loaded += 1
            assert len(X) == table.rows > 0, f"seed {seed}"
            assert np.isfinite(X).all(), f"seed {seed}"
    return loaded


@pytest.mark.parametrize(
    "seeds", [range(150), pytest.param(range(150, 1500), marks=pytest.mark.slow)], ids=["some", "the rest"]
)
def test_csv(tmp_path, seeds):
    good().write_csv(tmp_path / "t.csv")
    loaded = load_all(tmp_path / "t.csv", (tmp_path / "t.csv").read_bytes(), seeds)
    assert 0 < loaded < len(seeds)  # the mutations are neither harmless nor all fatal


@pytest.mark.parametrize("compression", ["uncompressed", "zstd"])
@pytest.mark.parametrize(
    "seeds", [range(8), pytest.param(range(8, 250), marks=pytest.mark.slow)], ids=["some", "the rest"]
)
def test_parquet(tmp_path, compression, seeds, capfd):
    good().write_parquet(tmp_path / "t.parquet", compression=compression)
    loaded = load_all(tmp_path / "t.parquet", (tmp_path / "t.parquet").read_bytes(), seeds)
    assert 0 < loaded < len(seeds)
    assert capfd.readouterr().err == ""  # nor does the library's own panic reach the user
