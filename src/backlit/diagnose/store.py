"""A lens's record in a folder of Parquet files, written part by part while the training runs.

    digits.lens/about.json                    of which training, and at its end the history and the cause of a failure
    digits.lens/steps-0000000000.parquet      one row a step; the number is the part's first step
    digits.lens/layers-0000000000.parquet     one row a step and layer
    digits.lens/rows-0000000000.parquet       one row a step and row of the data
    digits.lens/histograms-0000000000.parquet one row a histogram, where they were asked for
    digits.lens/before.safetensors            the network just before the step that diverged, where one did

Each file is written beside its name, synced and renamed, ``steps`` last: a part counts when that one is there, so what
was written before a crash stays readable, by this module or by any reader of Parquet (``steps-*.parquet``).
"""

import io
import json
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, replace
from math import isfinite
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from backlit.diagnose.record import BY_LAYER, BY_ROW, BY_STEP, About, Cause, Histogram, LensRecord, joined
from backlit.errors import BacklitError, DataError, OutputPathError
from backlit.formats import durable, model_file

KIND, VERSION = "backlit lens", 1
ABOUT, BEFORE = "about.json", "before.safetensors"
TABLES = ("histograms", "rows", "layers", "steps")


class Store:
    """The folder of one training's record, and the thread that writes into it.

    Raises:
        OutputPathError: the folder is there already and ``force`` is not set, holds something else, or cannot be made.
    """

    def __init__(self, path: str | PathLike[str], *, force: bool) -> None:
        self.path = Path(path)
        check_free(self.path, force=force)
        try:
            self.path.mkdir(exist_ok=True)
        except OSError as failure:
            raise durable.explained(self.path, failure) from None
        for file in _own_files(self.path):
            file.unlink()
        self._writer = ThreadPoolExecutor(1, "backlit lens")
        self._last: Future[None] | None = None

    def write(self, parts: list[dict[str, Any]], about: About, histograms: Iterable[Histogram]) -> None:
        """Hands arrays over to be written: returns at once, unless the part before is not done yet."""
        self.wait()
        self._last = self._writer.submit(self._write, parts, about, tuple(histograms))

    def wait(self) -> None:
        """Until what was handed over is in the folder.

        Raises:
            OutputPathError: it could not be written.
        """
        if self._last is not None:
            last, self._last = self._last, None
            last.result()

    def describe(self, record: LensRecord) -> None:
        """Writes what is known of the training so far: of which it is, its history, the cause of its failure."""
        document = {
            "format": KIND,
            "version": VERSION,
            "about": asdict(record.about),
            "history": list(record.history),
            "stopped": record.stopped,
            "cause": None,
        }
        if record.cause is not None:
            rows = None if record.cause.rows is None else record.cause.rows.tolist()
            document["cause"] = {"where": record.cause.where, "message": record.cause.message, "rows": rows}
            if record.cause.network is not None:
                model_file.save(record.cause.network, self.path / BEFORE, force=True)
        durable.write(self.path / ABOUT, json.dumps(_as_json(document), indent=1).encode())

    def close(self) -> None:
        """Waits, and lets the thread go."""
        try:
            self.wait()
        finally:
            self._writer.shutdown()

    def _write(self, parts: list[dict[str, Any]], about: About, histograms: tuple[Histogram, ...]) -> None:
        record = joined(about, parts)
        if histograms:
            columns = {name: [_plain(getattr(h, name)) for h in histograms] for name in Histogram.__dataclass_fields__}
            self._write_table("histograms", histograms[0].step, columns)
        if len(record):
            first = int(record.step[0])
            self._write_table("rows", first, record.rows_table())
            self._write_table("layers", first, _keyed(record))
            self._write_table("steps", first, {name: getattr(record, name) for name in BY_STEP})

    def _write_table(self, table: str, first: int, columns: dict[str, Any]) -> None:
        durable.write(self.path / f"{table}-{first:010d}.parquet", _parquet(columns))


