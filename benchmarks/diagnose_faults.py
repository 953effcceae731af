"""How often `bl.diagnose` is right: healthy trainings, faults planted in them, and remedies that were obeyed.

    python benchmarks/diagnose_faults.py [DATA] [--cache FOLDER] [--calibrate] [--write docs/diagnose.md]

DATA is a folder with `mnist` (IDX files) and `tables` (adult-train.csv, housing.csv, titanic.csv); without it the
bundled and the made sets are used alone. Every training is kept in the cache folder with what its lens recorded and
what the rules measured of it, so that thresholds are chosen without training again, and an interruption loses nothing.

Thresholds are set on one part, `setting`, and the rates reported on the other, `reported`: other data sets, other
splits and seeds, other widths, and activations of which relu, tanh and sigmoid alone are in both.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faults import calibrate, flags, page, plants, remedies, sets, zoo
from faults.judging import Judged

from backlit.diagnose.findings import thresholds as source

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "diagnose_faults.json"


@dataclass
class Measured:
    """Every run of one or both parts, with what the rules measured of it."""

    healthy: list[Judged] = field(default_factory=list)
    planted: list[tuple[zoo.Planted, Judged]] = field(default_factory=list)
    tried: dict[str, int] = field(default_factory=dict)
    trained: dict[str, int] = field(default_factory=dict)


def collect(parts, place, options, tell) -> Measured:
    found = Measured()
    for part in parts:
        if not options.only:
            found.trained |= {f"{name}, {part}": options.healthy for name in sets.names(part, place.data)}
            found.healthy += zoo.healthy(part, options.healthy, place, tell)
        for one, tried in zoo.all_planted(part, options.planted, place, tell, options.only):
            found.planted.append((one, zoo.judged(one)))
            found.tried[f"{one.plant.name}, {part}"] = tried
    return found


def results_of(found: Measured, thresholds) -> dict[str, Any]:
    """Plain data: what was said of every run."""
    return {
        "healthy": [_plain(one, thresholds) | one.scores for one in found.healthy],
        "planted": [_plain(one, thresholds) | one.scores for _, one in found.planted],
        "tried": found.tried,
        "trained": found.trained,
        "examples": {},
        "flags": [],
    }


def obey(results: dict[str, Any], found: Measured, place, count: int, tell) -> Iterator[None]:
    """Adds what came of the first findings of the reported runs: the first run of every kind, then the second, …"""
    lines = [(one, line) for (one, _), line in zip(found.planted, results["planted"], strict=True)]
    kinds = [
        [pair for pair in lines if pair[0].plant is plant and pair[0].part == "reported"] for plant in plants.PLANTS
    ]
    for number in range(count):
        for one, line in (of[number] for of in kinds if len(of) > number):
            finding = remedies.first_finding(one)
            came = remedies.restored(one, finding, place)
            line |= {"remedied": came.remedied, "well": came.well, "remedy": came.text}
            if finding is not None and finding.rule in one.plant.right:
                results["examples"].setdefault(finding.rule, _example(finding))
            tell(f"{came.kind}, {came.data} {came.number}: {came.rule}, {came.text}: {came.spoiled:.3f} → "
                 f"{came.remedied:.3f} of {came.twin:.3f}{'' if came.well else ', not restored'}")  # fmt: skip
        yield
    for one, _ in (of[0] for of in kinds if of and of[0][0].plant.name in flags.THROUGH_FLAGS):
        finding = remedies.first_finding(one)
        if finding is not None and finding.remedy.flags and finding.rule in one.plant.right:
            results["flags"].append(_by_flags(one, finding, place))
            tell(f"by flags: {results['flags'][-1]}")
    yield


def _by_flags(one: zoo.Planted, finding, place) -> dict[str, Any]:
    """The twin, the fault, and the fault with the remedy's flags, each trained by the command line."""
    _, twin, _ = plants.pair(one.plant, one.part, one.number, place.data)
    folder, more = place.cache / "flags", tuple(finding.remedy.flags)
    return {
        "kind": one.plant.name,
        "data": one.data,
        "flags": " ".join(more),
        "twin": flags.score(twin, (), folder),
        "score": flags.score(one.spoiled, (), folder),
        "remedied": flags.score(one.spoiled, more, folder),
    }


