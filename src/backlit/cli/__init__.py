"""The command line: a thin layer over the package, one file a command."""

from backlit.cli.app import main

__all__ = ["main"]
