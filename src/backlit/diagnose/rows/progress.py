"""The progress bar over trainings: on stderr, in a terminal only."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def bar(show: bool | None) -> Iterator[Callable[[int, int], None]]:
    """What hears of trainings that are done; None shows the bar in a terminal."""
    if show is False or (show is None and not (sys.stderr and sys.stderr.isatty())):
        yield lambda done, of: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    shown = Progress(
        TextColumn("training"), BarColumn(bar_width=24), MofNCompleteColumn(), TimeRemainingColumn(compact=True),
        console=Console(stderr=True), transient=True,
    )  # fmt: skip
    with shown:
        task = shown.add_task("training", total=None)
        yield lambda done, of: shown.update(task, completed=done, total=of)
