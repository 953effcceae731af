"""Trains a case, keeps what it recorded and how it scored, and measures it: each once, in a folder."""

import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from faults.cases import Training

import backlit as bl
from backlit.diagnose import findings
from backlit.diagnose.findings import reference
from backlit.diagnose.findings.evidence import Evidence
from backlit.diagnose.findings.finding import NotJudged
from backlit.diagnose.findings.gather import gather
from backlit.diagnose.findings.rule import Measured, Rule
from backlit.diagnose.findings.rules import RULES
from backlit.diagnose.findings.run import measure


@dataclass(frozen=True, eq=False)
class Outcome:
    """Of a training: what each test row brought, 1 or 0 for right or wrong, of numbers 1 - (a - y)² / Var y."""

    of_rows: np.ndarray
    history: list[dict[str, Any]]
    stopped: str

    @property
    def score(self) -> float:
        """Accuracy, or R²; never below -1, so that means of it say something."""
        return max(float(self.of_rows.mean()), -1.0)


def scores(net: bl.Network, X: np.ndarray, y: np.ndarray, classes: int) -> np.ndarray:
    """Of each row."""
    with np.errstate(all="ignore"):
        a = np.asarray(net.predict(X), dtype=float)
    if not np.isfinite(a).all():
        return np.full(len(X), -1.0 if not classes else 0.0)
    if classes:
        said = a.argmax(axis=1) if a.shape[1] > 1 else (a[:, 0] > 0.5).astype(int)
        return (said == y).astype(float)
    target = np.asarray(y, dtype=float).reshape(len(y), -1)
    return 1 - ((a - target) ** 2).mean(axis=1) / target.var()


def trained(training: Training, lens: bl.Lens | None = None) -> tuple[bl.Network, Outcome]:
    """The network and how it went; one that diverges is scored as its last whole epoch left it."""
    net, how = training.make()
    rows, stopped, history = training.rows, "diverged", []
    with quietly():
        try:
            run = bl.train(net, rows.X, rows.y, callbacks=[lens] if lens else [], **how)
            stopped, history = run.stopped or "", list(run.history.records())
        except bl.DivergenceError:
            pass
    if stopped == "diverged" and lens is not None:
        history = list(lens.record.history)
    return net, Outcome(scores(net, rows.X_test, rows.y_test, rows.classes), history, stopped)


def fingerprint(training: Training) -> str:
    """Of everything that decides the training's bits but Backlit itself."""
    net, how = training.make()
    rows = how.pop("validation")
    digest = blake2b(digest_size=8)
    for array in (training.rows.X, training.rows.y, *rows, training.rows.X_test, training.rows.y_test, net.parameters):
        digest.update(np.ascontiguousarray(array).tobytes())
    names = [activation.name for activation in net.activations], net.dropout, getattr(training.activation, "called", "")
    digest.update(repr((net.sizes, names, sorted(how.items(), key=lambda item: item[0]))).encode())
    return digest.hexdigest()


def kept(training: Training, cache: Path, *, watched: bool = True) -> tuple[Path, Outcome]:
    """The folder of the training and how it went; trained now, under a lens, unless it was at another time."""
    folder = cache / (fingerprint(training) + ("" if watched else "-unwatched"))
    told = folder / "outcome.json"
    if not told.exists():
        folder.mkdir(parents=True, exist_ok=True)
        net, outcome = trained(training, bl.Lens(path=folder / "lens", force=True) if watched else None)
        np.savez(folder / "arrays.npz", parameters=net.parameters, of_rows=outcome.of_rows)
        told.write_text(json.dumps({"history": outcome.history, "stopped": outcome.stopped, "score": outcome.score}))
    found = json.loads(told.read_text())
    with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
        return folder, Outcome(arrays["of_rows"], found["history"], found["stopped"])


def evidence_of(training: Training, folder: Path) -> Evidence:
    """What a diagnosis of that training stands on: the record from its folder, the network as it was left."""
    net, _ = training.make()
    with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
        net.parameters[...] = arrays["parameters"]
    rows = training.rows
    return gather(
        net, rows.X, rows.y, lens=folder / "lens", validation_data=(rows.X_validation, rows.y_validation),
        cost=training.train.get("cost"), class_weight=training.train.get("class_weight"),
    )  # fmt: skip


def statistics(training: Training, folder: Path) -> dict[str, Any]:
    """What each rule measures, None where it cannot judge; kept beside the rest as long as the rule's source stays."""
    file = folder / "measured.json"
    known: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    rules = tuple(rule for rule in RULES if known.get(rule.name, ("", None))[0] != source_of(rule))
    if rules:
        with quietly():
            found = measured(evidence_of(training, folder), folder, rules)
        for rule in rules:
            one = found[rule.name]
            known[rule.name] = source_of(rule), dict(one.statistics) if isinstance(one, Measured) else None
        file.write_text(json.dumps(known))
    return {rule.name: known[rule.name][1] for rule in RULES}


def measured(evidence: Evidence, folder: Path, rules: tuple[Rule, ...] = ()) -> dict[str, Measured | NotJudged]:
    """What the rules measure, without making again what is in the cache already."""
    with mock.patch.object(reference, "reference", remembered(folder.parent / "references")):
        return measure(evidence, rules)


def remembered(folder: Path) -> Callable[..., reference.Reference]:
    """What simple methods make of rows, from a file where they have met these rows before: most of a measurement."""
    compute, source = reference.reference, Path(str(reference.__file__)).read_bytes()
    folder.mkdir(exist_ok=True)

    def look_up(X, Y, decision, mean, deviation) -> reference.Reference:
        told = repr((X.shape, Y.shape, decision)).encode()
        digest = blake2b(source + told, digest_size=12)
        for array in (X, Y, mean, deviation):
            digest.update(np.ascontiguousarray(array).tobytes())
        file = folder / f"{digest.hexdigest()}.npz"
        if not file.exists():
            found = compute(X, Y, decision, mean, deviation)
            np.savez(file, **{part.name: getattr(found, part.name) for part in fields(found)})
        with np.load(file, allow_pickle=False) as arrays:
            parts = {part.name: arrays[part.name] for part in fields(reference.Reference)}
        plain = {name: array.item() for name, array in parts.items() if array.ndim == 0}
        return reference.Reference(**{**parts, **plain})

    return look_up


@cache
def source_of(rule: Rule) -> str:
    """A fingerprint of what the rule measures with: its own file and what all of them share, without the thresholds."""
    shared = Path(findings.__file__).parent
    files = {Path(str(rule.measure.__code__.co_filename)), *shared.glob("*.py")} - {shared / "thresholds.py"}
    return blake2b(b"".join(file.read_bytes() for file in sorted(files)), digest_size=8).hexdigest()


@contextmanager
def quietly() -> Iterator[None]:
    """A network that is broken on purpose overflows, and warns of it."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
