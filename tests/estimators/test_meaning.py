"""The numbers are scikit-learn's: from the same start, in the same order of rows, the same parameters and losses."""

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

import backlit as bl

RNG = np.random.default_rng(3)
X = RNG.normal(size=(60, 5))
TWO = (X[:, 0] + X[:, 1] > 0).astype(int)
THREE = np.digitize(X[:, 0] - X[:, 2], [-0.7, 0.7])
LABELS = (X[:, :3] > 0.2).astype(int)
NUMBER = np.sin(X[:, 0]) + X[:, 1]
NUMBERS = np.column_stack([NUMBER, X[:, 2] ** 2, X[:, 3]])
COUNTS = RNG.poisson(np.exp(0.5 * X[:, 0]))
WEIGHTS = RNG.uniform(0.2, 3, 60)

TARGETS = {"two": TWO, "three": THREE, "labels": LABELS, "number": NUMBER, "numbers": NUMBERS, "counts": COUNTS}


def pair(y: np.ndarray, **options: Any) -> tuple[Any, Any]:
    """Ours and theirs, both begun, both with the parameters of ours and as if nothing had been learnt."""
    numeric = y.dtype.kind == "f" or options.get("loss") == "poisson"
    kinds = (bl.BackpropRegressor, MLPRegressor) if numeric else (bl.BackpropClassifier, MLPClassifier)
    ours, theirs = (kind(random_state=1, warm_start=True, **options) for kind in kinds)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        ours.set_params(max_iter=1, solver="adam").fit(X, y)
        theirs.set_params(max_iter=1, solver="adam").fit(X, y)
    theirs.coefs_ = [W.copy() for W in ours.coefs_]
    theirs.intercepts_ = [b.copy() for b in ours.intercepts_]
    theirs.loss_curve_, theirs.best_loss_, theirs._no_improvement_count, theirs.t_ = [], np.inf, 0, 0
    ours._progress = type(ours._progress)()
    for one in (ours, theirs):
        one.set_params(max_iter=options.get("max_iter", 200), solver=options.get("solver", "adam"))
    return ours, theirs


def fitted(y: np.ndarray, weights: Any = None, **options: Any) -> tuple[Any, Any]:
    ours, theirs = pair(y, **({"hidden_layer_sizes": (7, 4), "shuffle": False, "max_iter": 6} | options))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        ours.fit(X, y, weights)
        theirs.fit(X, y, weights)
    return ours, theirs


def check_same(ours: Any, theirs: Any, rtol: float = 1e-9) -> None:
    for mine, other in zip([*ours.coefs_, *ours.intercepts_], [*theirs.coefs_, *theirs.intercepts_], strict=True):
        np.testing.assert_allclose(mine, other, rtol=rtol, atol=rtol)
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.out_activation_ == theirs.out_activation_
    assert (ours.n_layers_, ours.n_outputs_, ours.t_) == (theirs.n_layers_, theirs.n_outputs_, theirs.t_)


def check_same_losses(ours: Any, theirs: Any, rtol: float = 1e-9) -> None:
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=rtol)
    assert ours.loss_ == ours.loss_curve_[-1]
    assert ours.best_loss_ == pytest.approx(theirs.best_loss_, rel=rtol)


SGD = {"solver": "sgd", "learning_rate_init": 0.1}


@pytest.mark.parametrize("target", ["two", "three", "labels", "number", "numbers"])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_sgd_in_batches_with_a_short_last_one(target: str, activation: str) -> None:
    ours, theirs = fitted(TARGETS[target], activation=activation, alpha=0, batch_size=16, **SGD)
    check_same(ours, theirs)
    check_same_losses(ours, theirs)


@pytest.mark.parametrize(
    "options",
    [
        {"momentum": 0.0},
        {"momentum": 0.5, "nesterovs_momentum": False},
        {"learning_rate": "invscaling", "power_t": 0.3},
        {"learning_rate": "adaptive", "tol": 0.05, "n_iter_no_change": 1, "max_iter": 40},
        {"tol": 0.02, "n_iter_no_change": 2, "max_iter": 60},
        {"batch_size": 60},
    ],
    ids=str,
)
def test_every_way_of_sgd(options: dict[str, Any]) -> None:
    ours, theirs = fitted(THREE, **({"batch_size": 15, "alpha": 0} | SGD | options))
    check_same(ours, theirs)
    check_same_losses(ours, theirs)


@pytest.mark.parametrize("options", [{}, {"beta_1": 0.5, "beta_2": 0.9}, {"learning_rate_init": 0.03}], ids=str)
def test_adam(options: dict[str, Any]) -> None:
    """ε stands at another root (the document says so): as good as none, it makes no difference."""
    ours, theirs = fitted(TWO, batch_size=20, alpha=0, epsilon=1e-300, **options)
    check_same(ours, theirs)
    check_same_losses(ours, theirs)


@pytest.mark.parametrize("target", list(TARGETS))
@pytest.mark.parametrize(("batch_size", "alpha"), [("auto", 2.0), (15, 0.1)])
def test_alpha_and_the_loss_with_its_penalty(target: str, batch_size: int | str, alpha: float) -> None:
    loss = {"loss": "poisson"} if target == "counts" else {}
    ours, theirs = fitted(TARGETS[target], batch_size=batch_size, alpha=alpha, **SGD, **loss)
    check_same(ours, theirs)
    # With several batches the penalty, a tenth of the loss here and more, goes by the trapezoid rule.
    check_same_losses(ours, theirs, rtol=1e-9 if batch_size == "auto" else 2e-2)


