"""What a diagnosis says: text within its width, rows of findings, notes, what was not judged."""

import json

import pytest

from backlit.diagnose.findings.diagnosis import Diagnosis
from backlit.diagnose.findings.finding import Finding, NotJudged, Remedy, Where

FINDING = Finding(
    rule="dead-units", what="half of the neurons are dead", where=Where(layers=(2,), neurons=(0, 3)), since=40,
    equation="BP2", why="σ' is 0 " + "again and " * 30 + "again", follows="they never come back",
    remedy=Remedy("smaller steps", ("--learning-rate", "0.001"), train={"learning_rate": 0.001}),
    statistics={"share": 0.5, "behind": float("nan")}, thresholds={"share": 0.4}, score=1.2,
)  # fmt: skip


@pytest.fixture
def diagnosis():
    unjudged = (NotJudged("leakage", "there are no rows"), NotJudged("underfitting", "there are no rows"))
    return Diagnosis((FINDING,), (FINDING,), unjudged, {"dead-units": FINDING.statistics}, "network 4-8-3")


@pytest.mark.parametrize("width", [60, 100])
def test_text_keeps_its_width(diagnosis, width):
    lines = diagnosis.text(width).splitlines()
    assert max(map(len, lines)) <= width
    assert lines[0] == "network 4-8-3: 1 finding"
    assert lines[2].startswith("1. dead-units: half of the neurons are dead; since step 40")
    assert any("smaller steps (--learning-rate 0.001)" in line for line in lines)
    assert "not judged: leakage, underfitting: there are no rows" in lines


def test_no_finding_is_said():
    assert str(Diagnosis(())) == "nothing found that keeps it from learning"
    assert Diagnosis(()).first is None
    assert repr(Diagnosis(())) == "Diagnosis(no finding; 0 notes, 0 rules not judged)"


def test_json_is_plain_and_complete(diagnosis):
    document = json.loads(json.dumps(diagnosis.to_dict(), allow_nan=False))
    finding = document["findings"][0]
    assert finding["where"] == {"layers": [2], "neurons": [0, 3]}
    assert finding["remedy"] == {
        "text": "smaller steps", "flags": ["--learning-rate", "0.001"], "train": {"learning_rate": 0.001},
    }  # fmt: skip
    assert finding["statistics"] == {"share": 0.5, "behind": None}
    assert document["not_judged"][0] == {"rule": "leakage", "reason": "there are no rows"}
    assert set(finding) == set(Finding.__dataclass_fields__)


def test_a_finding_by_itself():
    text = str(FINDING)
    assert text.startswith("dead-units: half of the neurons are dead (since step 40)\n")
    assert text.endswith("Remedy: smaller steps  [--learning-rate 0.001]")
