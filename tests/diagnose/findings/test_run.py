"""``bl.diagnose``: from what it works, what it cannot judge, how findings are ranked, what a bad call is told."""

import json

import pytest

import backlit as bl
from backlit.diagnose.findings.rules import FAMILIES, RULES
from backlit.diagnose.findings.run import FROM_START, ranked
from backlit.diagnose.findings.thresholds import THRESHOLDS


@pytest.fixture(scope="module")
def iris():
    return bl.data.load("iris")


def trained(X, y, sizes, *, lens=True, validation=None, **network):
    net = bl.Network(sizes, output="softmax", seed=0, **network)
    run = bl.train(net, X, y, epochs=5, validation=validation, callbacks=[bl.Lens()] if lens else [])
    return net, run


def test_the_package_is_its_function(iris):
    X, y = iris
    net, run = trained(X * 1000, y, [4, 8, 3])
    by_call, by_name = bl.diagnose(net, X * 1000, y, run=run), bl.diagnose.diagnose(net, X * 1000, y, run=run)
    assert str(by_call) == str(by_name)
    assert by_call.first.rule == "unscaled-features"
    assert "Raises:" in bl.diagnose.__call__.__doc__


def test_every_condition_has_a_statistic_and_a_threshold():
    used = set()
    for rule in RULES:
        for conditions in (*rule.conditions, *rule.notes):
            for one in conditions:
                assert one.statistic in rule.states
                used.add(f"{rule.name}.{one.name}")
        assert rule.family in FAMILIES
        used |= {f"{rule.name}.{FROM_START}"} if FROM_START in rule.states else set()
    assert used == set(THRESHOLDS)
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_the_json_is_plain(iris):
    X, y = iris
    net, run = trained(X * 1000, y, [4, 8, 3])
    document = bl.diagnose(net, X * 1000, y, run=run).to_dict()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["findings"][0]["remedy"]["data"] == {"standardise": True}


def test_ranking_needs_statistics_alone(iris):
    X, y = iris
    net, run = trained(X * 1000, y, [4, 8, 3])
    diagnosis = bl.diagnose(net, X * 1000, y, run=run)
    assert ranked(diagnosis.statistics) == [finding.rule for finding in diagnosis.findings]
    assert "unscaled-features" not in ranked(
        diagnosis.statistics, {**THRESHOLDS, "unscaled-features.size": 1e9, "unscaled-features.far": 1e9}
    )


def test_an_unknown_threshold_is_named(iris):
    X, y = iris
    net, run = trained(X, y, [4, 8, 3])
    with pytest.raises(bl.BacklitError, match=r"did you mean 'dead-units.share'"):
        bl.diagnose(net, X, y, run=run, thresholds={"dead-unit.share": 0.5})
