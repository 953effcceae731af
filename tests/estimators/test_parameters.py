"""The parameters: scikit-learn's signature first, each checked by the declaration, every mistake named."""

import inspect
from typing import Any

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

import backlit as bl
from backlit.errors import OptionError
from backlit.estimators import parameters
from backlit.estimators.parameters import initializer_of, sizes_of

X = np.random.default_rng(0).normal(size=(12, 3))
CLASSES = np.arange(12) % 3

PAIRS = [(bl.BackpropClassifier, MLPClassifier), (bl.BackpropRegressor, MLPRegressor)]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_the_signature_begins_with_scikit_learns(ours: Any, theirs: Any) -> None:
    mine, given = (inspect.signature(kind).parameters for kind in (ours, theirs))
    assert list(mine)[: len(given)] == list(given)
    for name, parameter in given.items():
        assert (mine[name].default, mine[name].kind) == (parameter.default, parameter.kind), name


@pytest.mark.parametrize("kind", [bl.BackpropClassifier, bl.BackpropRegressor])
def test_every_parameter_is_declared_and_explained(kind: Any) -> None:
    names = set(inspect.signature(kind).parameters)
    assert names == set(kind._declared)
    explained = inspect.getdoc(bl.BackpropClassifier) + inspect.getdoc(kind)
    assert [name for name in names if f"{name}: " not in explained] == []
    parameters.check(kind().get_params(), kind._declared)  # the defaults will do


WRONG = [
    (
        {"hidden_layer_sizes": (10, 0)},
        r"hidden_layer_sizes must be neurons a hidden layer, each at least 1, as \(100, 50",
    ),
    ({"hidden_layer_sizes": "100"}, "hidden_layer_sizes must be neurons a hidden layer.* not '100'"),
    ({"hidden_layer_sizes": 2.5}, "hidden_layer_sizes must be .* not 2.5"),
    ({"activation": "rleu"}, "activation 'rleu' is not known; did you mean 'relu'?"),
    ({"activation": "logistc"}, "activation 'logistc' is not known; did you mean 'logistic'?"),
    ({"activation": "softmax"}, "activation 'softmax' is not known.*One of: elu, gelu, identity"),
    ({"activation": ("relu", "tanh")}, "activation has 2 values for 1 hidden layers"),
    ({"activation": ("tahn",)}, "activation 'tahn' is not known; did you mean 'tanh'?"),
    ({"solver": "adams"}, "solver 'adams' is not known; did you mean 'adam'?"),
    ({"alpha": -1}, "alpha must be a number at least 0, not -1"),
    ({"alpha": float("nan")}, "alpha must be a number at least 0, not nan"),
    ({"batch_size": 0}, "batch_size must be a whole number, at least 1, or 'auto', or 'all', not 0"),
    ({"batch_size": "atuo"}, "batch_size 'atuo' is not known; did you mean 'auto'?"),
    ({"learning_rate": "adaptiv"}, "learning_rate 'adaptiv' is not known; did you mean 'adaptive'?"),
    ({"learning_rate": 0.1}, "learning_rate '0.1' is not known"),
    ({"learning_rate_init": 0}, "learning_rate_init must be a number above 0, not 0"),
    ({"power_t": -0.5}, "power_t must be a number at least 0"),
    ({"max_iter": 1.5}, "max_iter must be a whole number, at least 1, not 1.5"),
    ({"max_iter": True}, "max_iter must be a whole number, at least 1, not True"),
    ({"shuffle": 1}, "shuffle must be True or False, not 1"),
    ({"random_state": -1}, "random_state must be None, a whole number from 0"),
    ({"tol": "small"}, "tol must be a number at least 0, not 'small'"),
    ({"verbose": -1}, "verbose must be a whole number, at least 0, not -1"),
    ({"warm_start": None}, "warm_start must be True or False, not None"),
    ({"momentum": 1.0}, "momentum must be a number at least 0 and below 1, not 1.0"),
    ({"nesterovs_momentum": "yes"}, "nesterovs_momentum must be True or False"),
    ({"early_stopping": "yes"}, "early_stopping must be True or False"),
    ({"validation_fraction": 1.0}, "validation_fraction must be a number at least 0 and below 1"),
    ({"beta_1": 1.0}, "beta_1 must be a number at least 0 and below 1"),
    ({"beta_2": -0.1}, "beta_2 must be a number at least 0 and below 1"),
    ({"epsilon": 0}, "epsilon must be a number above 0"),
    ({"n_iter_no_change": 0}, "n_iter_no_change must be a whole number, at least 1, or infinity, not 0"),
    ({"max_fun": 0}, "max_fun must be a whole number, at least 1"),
    ({"class_weight": "balance"}, "class_weight 'balance' is not known; did you mean 'balanced'?"),
    ({"class_weight": 3}, "class_weight must be None, 'balanced', {class: weight}"),
    ({"class_weight": {0: -1}}, "class_weight must be a number at least 0, not -1"),
    ({"dropout": 1.0}, "dropout must be a number at least 0 and below 1"),
    ({"dropout": (0.1, 0.2)}, "dropout has 2 values for 1 hidden layers"),
    ({"optimizer": "admw"}, "optimizer 'admw' is not known; did you mean 'adamw'?"),
    ({"optimizer": bl.optimizers.SGD}, "optimizer .* is not known"),
    ({"schedule": "cosin"}, "schedule 'cosin' is not known; did you mean 'cosine'?"),
    ({"schedule": "cosine", "solver": "lbfgs"}, "lbfgs takes no schedule"),
    ({"dropout": 0.5, "solver": "lbfgs"}, "lbfgs takes no dropout"),
    ({"cost": "crossentropy"}, "cost 'crossentropy' is not known; did you mean 'cross-entropy'?"),
    ({"cost": "poisson"}, r"cost 'poisson' does not go with output 'softmax'.*\(the output follows from y and loss\)"),
    ({"initializer": "glorot"}, "initializer 'glorot' is not known; did you mean 'glorot-"),
    ({"callbacks": [5]}, "callbacks must be a list of backlit.Callback instances"),
    ({"encode": "atuo"}, "encode 'atuo' is not known; did you mean 'auto'?"),
    ({"engine": "nativ"}, "engine 'nativ' is not known; did you mean 'native'?"),
]


