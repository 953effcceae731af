"""From what :func:`backlit.diagnose` was given to the evidence, every input checked."""

from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from backlit import objective as objectives
from backlit.costs import COSTS, Cost
from backlit.data import targets as target_encoding
from backlit.data.checks import as_matrix
from backlit.data.streaming import Stream
from backlit.data.targets import Targets
from backlit.diagnose.findings.evidence import Evidence, Rows
from backlit.diagnose.lens import Lens
from backlit.diagnose.record import LensRecord
from backlit.diagnose.store import read_lens
from backlit.diagnose.torch_lens import TorchLens
from backlit.errors import DataError, OptionError
from backlit.network import Network
from backlit.notation import Array, IndexArray
from backlit.objective import Objective
from backlit.training import Run, row_weights
from backlit.training.row_weights import ClassWeight


def gather(
    net: Network | None = None,
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    *,
    run: Run | None = None,
    lens: Any = None,
    validation_data: Any = None,
    cost: str | Cost | None = None,
    l2: float | None = None,
    sample_weight: ArrayLike | None = None,
    class_weight: ClassWeight = None,
    names: Sequence[str] | None = None,
) -> Evidence:
    """See :func:`backlit.diagnose` for what they mean and what is raised."""
    if run is not None and not isinstance(run, Run):
        raise OptionError(f"run must be what bl.train returned, not {type(run).__name__}")
    network = run.network if net is None and run is not None else net
    if network is not None and not isinstance(network, Network):
        raise OptionError(f"net must be a backlit.Network, not {type(network).__name__}; of a PyTorch model give lens=")
    record = record_of(lens if lens is not None else None if run is None else run.lens)
    if network is None and record is None:
        raise OptionError("there is nothing to diagnose: give a network with X and y, a run, or a lens")
    if network is not None and record is not None and network.sizes != record.about.sizes:
        raise DataError(
            f"the lens watched layers of {_sizes(record.about.sizes)} neurons, and the network has "
            f"{_sizes(network.sizes)}: they are not of one training"
        )
    options: dict[str, Any] = dict(run.options if run is not None else record.about.options if record else {})
    objective = None if network is None else _objective(network, options, cost, l2)
    evidence = Evidence(
        network=network,
        objective=objective,
        record=record,
        history=_history(run, record),
        options=options,
        decision=run.decision if run is not None else record.about.decision if record is not None else None,
    )
    if X is None and y is None and validation_data is None:
        return evidence
    if network is None or objective is None:
        raise OptionError("rows were given without a network to judge them by: give net too")
    return _with_rows(evidence, network, objective, X, y, run, validation_data, sample_weight, class_weight, names)


def record_of(lens: Any) -> LensRecord | None:
    """The record of a lens, of what ``lens_torch`` returned, or in a folder.

    Raises:
        OptionError: it is none of them, or has seen no training. DataError: the folder holds no record.
    """
    if lens is None or isinstance(lens, LensRecord):
        return lens
    if isinstance(lens, (Lens, TorchLens)):
        return lens.record
    if isinstance(lens, (str, PathLike)):
        return read_lens(lens)
    raise OptionError(f"lens must be a bl.Lens, a record of one or its folder, not {type(lens).__name__}")


def _sizes(sizes: tuple[int, ...]) -> str:
    return "-".join(map(str, sizes))


def _history(run: Run | None, record: LensRecord | None) -> tuple[dict[str, Any], ...]:
    if run is not None and len(run.history):
        return tuple(run.history.records())
    return record.history if record is not None else ()


def _objective(network: Network, options: dict[str, Any], cost: str | Cost | None, l2: float | None) -> Objective:
    """Of the training, as far as it is known; else the output's own cost."""
    named = options.get("cost")
    if cost is None and named is not None and named not in COSTS:
        raise OptionError(f"the training had a cost of your own, '{named}': give it as cost=")
    penalty = options.get("l2", 0.0) if l2 is None else l2
    return objectives.choose(network.activations[-1], named if cost is None else cost, l2=penalty)


