"""The command line: a thin layer over the package, one file a command."""

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line; returns 0 done, 1 the answer is no, 2 the input is unusable, 130 interrupted.

    Ctrl-C counts from here, before the first of the imports that take a moment.
    """
    try:
        from backlit.cli import app

        return app.main(arguments)
    except KeyboardInterrupt:
        if sys.stderr is not None:
            print("backlit: interrupted", file=sys.stderr)
        return 130
