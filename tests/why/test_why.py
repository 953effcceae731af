"""``bl.why``: the counts are the formulas', the searches are honest, the budget is kept, the picture is drawn."""

import numpy as np
import pytest

import backlit as bl
from backlit.errors import OptionError
from backlit.why import counts, growth, searches, task
from backlit.why.counts import GridTime


@pytest.fixture(scope="module")
def report():
    return bl.why("xor", seconds=1.5)


@pytest.mark.parametrize(("weights", "words"), [(2, "1 ms"), (4, "16.7 minutes"), (5, "11.6 days")])
def test_the_well_known_times(weights, words):
    assert str(GridTime(1000, weights, 1e9)) == words


def test_the_time_of_very_many_weights_is_a_power_of_ten():
    assert str(GridTime(1000, 760, 1e9)) == "10^2264 years"
    assert GridTime(1000, 760, 1e9).seconds == np.inf


def test_the_counts_are_the_formulas():
    assert counts.finite_difference_passes(30_000) == 30_001
    assert counts.finite_difference_passes(30_000, central=True) == 60_000
    assert counts.backpropagation_passes() == 1 + 1
    assert counts.finite_difference_passes(13, 4) == 14 * 4
    assert counts.neuron_visits(3, 100, 1) == 2 * 101 * 100


@pytest.mark.parametrize("name", ["xor", "digits"])
def test_every_search_counts_its_passes_by_its_formula(name):
    chosen = task.get(name, 0)
    N, m = chosen.parameters, chosen.rows
    steps = {
        "one weight at a time": (m, searches.TRIED * m),
        "finite differences": (0, (N + 1) * m),
        "backpropagation": (0, 2 * m),
    }
    for search, (first, a_step) in steps.items():
        progress = searches.searches(chosen, 5)[search]()
        assert [next(progress)[0] for _ in range(3)] == [first + k * a_step for k in (1, 2, 3)]


def test_the_costs_of_many_networks_are_those_of_each():
    chosen = task.get("digits", 0)
    rng = np.random.default_rng(0)
    thetas = rng.standard_normal((3, chosen.parameters))
    found = task.costs_of(chosen, thetas)
    network = chosen.network.copy()
    for theta, cost in zip(thetas, found, strict=True):
        network.parameters[...] = theta
        a = network.predict(chosen.X)
        assert cost == pytest.approx(-np.log((a * chosen.Y).sum(axis=1)).mean(), rel=1e-9)


def test_both_gradients_are_the_same():
    chosen = task.get("xor", 3)
    cost_1, differences = searches.difference_gradient(chosen, chosen.network.parameters)
    cost_2, backpropagated = searches.backpropagated_gradient(chosen)
    assert cost_1 == pytest.approx(cost_2, rel=1e-12)
    np.testing.assert_allclose(differences, backpropagated, atol=1e-6)  # a forward difference of step 1e-7


def test_both_descents_take_the_same_way():
    chosen = task.get("xor", 0)
    ways = [searches.searches(chosen, 5)[name]() for name in ("finite differences", "backpropagation")]
    costs = np.array([[next(way)[1] for _ in range(20)] for way in ways])
    np.testing.assert_allclose(costs[0], costs[1], rtol=1e-4)  # adam divides small gradients by themselves


def test_the_grid_tries_every_combination_once():
    small = task.Task("small", bl.Network([1, 1], dtype="float64"), task.get("xor", 0).objective, np.ones((1, 1)), np.ones((1, 1)), task.get("xor", 0).optimizer)  # fmt: skip # noqa: E501
    progress = list(searches.all_combinations(small, 7))
    assert progress[-1][0] == 1 + 7**2


def test_the_report(report):
    assert [course.name for course in report.courses] == list(searches.searches(report.task, 5))
    for course in report.courses:
        assert list(course.costs) == sorted(course.costs, reverse=True)
        assert course.cost <= course.costs[0]
    text = str(report)
    assert "finite differences, forward  (N + 1) m = 56 passes" in text
    assert "30,001 passes against 1 + 1" in text
    assert "4 weights   16.7 minutes" in text
    assert report.to_dict()["passes_a_gradient"]["backpropagation"] == 8


def test_a_budget_of_passes_is_kept():
    found = bl.why("xor", seconds=2, passes=1000)
    for course in found.courses:
        assert course.passes[-1] <= 1000
    assert found.courses[-1].steps == 1000 // 8
    assert found.courses[2].steps == 1000 // 56
    tight = bl.why("xor", seconds=1, passes=20)
    assert tight.courses[2].steps == 0
    assert "finite differences: not one step fits into 20 passes" in str(tight)


def test_the_growth_is_measured_at_several_sizes(report):
    for grown in report.growth:
        assert len(grown.parameters) == len(grown.seconds) >= 2
        assert list(grown.parameters) == sorted(grown.parameters)
    assert growth._power([10, 100, 1000], [1, 100, 10_000]) == pytest.approx(2)


def test_the_picture(report, tmp_path):
    pytest.importorskip("matplotlib")
    report.plot(tmp_path / "why.png")
    assert (tmp_path / "why.png").stat().st_size > 10_000
    with pytest.raises(bl.OutputPathError):
        report.plot(tmp_path / "why.png")


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("xorr", {}, "did you mean 'xor'"),
        ("xor", {"passes": 3}, "passes must be at least 4: one evaluation of the cost of xor takes a pass for each"),
        ("xor", {"seconds": 0.01}, "too few"),
        ("xor", {"seconds": -1}, "seconds"),
        ("xor", {"values": 0}, "values"),
        ("xor", {"evaluations_per_second": 0}, "evaluations_per_second"),
    ],
)
def test_bad_input_is_named(name, options, words):
    with pytest.raises(OptionError, match=words):
        bl.why(name, **options)