def _with_rows(
    evidence: Evidence, network: Network, objective: Objective, X: ArrayLike | None, y: ArrayLike | None,
    run: Run | None, validation_data: Any, sample_weight: ArrayLike | None, class_weight: ClassWeight,
    names: Sequence[str] | None,
) -> Evidence:  # fmt: skip
    from dataclasses import replace

    train = held_out = None
    decision = evidence.decision
    if X is not None or y is not None:
        matrix, targets = _encoded(network, objective, X, y, "")
        decision = targets.decision if decision is None else decision
        weights = row_weights.sample_weights(sample_weight, len(matrix))
        kept, apart = _split(run, len(matrix))
        chosen = np.arange(len(matrix)) if kept is None else kept
        train_targets = Targets(targets.Y[chosen], decision)
        of_class = class_weight if class_weight is not None else _class_weight(evidence.options)
        w = weights[chosen] * row_weights.class_weights(of_class, train_targets)
        objective = objectives.choose(objective.output, objective.cost, l2=objective.l2, n=max(float(w.sum()), 1e-300))
        train = _rows(network, matrix if kept is None else matrix[kept], train_targets.Y, w, kept)
        if apart is not None:
            held_out = _rows(network, matrix[apart], targets.Y[apart], weights[apart], apart)
    if validation_data is not None:
        if not isinstance(validation_data, (tuple, list)) or len(validation_data) != 2:
            raise OptionError("validation_data must be a pair (X, y) of rows that did not train")
        matrix, targets = _encoded(network, objective, validation_data[0], validation_data[1], "validation ")
        decision = targets.decision if decision is None and train is None else decision
        held_out = _rows(network, matrix, targets.Y, np.ones(len(matrix)), None)
    if names is not None and len(names) != network.sizes[0]:
        raise OptionError(f"there are {len(names)} names for {network.sizes[0]} columns: give one a column")
    called = None if names is None else tuple(map(str, names))
    return replace(evidence, objective=objective, given=train, given_held_out=held_out, decision=decision, names=called)


def _encoded(
    network: Network, objective: Objective, X: ArrayLike | None, y: ArrayLike | None, prefix: str
) -> tuple[Array, Targets]:
    if isinstance(X, Stream):
        raise OptionError(
            f"{prefix}X is a stream: diagnose takes rows in memory, as stream.X[:20000] with their targets"
        )
    if X is None or y is None:
        raise DataError(f"{prefix}{'X' if X is None else 'y'} is missing: give rows and their targets")
    matrix = as_matrix(f"{prefix}X", X, network.sizes[0], network.dtype)
    return matrix, target_encoding.encode(network, objective, y, len(matrix), f"{prefix}y")


def _rows(network: Network, X: Array, Y: Array, weights: Any, numbers: IndexArray | None) -> Rows:
    return Rows(X, Y, row_weights.mean_one(weights, "given").astype(network.dtype), numbers)


def _split(run: Run | None, rows: int) -> tuple[IndexArray | None, IndexArray | None]:
    """Which rows trained and which were held out, by number; None: all, none."""
    if run is None:
        return None, None
    if run.train_rows is None or run.validation_rows is None:
        if rows != run.rows:
            raise DataError(f"X has {rows:,} rows, and {run.rows:,} trained: give those that bl.train was given")
        return None, None
    total = len(run.train_rows) + len(run.validation_rows)
    if rows != total:
        raise DataError(f"X has {rows:,} rows, and bl.train was given {total:,}: give the same")
    return run.train_rows, run.validation_rows


def _class_weight(options: dict[str, Any]) -> ClassWeight:
    """As the options of a run have it: JSON made text of the classes' numbers."""
    kept = options.get("class_weight")
    return {int(name): weight for name, weight in kept.items()} if isinstance(kept, dict) else kept