def check_free(path: Path, *, force: bool) -> None:
    """Whether a record can be written there: asked before the training.

    Raises:
        OutputPathError: as of :class:`Store`.
    """
    if path.is_dir():
        strangers = [file for file in path.iterdir() if not file.name.startswith(".")]
        if strangers and not (path / ABOUT).is_file():
            raise OutputPathError(f"{path} is a folder with something else in it; choose another name for the lens")
        if strangers and not force:
            raise OutputPathError(f"{path} exists; force overwrites it, or choose another name for the lens")
        return
    if path.exists():
        raise OutputPathError(f"{path} is a file, and the lens writes a folder; choose another name")
    durable.check_writable(path, force=force)


def read_lens(path: str | PathLike[str]) -> LensRecord:
    """The record in a folder that a lens wrote: of a training that is over, failed, was killed or still runs.

    Raises:
        DataError: there is no such folder, it is no lens's, or its files are damaged.
    """
    import polars

    folder = Path(path)
    try:
        document = _from_json(json.loads((folder / ABOUT).read_text("utf-8")))
        if document["format"] != KIND or document["version"] > VERSION:
            raise DataError(f"{folder} is of another kind or a later version of Backlit: it cannot be read as a lens")
        given: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in document["about"].items()}
        about = About(**given)
        parts, histograms = [], []
        for steps in sorted(folder.glob("steps-*.parquet")):
            number = steps.stem.partition("-")[2]
            tables = {n: polars.read_parquet(folder / f"{n}-{number}.parquet") for n in ("steps", "layers", "rows")}
            parts.append(_arrays(tables, about))
        for file in sorted(folder.glob("histograms-*.parquet")):
            histograms += _histograms(polars.read_parquet(file))
        cause = document["cause"]
        return joined(
            about,
            parts,
            histograms=tuple(histograms),
            cause=None if cause is None else _cause(folder, cause),
            history=tuple(document["history"]),
            stopped=document["stopped"],
        )
    except FileNotFoundError:
        raise DataError(f"{folder} is no record of a lens: a folder with {ABOUT} and Parquet files in it") from None
    except (KeyError, TypeError, ValueError, AttributeError, OSError, polars.exceptions.PolarsError) as failure:
        if isinstance(failure, BacklitError):
            raise
        raise DataError(f"{folder} is damaged: {str(failure).splitlines()[0]}; record it anew") from None


def _own_files(folder: Path) -> list[Path]:
    found = [folder / ABOUT, folder / BEFORE]
    found += [file for name in TABLES for file in folder.glob(f"{name}-*.parquet")]
    return [file for file in found if file.is_file()]


def _keyed(record: LensRecord) -> dict[str, Any]:
    table = record.layers_table()
    return {name: table[name] for name in ("step", "layer", *BY_LAYER)}


def _parquet(columns: dict[str, Any]) -> bytes:
    import polars

    stream = io.BytesIO()
    polars.DataFrame(columns).write_parquet(stream, compression="zstd", compression_level=1)
    return stream.getvalue()


def _arrays(tables: dict[str, Any], about: About) -> dict[str, Any]:
    steps, layers, rows = tables["steps"], tables["layers"], tables["rows"]
    shape = (len(steps), about.L - 1)
    found = {name: steps[name].to_numpy() for name in BY_STEP}
    found |= {name: layers[name].to_numpy().reshape(shape) for name in BY_LAYER}
    found |= {name: rows[name].to_numpy() for name in BY_ROW}
    if int(found["m"].sum()) != len(rows):
        raise ValueError("its rows are not those of its steps")
    return found


def _histograms(table: Any) -> list[Histogram]:
    found = [Histogram(**row) for row in table.to_dicts()]
    return [
        replace(h, counts=np.array(h.counts, dtype=np.int64), edges=np.array(h.edges, dtype=np.float64)) for h in found
    ]


def _cause(folder: Path, cause: dict[str, Any]) -> Cause:
    before, rows = folder / BEFORE, cause["rows"]
    return Cause(
        cause["where"],
        cause["message"],
        model_file.load(before) if before.is_file() else None,
        None if rows is None else np.array(rows, dtype=np.int64),
    )


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def _as_json(value: Any) -> Any:
    """Infinity and what is no number have no place in JSON: as text."""
    if isinstance(value, dict):
        return {name: _as_json(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_json(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    return str(value) if isinstance(value, float) and not isfinite(value) else value


def _from_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _from_json(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_from_json(entry) for entry in value]
    return float(value) if value in ("inf", "-inf", "nan") else value
