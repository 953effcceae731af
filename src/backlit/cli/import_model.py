"""``backlit import``: a model from another format."""

from pathlib import Path
from typing import Annotated

import typer

from backlit.cli import options, output

NAME = "import"
EXAMPLES = """
backlit import net.onnx -o net.safetensors
backlit import state.safetensors -o net.safetensors --activation relu --output softmax
backlit import ex4weights.mat -o net.safetensors --classes 1,2,3,4,5,6,7,8,9,10
"""


def run(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=".onnx, .mat with Theta1, Theta2, …, or a PyTorch state dict as .safetensors.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="MODEL", help="The model file to write; FILE's name by default.")] = None,
    format: Annotated[str | None, typer.Option("--format", metavar="NAME", help="onnx, torch or mat, where the suffix does not say.")] = None,
    activation: Annotated[str | None, typer.Option("--activation", metavar="NAMES", help="Of the hidden layers, where the file does not say: one, or one a layer as relu,tanh.")] = None,
    output_: Annotated[str | None, typer.Option("--output", metavar="NAME", help="Of the outputs, where the file does not say or leaves it to its cost.")] = None,
    task: Annotated[str | None, typer.Option("--task", metavar="NAME", help="What the outputs are: classes, labels or numbers.")] = None,
    classes: Annotated[str | None, typer.Option("--classes", metavar="NAMES", help="The classes, in the order of the outputs, between commas.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the model file if it exists.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:  # fmt: skip
    """Take in a model from another format.

    It is held against its source on random rows, and the largest difference is said and kept in the model file, with
    what the source had that the network has not.
    """
    import backlit as bl
    from backlit import formats
    from backlit.cli import files
    from backlit.formats import durable

    out = out or _name(file)
    files.check_apart({"--out": out}, {"FILE": [file]})
    durable.check_writable(out, force=force)
    hidden = None if activation is None else options.names(activation)
    found = formats.import_model(file, format=format, activation=hidden, output=output_)
    model = found.model(task=task, classes=() if classes is None else options.labels(classes))
    bl.save(model, out, force=force)
    if json:
        output.print_json(
            {"file": str(file), "model": str(out), "network": repr(found.network), "task": model.encoding.task}
            | found.provenance["imported"]
        )
        return
    said = [
        ("imported", f"{found.network!r}"),
        ("verified", str(found.agreement)),
        *(("lost", what) for what in found.lost),
        ("outputs", model.encoding.task),
        ("saved in", str(out)),
    ]
    print(output.columns(said))


def _name(file: Path) -> Path:
    """FILE's name as a model file's; another where that is FILE itself."""
    named = file.with_suffix(".safetensors").name
    return Path(named if named != file.name else f"{file.stem}-model.safetensors")
