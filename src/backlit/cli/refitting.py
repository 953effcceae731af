"""Training again on the rows that chose the epoch: where the rows are few, they teach more than they can judge."""

from typing import Any

from backlit.cli import left_out, output
from backlit.cli.recipe import Asked, Prepared, of_rows
from backlit.errors import OptionError

TOGETHER = "the training and validation rows together"
KEPT = "the network of the first training is kept"


def check(refit: bool | None, asked: Asked) -> None:
    """Raises OptionError where it was asked for and cannot be."""
    if refit and not _can_be(asked):
        raise OptionError("--refit needs validation rows, and neither --time nor --window; leave one of them out")


def is_due(refit: bool | None, asked: Asked, completed: Any, *, rows: int) -> bool:
    """Whether to train again: where it was asked for; else where the rows are few and the training is by rule."""
    from backlit.training import defaults

    by_rule = asked.epochs is None and asked.optimizer is None and asked.early_stopping is None
    wanted = by_rule and rows <= defaults.REFITTED_ROWS if refit is None else refit
    return wanted and _can_be(asked) and bool(completed.best_epoch)


def together(parts: Any) -> Any:
    """Training and validation rows as one part."""
    import numpy as np

    from backlit import data

    return data.Split(np.sort(np.concatenate([parts.train, parts.validation])), parts.validation[:0], parts.test)


def again(first: Prepared, completed: Any, *, watching: bool) -> tuple[Prepared, Any]:
    """The second training, from the beginning, and what interrupted it or None; the first where it came to nothing.

    Raises:
        TrainingInterrupted: a second signal.
    """
    import backlit as bl
    from backlit.training import defaults

    parts = together(_without(first.parts, first.asked.leave_out, first.dataset.rows))
    planned = of_rows(first.dataset, parts, first.asked).settled.epochs
    costs = [float(record.validation_cost) for record in completed.history]
    epochs = defaults.epochs_again(costs, completed.best_epoch, completed.options["epochs"], planned)
    second = of_rows(first.dataset, parts, first.asked, epochs=epochs)
    second.options["early_stopping"] = None
    if watching:
        output.say(f"again on {TOGETHER}: {len(parts.train):,}, {epochs} epochs")
    try:
        second.train(progress=watching)
    except bl.TrainingInterrupted as stop:
        if stop.at_once:
            raise
        said = f"interrupted while it was trained again on {TOGETHER}: {KEPT}"
        return first, bl.TrainingInterrupted(said, completed, signal=stop.signal)
    except bl.DivergenceError:
        output.say(f"note: the training on {TOGETHER} diverged: {KEPT}")
        return first, None
    return second, None


def _without(parts: Any, leave_out: str | None, rows: int) -> Any:
    """The parts less the validation rows that were not to be trained on."""
    if leave_out is None:
        return parts
    from dataclasses import replace

    import numpy as np

    return replace(parts, validation=np.setdiff1d(parts.validation, left_out.rows_of(leave_out, rows)))


def to_dict(second: Prepared) -> dict[str, int]:
    """For the model's file."""
    return {"rows": len(second.parts.train), "epochs": second.settled.epochs}


def in_words(refit: dict[str, int]) -> str:
    """In a line."""
    many = refit["epochs"]
    return f"on {TOGETHER}, {refit['rows']:,}, in {many} epoch{'s' * (many != 1)}"


def _can_be(asked: Asked) -> bool:
    return asked.validation > 0 and asked.time is None and asked.window is None
