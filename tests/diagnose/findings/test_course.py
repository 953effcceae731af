"""How the cost went, and since when."""

import numpy as np
import pytest

from backlit.diagnose.findings.course import Course, course, since
from backlit.diagnose.findings.evidence import Evidence
from backlit.diagnose.findings.finding import CannotJudge


def test_of_a_cost_that_falls_evenly():
    even = Course(np.linspace(2.0, 1.0, 20), first=2.0)
    assert even.rise == 1
    assert even.late == pytest.approx(0.2, abs=0.06)
    assert even.falling == pytest.approx(0.15, abs=0.05)


def test_of_a_cost_that_has_fallen():
    done = Course(np.array([2.0, 1.0, *[0.5] * 18]), first=2.2)
    assert done.late == 0
    assert done.falling == 0
    assert done.lost == 1


def test_of_a_cost_that_ran_away():
    away = Course(np.array([2.0, 0.5, 0.5, 9.0, 4.0]), first=2.0)
    assert away.rise == 4.5
    assert away.lost == 8
    assert away.falling > 0
    assert Course(np.array([2.0, np.inf]), first=2.0).rise == np.inf


def test_from_a_history_where_nobody_watched():
    history = tuple({"cost": cost, "steps": 10 * n} for n, cost in enumerate([3.0, 2.0, 1.0, 0.5, 0.4], start=1))
    found = course(Evidence(history=history))
    assert found.costs.tolist() == [3, 2, 1, 0.5, 0.4]
    with pytest.raises(CannotJudge, match="3 epochs"):
        course(Evidence(history=history[:3]))
    with pytest.raises(CannotJudge, match="no record and no history"):
        course(Evidence())


def test_since(diagnosed):
    record = diagnosed(epochs=20).lens.record
    values = np.where(record.step < 100, 0.0, 10.0)
    assert 100 <= since(record, values, 5.0) <= 108
    assert since(record, values, -1.0) == 0
    assert since(record, values, 20.0) is None
    assert since(record, -values, -5.0, above=False) == since(record, values, 5.0)
