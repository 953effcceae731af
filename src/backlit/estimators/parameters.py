"""What each parameter of the estimators may be: declared here, checked once, when a fit begins.

scikit-learn wants ``__init__`` to store what it is given, unseen; so a mistake is found at the first ``fit``.
"""

from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np

from backlit import activations, costs, initializers, optimizers
from backlit.activations import ACTIVATIONS, Activation
from backlit.engines import ENGINES, Engine
from backlit.errors import OptionError, unknown_option
from backlit.initializers import INITIALIZERS, Initializer
from backlit.optimizers import Optimizer, schedules
from backlit.training import Callback

Check = Callable[[str, Any], None]
"""Raises OptionError, naming the parameter, unless the value will do."""

LOGISTIC = "logistic"
"""scikit-learn's name for the sigmoid."""


def one_of(*choices: str) -> Check:
    """One of some names."""

    def check(name: str, value: Any) -> None:
        if not isinstance(value, str) or value not in choices:
            raise unknown_option(name, value, choices)

    return check


def number(*, low: float, high: float = np.inf, open_low: bool = False) -> Check:
    """low ≤ value < high, or low < value."""

    def check(name: str, value: Any) -> None:
        is_number = isinstance(value, Real) and not isinstance(value, (bool, np.bool_))
        if not is_number or not (low < value if open_low else low <= value) or not value < high:
            at_least = f"above {low:g}" if open_low else f"at least {low:g}"
            below = "" if high == np.inf else f" and below {high:g}"
            raise OptionError(f"{name} must be a number {at_least}{below}, not {value!r}")

    return check


def whole(*names: str, low: int = 1, or_infinity: bool = False) -> Check:
    """A whole number from ``low`` up; or one of some names; or infinity."""

    def check(name: str, value: Any) -> None:
        if isinstance(value, str) and names:
            return one_of(*names)(name, value)
        is_whole = isinstance(value, Integral) and not isinstance(value, (bool, np.bool_)) and int(value) >= low
        if not is_whole and not (or_infinity and isinstance(value, float) and value == np.inf):
            others = "".join(f", or {other!r}" for other in names) + (", or infinity" if or_infinity else "")
            raise OptionError(f"{name} must be a whole number, at least {low}{others}, not {value!r}")
        return None

    return check


