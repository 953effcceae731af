"""``backlit``: the commands gathered, and what becomes of errors: one line on stderr and an exit code."""

import sys
from collections.abc import Sequence

import typer

from backlit.cli import evaluate, info, inspect, predict, trace, train
from backlit.errors import BacklitError, TrainingInterrupted

DONE, UNUSABLE, INTERRUPTED = 0, 2, 130

app = typer.Typer(
    name="backlit",
    help="Train feed-forward neural networks by backpropagation, and see every error that flows back.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (train, evaluate, predict, inspect, trace, info):
    app.command(name=command.NAME, epilog=command.EXAMPLE)(command.run)


@app.callback(invoke_without_command=True)
def _version(version: bool = typer.Option(False, "--version", help="Show the version and leave.")) -> None:
    if version:
        import backlit

        print(backlit.__version__)
        raise typer.Exit


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line; returns 0 done, 1 the answer is no, 2 the input is unusable, 130 interrupted."""
    try:
        code = typer.main.get_command(app).main(
            args=None if arguments is None else list(arguments), prog_name="backlit", standalone_mode=False
        )
    except BacklitError as error:
        return _say(str(error), UNUSABLE)
    except (TrainingInterrupted, KeyboardInterrupt, typer.Abort) as stop:
        return _say(str(stop) or "interrupted", INTERRUPTED)
    except BrokenPipeError:  # whoever read our output has left
        sys.stderr.close()
        return DONE
    except Exception as error:
        if hasattr(error, "format_message"):  # a usage error: an unknown option, text where a number should be
            return _say(f"{error.format_message()} (backlit --help shows what there is)", UNUSABLE)
        raise
    return code if isinstance(code, int) else DONE


def _say(message: str, code: int) -> int:
    print(f"backlit: {' '.join(message.split())}", file=sys.stderr)
    return code
