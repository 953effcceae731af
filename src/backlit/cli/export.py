"""``backlit export``: a saved model in another format."""

from pathlib import Path
from typing import Annotated, Any

import typer

from backlit.cli import output

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
    raw = None if rows is None else _rows(held, rows, network_only)
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


def _rows(held: Any, source: str, network_only: bool) -> Any:
    """Raw rows of a source, as what is exported takes them."""
    from backlit import data
    from backlit.cli import matching
    from backlit.model import Model

    dataset = data.read(source)
    if not isinstance(held, Model):
        return dataset.X
    matching.check_columns(held, dataset)
    return held.encoding.features(dataset.X, held.network.dtype) if network_only else dataset.X
