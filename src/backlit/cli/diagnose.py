"""``backlit diagnose``: why it does not learn, and which rows to look at."""

from pathlib import Path
from typing import Annotated

import typer

from backlit.cli import diagnose_findings, diagnose_rows, diagnose_training, output, recipe, tables
from backlit.cli import options as read_option
from backlit.cli import training_options as options
from backlit.errors import OptionError

NAME = "diagnose"
EXAMPLES = """
backlit diagnose digits --layers 30,30,30,30,30 --activation sigmoid --optimizer sgd
backlit diagnose digits.lens
backlit diagnose digits.safetensors digits
backlit diagnose digits --learning-rate-range --optimizer sgd --plot range.png
backlit diagnose digits --more-data --plot more.png
backlit diagnose digits --rows --out rows.csv --sheet sheet.png
backlit diagnose mnist --rows --seeds 2 --json
backlit diagnose digits --influence 17
backlit diagnose digits --weight 2,4,20 --epoch 3 --optimizer sgd
"""

ASK, ROWS, RESULTS = "What to diagnose, other than findings", "Rows", "Results"


def run(
    source: Annotated[str, typer.Argument(metavar="SOURCE|LENS|MODEL", help="Data, as for `backlit train`, to train on while a lens watches; or the folder of a lens; or a saved model.")],
    judged: Annotated[str | None, typer.Argument(metavar="[SOURCE]", help="With a model: rows with known answers.")] = None,
    learning_rate_range: Annotated[bool, typer.Option("--learning-rate-range", rich_help_panel=ASK, help="Which learning rate to take: a range test, with the other options as `backlit train` has them.")] = False,
    more_data: Annotated[bool, typer.Option("--more-data", rich_help_panel=ASK, help="Would more data help: trains on growing amounts, and says what more would give, and how surely.")] = False,
    splits: Annotated[int | None, typer.Option(rich_help_panel=ASK, metavar="N", parser=read_option.at_least_one, help="With --more-data: how often the rows are split anew.  [default: 10, fewer beyond 50,000 rows]")] = None,
    rows: Annotated[bool, typer.Option("--rows", rich_help_panel=ASK, help="Judge every row: labels likely wrong, rows never learnt or forgotten again and again, redundant rows.")] = False,
    influence: Annotated[int | None, typer.Option(rich_help_panel=ASK, metavar="ROW", parser=read_option.whole, help="Train, and say which rows pushed the prediction of this one up or down.")] = None,
    weight: Annotated[str | None, typer.Option(rich_help_panel=ASK, metavar="L,J,K", help="Train, and say which rows moved the weight from neuron K into neuron J of layer L; L,J for a bias.")] = None,
    folds: Annotated[int, typer.Option(rich_help_panel=ROWS, metavar="N", parser=read_option.whole, help="With --rows: each row is held out by one network in so many.")] = 5,
    seeds: Annotated[int, typer.Option(rich_help_panel=ROWS, metavar="N", parser=read_option.at_least_one, help="With --rows: how often all of it is repeated.")] = 3,
    sheet: Annotated[Path | None, typer.Option(rich_help_panel=ROWS, metavar="FILE", help="With --rows: a contact sheet of the most suspicious images, a .png file.")] = None,
    epoch: Annotated[int, typer.Option(rich_help_panel=ROWS, metavar="N", parser=read_option.at_least_one, help="With --weight: over which epoch.")] = 1,
    top: Annotated[int, typer.Option(rich_help_panel=ROWS, metavar="N", parser=read_option.at_least_one, help="Rows to show.")] = 10,
    out: Annotated[Path | None, typer.Option("--out", "-o", rich_help_panel=ROWS, metavar="FILE", help="Of rows: write the whole table to a .csv or .parquet file.")] = None,
    target: options.Target = None,
    task: options.Task = None,
    validation: options.Validation = 0.2,
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
    plot: Annotated[Path | None, typer.Option(rich_help_panel=RESULTS, metavar="FILE", help="Draw what was found to a .png, .svg or .pdf file: the lens's record, the range test, the curve over amounts of data.")] = None,
    lens: Annotated[Path | None, typer.Option(rich_help_panel=RESULTS, metavar="FOLDER", help="Keep the record that the findings were read from.")] = None,
    force: Annotated[bool, typer.Option("--force", rich_help_panel=RESULTS, help="Overwrite files that exist.")] = False,
    json: Annotated[bool, typer.Option("--json", rich_help_panel=RESULTS, help="One JSON document on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", rich_help_panel=RESULTS, help="No progress, the result alone.")] = False,
) -> None:
    """Say why a network does not learn or generalise, and what to do.

    Of a SOURCE: trains as `backlit train` would with the same options, without saving a model, and says the findings:
    what, where, since when, by which factor of which equation, what follows, and the command line that applies the
    remedy. Of a lens's folder, or a saved model: judges what there is. Findings are answers, not errors: the exit code
    is 0 with them and without, and after a training that diverged.

    With --learning-rate-range, --more-data, --rows, --influence or --weight: those questions in its place.
    """
    modes = {
        "--learning-rate-range": learning_rate_range, "--more-data": more_data, "--rows": rows,
        "--influence": influence is not None, "--weight": weight is not None,
    }
    asked_for = [option for option, given in modes.items() if given]
    if len(asked_for) > 1:
        raise OptionError(f"say what to diagnose: one of {', '.join(modes)}, not {len(asked_for)} at once")
    _check_belongs(asked_for, sheet=sheet, out=out, splits=splits, plot=plot, lens=lens)
    results = diagnose_rows.Results(out=out, sheet=sheet, top=top, force=force, json=json, quiet=quiet)
    asked = recipe.Asked.of(locals())
    if judged is not None or (not asked_for and diagnose_findings.holds(source)):
        _existing(source, judged, asked_for, task, target, plot, results)
    elif learning_rate_range:
        diagnose_training.learning_rate_range(source, asked, plot, results)
    elif more_data:
        diagnose_training.more_data(source, asked, splits, plot, results)
    elif not asked_for:
        diagnose_training.findings(source, asked, plot, lens, results)
    else:
        data = diagnose_rows.read(source, target, task, results)
        if rows:
            diagnose_rows.judge(data, results, folds=folds, seeds=seeds, epochs=epochs, learning_rate=learning_rate, seed=seed)
            return
        training = diagnose_rows.Training("100" if layers is None else layers, optimizer or "adam", learning_rate, epochs or 20, seed)
        if influence is not None:
            diagnose_rows.explain_row(data, results, training, influence)
        elif weight is not None:
            diagnose_rows.explain_weight(data, results, training, weight, epoch)


