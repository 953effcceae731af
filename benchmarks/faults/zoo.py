"""The runs of the benchmark: the healthy zoo, the planted faults, and which of them count."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from faults import judging, runs, sets
from faults.cases import Training, generator, sensible
from faults.judging import Judged
from faults.plants import PLANTS, Plant, pair

PARTS = ("setting", "reported")
FIRST = {"setting": 0, "reported": 1000}
"""The number a part's runs begin with: once a rule was changed in the light of reported runs, others are reported."""

SPLITS = 3  # of a set, by turns
SEEDS = 3  # of a twin: how far its score lies apart

Told = Callable[[str], None]


@dataclass(frozen=True)
class Place:
    """Where data and cache are."""

    data: Path | None
    cache: Path


def healthy_training(part: str, name: str, number: int, place: Place) -> Training:
    return sensible(part, name, number % SPLITS, place.data, generator("healthy", part, name, number))


def healthy(part: str, count: int, place: Place, tell: Told) -> Iterator[Judged]:
    """Of each set so many; those that ended healthy.

    Healthy is a network whose score is within noise, or three hundredths, of the best of its set and split, and whose
    validation cost, if it was not stopped in time, ended within a quarter of its lowest.
    """
    for name in sets.names(part, place.data):
        trained = [
            (number, training, *runs.kept(training, place.cache))
            for number in range(FIRST[part], FIRST[part] + count)
            for training in [healthy_training(part, name, number, place)]
        ]
        well = 0
        for number, training, folder, outcome in trained:
            best = max((o for n, _, _, o in trained if n % SPLITS == number % SPLITS), key=lambda o: o.score)
            stopped_in_time = training.train.get("early_stopping") is not None
            kept = stopped_in_time or judging.kept_its_cost(outcome.history)
            if not kept or judging.is_worse(best.of_rows, outcome.of_rows):
                continue
            well += 1
            found = runs.statistics(training, folder)
            yield Judged("healthy", part, name, number, (), found, {"score": outcome.score, "best": best.score})
        tell(f"healthy, {part}, {name}: {well} of {count}")


@dataclass(frozen=True, eq=False)
class Planted:
    """A fault that hurts: its twin's outcome, its own, and the noise of the twin from seed to seed."""

    plant: Plant
    part: str
    data: str
    number: int
    twin: runs.Outcome
    spoiled: Training
    folder: Path
    outcome: runs.Outcome
    of_seed: float


def planted(plant: Plant, part: str, count: int, place: Place) -> tuple[list[Planted], int]:
    """So many that hurt, and how many were tried for them."""
    found: list[Planted] = []
    for number in range(FIRST[part], FIRST[part] + 4 * count):
        name, twin, spoiled = pair(plant, part, number, place.data)
        _, of_twin = runs.kept(twin, place.cache, watched=False)
        folder, of_spoiled = runs.kept(spoiled, place.cache)
        others = [runs.kept(twin.but(seed=twin.seed + 7 + k), place.cache, watched=False)[1] for k in range(SEEDS - 1)]
        of_seed = float(np.std([one.score for one in (of_twin, *others)], ddof=1))
        learns = of_twin.score > _half_way(twin.rows, of_twin)
        if plant.clean or (learns and judging.is_worse(of_twin.of_rows, of_spoiled.of_rows, of_seed)):
            found.append(Planted(plant, part, name, number, of_twin, spoiled, folder, of_spoiled, of_seed))
        if len(found) == count:
            return found, number + 1 - FIRST[part]
    return found, 4 * count


def _half_way(rows: sets.Rows, twin: runs.Outcome) -> float:
    """From knowing nothing to knowing what can be known of a set, roughly: less is no healthy twin."""
    if not rows.classes:
        return 0.05
    counts = np.bincount(rows.y_test, minlength=rows.classes)
    return float(counts.max() / counts.sum()) + 0.03


def all_planted(part: str, count: int, place: Place, tell: Told, only: str = "") -> Iterator[tuple[Planted, int]]:
    """Of every kind."""
    for plant in PLANTS:
        if only and plant.name not in only.split(";"):
            continue
        found, tried = planted(plant, part, count, place)
        mean = [
            np.mean([one.score for one in of]) for of in ([p.twin for p in found], [p.outcome for p in found]) if of
        ]
        scores = " → ".join(f"{score:.3f}" for score in mean)
        tell(f"{plant.name}, {part}: {len(found)} of {tried} hurt, {scores}")
        yield from ((one, tried) for one in found)


def judged(one: Planted) -> Judged:
    """With what is measured of it."""
    found = runs.statistics(one.spoiled, one.folder)
    scores = {"twin": one.twin.score, "score": one.outcome.score}
    return Judged(one.plant.name, one.part, one.data, one.number, one.plant.right, found, scores)
