"""The row groups of a Parquet file as its footer has them: what pyarrow reads there, and nothing from anything else."""

import random
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from backlit.data.row_groups import row_groups

FRAME = pl.DataFrame({"a": np.arange(1000), "b": np.random.default_rng(0).normal(size=1000), "c": ["text"] * 1000})


@pytest.mark.parametrize("size", [1, 7, 100, 333, 1000])
def test_of_files_that_polars_writes(size: int, tmp_path: Path) -> None:
    FRAME.write_parquet(tmp_path / "t.parquet", row_group_size=size)
    found = row_groups(tmp_path / "t.parquet")
    assert found is not None
    assert sum(found) == 1000
    assert max(found) <= size
    assert len(found) == -(-1000 // size)


@pytest.mark.parametrize("compression", ["NONE", "SNAPPY", "ZSTD"])
@pytest.mark.parametrize("size", [1, 100, 333, 5000])
def test_of_files_that_pyarrow_writes(size: int, compression: str, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "t.parquet"
    table = pa.table({"a": np.arange(1000), "b": np.arange(1000) * 0.5, "c": [["x", None]] * 1000, "é": [b"1"] * 1000})
    table = table.replace_schema_metadata({"what": "ever" * 100})
    parquet.write_table(table, path, row_group_size=size, compression=compression)
    metadata = parquet.ParquetFile(path).metadata
    assert row_groups(path) == [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]


def test_of_anything_else_nothing_is_known(tmp_path: Path) -> None:
    assert row_groups(tmp_path / "missing") is None
    assert row_groups(tmp_path) is None
    for content in (b"", b"PAR1", b"x" * 100, b"PAR1" + b"\xff" * 4 + b"PAR1", b"\x49" * 50 + b"\x20\0\0\0PAR1"):
        (tmp_path / "t").write_bytes(content)
        assert row_groups(tmp_path / "t") in (None, [])


@pytest.mark.parametrize("files", [300, pytest.param(20_000, marks=pytest.mark.slow)])
def test_a_footer_that_is_damaged_is_read_to_an_end_or_not_at_all(files: int, tmp_path: Path) -> None:
    path, draw = tmp_path / "t.parquet", random.Random(0)
    FRAME.write_parquet(path, row_group_size=100)
    whole = path.read_bytes()
    footer = int.from_bytes(whole[-8:-4], "little")
    for _ in range(files):
        content = bytearray(whole[-8 - footer :])
        for _ in range(draw.randrange(1, 5)):
            content[draw.randrange(len(content))] = draw.randrange(256)
        path.write_bytes(content)
        found = row_groups(path)
        assert found is None or all(rows >= 0 for rows in found)
