"""``backlit inspect``: what is in a model file."""

from pathlib import Path
from typing import Annotated, Any

import typer

from backlit.cli import output

NAME = "inspect"
EXAMPLES = """
backlit inspect digits.safetensors
backlit inspect digits.safetensors --json
"""

MOST_NAMED = 20
"""Columns or classes that are listed, of however many there are."""


def run(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Show what is in a model file.

    Its layers and parameters, what goes in and comes out, the objective (fused or not) and how it was trained.
    """
    from backlit.formats import model_file
    from backlit.model import Model

    held = model_file.read(model)
    network = held.network if isinstance(held, Model) else held
    described: dict[str, Any] = {"file": str(model), "network": _network(network)}
    if isinstance(held, Model):
        described |= {"data": _data(held.encoding), "training": held.provenance}
    if json:
        output.print_json(described)
        return
    print(output.printable(f"{model}: {described['network']['parameters']:,} parameters, {network.dtype}"))
    print(_layers(described["network"]))
    if isinstance(held, Model):
        print(output.columns(_data_in_words(described["data"]) + _training_in_words(held.provenance)))
        if described["data"]["table"]:
            print("\nwhat became of each column")
            print(output.columns([(c["column"], f"{_count(c)}{c['became']}") for c in described["data"]["table"]]))
    else:
        print("a network alone: it says nothing of the data, nor of how it was trained")


def _network(network: Any) -> dict[str, Any]:
    return {
        "sizes": list(network.sizes),
        "parameters": int(network.parameters.size),
        "dtype": str(network.dtype),
        "initializer": network.initializer,
        "seed": network.seed,
        "layers": [
            {
                "layer": layer.number,
                "neurons": layer.W.shape[0],
                "activation": layer.activation.name,
                "dropout": layer.dropout,
                "weights": int(layer.W.size),
                "biases": int(layer.b.size),
                "largest_weight": float(abs(layer.W).max()),
            }
            for layer in network.layers
        ],
    }


def _layers(network: dict[str, Any]) -> str:
    """A line a layer; layer 1 is the input and has no weights."""
    heads = ("layer", "neurons", "activation", "weights", "biases", "dropout", "largest |W|")
    rows = [heads, ("1", f"{network['sizes'][0]:,}", "(input)", *[""] * 4)]
    for layer in network["layers"]:
        counts = (f"{layer['weights']:,}", f"{layer['biases']:,}", f"{layer['dropout']:g}" if layer["dropout"] else "-")
        head = (str(layer["layer"]), f"{layer['neurons']:,}", layer["activation"])
        rows.append((*head, *counts, f"{layer['largest_weight']:.3g}"))
    return output.table(rows)


def _data(encoding: Any) -> dict[str, Any]:
    return {
        "columns": list(encoding.columns),
        "image_shape": encoding.image_shape and list(encoding.image_shape),
        "full_scale": encoding.full_scale,
        "as_they_are": encoding.table is None and not encoding.offset.any() and bool((encoding.scale == 1).all()),
        "task": encoding.task,
        "target": encoding.target,
        "outputs": encoding.outputs,
        "classes": list(encoding.classes),
        "inputs": list(encoding.inputs),
        "table": _table(encoding.table),
    }


def _table(table: Any) -> list[dict[str, Any]] | None:
    """What became of each column of a table."""
    if table is None:
        return None
    return [
        {"column": column.name, "kind": column.kind, "inputs": list(column.inputs), "became": column.in_words()}
        for column in table.columns
    ]


def _data_in_words(data: dict[str, Any]) -> list[tuple[str, str]]:
    names, shape, outputs = data["columns"], data["image_shape"], data["outputs"]
    kind = f"the pixels of images of {shape[0]} × {shape[1]}" if shape else _some(names)
    scaled = f"divided by {data['full_scale']:g}" if data["full_scale"] else "standardised as the training rows were"
    if data["as_they_are"]:
        scaled = "taken as they are"
    what = {
        "classes": f"one of {len(data['classes'])} classes: {_some(data['classes'])}",
        "labels": f"{outputs} label{'s' * (outputs > 1)}, each yes or no",
        "numbers": f"{outputs} number{'s' * (outputs > 1)}",
    }
    if data["table"]:
        scaled = f"{len(data['inputs']):,} inputs (see below)"
    return [
        ("inputs", f"{len(names):,} column{'s' * (len(names) > 1)}, {scaled}: {kind}"),
        ("target", f"{data['target']}, {what[data['task']]}"),
    ]


def _count(column: dict[str, Any]) -> str:
    inputs = len(column["inputs"])
    return f"{inputs} input{'s' * (inputs != 1)}: " if inputs else ""


def _some(names: list[Any]) -> str:
    return ", ".join(map(str, names[:MOST_NAMED])) + (", …" if len(names) > MOST_NAMED else "")


def _training_in_words(provenance: dict[str, Any]) -> list[tuple[str, str]]:
    """How it was trained, as far as the file says: anybody may have written it, so nothing is taken for granted."""
    rows = [
        (word, provenance[key])
        for word, key in (("objective", "objective"), ("trained on", "source"), ("ended", "stopped"))
        if isinstance(provenance.get(key), str)
    ]
    if isinstance(provenance.get("best_epoch"), int):
        rows.append(("kept", f"epoch {provenance['best_epoch']}, the best by validation"))
    for key in ("refit", "rows", "scores", "options"):
        if isinstance(provenance.get(key), dict):
            rows.append((key, _in_words(provenance[key])))
    return rows + _import_in_words(provenance.get("imported"))


def _import_in_words(imported: Any) -> list[tuple[str, str]]:
    """Where a network of another format came from, how nearly it computes the same, and what was lost."""
    if not isinstance(imported, dict):
        return []
    rows = [("imported", f"from {imported.get('from')} ({imported.get('format')})")]
    if isinstance(imported.get("agreement"), dict):
        rows.append(("verified", _in_words(imported["agreement"])))
    lost = imported.get("lost")
    return rows + [("lost", str(what)) for what in (lost if isinstance(lost, list) else [])]


def _in_words(values: dict[str, Any]) -> str:
    """Names and values, those left out that are off or absent."""
    shown = {name: value for name, value in values.items() if value is not None and value is not False}
    return ", ".join(f"{name.replace('_', ' ')} {_value(name, value)}" for name, value in shown.items())


def _value(name: str, value: Any) -> str:
    """What is named within a value goes first, the rest of it in brackets."""
    if isinstance(value, dict):
        inner = {key: item for key, item in value.items() if key != "name"}
        return " ".join(filter(None, (str(value.get("name", "")), f"({_in_words(inner)})" if inner else "")))
    if isinstance(value, float):
        return output.number(name, value)
    return f"{value:,}" if isinstance(value, int) and name != "seed" else str(value)
