"""How many steps are made before looking up."""

import pytest

from backlit.training.pace import TARGET_SECONDS, Pace


@pytest.mark.parametrize("seconds_a_step", [1e-7, 1e-5, 1e-3, 0.03, 0.2, 5.0])
def test_runs_of_steps_come_to_the_target_and_never_below_one_step(seconds_a_step: float) -> None:
    pace = Pace()
    for _ in range(20):
        before = pace.steps
        pace.took(pace.steps, pace.steps * seconds_a_step)
        assert 1 <= pace.steps <= min(4 * before, Pace.most)
    assert pace.steps == pytest.approx(min(max(TARGET_SECONDS / seconds_a_step, 1), Pace.most), rel=0.5)


def test_a_clock_that_stands_still_or_runs_back_does_no_harm() -> None:
    pace = Pace()
    for seconds in (0.0, -1.0, 0.0):
        before = pace.steps
        pace.took(pace.steps, seconds)
        assert before < pace.steps <= 4 * before


def test_a_slow_run_is_shortened_at_once() -> None:
    pace = Pace()
    pace.took(1000, 10.0)
    assert pace.steps == 10
