"""Every known mistake, planted by a pass written apart from Backlit, is named; what is right is never wrong."""

import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).resolve().parents[3] / "benchmarks" / "planted_mistakes.py"
SPEC = importlib.util.spec_from_file_location("planted_mistakes", PATH)
planted = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(planted)


@pytest.mark.parametrize("mistake", planted.PLANTS)
def test_a_mistake_is_named(mistake):
    named, tried, _, failures = planted.plant(mistake, 2)
    assert tried == 2
    assert named == 2, failures


def test_right_answers_are_never_called_wrong():
    assert planted.right_answers(40) == []


@pytest.mark.slow
@pytest.mark.parametrize("mistake", planted.PLANTS)
def test_a_mistake_is_named_on_twenty_networks(mistake):
    named, tried, _, failures = planted.plant(mistake, 20)
    assert tried == 20
    assert named >= 19, failures


@pytest.mark.slow
def test_a_thousand_right_answers_are_never_called_wrong():
    assert planted.right_answers(1000) == []