def _check_belongs(asked_for: list[str], *, sheet: Path | None, out: Path | None, splits: int | None, plot: Path | None, lens: Path | None) -> None:
    """Options of one question are refused with another."""
    of_rows = {"--rows", "--influence", "--weight"}
    if sheet is not None and asked_for != ["--rows"]:
        raise OptionError("--sheet belongs to --rows: it shows the images of the rows that are suspicious")
    if out is not None and not of_rows & set(asked_for):
        raise OptionError("--out belongs to --rows, --influence and --weight: it takes the table of rows")
    if splits is not None and asked_for != ["--more-data"]:
        raise OptionError("--splits belongs to --more-data")
    if plot is not None and of_rows & set(asked_for):
        raise OptionError(f"--plot draws no rows; {asked_for[0]} has --out{' and --sheet' if asked_for == ['--rows'] else ''}")
    if lens is not None and asked_for:
        raise OptionError(f"--lens keeps the record that findings are read from; {asked_for[0]} has none")


def _existing(source: str, judged: str | None, asked_for: list[str], task: str | None, target: str | None, plot: Path | None, results: diagnose_rows.Results) -> None:
    """A lens's folder, or a model on rows."""
    if asked_for:
        raise OptionError(f"{asked_for[0]} trains on one SOURCE; {judged} is one argument too many")
    if diagnose_findings.is_lens(source):
        if judged is not None:
            raise OptionError(f"{source} is the folder of a lens, which is judged by itself; leave {judged} out")
        diagnose_training.check(source, plot, None, results)
        diagnosis = diagnose_findings.of_record(Path(source), plot, force=results.force)
    else:
        if not source.endswith(".safetensors"):
            raise OptionError(f"a second argument is the rows that a saved model is judged on, and {source} is no .safetensors file")
        if plot is not None:
            raise OptionError("--plot draws the record of a lens, and a saved model has none")
        diagnosis = diagnose_findings.of_model(Path(source), judged, task, target, watching=diagnose_training.watching(results))
    if results.json:
        output.print_json({"source": source, **diagnose_findings.to_dict(diagnosis)})
    else:
        print(diagnose_findings.in_words(diagnosis))
