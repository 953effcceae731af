"""When a fit ends and how its learning rate falls, worked by hand."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import backlit as bl
from backlit.estimators.progress import Loss, Progress, ProgressSchedule, Stopping, Watch
from backlit.network import Network
from backlit.objective import choose
from backlit.optimizers import Plan

LOSSES = Stopping(tol=0.1, patience=2, by_score=False, learning_rate=0.5)


def told(
    stopping: Stopping, costs: list[float], scores: list[float] | None = None
) -> tuple[Progress, list[int], list[float]]:
    """What a watch makes of these epochs: its progress, at which epochs it asked to stop, the factor after each."""
    progress, stops, factors, network = Progress(), [], [], Network([1, 1])
    watch = Watch(
        progress,
        stopping,
        choose("identity"),
        Loss(),
        (lambda run: scores[len(run.history) - 1]) if scores else None,
        False,
    )
    history: list[Any] = []
    run: Any = SimpleNamespace(
        network=network, history=history, steps_per_epoch=1, rows=10, stop=lambda reason: stops.append(len(history))
    )
    watch.on_train_begin(run)
    for epoch, cost in enumerate(costs):
        network.parameters[...] = epoch
        history.append(SimpleNamespace(cost=cost, penalty=0.0))
        watch.on_epoch_end(run)
        factors.append(progress.factor)
    return progress, stops, factors


def test_it_ends_after_more_than_so_many_epochs_without_a_fall_by_tol() -> None:
    # A fall of 0.05 is a new best but no improvement: 0.95 and 0.9 are waited through, 0.85 is the third.
    progress, stops, _ = told(LOSSES, [1.0, 0.95, 0.9, 0.85])
    assert stops == [4]
    assert (progress.waited, progress.best_loss, progress.rows_seen) == (3, 0.85, 40)
    assert told(LOSSES, [1.0, 0.95, 0.9, 0.7, 0.65])[1] == []
    assert told(replace(LOSSES, patience=np.inf), [1.0] * 50)[1] == []
    assert told(replace(LOSSES, patience=np.inf), [1.0] * 50)[0].waited == 49


def test_by_the_score_the_best_epochs_parameters_are_kept() -> None:
    scores = [0.5, 0.7, 0.75, 0.72, 0.71]
    progress, stops, _ = told(replace(LOSSES, by_score=True), [1.0] * 5, scores)
    assert stops == [5]  # 0.75, 0.72 and 0.71 are not better than the best before by 0.1
    assert progress.best_score == 0.75
    assert (progress.best_parameters == 2).all()
    assert progress.scores == scores


def test_a_score_that_is_none_is_never_the_best() -> None:
    progress, _, _ = told(replace(LOSSES, by_score=True), [1.0] * 3, [0.5, float("nan"), 0.4])
    assert progress.best_score == 0.5


def test_scores_that_are_only_watched_end_nothing() -> None:
    progress, stops, _ = told(LOSSES, [1.0, 0.8, 0.6, 0.4], [0.5, 0.5, 0.5, 0.5])
    assert stops == []
    assert progress.best_parameters is None
    assert progress.best_score == 0.5


def test_adaptive_divides_by_5_and_ends_where_the_rate_is_as_good_as_none() -> None:
    stopping = replace(LOSSES, patience=1, divides=True, learning_rate=2e-5)
    _, stops, factors = told(stopping, [1.0] * 9)
    # Two epochs of waiting each: 2e-5, 4e-6, 8e-7, and the next one ends it.
    np.testing.assert_allclose(factors, [1, 1, 0.2, 0.2, 0.04, 0.04, 0.04, 0.04, 0.04])
    assert stops == [7, 8, 9]


def test_inverse_scaling_by_the_rows_seen() -> None:
    _, _, factors = told(replace(LOSSES, power=0.5), [1.0, 0.8, 0.6])
    np.testing.assert_allclose(factors, [11**-0.5, 21**-0.5, 31**-0.5])
    progress = Progress(factor=0.25)
    assert ProgressSchedule(progress).factors(3, 6, Plan(10, 2)).tolist() == [0.25] * 3
    assert ProgressSchedule(progress).factor(3, Plan(10, 2)) == 0.25


def test_the_loss_of_an_epoch() -> None:
    # Four steps from a penalty of 0.8 to one of 0.4 in a straight line meet 0.8, 0.7, 0.6 and 0.5: 0.65 on average.
    assert Loss().of_epoch(1.0, 0.8, 0.4, steps=4) == pytest.approx(1.65)
    assert Loss(scale=0.5, offset=0.1, share=2).of_epoch(1.0, 0.8, 0.4, steps=4) == pytest.approx(0.5 + 0.1 + 1.3)


X = np.random.default_rng(0).normal(size=(40, 3))
Y = X[:, 0] + 0.1 * X[:, 1]


def test_a_fit_ends_as_the_rule_says() -> None:
    for patience in (2, 5):
        model = bl.BackpropRegressor(hidden_layer_sizes=4, n_iter_no_change=patience, tol=0.02, random_state=0).fit(
            X, Y
        )
        curve = np.array(model.loss_curve_)
        best = np.minimum.accumulate(np.concatenate([[np.inf], curve]))[:-1]
        improved = curve <= best - 0.02
        waited = [len(curve[:i]) - 1 - np.flatnonzero(improved[:i])[-1] for i in range(1, len(curve) + 1)]
        assert waited[-1] == patience + 1
        assert max(waited[:-1]) <= patience
        assert model.n_iter_ == len(curve) < 200


def test_max_iter_ends_it_with_a_warning_and_infinite_patience_goes_there() -> None:
    with pytest.warns(ConvergenceWarning, match="all max_iter=7 epochs were made and the loss still got better; raise"):
        model = bl.BackpropRegressor(max_iter=7, tol=1e9, n_iter_no_change=np.inf).fit(X, Y)
    assert model.n_iter_ == 7


def test_lbfgs_warns_where_it_has_not_converged() -> None:
    with pytest.warns(ConvergenceWarning, match=r"lbfgs ended after 3 iterations.*raise max_iter=3 or max_fun=15000"):
        model = bl.BackpropRegressor(solver="lbfgs", max_iter=3, random_state=0).fit(X, Y)
    assert model.n_iter_ == 3


def test_the_learning_rates_of_a_fit_are_in_its_history() -> None:
    with pytest.warns(ConvergenceWarning):
        model = bl.BackpropRegressor(solver="sgd", learning_rate="invscaling", max_iter=3, learning_rate_init=0.1).fit(
            X, Y
        )
    np.testing.assert_allclose(model.history_["learning_rate"], [0.1, 0.1 / 41**0.5, 0.1 / 81**0.5])
    adaptive = bl.BackpropRegressor(solver="sgd", learning_rate="adaptive", tol=0.5, max_iter=3000).fit(X, Y)
    assert adaptive.history_["learning_rate"][-1] < 1e-6
    np.testing.assert_allclose(min(adaptive.history_["learning_rate"]), 0.001 / 5**5)


def test_verbose_prints_a_line_an_epoch(capsys: Any) -> None:
    with pytest.warns(ConvergenceWarning):
        model = bl.BackpropRegressor(max_iter=2, verbose=True, early_stopping=True, random_state=0).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"Iteration 1, loss = {model.loss_curve_[0]:.8f}"
    assert lines[1] == f"Validation score: {model.validation_scores_[0]:.6f}"
    bl.BackpropRegressor(tol=1e9, random_state=0, verbose=1).fit(X, Y)
    assert capsys.readouterr().out.splitlines()[-1] == "Stopping: the loss is no better by tol=1e+09 since 11 epochs"
