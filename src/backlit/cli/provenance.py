"""How a model came to be, as plain data for its file. No clocks: the same training gives the same file."""

from typing import Any

from backlit.cli.matching import fingerprint_of
from backlit.cli.output import finite
from backlit.data import Dataset, Split, Table
from backlit.formats.extras import version_of
from backlit.training import History, Run

LONGEST_HISTORY = 1000
"""Epochs of the history that go into a file; of a longer one, no more than that, evenly apart and the last among them."""


def of(
    dataset: Dataset | Table,
    parts: Split,
    validation: float,
    test: float,
    run: Run,
    scores: dict[str, dict[str, float]],
) -> dict[str, Any]:
    """Source, options, what was reached, and all that it takes to split the same data the same way again."""
    interrupted = run.stopped == "interrupted"  # then the network is as the last epoch left it, not the best
    came_from = {
        "source": dataset.source,
        "fingerprint": dataset.fingerprint(),
        "rows": {"train": len(parts.train), "validation": len(parts.validation), "test": len(parts.test)},
        "split": {"validation": validation, "test": test, "seed": run.options["seed"]},
        "split_fingerprint": fingerprint_of(parts),
        "options": {**run.options, "validation": validation},
        "objective": run.objective,
        "engine": run.engine,
        "epochs": len(run.history),
        "stopped": run.stopped,
        "best_epoch": None if interrupted else run.best_epoch,
        "history": summary(run.history),
        "scores": scores,
        "versions": {name: version_of(name) for name in ("backlit", "numpy", "scikit-learn")},
    }
    plain: dict[str, Any] = finite(came_from)  # a validation cost can overflow where the training does not
    return plain


def summary(history: History, longest: int = LONGEST_HISTORY) -> dict[str, list[Any]]:
    """The history by columns without its clock; of a long one every k-th epoch, counted back from the last."""
    every = -(-len(history) // longest)
    columns = history.to_dict()
    return {name: values[::-every][::-1] for name, values in columns.items() if name != "seconds"}
