"""The tables of docs/diagnose.md: what the rules and thresholds in the source say, and what was measured of them."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from faults.plants import PLANTS

from backlit.diagnose.findings.rule import Condition, Rule
from backlit.diagnose.findings.rules import FAMILIES, RULES
from backlit.diagnose.findings.thresholds import THRESHOLDS

BEGIN, END = "<!-- faults: benchmarks/diagnose_faults.py -->\n", "<!-- end -->\n"

Results = dict[str, Any]


def between(text: str) -> str:
    """What stands between the marks of a page."""
    return text.partition(BEGIN)[2].partition(END)[0]


def write(results: Results, page: Path) -> None:
    """Into the page, between its marks."""
    before, _, rest = page.read_text().partition(BEGIN)
    page.write_text(before + BEGIN + generated(results) + END + rest.partition(END)[2])


def generated(results: Results) -> str:
    """Everything between the marks."""
    parts = (summary, by_kind, by_flags, by_set, by_rule)
    return "\n".join(line for part in parts for line in (*part(results), "")).rstrip("\n") + "\n"


def rates(results: Results) -> dict[str, Any]:
    """The numbers that count, of the part that is reported."""
    healthy = [one for one in results["healthy"] if one["part"] == "reported"]
    planted = [one for one in results["planted"] if one["part"] == "reported"]
    firsts = [first_of(one) in one["right"] for one in planted]
    kinds = {one["kind"]: [] for one in planted}
    for one in planted:
        kinds[one["kind"]].append(one)
    well = {kind: [one["well"] for one in of if one.get("well") is not None] for kind, of in kinds.items()}
    return {
        "healthy": len(healthy),
        "alarms": sum(bool(one["said"]) for one in healthy),
        "planted": len(planted),
        "firsts": sum(firsts),
        "kinds": len(kinds),
        "restored": sum(bool(of) and np.mean(of) >= 0.8 for of in well.values()),
    }


def first_of(one: dict[str, Any]) -> str:
    return one["said"][0] if one["said"] else "nothing"


def summary(results: Results) -> Iterator[str]:
    found = rates(results)
    yield (
        f"**Healthy trainings with any finding: {found['alarms']} of {found['healthy']} "
        f"({found['alarms'] / found['healthy']:.1%}). Planted faults, the right finding first: {found['firsts']} of "
        f"{found['planted']} ({found['firsts'] / found['planted']:.1%}), of {found['kinds']} kinds. Kinds of which the "
        f"remedy of the first finding restored at least 80 % of the runs: {found['restored']}.**"
    )


def by_kind(results: Results) -> Iterator[str]:
    yield "### Planted faults"
    yield ""
    yield (
        "| fault | planted as | right finding | hurt, of planted | said first | among the findings "
        "| said first instead | score: healthy → with the fault → with the remedy | restored |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for plant in PLANTS:
        of = [one for one in results["planted"] if one["kind"] == plant.name and one["part"] == "reported"]
        if not of:
            continue
        right = sum(first_of(one) in plant.right for one in of)
        among = sum(bool(set(one["said"]) & set(plant.right)) for one in of)
        instead = Counter(first_of(one) for one in of if first_of(one) not in plant.right)
        said = ", ".join(f"{name} {count}" for name, count in instead.most_common()) or "-"
        obeyed = [one for one in of if "well" in one]
        scores = " → ".join(
            f"{np.mean([one[name] for one in obeyed or of]):.2f}"
            for name in ("twin", "score", "remedied")
            if name in (obeyed or of)[0]
        )
        well = [one["well"] for one in obeyed]
        tried = results["tried"][f"{plant.name}, reported"]
        hurt = "as planted" if plant.clean else f"{len(of)} of {tried}"
        yield (
            f"| {plant.name} | {plant.what} | {' or '.join(plant.right)} | {hurt} | {right} of {len(of)} | {among} "
            f"| {said} | {scores} | {f'{sum(well)} of {len(well)}' if well else '-'} |"
        )


def by_flags(results: Results) -> Iterator[str]:
    yield "### The remedy by its flags"
    yield ""
    yield (
        "`backlit train` with the flags of the fault, and the remedy's behind them: one run of each kind that is "
        "nothing but flags. (It keeps the best epoch by validation, unlike `bl.train` above.)"
    )
    yield ""
    yield "| fault | set | remedy | score: healthy → with the fault → with the remedy |"
    yield "|---|---|---|---|"
    for one in results["flags"]:
        scores = " → ".join(f"{one[name]:.2f}" for name in ("twin", "score", "remedied"))
        yield f"| {one['kind']} | {one['data']} | `{one['flags']}` | {scores} |"


def by_set(results: Results) -> Iterator[str]:
    yield "### Healthy trainings"
    yield ""
    yield "| set | trained | of these healthy | with a finding | which |"
    yield "|---|---|---|---|---|"
    for key, trained in results["trained"].items():
        name, _, part = key.partition(", ")
        of = [one for one in results["healthy"] if one["data"] == name and one["part"] == part]
        said = Counter(rule for one in of for rule in one["said"])
        which = ", ".join(f"{rule} {count}" for rule, count in said.most_common()) or "-"
        label = name if part == "reported" else f"{name} (set thresholds)"
        yield f"| {label} | {trained} | {len(of)} | {sum(bool(one['said']) for one in of)} | {which} |"


def by_rule(results: Results) -> Iterator[str]:
    healthy = [one for one in results["healthy"] if one["part"] == "reported"]
    planted = [one for one in results["planted"] if one["part"] == "reported"]
    yield "### The findings, in the order of their families"
    for family in FAMILIES:
        for rule in (rule for rule in RULES if rule.family == family):
            yield ""
            yield f"#### {rule.name} ({family})"
            yield f"Said where {spoken(rule)}."
            yield ""
            yield from (f"- `{name}`: {words}" for name, words in rule.states.items())
            alarms = sum(rule.name in one["said"] for one in healthy)
            fitting = [one for one in planted if rule.name in one["right"]]
            right = sum(first_of(one) == rule.name for one in fitting)
            wrong = sum(first_of(one) == rule.name and rule.name not in one["right"] for one in planted)
            hits = f"Said first in {right} of {len(fitting)} runs where it is right" if fitting else "Not planted"
            yield ""
            others = len(planted) - len(fitting)
            yield f"{hits}, and in {wrong} of the {others} others; false alarms: {alarms} of {len(healthy)}."
            example = results["examples"].get(rule.name)
            if example:
                yield ""
                yield f"> {example['what']}."
                yield f"> *{example['equation']}*: {example['why']}."
                yield f"> {example['follows'][0].upper()}{example['follows'][1:]}."
                yield f"> Remedy: {example['remedy']}."


def spoken(rule: Rule) -> str:
    """The rule's conditions with the thresholds in use, as one sentence part."""
    return "; or ".join(" and ".join(_held(rule, one) for one in alternative) for alternative in rule.conditions)


def _held(rule: Rule, one: Condition) -> str:
    value = THRESHOLDS[f"{rule.name}.{one.name}"]
    return f"`{one.statistic}` {'>' if one.side == 'above' else '<'} {value:g}"