@pytest.mark.parametrize(("options", "message"), WRONG, ids=lambda value: str(value)[:40])
def test_a_mistake_is_named(options: dict[str, Any], message: str) -> None:
    model = bl.BackpropClassifier(**options)  # stored as it is, as scikit-learn wants it
    with pytest.raises(OptionError, match=message) as caught:
        model.fit(X, CLASSES)
    assert isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value)
    assert not hasattr(model, "n_iter_") or not hasattr(model, "loss_")


def test_every_parameter_has_a_mistake_above() -> None:
    assert {name for options, _ in WRONG for name in options} == set(bl.BackpropClassifier._declared)


def test_the_regressors_own() -> None:
    with pytest.raises(OptionError, match=r"loss 'squared-error' is not known; did you mean 'squared_error'\?"):
        bl.BackpropRegressor("squared-error").fit(X, X[:, 0])
    with pytest.raises(OptionError, match="cost 'cross-entropy' does not go with output 'identity'"):
        bl.BackpropRegressor(cost="cross-entropy").fit(X, X[:, 0])


@pytest.mark.parametrize(
    ("given", "sizes"), [(100, (100,)), ((), ()), ([3, 2], (3, 2)), (np.array([4]), (4,)), (np.int64(5), (5,))]
)
def test_the_sizes_of_the_hidden_layers(given: Any, sizes: tuple[int, ...]) -> None:
    assert sizes_of(given) == sizes


def test_an_initializer_of_ones_own_is_taken() -> None:
    assert initializer_of("he-normal", []) == "he-normal"
    ones = bl.initializers.Initializer("ones", lambda rng, fan_out, fan_in: np.ones((fan_out, fan_in)))
    model = bl.BackpropRegressor(initializer=ones, learning_rate_init=1e-300).partial_fit(X, X[:, 0])
    assert all((W == 1).all() for W in model.coefs_)
    assert all((np.abs(b) < 1e-200).all() for b in model.intercepts_)
