"""``backlit``: the commands gathered, and what becomes of errors: one line on stderr and an exit code."""

import os
import signal
import sys
import warnings
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import typer
from typer.core import TyperCommand

from backlit.cli import (
    check,
    choices,
    diagnose,
    evaluate,
    export,
    import_model,
    info,
    inspect,
    output,
    predict,
    trace,
    train,
    why,
)
from backlit.cli.options import on_the_command_line
from backlit.errors import BacklitError, CheckpointWarning, unknown_option

DONE, UNUSABLE = 0, 2
"""Exit codes; 1 is kept for commands whose answer is no. One that was interrupted gives 128 and the signal's number."""

COMMANDS = {
    command.NAME: command
    for command in (train, evaluate, predict, inspect, trace, check, why, diagnose, export, import_model, info)
}


class Command(TyperCommand):
    """A command whose help shows its options under headings, in plain text."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """A section a heading, in the order in which they first come."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                record = (record[0], choices.filled_in(record[1]))
                kind = "Arguments" if parameter.param_type_name == "argument" else "Options"
                heading = getattr(parameter, "rich_help_panel", None) or kind
                sections.setdefault(heading, []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


app = typer.Typer(
    name="backlit",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _name, _command in COMMANDS.items():
    _examples = "\b\nExamples:" + _command.EXAMPLES.replace("\n", "\n  ")
    app.command(name=_name, cls=Command, epilog=_examples.rstrip())(_command.run)


@app.callback(invoke_without_command=True)
def _backlit(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Show the version and exit."),
) -> None:
    """Train feed-forward neural networks by backpropagation, and see every error that flows back.

    Start with: backlit train digits
    """
    if version:
        import backlit

        print(f"backlit {backlit.__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line; returns 0 done, 1 the answer is no, 2 the input is unusable, 130 or 143 interrupted."""
    _print_what_can_be_printed()
    try:
        with warnings.catch_warnings():
            _say_warnings_of_checkpoints()
            code = _run(list(sys.argv[1:] if arguments is None else arguments))
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where a failure can still be told
        return code
    except BacklitError as error:
        return _say(on_the_command_line(str(error), _options_of(arguments)), UNUSABLE)
    except (KeyboardInterrupt, typer.Abort) as stop:
        return _say(str(stop) or "interrupted", 128 + getattr(stop, "signal", signal.SIGINT))
    except MemoryError:
        return _say("there is not enough memory for this; take smaller layers, or less data", UNUSABLE)
    except BrokenPipeError:  # whoever read our output has seen enough
        _give_up_stdout()
        return DONE
    except OSError as error:
        if error.filename is not None:
            raise
        _give_up_stdout()
        return _say(f"stdout cannot be written: {error.strerror}", UNUSABLE)


def _run(arguments: list[str]) -> int:
    command = typer.main.get_command(app)
    first = next(iter(arguments), "-")
    if not first.startswith("-") and first not in COMMANDS:
        raise unknown_option("command", first, COMMANDS)
    try:  # not by Typer's own main, which has words and exit codes of its own for an interrupt
        with command.make_context("backlit", arguments) as context:
            command.invoke(context)
    except typer.Exit as leave:
        return int(leave.exit_code)
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        return _say(_usage(error, first), UNUSABLE)
    return DONE


def _usage(error: Any, first: str) -> str:
    """What is wrong with the command line itself, and where help is."""
    command = f"backlit {first}" if first in COMMANDS else "backlit"
    parameter = getattr(error, "param", None)
    if hasattr(error, "possibilities"):
        known = [*_long_names(first).values(), "--help"] if first in COMMANDS else ["--version", "--help"]
        nearest = get_close_matches(error.option_name, known, n=1)
        message = f"there is no option {error.option_name}{f'; did you mean {nearest[0]}?' if nearest else ''}"
    elif isinstance(error, typer.BadParameter) and error.message and parameter is not None:
        message = f"{parameter.opts[0]} {error.message}"
    else:
        message = error.format_message().rstrip(".")
        message = message[:1].lower() + message[1:]
    return f"{message} ({command} --help shows what there is)"


def _long_names(command: str) -> dict[str, str]:
    """Parameter → option of a command: ``{"learning_rate": "--learning-rate", …}``."""
    found: Any = typer.main.get_command(app)
    options = (parameter for parameter in found.commands[command].params if parameter.param_type_name == "option")
    return {parameter.name: parameter.opts[0] for parameter in options}


def _options_of(arguments: Sequence[str] | None) -> dict[str, str]:
    """Those of the command that was given, and those of train, of which its parts may speak."""
    first = next(iter(sys.argv[1:] if arguments is None else arguments), "")
    return _long_names(train.NAME) | (_long_names(first) if first in COMMANDS else {})


def _say(message: str, code: int) -> int:
    output.say(output.printable(f"backlit: {message}"))
    return code


def _say_warnings_of_checkpoints() -> None:
    """In a line of their own, without the place in the source they come from; other warnings as Python says them."""
    usual = warnings.showwarning

    def show(message: Any, category: type[Warning], *place: Any, **more: Any) -> None:
        if issubclass(category, CheckpointWarning):
            output.say(output.printable(f"backlit: {message}"))
        else:
            usual(message, category, *place, **more)

    warnings.showwarning = show
    warnings.simplefilter("always", CheckpointWarning)


def _print_what_can_be_printed() -> None:
    """A terminal or a locale that has no λ gets a question mark in its place, not an error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _give_up_stdout() -> None:
    """What is left in its buffer goes nowhere, so that nothing fails when Python flushes it at its end."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, AttributeError):  # not a real stream
        sys.stdout = None
