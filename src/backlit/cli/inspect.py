"""``backlit inspect``: what is in a model file."""

from pathlib import Path
from typing import Annotated, Any

import typer

from backlit.cli import output

NAME = "inspect"
EXAMPLE = "Example: backlit inspect digits.safetensors"


def run(
    model: Annotated[Path, typer.Argument(help="A model file.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Show a model's layers and parameters, its objective, what goes in and out, and how it was trained."""
    from backlit.formats import model_file
    from backlit.model import Model

    held = model_file.read(model)
    loaded = held if isinstance(held, Model) else None
    network = held.network if isinstance(held, Model) else held
    described: dict[str, Any] = {"file": str(model), "network": _network(network)}
    if loaded:
        described |= {"data": _data(loaded.encoding), "training": loaded.provenance}
    if json:
        output.print_json(described)
        return
    print(f"{model}: {network!r}")
    print(_layers(network))
    if loaded is None:
        print("a network alone: no encoding of data, no word of how it was trained")
        return
    print(output.columns([(word.replace("_", " "), str(what)) for word, what in described["data"].items()], ""))
    trained = _training(loaded.provenance)
    if trained:
        print(output.columns(trained, ""))


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


def _layers(network: Any) -> str:
    """A line a layer; layer 1 is the input and has no weights."""
    heads = ("layer", "neurons", "activation", "weights", "biases", "dropout", "largest |W|")
    rows = [("1", f"{network.sizes[0]:,}", "(input)", "", "", "", "")]
    for layer in _network(network)["layers"]:
        rows.append(
            (
                str(layer["layer"]), f"{layer['neurons']:,}", layer["activation"], f"{layer['weights']:,}",
                f"{layer['biases']:,}", f"{layer['dropout']:g}" if layer["dropout"] else "-",
                f"{layer['largest_weight']:.3g}",
            )
        )  # fmt: skip
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    return "\n".join("  ".join(f"{cell:>{w}}" for cell, w in zip(row, widths, strict=True)) for row in [heads, *rows])


def _data(encoding: Any) -> dict[str, Any]:
    size = f" ({encoding.image_shape[0]} × {encoding.image_shape[1]} pixels)" if encoding.image_shape else ""
    scaled = f"divided by {encoding.full_scale:g}" if encoding.full_scale else "standardised by the training rows"
    out = {
        "classes": ", ".join(map(str, encoding.classes)),
        "labels": f"{encoding.outputs} labels, each yes or no",
        "numbers": f"{encoding.outputs} number{'s' * (encoding.outputs > 1)}, in their own units",
    }
    return {
        "inputs": f"{len(encoding.columns)} columns{size}, {scaled}",
        "target": f"'{encoding.target}': {encoding.task}",
        "outputs": out[encoding.task],
    }


def _training(provenance: dict[str, Any]) -> list[tuple[str, str]]:
    """How it was trained, as far as the file says."""
    rows = []
    for word, key in (("objective", "objective"), ("trained on", "source"), ("ended", "stopped")):
        if isinstance(provenance.get(key), str):
            rows.append((word, provenance[key]))
    if isinstance(provenance.get("rows"), dict):
        rows.append(("rows", ", ".join(f"{count:,} {part}" for part, count in provenance["rows"].items())))
    options = provenance.get("options")
    if isinstance(options, dict):
        shown = {k: v for k, v in options.items() if v not in (None, False, 0.0) and k != "cost"}
        rows.append(("options", ", ".join(f"{k} {_short(v)}" for k, v in shown.items())))
    scores = provenance.get("scores")
    if isinstance(scores, dict):
        rows += [(f"{part} score", output.scores_in_words(values)) for part, values in scores.items()]
    return rows


def _short(value: Any) -> str:
    if isinstance(value, dict) and "name" in value:
        rest = ", ".join(f"{k} {v}" for k, v in value.items() if k != "name")
        return f"{value['name']} ({rest})" if rest else str(value["name"])
    if isinstance(value, dict):
        return "(" + ", ".join(f"{k} {v}" for k, v in value.items()) + ")"
    return str(value)
