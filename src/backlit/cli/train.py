"""``backlit train``: from a source of data to a saved model, judged on rows that chose nothing."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from backlit.cli import options as read_option
from backlit.cli import output

NAME = "train"
EXAMPLE = "Example: backlit train digits --layers 100,50 --epochs 20 --out digits.safetensors --plot curve.png"

OUTPUT_OF_TASK = {"classes": "softmax", "labels": "sigmoid", "numbers": "identity"}


def run(
    source: Annotated[str, typer.Argument(help="digits, iris, wine, breast-cancer, diabetes, a .npz file, X.npy,y.npy, or a folder of IDX files.")],
    target: Annotated[str | None, typer.Option(help="Name of the target in the source.")] = None,
    task: Annotated[str | None, typer.Option(help="classes, labels or numbers; found out from the target by default.")] = None,
    layers: Annotated[str, typer.Option(help="Neurons of the hidden layers, as 100,50; '' for none.")] = "100",
    activation: Annotated[str, typer.Option(help="Of the hidden layers: one name, or one a layer.")] = "relu",
    output_activation: Annotated[str | None, typer.Option("--output", help="Activation of the output layer; by default softmax for classes, sigmoid for labels, identity for numbers.")] = None,
    cost: Annotated[str | None, typer.Option(help="By default the output activation's own.")] = None,
    initializer: Annotated[str, typer.Option(help="Of the weights.")] = "auto",
    dropout: Annotated[str, typer.Option(help="Probability that a hidden neuron is left out: one, or one a layer.")] = "0",
    optimizer: Annotated[str, typer.Option(help="sgd, rmsprop, adam, adamw or lbfgs.")] = "adam",
    learning_rate: Annotated[float | None, typer.Option(help="By default the optimizer's own.")] = None,
    schedule: Annotated[str, typer.Option(help="Of the learning rate: constant, step, cosine, one-cycle, warm-up, reduce-on-plateau.")] = "constant",
    batch_size: Annotated[str | None, typer.Option(help="Rows a step, or all.  [default: 32]")] = None,
    epochs: Annotated[int, typer.Option(help="Passes over the training rows.")] = 50,
    l2: Annotated[float, typer.Option(help="λ of the penalty λ/(2n) Σ‖W‖².")] = 0.0,
    clip: Annotated[float | None, typer.Option(help="Largest global norm of a gradient.")] = None,
    class_weight: Annotated[str | None, typer.Option(help="balanced: rare classes count as much as common ones.")] = None,
    validation: Annotated[float, typer.Option(help="Share of the rows that choose the best epoch.")] = 0.2,
    test: Annotated[float, typer.Option(help="Share of the rows that choose nothing and report the score.")] = 0.2,
    early_stopping: Annotated[int | None, typer.Option(help="End after so many epochs without a better validation cost.")] = None,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    dtype: Annotated[str, typer.Option(help="float32 or float64.")] = "float32",
    engine: Annotated[str, typer.Option(help="Who executes the equations; auto takes the fastest.")] = "auto",
    out: Annotated[Path | None, typer.Option(help="Where the model goes.  [default: the source's name, made new]")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="Saves the state of the training here as it goes.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint if it is there.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Draws the learning curve to this file (.png, .svg, .pdf).")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Train a network and save it: progress as it goes, the learning curve, the score on rows that chose nothing."""
    import backlit as bl
    from backlit import data
    from backlit.cli import scores
    from backlit.data import encoding as encodings
    from backlit.formats import durable
    from backlit.training import curves

    sizes = read_option.layer_sizes(layers)
    rows_a_step = read_option.batch_size(batch_size)
    destination = out if out is not None else durable.free_name(read_option.default_name(source))
    durable.check_writable(destination, force=force)
    if plot is not None:
        curves.check_plot_path(plot, force=force)

    dataset = data.read(source, target=target)
    task = task or encodings.infer_task(dataset.known_y)
    parts = data.split(dataset.known_y, validation=validation, test=test, seed=seed, stratify=task == "classes")
    two_classes = task == "classes" and len(set(dataset.known_y.tolist())) == 2
    encoding = encodings.fit(
        dataset, parts.train, task=task, single_output=two_classes and output_activation not in (None, "softmax")
    )
    X = encoding.features(dataset.X, dtype)
    y = encoding.targets(dataset.known_y, dtype)
    network = bl.Network(
        [X.shape[1], *sizes, encoding.outputs],
        activation=read_option.names(activation),
        output=output_activation or OUTPUT_OF_TASK[encoding.task],
        initializer=initializer,
        dropout=read_option.one_or_more("dropout", dropout),
        seed=seed,
        dtype=dtype,
    )
    if not json:
        output.say(_what_is_trained(dataset, encoding, network, parts))

    held_out = (X[parts.validation], y[parts.validation]) if len(parts.validation) else None
    rule = bl.EarlyStopping(patience=early_stopping) if held_out or early_stopping is not None else None
    completed: bl.Run
    try:
        completed = bl.train(
            network,
            X[parts.train],
            y[parts.train],
            cost=cost,
            l2=l2,
            optimizer=optimizer,
            learning_rate=learning_rate,
            schedule=schedule,
            clip=clip,
            epochs=epochs,
            batch_size=rows_a_step,
            validation=held_out,
            class_weight=class_weight,
            early_stopping=rule,
            checkpoint=None if checkpoint is None else bl.Checkpoint(checkpoint, force=force),
            resume=resume,
            engine=engine,
            seed=seed,
            progress=False if json else None,
        )
    except bl.TrainingInterrupted as stop:
        completed = stop.run
        if not len(completed.history):
            raise
        _save(bl.Model(network, encoding, _provenance(dataset, parts, completed, validation, test, {})), destination, force)
        raise bl.TrainingInterrupted(f"{stop}; saved so far in {destination}", completed) from None

    model = bl.Model(network, encoding)
    found = {
        name: scores.of(model, dataset.X[rows], dataset.known_y[rows])
        for name, rows in (("validation", parts.validation), ("test", parts.test))
        if len(rows)
    }
    provenance = _provenance(dataset, parts, completed, validation, test, found)
    _save(bl.Model(network, encoding, provenance), destination, force)
    if plot is not None:
        completed.plot(plot, force=force)
    if json:
        output.print_json(
            {"scores": found, "model": str(destination), **provenance, "seconds": round(completed.seconds, 3)}
        )
        return
    print(completed.curve(width=78 if sys.stdout.isatty() else 72))
    print(_what_came_out(completed, found, destination))


