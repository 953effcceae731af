"""Training again on the rows that chose the epoch: where the rows are few, they teach more than they can judge."""

from dataclasses import dataclass
from typing import Any

from backlit.cli import output
from backlit.cli.recipe import Prepared, Recipe

TOGETHER = "the training and validation rows together"
KEPT = "the network of the first training is kept"


@dataclass(frozen=True, eq=False)
class Refitted:
    """The network of the second training, what its rows were encoded by, and in how many epochs.

    ``interrupted``: by what, in which case there is no network.
    """

    rows: Prepared
    network: Any
    epochs: int
    interrupted: Any = None

    def to_dict(self) -> dict[str, int]:
        """For the model's file."""
        return {"rows": len(self.rows.parts.train), "epochs": self.epochs}


def is_due(asked: bool | None, parts: Any, *, by_rule: bool, hindered: bool) -> bool:
    """Whether to train again.

    Args:
        asked: by the user, or None.
        parts: the rows.
        by_rule: nobody asked how long to train, or by what optimizer.
        hindered: something stands against it, as a time to end within.

    Raises:
        OptionError: it was asked for and cannot be.
    """
    from backlit.errors import OptionError
    from backlit.training import defaults

    can = not hindered and len(parts.validation) > 0
    if asked and not can:
        raise OptionError("--refit needs validation rows, and neither --time nor --window; leave one of them out")
    return can and (by_rule and len(parts.train) <= defaults.REFITTED_ROWS if asked is None else asked)


def together(parts: Any) -> Any:
    """Training and validation rows as one part."""
    import numpy as np

    from backlit import data

    return data.Split(np.sort(np.concatenate([parts.train, parts.validation])), parts.validation[:0], parts.test)


def again(recipe: Recipe, dataset: Any, parts: Any, completed: Any, *, watching: bool) -> Refitted | None:
    """The second training, from the beginning; None where it diverged, which is said.

    Raises:
        TrainingInterrupted: a second signal.
    """
    import backlit as bl
    from backlit.training import defaults

    rows = recipe.prepare(dataset, together(parts))
    planned = recipe.make(rows).settled.epochs
    costs = [float(record.validation_cost) for record in completed.history]
    epochs = defaults.epochs_again(costs, completed.best_epoch, completed.options["epochs"], planned)
    made = recipe.make(rows, epochs)
    if watching:
        output.say(f"again on {TOGETHER}: {len(rows.parts.train):,}, {epochs} epochs")
    try:
        bl.train(made.network, **made.to_learn, progress=watching)
    except bl.TrainingInterrupted as stop:
        if stop.at_once:
            raise
        said = f"interrupted while it was trained again on {TOGETHER}: {KEPT}"
        return Refitted(rows, None, 0, bl.TrainingInterrupted(said, completed, signal=stop.signal))
    except bl.DivergenceError:
        output.say(f"note: the training on {TOGETHER} diverged: {KEPT}")
        return None
    return Refitted(rows, made.network, epochs)


def in_words(refit: dict[str, int]) -> str:
    """In a line."""
    many = refit["epochs"]
    return f"on {TOGETHER}, {refit['rows']:,}, in {many} epoch{'s' * (many != 1)}"