@pytest.mark.parametrize("target", list(TARGETS))
def test_sample_weights_in_one_batch(target: str) -> None:
    loss = {"loss": "poisson"} if target == "counts" else {}
    ours, theirs = fitted(TARGETS[target], WEIGHTS, alpha=1.0, **SGD, **loss)
    check_same(ours, theirs)
    check_same_losses(ours, theirs)


@pytest.mark.parametrize("target", ["two", "three", "labels", "number", "counts"])
@pytest.mark.parametrize("weighted", [False, True])
def test_lbfgs(target: str, weighted: bool) -> None:
    loss = {"loss": "poisson"} if target == "counts" else {}
    ours, theirs = fitted(
        TARGETS[target], WEIGHTS if weighted else None, solver="lbfgs", alpha=0.1, activation="tanh", **loss
    )
    check_same(ours, theirs, rtol=1e-7)  # six line searches repeat the rounding of a cost
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-9)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-6, atol=1e-7)


def test_the_loss_of_several_numbers_is_the_mean_over_them_with_lbfgs_too() -> None:
    ours, theirs = fitted(NUMBERS, solver="lbfgs", alpha=0.1, activation="tanh", max_iter=50)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=0.1)  # theirs follows another line search
    a = ours.predict(X)
    penalty = 0.1 / 2 / 60 * sum((W**2).sum() for W in ours.coefs_)
    assert ours.loss_ == pytest.approx(0.5 * ((a - NUMBERS) ** 2).mean() + penalty, rel=1e-12)


@pytest.mark.parametrize("target", ["two", "three", "labels"])
def test_predictions_and_probabilities(target: str) -> None:
    ours, theirs = fitted(TARGETS[target], alpha=0, **SGD)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-9)
    np.testing.assert_allclose(ours.predict_log_proba(X), theirs.predict_log_proba(X), rtol=1e-9)
    assert ours.score(X, TARGETS[target]) == theirs.score(X, TARGETS[target])
    assert list(ours.classes_) == list(theirs.classes_)


def test_float32_goes_through_as_theirs_does() -> None:
    ours, theirs = fitted(NUMBER, alpha=0, **SGD)
    single = bl.BackpropRegressor(**ours.get_params()).set_params(warm_start=False)
    with pytest.warns(ConvergenceWarning):
        single.fit(X.astype("f4"), NUMBER)
    assert {values.dtype for values in [*single.coefs_, *single.intercepts_, single.predict(X)]} == {np.dtype("f4")}
    assert theirs.coefs_[0].dtype == ours.coefs_[0].dtype == np.float64


def test_the_step_worked_by_hand() -> None:
    """scikit-learn's worked step: 3-2-1 sigmoids, one row, sgd of rate 0.1 with alpha 0.1; to three decimals."""
    x = np.array([[0.6, 0.8, 0.7]])
    model = bl.BackpropClassifier(
        2, "logistic", solver="sgd", learning_rate_init=0.1, alpha=0.1, momentum=0, random_state=1
    )
    model.partial_fit(x, [0], classes=[0, 1])
    for mine, given in zip(
        [*model.coefs_, *model.intercepts_],
        [[[0.1, 0.2], [0.3, 0.1], [0.5, 0]], [[0.1], [0.2]], [0.1, 0.1], [1.0]],
        strict=True,
    ):
        mine[...] = given
    model.partial_fit(x, [0])
    W = [[0.098, 0.195756], [0.2956664, 0.096008], [0.4939998, -0.002244]]
    np.testing.assert_allclose(model.coefs_[0], W, atol=5e-4)
    np.testing.assert_allclose(model.coefs_[1], [[0.04706], [0.154089]], atol=5e-4)
    np.testing.assert_allclose(model.intercepts_[0], [0.098333, 0.09626], atol=5e-4)
    np.testing.assert_allclose(model.intercepts_[1], [0.9235], atol=5e-4)
    assert model.predict_proba(x)[0, 1] == pytest.approx(0.739, abs=5e-4)


def test_the_start_is_drawn_from_the_same_distribution() -> None:
    """Uniform on ±√(6/(fan_in + fan_out)), biases too; √2 where the hidden layers are sigmoids."""
    wide = RNG.normal(size=(4, 200))
    for activation, factor in (("relu", 6), ("logistic", 2), ("sigmoid", 2), (("tanh", "sigmoid"), 6)):
        model = bl.BackpropClassifier((300, 250), activation, random_state=0, learning_rate_init=1e-12)
        model.partial_fit(wide, [0, 1, 0, 1], classes=[0, 1])
        for W, b in zip(model.coefs_[:2], model.intercepts_[:2], strict=True):
            bound = np.sqrt(factor / sum(W.shape))
            for values in (W, b):
                assert np.abs(values).max() <= bound * (1 + 1e-9)
                assert np.abs(values).max() > 0.95 * bound  # of 250 draws: missed once in 10^5
                assert values.std() == pytest.approx(bound / np.sqrt(3), rel=0.12)
