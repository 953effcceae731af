"""What a finding proposes, applied to the training it was said of."""

from dataclasses import dataclass, replace

import numpy as np
from faults import judging, runs, sets
from faults.cases import Training
from faults.zoo import Place, Planted

from backlit.diagnose.findings.finding import Finding, Remedy
from backlit.diagnose.findings.run import conclude


def first_finding(one: Planted) -> Finding | None:
    """What the diagnosis says first, with its remedy."""
    with runs.quietly():
        evidence = runs.evidence_of(one.spoiled, one.folder)
        return conclude(evidence, runs.measured(evidence, one.folder)).first


def applied(training: Training, remedy: Remedy) -> Training:
    """The same training with the remedy's options in place of its own, and its rows changed as the remedy says."""
    train, network, data = dict(remedy.train), dict(remedy.network), dict(remedy.data)
    changes = {"rows": _rows(training.rows, data), "train": train}
    if "optimizer" in train:
        changes["optimizer"] = train.pop("optimizer")
        train.setdefault("learning_rate", None)
    if "sizes" in network:
        changes["hidden"] = tuple(network.pop("sizes")[1:-1])
    if "activation" in network:
        changes["activation"] = network.pop("activation")
    if "initializer" in network:
        changes["started"] = ()  # what was put into the first weights by hand is drawn anew
    return training.but(**changes, network=network)


def _rows(rows: sets.Rows, data: dict) -> sets.Rows:
    if "drop_rows" in data:
        kept = np.setdiff1d(np.arange(len(rows.X)), np.asarray(data["drop_rows"], dtype=int))
        rows = replace(rows, X=rows.X[kept], y=rows.y[kept])
    if "drop_columns" in data:
        columns = np.setdiff1d(np.arange(rows.X.shape[1]), np.asarray(data["drop_columns"], dtype=int))
        rows = rows.with_columns(lambda X: X[:, columns])
    if data.get("standardise"):
        X = rows.X.astype(float)
        mean, scale = X.mean(axis=0), X.std(axis=0)
        rows = rows.with_columns(lambda X: (X - mean) / np.where(scale > 0, scale, 1))
    if data.get("standardise_targets"):
        mean, scale = rows.y.mean(), rows.y.std()
        rows = rows.with_targets(lambda y: (y - mean) / scale)
    return rows


@dataclass(frozen=True)
class Restored:
    """How a run went whose first finding was obeyed."""

    kind: str
    data: str
    number: int
    rule: str
    text: str
    twin: float
    spoiled: float
    remedied: float
    well: bool  # within noise of the twin


def restored(one: Planted, finding: Finding | None, place: Place) -> Restored:
    """Trained again as its first finding proposes; without one, as it was."""
    outcome = one.outcome
    if finding is not None:
        _, outcome = runs.kept(applied(one.spoiled, finding.remedy), place.cache, watched=False)
    well = not judging.is_worse(one.twin.of_rows, outcome.of_rows, one.of_seed)
    return Restored(
        one.plant.name, one.data, one.number, finding.rule if finding else "", finding.remedy.text if finding else "",
        one.twin.score, one.outcome.score, outcome.score, well,
    )  # fmt: skip
