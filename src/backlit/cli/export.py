"""``backlit export``: a saved model in another format."""

from pathlib import Path
from typing import Annotated, Any

import typer

from backlit.cli import output, tables

NAME = "export"
EXAMPLES = """
backlit export digits.safetensors digits.onnx
backlit export digits.safetensors digits.onnx --rows digits
backlit export digits.safetensors digits.mat
backlit export digits.safetensors digits.torch.safetensors
"""


def run(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write: .onnx, .mat, .keras, or .safetensors (a PyTorch state dict).")],
    format: Annotated[str | None, typer.Option("--format", metavar="NAME", help="onnx, torch, mat or keras, where the suffix does not say.")] = None,
    rows: Annotated[str | None, typer.Option("--rows", metavar="SOURCE", help="Of onnx: data to compare on, instead of random rows.")] = None,
    network_only: Annotated[bool, typer.Option("--network-only", help="Of onnx: without the encoding of the columns.")] = False,
    dtype: Annotated[str | None, typer.Option("--dtype", metavar="NAME", help="float32 or float64, where not the model's own.")] = None,
    no_header: tables.NoHeader = False,
    delimiter: tables.Delimiter = None,
    characters: tables.Characters = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:  # fmt: skip
    """Write a model in another format.

    What was written is run by its own kind where that is installed (ONNX Runtime, PyTorch, Keras), and the largest
    difference to Backlit's outputs is said. ONNX takes raw columns in and gives labels out; the others hold the network
    alone.
    """
    from backlit import formats
    from backlit.cli import files
    from backlit.formats import durable, model_file

    files.check_apart({"OUT": out}, {"MODEL": [model]})
    durable.check_writable(out, force=force)
    held = model_file.read(model)
    raw = None if rows is None else _rows(held, rows, tables.options(no_header, delimiter, characters), network_only)
    done = formats.export(held, out, format=format, rows=raw, network_only=network_only, dtype=dtype, force=force)
    if json:
        agreed = None if done.agreement is None else done.agreement.to_dict()
        what = {"model": str(model), "file": done.file, "format": done.format, "agreement": agreed}
        output.print_json(what | {"lost": list(done.lost)} | done.facts)
        return
    facts = "".join(f", {name} {value}" for name, value in done.facts.items())
    print(
        output.columns(
            [
                ("written", f"{done.file}, {done.format}{facts}"),
                ("verified", str(done.agreement) if done.agreement else "no: what would run it is not installed"),
                *(("without", what) for what in done.lost),
            ]
        )
    )


def _rows(held: Any, source: str, given: dict[str, Any], network_only: bool) -> Any:
    """Raw rows of a source, as what is exported takes them; a target in it is not looked at."""
    from backlit import data
    from backlit.cli import matching
    from backlit.model import Model

    if not isinstance(held, Model):
        return data.read(source, needs_target=False, **given).X
    known, given = held.encoding.table, tables.as_in_training(held, source, given)
    raw = data.open_raw(source, **given)
    if raw is None or known is None:
        dataset = data.read(source, needs_target=False, **given)
        matching.check_columns(held, dataset)
        rows = dataset.X
    else:
        rows = _frame(held, raw)
    return held.encoding.features(rows, held.network.dtype) if network_only else rows


def _frame(held: Any, raw: Any) -> Any:
    """A table's rows in one frame, its columns under the names that the model knows."""
    import polars as pl

    from backlit.data.tables.known import as_known
    from backlit.data.tables.reading import parts_of
    from backlit.errors import DataError

    raw = as_known(raw, held.encoding.table, parts_of(held.encoding.target))
    tables.say(raw.remarks)
    blocks = list(raw.blocks(None))
    if not blocks:
        raise DataError(f"{raw.source}: has names and no rows")
    return pl.concat(blocks, how="vertical_relaxed")