def _plain(one: Judged, thresholds) -> dict[str, Any]:
    plain = {"part": one.part, "data": one.data, "number": one.number, "said": one.said(thresholds)}
    return plain | ({"kind": one.kind, "right": list(one.right)} if one.right else {})


def _example(finding) -> dict[str, str]:
    plain = {name: str(getattr(finding, name)) for name in ("what", "equation", "why", "follows")}
    flags = f" (`{' '.join(finding.remedy.flags)}`)" if finding.remedy.flags else ""
    return plain | {"remedy": finding.remedy.text + flags}


def told(results: dict[str, Any]) -> str:
    """What went wrong, run by run, and the rates of each part."""
    lines = []
    for part in zoo.PARTS:
        healthy = [one for one in results["healthy"] if one["part"] == part]
        planted = [one for one in results["planted"] if one["part"] == part]
        for one in healthy:
            if one["said"]:
                lines.append(f"  false alarm, {part}, {one['data']} {one['number']}: {', '.join(one['said'])}")
        for kind in dict.fromkeys(one["kind"] for one in planted):
            of = [one for one in planted if one["kind"] == kind]
            wrong = [one for one in of if page.first_of(one) not in one["right"]]
            instead = "; ".join(f"{one['data']} {one['number']} {', '.join(one['said'][:3]) or '-'}" for one in wrong)
            lines.append(f"  {kind}, {part}: {len(of) - len(wrong)} of {len(of)}   {instead}")
        alarms = sum(bool(one["said"]) for one in healthy)
        firsts = sum(page.first_of(one) in one["right"] for one in planted)
        lines.append(
            f"{part}: {alarms} of {len(healthy)} healthy with a finding, {firsts} of {len(planted)} right first"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", nargs="?", type=Path, help="folder with mnist and tables")
    parser.add_argument("--cache", type=Path, default=Path("diagnose-faults-cache"))
    parser.add_argument("--healthy", type=int, default=40, help="healthy trainings a set")
    parser.add_argument("--planted", type=int, default=12, help="faults of each kind and part")
    parser.add_argument("--parts", default=",".join(zoo.PARTS))
    parser.add_argument("--only", default="", help="kinds of faults, between semicolons")
    parser.add_argument("--calibrate", action="store_true", help="set the thresholds, and write them into the source")
    parser.add_argument("--obeyed", type=int, default=5, help="of each kind, runs whose first finding is obeyed")
    parser.add_argument("--out", type=Path, help=f"where results are kept; {RESULTS.name} for a whole run")
    parser.add_argument("--write", type=Path, help="the page to write the tables into, whole and with remedies")
    parser.add_argument("--page", type=Path, help="write this page from the results that are kept, and do nothing else")
    options = parser.parse_args()
    if options.page:
        page.write(json.loads(RESULTS.read_text()), options.page)
        return
    place, began = zoo.Place(options.data, options.cache), time.perf_counter()

    def tell(text: str) -> None:
        print(f"{time.perf_counter() - began:6.0f} s  {text}", flush=True)

    found = collect(options.parts.split(","), place, options, tell)
    thresholds = dict(source.THRESHOLDS)
    if options.calibrate:
        setting = [one for one in (*found.healthy, *(judged for _, judged in found.planted)) if one.part == "setting"]
        thresholds = calibrate.calibrated(setting, thresholds, tell)
        calibrate.write(thresholds, Path(str(source.__file__)))
        source.THRESHOLDS.update(thresholds)
    results = results_of(found, thresholds)
    print(told(results), flush=True)
    keep(results, options)
    for _ in obey(results, found, place, options.obeyed, tell) if options.obeyed and options.write else ():
        keep(results, options)  # so that an interruption loses little


def keep(results: dict[str, Any], options) -> None:
    """Where the options say."""
    if options.out or options.write:
        (options.out or RESULTS).write_text(json.dumps(results, indent=0, ensure_ascii=False) + "\n")
    if options.write:
        page.write(results, options.write)


if __name__ == "__main__":
    main()
