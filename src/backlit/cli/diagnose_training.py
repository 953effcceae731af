"""What ``backlit diagnose`` finds by training: findings, the range of learning rates, more data."""

import sys
from pathlib import Path
from typing import Any

from backlit.cli import command_line, diagnose_findings, files, output, recipe
from backlit.cli.diagnose_rows import Results
from backlit.cli.recipe import Asked
from backlit.errors import DivergenceError, OptionError


def check(source: str, plot: Path | None, lens: Path | None, results: Results) -> None:
    """Whether what will be written can be: asked before the work."""
    from backlit.diagnose import store
    from backlit.training import curves

    files.check_apart({"--plot": plot, "--lens": lens}, {"SOURCE": files.of_source(source)})
    if plot is not None:
        curves.check_plot_path(plot, force=results.force)
    if lens is not None:
        store.check_free(lens, force=results.force)


def findings(source: str, asked: Asked, plot: Path | None, folder: Path | None, results: Results) -> None:
    """Trains with a lens, and says what it means; a training that diverges is an answer, too."""
    import backlit as bl

    check(source, plot, folder, results)
    ready = recipe.prepare(source, asked, beside=Path("diagnosis"), quiet=results.quiet or results.json)
    lens = bl.Lens(path=folder, force=results.force, row_numbers=ready.parts.train)
    completed, failure = None, None
    try:
        completed = ready.train(callbacks=[lens], progress=watching(results))
    except DivergenceError as divergence:
        failure = str(divergence)
    diagnosis = diagnose_findings.of_training(ready, lens, completed, watching=watching(results))
    if plot is not None:
        lens.plot(plot, force=results.force)
    if results.json:
        document = {"source": source, "network": repr(ready.network), "options": ready_options(ready, completed)}
        output.print_json(document | {"failure": failure} | diagnose_findings.to_dict(diagnosis, source, asked))
        return
    how = [("trained", _how(ready, completed, failure)), ("by rule", str(ready.settled))]
    print(output.columns([(word, text) for word, text in how if text]))
    print(f"\n{diagnose_findings.in_words(diagnosis, source, asked)}")


def ready_options(ready: Any, completed: Any) -> dict[str, Any]:
    """What was trained with, as plain data."""
    return dict(completed.options) if completed is not None else {"chosen": ready.settled.to_dict()}


def _how(ready: Any, completed: Any, failure: str | None) -> str:
    if completed is None:
        return f"{ready.network!r}: {failure}"
    last = completed.history[-1]
    scores = [f"cost {last.cost:.4g}"]
    for name, value in (("accuracy", last.accuracy), ("validation", last.validation_accuracy)):
        scores += [] if value is None else [f"{name} {100 * value:.2f} %"]
    if last.validation_r2 is not None:
        scores.append(f"validation R² {last.validation_r2:.4g}")
    epochs = len(completed.history)
    return f"{ready.network!r}, {epochs} epoch{'s' * (epochs != 1)} in {completed.seconds:.1f} s: {', '.join(scores)}"


def learning_rate_range(source: str, asked: Asked, plot: Path | None, results: Results) -> None:
    """--learning-rate-range."""
    import backlit as bl

    check(source, plot, None, results)
    if asked.learning_rate is not None:
        raise OptionError("--learning-rate-range looks for the learning rate; leave --learning-rate out")
    ready = recipe.prepare(source, asked, beside=Path("diagnosis"), quiet=results.quiet or results.json)
    names = ("cost", "l2", "label_smoothing", "optimizer", "clip", "batch_size", "class_weight", "engine", "seed")
    X, y = ready.rows
    found = bl.find_learning_rate(
        ready.network, X, y, progress=watching(results), **{name: ready.options[name] for name in names}
    )
    if plot is not None:
        found.plot(plot, force=results.force)
    command = None
    if found.suggestion is not None:
        command = command_line.of_train(source, asked, ("--learning-rate", f"{found.suggestion:.2g}"))
    if results.json:
        output.print_json({"source": source, "network": repr(ready.network), **found.to_dict(), "command": command})
        return
    width = min(output.width(), 100)
    text = found.text(width=width) if not results.quiet else str(found)
    *curve, said = text.split("\n")
    print("\n".join([*curve, *diagnose_findings.wrapped(said, width)]))
    if command is not None:
        print(f"$ {command}")


def more_data(source: str, asked: Asked, splits: int | None, plot: Path | None, results: Results) -> None:
    """--more-data."""
    from backlit import data
    from backlit.cli import tables
    from backlit.data.encoding import TASKS, infer_task
    from backlit.diagnose.more_data.find import of_recipe
    from backlit.diagnose.more_data.learner import Recipe
    from backlit.errors import unknown_option

    check(source, plot, None, results)
    unused = {
        "--time": asked.time, "--window": asked.window, "--early-stopping": asked.early_stopping,
        "--leave-out": asked.leave_out,
    }  # fmt: skip
    for option, value in unused.items():
        if value is not None:
            raise OptionError(
                f"{option} cannot be combined with --more-data: each amount of rows is trained to its end"
            )
    given = asked.given()
    if asked.task is not None and asked.task not in TASKS:
        raise unknown_option("task", asked.task, TASKS)
    quiet = results.quiet or results.json
    with tables.progress(source, watching=not quiet) as tell:
        dataset = data.read(
            source, target=asked.target, progress=tell,
            **tables.options(asked.no_header, asked.delimiter, asked.characters),
        )  # fmt: skip
    task = asked.task or infer_task(dataset.known_y)
    trained = Recipe(
        task, given=given, output=asked.output_activation,
        network={"initializer": asked.initializer, "dtype": asked.dtype},
        train={
            "cost": recipe.cost_of_task(task, dataset.target, asked.output_activation, asked.cost), "l2": asked.l2,
            "clip": asked.clip, "class_weight": asked.class_weight, "engine": asked.engine,
        },
        seed=asked.seed,
    )  # fmt: skip
    found = of_recipe(dataset, trained, splits=splits, test=asked.test, progress=watching(results))
    if plot is not None:
        found.plot(plot, force=results.force)
    if results.json:
        output.print_json({"source": source, **found.to_dict()})
        return
    *table, said = found.text().split("\n")
    width = min(output.width(), 100)
    print("\n".join([*([] if results.quiet else table), *diagnose_findings.wrapped(said, width)]))


def watching(results: Results) -> bool:
    """Whether somebody sees on stderr how far it is."""
    return not results.quiet and not results.json and sys.stderr is not None and sys.stderr.isatty()
