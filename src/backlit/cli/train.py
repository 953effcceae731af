"""``backlit train``: read → split → encode → network → train → judge → save."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from backlit.cli import files, output, tables
from backlit.cli import options as read_option
from backlit.errors import DivergenceError, OptionError, OutputPathError

NAME = "train"
EXAMPLES = """
backlit train digits
backlit train titanic.csv --target Survived
backlit train digits --layers 100,50 --dropout 0.2 --plot curve.png
backlit train diabetes --layers 20 --l2 1 --early-stopping 10 --json
backlit train mnist --epochs 100 --checkpoint mnist.checkpoint
backlit train mnist --epochs 100 --checkpoint mnist.checkpoint --resume
backlit train digits --layers 100,50 --lens digits.lens
backlit train digits --checkpoint c --checkpoint-every 5 --keep 3
"""

OUTPUT_OF_TASK = {"classes": "softmax", "labels": "sigmoid", "numbers": "identity"}

DATA, NETWORK, TRAINING, RESULTS = "Data", "Network", "Training", "Results"

BY_RULE = "  [default: by rule]"


def run(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="{sources}; a .csv or .parquet table; openml:NAME; an .npz file; X.npy,y.npy; a folder of IDX files.")],
    target: Annotated[str | None, typer.Option(rich_help_panel=DATA, metavar="NAME", help="The column of a table that is the target (several as a,b; without names its place), or the array of an .npz file.  [default: y, Y, target or labels; without names the last column]")] = None,
    task: Annotated[str | None, typer.Option(rich_help_panel=DATA, metavar="TASK", help="classes, labels (several at once, each 0 or 1) or numbers.  [default: seen from the target]")] = None,
    validation: Annotated[float, typer.Option(rich_help_panel=DATA, metavar="SHARE", parser=read_option.number, help="Of the rows: they choose the best epoch; 0 for none.")] = 0.2,
    test: Annotated[float, typer.Option(rich_help_panel=DATA, metavar="SHARE", parser=read_option.number, help="Of the rows: they choose nothing, and report the score; 0 for none.")] = 0.2,
    no_header: tables.NoHeader = False,
    delimiter: tables.Delimiter = None,
    characters: tables.Characters = None,
    window: Annotated[int | None, typer.Option(rich_help_panel=DATA, metavar="ROWS", parser=read_option.at_least_one, help="Keep the encoded rows in a file while training, and shuffle so many together: for data larger than the memory.")] = None,
    class_weight: Annotated[str | None, typer.Option(rich_help_panel=DATA, metavar="balanced", help="Rare classes count as much as common ones.")] = None,
    layers: Annotated[str | None, typer.Option(rich_help_panel=NETWORK, metavar="N,N,…", help="Neurons of the hidden layers; '' for no hidden layer." + BY_RULE)] = None,
    activation: Annotated[str | None, typer.Option(rich_help_panel=NETWORK, metavar="NAME", help="Of the hidden layers, one or one a layer as relu,tanh: {activations}." + BY_RULE)] = None,
    output_activation: Annotated[str | None, typer.Option("--output", rich_help_panel=NETWORK, metavar="NAME", help="Activation of the output layer: one of those, {output_activations}.  [default: " + ", ".join(f"{name} for {task}" for task, name in OUTPUT_OF_TASK.items()) + "]")] = None,
    initializer: Annotated[str, typer.Option(rich_help_panel=NETWORK, metavar="NAME", help="Of the weights: {initializers}; auto takes one by the activation.")] = "auto",
    dropout: Annotated[str | None, typer.Option(rich_help_panel=NETWORK, metavar="P", help="Probability that a hidden neuron is left out of a step; one, or one a layer as 0.2,0.5." + BY_RULE)] = None,
    dtype: Annotated[str, typer.Option(rich_help_panel=NETWORK, metavar="TYPE", help="Of every number: {dtypes}.")] = "float32",
    cost: Annotated[str | None, typer.Option(rich_help_panel=TRAINING, metavar="NAME", help="{costs}.  [default: the one of the output activation; of sigmoid for numbers, quadratic]")] = None,
    l2: Annotated[float, typer.Option(rich_help_panel=TRAINING, metavar="λ", parser=read_option.number, help="Strength of the penalty λ/(2n) Σ‖W‖² on the weights.")] = 0.0,
    label_smoothing: Annotated[float | None, typer.Option(rich_help_panel=TRAINING, metavar="ε", parser=read_option.number, help="Share of each label that is spread over all classes, as 0.1." + BY_RULE)] = None,
    optimizer: Annotated[str | None, typer.Option(rich_help_panel=TRAINING, metavar="NAME", help="{optimizers}." + BY_RULE)] = None,
    learning_rate: Annotated[float | None, typer.Option(rich_help_panel=TRAINING, metavar="η", parser=read_option.number, help="How far a step goes.  [default: by rule; of an --optimizer, its own]")] = None,
    momentum: Annotated[float | None, typer.Option(rich_help_panel=TRAINING, metavar="μ", parser=read_option.number, help="Of --optimizer sgd, as 0.9.  [default: 0]")] = None,
    nesterov: Annotated[bool, typer.Option("--nesterov", rich_help_panel=TRAINING, help="Look ahead along the momentum.")] = False,
    schedule: Annotated[str | None, typer.Option(rich_help_panel=TRAINING, metavar="NAME", help="Of the learning rate: {schedules}.  [default: by rule; of an --optimizer, constant]")] = None,
    batch_size: Annotated[str | None, typer.Option(rich_help_panel=TRAINING, metavar="N", help="Rows a step, or all." + BY_RULE)] = None,
    epochs: Annotated[int | None, typer.Option(rich_help_panel=TRAINING, metavar="N", parser=read_option.at_least_one, help="Passes over the training rows." + BY_RULE)] = None,
    time: Annotated[str | None, typer.Option(rich_help_panel=TRAINING, metavar="TIME", help="As 30s, 5m or 1h: the training ends within it, and its schedule with it. The clock decides then: the same seed no longer gives the same model.")] = None,
    clip: Annotated[float | None, typer.Option(rich_help_panel=TRAINING, metavar="NORM", parser=read_option.number, help="The largest norm a gradient may have.")] = None,
    early_stopping: Annotated[int | None, typer.Option(rich_help_panel=TRAINING, metavar="N", parser=read_option.at_least_one, help="Stop after so many epochs without a better validation cost.")] = None,
    seed: Annotated[int, typer.Option(rich_help_panel=TRAINING, metavar="N", parser=read_option.whole, help="Draws all that is random: the same seed gives the same model.")] = 0,
    engine: Annotated[str, typer.Option(rich_help_panel=TRAINING, metavar="NAME", help="What executes the equations; auto takes the fastest that can (see backlit info).")] = "auto",
    out: Annotated[Path | None, typer.Option("--out", "-o", rich_help_panel=RESULTS, metavar="FILE", help="Where the model goes.  [default: SOURCE.safetensors, or a new name like it]")] = None,
    plot: Annotated[Path | None, typer.Option(rich_help_panel=RESULTS, metavar="FILE", help="Draw the learning curve to a .png, .svg or .pdf file.")] = None,
    lens: Annotated[Path | None, typer.Option(rich_help_panel=RESULTS, metavar="FOLDER", help="Record every step, layer by layer and row by row, in Parquet files that can be read while it trains; show it at the end.")] = None,
    checkpoint: Annotated[Path | None, typer.Option(rich_help_panel=RESULTS, metavar="FILE", help="Save the whole state of the training here, again and again and at a stop.")] = None,
    checkpoint_every: Annotated[str, typer.Option(rich_help_panel=RESULTS, metavar="N|Ns", help="How often: after so many epochs, as 5, or seconds, as 30s.")] = "10s",
    keep: Annotated[int, typer.Option(rich_help_panel=RESULTS, metavar="N", parser=read_option.at_least_one, help="Of the checkpoints, the last so many: FILE, FILE.1, …; a damaged one falls back to the one before it.")] = 2,
    resume: Annotated[bool, typer.Option("--resume", rich_help_panel=RESULTS, help="Go on from the checkpoint, if it is there.")] = False,
    force: Annotated[bool, typer.Option("--force", rich_help_panel=RESULTS, help="Overwrite files that exist.")] = False,
    json: Annotated[bool, typer.Option("--json", rich_help_panel=RESULTS, help="One JSON document on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", rich_help_panel=RESULTS, help="No progress and no curve, the result alone.")] = False,
) -> None:
    """Train a network and save it.

    The rows are split in three: some train, some choose the best epoch, and some do neither and report the score.
    What you do not ask for is chosen by rules on rows, columns and task, and said.
    """
    import backlit as bl
    from backlit import data
    from backlit.cli import provenance, scores, stored
    from backlit.formats import model_file
    from backlit.training import defaults

    given = {
        "layers": None if layers is None else read_option.layer_sizes(layers),
        "activation": None if activation is None else read_option.names(activation),
        "dropout": None if dropout is None else read_option.one_or_more("dropout", dropout),
        "batch_size": read_option.batch_size(batch_size), "optimizer": _optimizer(optimizer, momentum, nesterov),
        "label_smoothing": label_smoothing, "learning_rate": learning_rate, "schedule": schedule, "epochs": epochs, "l2": l2,
    }  # fmt: skip
    place = _checkpoint(checkpoint, checkpoint_every, keep, force=force)
    destination = _check_files(source, out, plot, checkpoint, lens, resume=resume, force=force)

    with tables.progress(source, watching=not quiet) as tell:
        dataset = data.read(
            source, target=target, progress=tell, stream=window is not None,
            **tables.options(no_header, delimiter, characters),
        )
        parts = _split(dataset, task, validation, test, seed)
        encoding = _encode(dataset, parts, task, output_activation)
        make_room, to_train_on = stored.room(window, destination)
        X, y = data.encode_parts(dataset, encoding, vars(parts), dtype, make_room), encoding.targets(dataset.known_y, dtype)
    tables.say(_remarks(dataset, encoding, y, class_weight), quiet=quiet)

    settled = defaults.choose(
        len(parts.train), len(encoding.inputs), encoding.task, pixels=encoding.full_scale is not None, given=given
    )
    network = bl.Network(
        [len(encoding.inputs), *settled.layers, encoding.outputs],
        activation=settled.activation, output=output_activation or OUTPUT_OF_TASK[encoding.task],
        initializer=initializer, dropout=settled.dropout, seed=seed, dtype=dtype,
    )
    reach = network.activations[-1]  # held-out numbers may lie beyond it, and its end is as near to them as it comes
    y = y.clip(reach.lowest, reach.highest)
    held_out = (to_train_on(X["validation"]), y[parts.validation]) if len(parts.validation) else None
    keep_the_best = bl.EarlyStopping(patience=early_stopping) if held_out or early_stopping is not None else None
    watching = not quiet and sys.stderr is not None and sys.stderr.isatty()
    interruption = None
    try:
        completed = bl.train(
            network, to_train_on(X["train"]), y[parts.train], validation=held_out, class_weight=class_weight,
            cost=_cost_of(encoding, output_activation, cost), l2=l2, label_smoothing=settled.label_smoothing,
            optimizer=settled.make_optimizer(),
            learning_rate=None if optimizer is None else learning_rate, schedule=settled.schedule, clip=clip,
            batch_size=settled.batch_size, epochs=settled.epochs, time=time, early_stopping=keep_the_best, seed=seed,
            engine=engine, checkpoint=place, resume=resume,
            callbacks=[
                *([_announcement(_what_is_trained(dataset, encoding, network, parts, settled))] if watching else []),
                *([] if lens is None else [bl.Lens(path=lens, force=force, row_numbers=parts.train)]),
            ],
            progress=watching,
        )
    except bl.DivergenceError as divergence:
        raise _in_rows_of_the_source(divergence, parts.train) from None
    except bl.TrainingInterrupted as stop:
        interruption, completed = stop, stop.run
        if stop.at_once:
            raise
        if not len(completed.history):
            nothing = "interrupted before an epoch was completed: there is nothing to save"
            raise bl.TrainingInterrupted(nothing + _how_to_go_on(checkpoint), completed, signal=stop.signal) from None

    judges = {part: rows for part, rows in vars(parts).items() if part in X and part != "train"}
    found = {part: scores.of(encoding, network.predict(X[part]), dataset.known_y[rows]) for part, rows in judges.items()}

    came_from = provenance.of(dataset, parts, validation, test, completed, found) | {"chosen": settled.to_dict()}
    saved = _unless_taken(destination, force=force)
    model_file.save(bl.Model(network, encoding, came_from), saved, force=force)
    if plot is not None:
        completed.plot(_unless_taken(plot, force=force), force=force)

    if json:
        _print_document(completed, came_from, saved)
    else:
        what = {"target": tables.task_in_words(encoding, task is not None), "by rule": str(settled)}
        _print_for_people(what, completed, came_from, saved, curve=not quiet)
    if interruption is not None:
        raise bl.TrainingInterrupted(
            f"{interruption}, and saved{_how_to_go_on(checkpoint)}", completed, signal=interruption.signal
        )


# --- what is asked for -----------------------------------------------------------------------------------------------


def _optimizer(name: str | None, momentum: float | None, nesterov: bool) -> Any:
    """The name, for bl.train to look up; with momentum, the optimizer that has it."""
    if momentum is None and not nesterov:
        return name
    if name != "sgd":
        raise OptionError(f"--momentum and --nesterov belong to --optimizer sgd, and the optimizer is {name or 'adam'}")
    if nesterov and not momentum:
        raise OptionError("--nesterov looks ahead along the momentum: give it some, as --momentum 0.9")
    from backlit.optimizers import SGD

    return SGD(momentum=momentum or 0.0, nesterov=nesterov)


def _checkpoint(path: Path | None, every: str, keep: int, *, force: bool) -> Any:
    from backlit import Checkpoint

    interval: Any = read_option.interval(every)
    return None if path is None else Checkpoint(path, keep=keep, force=force, **interval)


def _check_files(
    source: str, out: Path | None, plot: Path | None, checkpoint: Path | None, lens: Path | None, *, resume: bool,
    force: bool,
) -> Path:
    """Where the model goes; found out before the training that all of them can be written after it."""
    from backlit.diagnose import store
    from backlit.formats import durable
    from backlit.training import curves

    named = read_option.default_name(source)
    model = out if out is not None else named if force else durable.free_name(named)
    written = {"--out": model, "--plot": plot, "--checkpoint": checkpoint, "--lens": lens}
    files.check_apart(written, {"SOURCE": files.of_source(source)})
    if resume and checkpoint is None:
        raise OptionError("--resume needs to know from where: give the file as --checkpoint FILE")
    if checkpoint is not None and checkpoint.is_file() and not resume and not force:
        raise OutputPathError(f"{checkpoint} exists; --resume goes on from it, --force starts anew and overwrites it")
    durable.check_writable(model, force=force)
    if plot is not None:
        curves.check_plot_path(plot, force=force)
    if checkpoint is not None:
        durable.check_writable(checkpoint, force=force or resume)
    if lens is not None:
        store.check_free(lens, force=force or resume)
    return model


def _unless_taken(path: Path, *, force: bool) -> Path:
    """The path, which was free before the training; one beside it if something has taken its name since."""
    from backlit.formats import durable

    if force or not path.exists():
        return path
    beside = durable.free_name(path)
    output.say(f"{path} appeared during the training and stays as it is: written to {beside} in its place")
    return beside


# --- the data --------------------------------------------------------------------------------------------------------


def _split(dataset: Any, task: str | None, validation: float, test: float, seed: int) -> Any:
    from backlit import data
    from backlit.data.encoding import infer_task

    y = dataset.known_y
    return data.split(y, validation=validation, test=test, seed=seed, stratify=(task or infer_task(y)) == "classes")


def _encode(dataset: Any, parts: Any, task: str | None, output_activation: str | None) -> Any:
    """The encoding, fitted on the training rows. Two classes share one output, unless it is softmax."""
    import numpy as np

    from backlit.data import encoding

    y = dataset.known_y
    task = task or encoding.infer_task(y)
    single_output = (
        task == "classes" and y.ndim == 1 and output_activation not in (None, "softmax") and len(np.unique(y)) == 2
    )
    reach = output_activation or OUTPUT_OF_TASK.get(task, "identity")
    return encoding.fit(dataset, parts.train, task=task, single_output=single_output, output=reach)


def _cost_of(encoding: Any, output_activation: str | None, cost: str | None) -> str | None:
    """The cost that was asked for; numbers are no probabilities, so a sigmoid has not its own but the quadratic one."""
    if encoding.task != "numbers":
        return cost
    probabilities = f"{cost} compares" if cost in ("cross-entropy", "binary-cross-entropy") else None
    if output_activation == "softmax":
        probabilities = "softmax gives"
    if probabilities:
        raise OptionError(
            f"the target '{encoding.target}' is numbers, and {probabilities} probabilities: "
            "take --output identity, or --task classes"
        )
    return "quadratic" if cost is None and output_activation == "sigmoid" else cost


def _remarks(dataset: Any, encoding: Any, y: Any, class_weight: str | None) -> list[str | None]:
    """What a user should know of the data before they are trained on."""
    said = getattr(dataset, "remarks", ())
    return [*said, *tables.on_columns(encoding), tables.on_classes(encoding, y, class_weight)]


# --- what is said ----------------------------------------------------------------------------------------------------


def _announcement(message: str) -> Any:
    """A message when everything has been checked and the training begins."""
    from backlit import Callback

    class Announcement(Callback):
        def on_train_begin(self, run: Any) -> None:
            output.say(message + (f"\ngoing on from step {run.step:,}" if run.resumed_from_step else ""))

    return Announcement()


def _what_is_trained(dataset: Any, encoding: Any, network: Any, parts: Any, settled: Any) -> str:
    what = {"classes": f"{len(encoding.classes)} classes", "labels": f"{encoding.outputs} labels", "numbers": "numbers"}
    rows = ((parts.train, "train"), (parts.validation, "choose the best epoch"), (parts.test, "judge"))
    return (
        f"{dataset.source}: {dataset.rows:,} rows × {len(dataset.columns)} columns, "
        f"target '{dataset.target}', {what[encoding.task]}\n"
        f"rows: {', '.join(f'{len(numbers):,} {purpose}' for numbers, purpose in rows if len(numbers))}\n"
        f"{network!r}" + (f"\nby rule: {settled}" if str(settled) else "")
    )


def _print_document(completed: Any, came_from: dict[str, Any], saved: Path) -> None:
    clocks = {"engine_reason": completed.engine_reason, "seconds": round(completed.seconds, 3)}
    output.print_json({"scores": came_from["scores"], "model": str(saved), **came_from, **clocks})


def _print_for_people(
    what: dict[str, str], completed: Any, came_from: dict[str, Any], saved: Path, *, curve: bool
) -> None:
    if curve:
        print(_curves(completed))
    print(_what_came_out(what, completed, came_from, saved))


def _curves(completed: Any) -> str:
    """The learning curve and, where a lens watched, what it saw of each layer."""
    width = min(output.width(), 100)
    seen = "" if completed.lens is None else f"\n{completed.lens.text(width=width)}\n"
    return completed.curve(width=width, height=14) + seen


def _what_came_out(what: dict[str, str], completed: Any, came_from: dict[str, Any], saved: Path) -> str:
    done, best = len(completed.history), came_from["best_epoch"]
    ended = "" if completed.stopped == "all epochs done" else f", {completed.stopped}"
    kept = f"; kept epoch {best}, the best by validation" if best else ""
    how = [
        ("trained", f"{done} epoch{'s' * (done != 1)} in {completed.seconds:.1f} s{ended}{kept}"),
        *((word, text) for word, text in what.items() if text),
        ("engine", f"{completed.engine}: {completed.engine_reason}"),
        *(("rows", windows["shuffled"]) for windows in [completed.options["windows"]] if windows),
        ("saved in", str(saved)),
    ]
    if not came_from["scores"]:
        return output.columns(how)
    purpose = {"validation": "chose the epoch" if best else "", "test": "chose nothing"}
    return f"{output.columns(how)}\n\n{output.scores_table(came_from['scores'], came_from['rows'], purpose)}"


def _in_rows_of_the_source(divergence: DivergenceError, rows: Any) -> DivergenceError:
    """The training saw its own rows alone, and counted those."""
    from backlit.training.divergence import explained

    row = divergence.where.get("row")
    return divergence if row is None else explained({**divergence.where, "row": int(rows[row])})


def _how_to_go_on(checkpoint: Path | None) -> str:
    return "" if checkpoint is None else f"; the same command with --resume goes on from {checkpoint}"