def flag(name: str, value: Any) -> None:
    """True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise OptionError(f"{name} must be True or False, not {value!r}")


def or_none(check: Check) -> Check:
    """None, or what the other check lets through."""
    return lambda name, value: None if value is None else check(name, value)


def _verbose(name: str, value: Any) -> None:
    if not isinstance(value, (bool, np.bool_)):
        whole(low=0)(name, value)


def _random_state(name: str, value: Any) -> None:
    if value is None or value is np.random or isinstance(value, np.random.RandomState):
        return
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Integral) or not 0 <= int(value) < 2**32:
        raise OptionError(f"{name} must be None, a whole number from 0 to 2^32 - 1, or a RandomState, not {value!r}")


def sizes_of(hidden_layer_sizes: Any) -> tuple[int, ...]:
    """Neurons of the hidden layers, none, one or several; a number is one layer.

    Raises:
        OptionError: a size that is no whole number, or below 1.
    """
    single = isinstance(hidden_layer_sizes, Integral)
    try:
        sizes = (hidden_layer_sizes,) if single else tuple(hidden_layer_sizes)
        whole_numbers = not isinstance(hidden_layer_sizes, str) and all(int(size) == size for size in sizes)
    except (TypeError, ValueError):
        whole_numbers, sizes = False, ()
    if not whole_numbers or any(isinstance(size, (bool, np.bool_)) or size < 1 for size in sizes):
        raise OptionError(
            "hidden_layer_sizes must be neurons a hidden layer, each at least 1, as (100, 50), "
            f"not {hidden_layer_sizes!r}"
        )
    return tuple(int(size) for size in sizes)


def _sizes(name: str, value: Any) -> None:
    sizes_of(value)


def activations_of(activation: Any, hidden: int, name: str = "activation") -> list[Activation]:
    """σ of each hidden layer: one name for all of them, or one a layer.

    Raises:
        OptionError: an unknown name (the nearest is suggested), one for outputs only, or another number of them.
    """
    if isinstance(activation, (str, Activation)) or not isinstance(activation, (tuple, list, np.ndarray)):
        return [_activation(name, activation)] * hidden
    each = [_activation(name, one) for one in activation]
    if len(each) != hidden:
        raise OptionError(f"{name} has {len(each)} values for {hidden} hidden layers; give one, or one a layer")
    return each


def _activation(name: str, value: Any) -> Activation:
    if isinstance(value, Activation):
        return activations.get(value, option=name, hidden=True)
    known = {key: found for key, found in ACTIVATIONS.items() if not found.output_only}
    known[LOGISTIC] = activations.SIGMOID
    if not isinstance(value, str) or value not in known:
        raise unknown_option(name, value, known)
    return known[value]


def _activations(name: str, value: Any) -> None:
    activations_of(value, len(value) if isinstance(value, (tuple, list, np.ndarray)) else 1, name)


def _dropout(name: str, value: Any) -> None:
    for p in value if isinstance(value, (tuple, list, np.ndarray)) else [value]:
        number(low=0, high=1)(name, p)


def _class_weight(name: str, value: Any) -> None:
    if isinstance(value, str):
        return one_of("balanced")(name, value)
    several = isinstance(value, (list, tuple)) and all(isinstance(one, Mapping) for one in value)
    if not isinstance(value, Mapping) and not several:
        raise OptionError(
            f"{name} must be None, 'balanced', {{class: weight}}, or a list of such, one a label, not {value!r}"
        )
    for weights in value if several else [value]:
        for weight in weights.values():
            number(low=0)(name, weight)
    return None


def _optimizer(name: str, value: Any) -> None:
    if not isinstance(value, Optimizer):
        one_of(*optimizers.OPTIMIZERS)(name, value)


def _schedule(name: str, value: Any) -> None:
    if not isinstance(value, schedules.Schedule):
        one_of(*schedules.SCHEDULES)(name, value)


def _cost(name: str, value: Any) -> None:
    if not isinstance(value, costs.Cost):
        one_of(*costs.COSTS)(name, value)


def _initializer(name: str, value: Any) -> None:
    if not isinstance(value, Initializer) and value != "auto":
        one_of("auto", *INITIALIZERS)(name, value)


def _engine(name: str, value: Any) -> None:
    if not isinstance(value, Engine):
        one_of("auto", *ENGINES)(name, value)


def _callbacks(name: str, value: Any) -> None:
    if not isinstance(value, (list, tuple)) or not all(isinstance(one, Callback) for one in value):
        raise OptionError(f"{name} must be a list of backlit.Callback instances, not {value!r}")


PARAMETERS: dict[str, Check] = {
    "hidden_layer_sizes": _sizes,
    "activation": _activations,
    "solver": one_of("adam", "lbfgs", "sgd"),
    "alpha": number(low=0),
    "batch_size": whole("auto", "all"),
    "learning_rate": one_of("constant", "invscaling", "adaptive"),
    "learning_rate_init": number(low=0, open_low=True),
    "power_t": number(low=0),
    "max_iter": whole(),
    "shuffle": flag,
    "random_state": _random_state,
    "tol": number(low=0),
    "verbose": _verbose,
    "warm_start": flag,
    "momentum": number(low=0, high=1),
    "nesterovs_momentum": flag,
    "early_stopping": flag,
    "validation_fraction": number(low=0, high=1),
    "beta_1": number(low=0, high=1),
    "beta_2": number(low=0, high=1),
    "epsilon": number(low=0, open_low=True),
    "n_iter_no_change": whole(or_infinity=True),
    "max_fun": whole(),
    "dropout": _dropout,
    "optimizer": or_none(_optimizer),
    "schedule": or_none(_schedule),
    "cost": or_none(_cost),
    "initializer": _initializer,
    "callbacks": or_none(_callbacks),
    "engine": _engine,
    "encode": or_none(one_of("auto")),
}
"""Of both estimators."""

OF_CLASSIFIERS: dict[str, Check] = {"class_weight": or_none(_class_weight)}

OF_REGRESSORS: dict[str, Check] = {"loss": one_of("squared_error", "poisson")}


def check(given: Mapping[str, Any], declared: Mapping[str, Check]) -> None:
    """Every parameter, in the order of the declaration.

    Raises:
        OptionError: the first that cannot be used: its name, what it may be, the nearest real value of a misspelt one.

    >>> check({"solver": "adm"}, {"solver": PARAMETERS["solver"]})
    Traceback (most recent call last):
        ...
    backlit.errors.OptionError: solver 'adm' is not known; did you mean 'adam'? One of: adam, lbfgs, sgd
    """
    for name, check_one in declared.items():
        check_one(name, given[name])


def initializer_of(initializer: str | Initializer, hidden: list[Activation]) -> str | Initializer:
    """``auto`` draws weights and biases as scikit-learn's networks do (from Backlit's own generator)."""
    if isinstance(initializer, Initializer) or initializer != "auto":
        return initializer
    sigmoids = bool(hidden) and all(type(one) is type(activations.SIGMOID) for one in hidden)
    return initializers.glorot_with_biases(2.0 if sigmoids else 6.0)
