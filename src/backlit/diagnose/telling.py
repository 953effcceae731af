"""How long work tells how far it is, or that it goes on: on stderr, in a terminal only."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def counting(what: str, total: int, show: bool | None) -> Iterator[Callable[[int], None]]:
    """Yields what hears of how many more are done; None shows the bar in a terminal."""
    if show is False or (show is None and not (sys.stderr and sys.stderr.isatty())):
        yield lambda more: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    shown = Progress(
        TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(),
        TimeRemainingColumn(compact=True), console=Console(stderr=True), transient=True,
    )  # fmt: skip
    with shown:
        task = shown.add_task(what, total=total)
        yield lambda more: shown.advance(task, more)


@contextmanager
def at_work(what: str, show: bool | None) -> Iterator[None]:
    """A line that moves, while something goes on that does not know how far it is; None shows it in a terminal."""
    if show is False or (show is None and not (sys.stderr and sys.stderr.isatty())):
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield
