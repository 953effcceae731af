"""``backlit train``: read → split → encode → network → train → judge → save."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from backlit.cli import files, output, refitting, tables
from backlit.cli import options as read_option
from backlit.cli import training_options as options
from backlit.cli.training_options import RESULTS
from backlit.errors import OptionError, OutputPathError

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

def run(
    source: options.Source,
    target: options.Target = None,
    task: options.Task = None,
    validation: options.Validation = 0.2,
    refit: Annotated[bool | None, typer.Option("--refit/--no-refit", rich_help_panel=options.DATA, help="Train again on training and validation rows together, for as many epochs as the validation showed to be good; the network of that is kept.  [default: where the rows are few and neither --epochs, --early-stopping nor --optimizer is given]")] = None,
    test: options.Test = 0.2,
    no_header: tables.NoHeader = False,
    delimiter: tables.Delimiter = None,
    characters: tables.Characters = None,
    window: options.Window = None,
    leave_out: options.LeaveOut = None,
    class_weight: options.ClassWeight = None,
    layers: options.Layers = None,
    activation: options.Activation = None,
    output_activation: options.Output = None,
    initializer: options.Initializer = "auto",
    dropout: options.Dropout = None,
    dtype: options.Dtype = "float32",
    cost: options.Cost = None,
    l2: options.L2 = 0.0,
    label_smoothing: options.LabelSmoothing = None,
    optimizer: options.Optimizer = None,
    learning_rate: options.LearningRate = None,
    momentum: options.Momentum = None,
    nesterov: options.Nesterov = False,
    schedule: options.Schedule = None,
    batch_size: options.BatchSize = None,
    epochs: options.Epochs = None,
    time: options.Time = None,
    clip: options.Clip = None,
    early_stopping: options.EarlyStopping = None,
    seed: options.Seed = 0,
    engine: options.Engine = "auto",
    out: Annotated[Path | None, typer.Option("--out", "-o", rich_help_panel=RESULTS, metavar="FILE", help="Where the model goes.  [default: SOURCE.safetensors, or a new name like it]")] = None,
    plot: Annotated[Path | None, typer.Option(rich_help_panel=RESULTS, metavar="FILE", help="Draw the learning curve to a .png, .svg or .pdf file.")] = None,
    lens: Annotated[Path | None, typer.Option(rich_help_panel=RESULTS, metavar="FOLDER", help="Record every step, layer by layer and row by row, in Parquet files that can be read while it trains; show it at the end, and what it means.")] = None,
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
    from backlit.cli import provenance, recipe
    from backlit.formats import model_file

    asked = recipe.Asked.of(locals())
    asked.given()  # what cannot be read is said before anything is
    place = _checkpoint(checkpoint, checkpoint_every, keep, force=force)
    destination = _check_files(source, out, plot, checkpoint, lens, resume=resume, force=force)
    refitting.check(refit, asked)
    ready = recipe.prepare(source, asked, beside=destination, quiet=quiet)
    dataset, parts, settled = ready.dataset, ready.parts, ready.settled
    watching = not quiet and sys.stderr is not None and sys.stderr.isatty()
    interruption = None
    watcher = None if lens is None else bl.Lens(path=lens, force=force, row_numbers=parts.train)
    try:
        completed = ready.train(
            checkpoint=place, resume=resume,
            callbacks=[
                *([_announcement(str(ready))] if watching else []),
                *([] if watcher is None else [watcher]),
            ],
            progress=watching,
        )
    except bl.DivergenceError:
        if watcher is not None:
            _print_findings(source, ready, watcher, None, json=json)
        raise
    except bl.TrainingInterrupted as stop:
        interruption, completed = stop, stop.run
        if stop.at_once:
            raise
        if not len(completed.history):
            nothing = "interrupted before an epoch was completed: there is nothing to save"
            raise bl.TrainingInterrupted(nothing + _how_to_go_on(checkpoint), completed, signal=stop.signal) from None

    found, last = ready.scores("validation", "test"), ready
    if interruption is None and refitting.is_due(refit, asked, completed, rows=len(parts.train)):
        last, interruption = refitting.again(ready, completed, watching=watching)
    refitted = refitting.to_dict(last) if last is not ready else None
    found |= last.scores("test")

    came_from = provenance.of(dataset, parts, validation, test, completed, found)
    came_from |= {"chosen": settled.to_dict(), "refit": refitted} | ({"left_out": leave_out} if leave_out else {})
    saved = _unless_taken(destination, force=force)
    model_file.save(bl.Model(last.network, last.encoding, came_from), saved, force=force)
    if plot is not None:
        completed.plot(_unless_taken(plot, force=force), force=force)

    if json:
        diagnosis = _findings(source, ready, completed) if watcher else {}
        _print_document(completed, came_from, saved, {"notes": ready.notes, **diagnosis})
    else:
        what = {"target": tables.task_in_words(ready.encoding, task is not None), "by rule": str(settled)}
        _print_for_people(what, completed, came_from, saved, curve=not quiet)
        if watcher is not None and not quiet:
            print()
            _print_findings(source, ready, watcher, completed, json=False)
    if interruption is not None:
        raise bl.TrainingInterrupted(
            f"{interruption}, and saved{_how_to_go_on(checkpoint)}", completed, signal=interruption.signal
        )


# --- what is asked for -----------------------------------------------------------------------------------------------


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


# --- what is said ----------------------------------------------------------------------------------------------------


def _announcement(message: str) -> Any:
    """A message when everything has been checked and the training begins."""
    from backlit import Callback

    class Announcement(Callback):
        def on_train_begin(self, run: Any) -> None:
            output.say(message + (f"\ngoing on from step {run.step:,}" if run.resumed_from_step else ""))

    return Announcement()


def _print_document(completed: Any, came_from: dict[str, Any], saved: Path, found: dict[str, Any]) -> None:
    clocks = {"engine_reason": completed.engine_reason, "seconds": round(completed.seconds, 3)}
    output.print_json({"scores": came_from["scores"], "model": str(saved), **came_from, **clocks, **found})


def _findings(source: str, ready: Any, completed: Any) -> dict[str, Any]:
    """What the lens saw means, for the document."""
    from backlit.cli import diagnose_findings

    found = diagnose_findings.of_training(ready, completed.lens, completed)
    return {"diagnosis": diagnose_findings.to_dict(found, source, ready.asked)}


def _print_findings(source: str, ready: Any, lens: Any, completed: Any, *, json: bool) -> None:
    """What the lens saw means; of a training that diverged, too, before its error is said."""
    from backlit.cli import diagnose_findings

    watching = not json and sys.stderr is not None and sys.stderr.isatty()
    found = diagnose_findings.of_training(ready, lens, completed, watching=watching)
    if json:
        output.print_json({"diagnosis": diagnose_findings.to_dict(found, source, ready.asked)})
    else:
        print(diagnose_findings.in_words(found, source, ready.asked))


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
    again = came_from["refit"]
    how = [
        ("trained", f"{done} epoch{'s' * (done != 1)} in {completed.seconds:.1f} s{ended}{kept}"),
        *([("refitted", refitting.in_words(again))] if again else []),
        *((word, text) for word, text in what.items() if text),
        ("engine", f"{completed.engine}: {completed.engine_reason}"),
        *(("rows", windows["shuffled"]) for windows in [completed.options["windows"]] if windows),
        ("saved in", str(saved)),
    ]
    if not came_from["scores"]:
        return output.columns(how)
    purpose = {"validation": "chose the epoch" if best else "", "test": "chose nothing"}
    return f"{output.columns(how)}\n\n{output.scores_table(came_from['scores'], came_from['rows'], purpose)}"


def _how_to_go_on(checkpoint: Path | None) -> str:
    return "" if checkpoint is None else f"; the same command with --resume goes on from {checkpoint}"
