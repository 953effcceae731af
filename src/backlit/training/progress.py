"""The progress bar: epoch, cost, validation score, samples a second, time left; on stderr, in a terminal only."""

import time
from typing import Any

from backlit.training.callbacks import Callback
from backlit.training.run import Run


def bar(*, always: bool = False) -> list[Callback]:
    """The bar as a callback, or nothing where nobody would see it."""
    import sys

    if not always and not (sys.stderr and sys.stderr.isatty()):
        return []
    return [ProgressBar()]


class ProgressBar(Callback):
    """One line that is written over and over, by Rich."""

    def on_train_begin(self, run: Run) -> None:
        """Opens the line."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.table import Column

        self._progress = Progress(
            TextColumn(
                "epoch {task.fields[epoch]:>4}/{task.fields[epochs]}", table_column=Column(no_wrap=True, min_width=14)
            ),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[numbers]}"),
            TimeRemainingColumn(compact=True),
            console=Console(stderr=True),
            transient=True,
        )
        self._started, self._first = time.monotonic(), run.step
        self._task = self._progress.add_task("training", total=run.steps, **self._fields(run))
        self._progress.update(self._task, completed=run.step)
        self._progress.start()

    def on_progress(self, run: Run) -> None:
        """Moves it on."""
        self._progress.update(self._task, total=run.steps, completed=run.step, **self._fields(run))

    def on_epoch_end(self, run: Run) -> None:
        """Shows the validation's new score."""
        self._progress.update(self._task, total=run.steps, completed=run.step, **self._fields(run))

    def on_train_end(self, run: Run) -> None:
        """Takes the line away."""
        if hasattr(self, "_progress"):
            self._progress.stop()

    def _fields(self, run: Run) -> dict[str, Any]:
        seconds = max(time.monotonic() - self._started, 1e-9)
        rate = (run.step - self._first) * run.rows / run.steps_per_epoch / seconds
        numbers = [] if run.cost is None else [f"cost {run.cost:.4f}"]
        if len(run.history):
            last = run.history[-1]
            if last.validation_accuracy is not None:
                numbers.append(f"validation {last.validation_accuracy:.2%}")
            elif last.validation_r2 is not None:
                numbers.append(f"validation R² {last.validation_r2:.4f}")
            elif last.accuracy is not None:
                numbers.append(f"accuracy {last.accuracy:.2%}")
        numbers.append(f"{rate:,.0f} samples/s")
        return {"epoch": run.epoch, "epochs": run.epochs, "numbers": " · ".join(numbers)}