def _save(model: Any, destination: Path, force: bool) -> None:
    from backlit.formats import model_file

    model_file.save(model, destination, force=force)


def _what_is_trained(dataset: Any, encoding: Any, network: Any, parts: Any) -> str:
    what = {"classes": f"{len(encoding.classes)} classes", "labels": "several labels", "numbers": "numbers"}
    return (
        f"{dataset.source}: {len(dataset.X):,} rows × {dataset.X.shape[1]} columns, target '{dataset.target}', "
        f"{what[encoding.task]}\n"
        f"{len(parts.train):,} rows train, {len(parts.validation):,} choose the best epoch, {len(parts.test):,} judge\n"
        f"{network!r}"
    )


def _what_came_out(completed: Any, scores: dict[str, dict[str, float]], destination: Path) -> str:
    lines = [
        f"{len(completed.history)} epochs in {completed.seconds:.1f} s on the {completed.engine} engine: "
        f"{completed.stopped}"
        + (f"; kept epoch {completed.best_epoch}, the best by validation" if completed.best_epoch else "")
    ]
    explained = {"validation": "validation (chose the epoch)", "test": "test (chose nothing)"}
    lines += [f"{explained[part]}: {output.scores_in_words(values)}" for part, values in scores.items()]
    return "\n".join([*lines, f"saved in {destination}"])


def _provenance(
    dataset: Any, parts: Any, completed: Any, validation: float, test: float, scores: dict[str, dict[str, float]]
) -> dict[str, Any]:
    """How the model came to be. No clocks: the same training gives the same file."""
    import numpy

    import backlit

    history = completed.history.to_dict()
    history.pop("seconds")
    return {
        "source": dataset.source,
        "fingerprint": dataset.fingerprint(),
        "rows": {"train": len(parts.train), "validation": len(parts.validation), "test": len(parts.test)},
        "split": {"validation": validation, "test": test, "seed": completed.options["seed"]},
        "options": {**completed.options, "validation": validation},
        "objective": completed.objective,
        "engine": completed.engine,
        "stopped": completed.stopped,
        "best_epoch": completed.best_epoch,
        "history": history,
        "scores": scores,
        "versions": {"backlit": backlit.__version__, "numpy": numpy.__version__},
    }
