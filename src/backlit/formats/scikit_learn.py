"""scikit-learn: a fitted ``MLPClassifier`` or ``MLPRegressor`` to a model, and a network or model to a fitted one.

There ``coefs_[l]`` is (inputs, neurons): Wᵀ. Two classes are one output with the logistic function there; a softmax
over two outputs is the same function of z_1 - z_0, and is handed over as that. Nothing is pickled, here or there:
objects in, objects out.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlit.data.encoding import Label
from backlit.errors import OptionError
from backlit.formats import agreement
from backlit.formats.chain import ChainBuilder
from backlit.formats.imported import Imported, finish
from backlit.model import Model
from backlit.network import Network
from backlit.notation import Array

ACTIVATIONS = {"identity": "identity", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
OUTPUTS = {"identity": "identity", "logistic": "sigmoid", "softmax": "softmax", "exp": "exponential"}


def from_sklearn(estimator: Any) -> Model:
    """The model that predicts what a fitted ``MLPClassifier`` or ``MLPRegressor`` predicts, verified by its outputs.

    Raises:
        OptionError: it is none of these, or not fitted, or its labels are neither text nor whole numbers.

    >>> import numpy as np
    >>> from sklearn.neural_network import MLPRegressor
    >>> X, y = np.eye(4), np.array([0.0, 1.0, 2.0, 3.0])
    >>> mlp = MLPRegressor(hidden_layer_sizes=(3,), solver="lbfgs", max_iter=500, random_state=0).fit(X, y)
    >>> bool(abs(from_sklearn(mlp).predict(X) - mlp.predict(X)).max() < 1e-6)
    True
    """
    return read(estimator).model()


def read(estimator: Any) -> Imported:
    """As :func:`from_sklearn`, with what was measured and what was lost."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    kind = type(estimator).__name__
    if not isinstance(estimator, (MLPClassifier, MLPRegressor)):
        raise OptionError(f"from_sklearn takes an MLPClassifier or an MLPRegressor, not a value of type {kind}")
    if not hasattr(estimator, "coefs_"):
        raise OptionError(f"this {kind} is not fitted; call its fit first")
    builder = ChainBuilder(kind)
    last = len(estimator.coefs_) - 1
    for number, (coef, intercept) in enumerate(zip(estimator.coefs_, estimator.intercepts_, strict=True)):
        builder.linear(np.ascontiguousarray(np.transpose(coef)), np.asarray(intercept), f"coefs_[{number}]")
        known, name = (OUTPUTS, estimator.out_activation_) if number == last else (ACTIVATIONS, estimator.activation)
        if name not in known:
            raise OptionError(f"this {kind} has the activation {name!r}, which Backlit does not know")
        builder.activation(known[name], f"activation {name!r}")
    if hasattr(estimator, "_optimizer"):
        builder.lose(f"the state of its {estimator.solver}: training on starts the optimizer afresh")
    network = builder.network()
    found = agreement.measure(network, _version(), lambda X: outputs(estimator, X))
    columns = tuple(str(name) for name in getattr(estimator, "feature_names_in_", ()))
    facts = {
        "options": {name: value for name, value in estimator.get_params().items() if _is_plain(value)},
        "epochs": int(estimator.n_iter_),
    }
    if isinstance(estimator, MLPRegressor):
        return finish(builder, "scikit-learn", found, network, columns=columns, facts=facts, task="numbers")
    several = estimator._label_binarizer.y_type_.startswith("multilabel")
    return finish(
        builder, "scikit-learn", found, network, columns=columns, facts=facts,
        task="labels" if several else "classes",
        classes=() if several else _labels(estimator.classes_),
    )  # fmt: skip


def outputs(estimator: Any, X: Array) -> NDArray[Any]:
    """a^L of an MLP, from its public face: two classes are one output there."""
    X = X.astype(estimator.coefs_[0].dtype)
    if not hasattr(estimator, "predict_proba"):
        found: NDArray[Any] = estimator.predict(_named(estimator, X))
        return found.reshape(len(X), -1)
    shares: NDArray[Any] = estimator.predict_proba(_named(estimator, X))
    return shares[:, 1:] if estimator.n_outputs_ == 1 and shares.shape[1] == 2 else shares


def to_sklearn(thing: Network | Model) -> Any:
    """A fitted scikit-learn estimator that predicts the same, verified by its outputs.

    A network becomes an ``MLPClassifier`` of the classes 0, 1, … (softmax or sigmoid outputs; several sigmoids are
    labels) or an ``MLPRegressor`` (identity or exponential). A model becomes one with its own labels, behind its
    encoding in a ``Pipeline`` where raw columns are not the network's inputs themselves.

    Raises:
        OptionError: its activations are not scikit-learn's (identity, sigmoid, tanh, relu; the same in every hidden
            layer).
    """
    return write(thing)[0]


def write(thing: Network | Model) -> tuple[Any, agreement.Agreement]:
    """As :func:`to_sklearn`, with what was measured."""
    network = thing.network if isinstance(thing, Model) else thing
    task, classes = _meaning(thing)
    mlp = _fitted(network, task, classes)
    _fill(mlp, network, two=task == "classes" and network.sizes[-1] == 2)
    if isinstance(thing, Model) and task == "numbers":
        _in_units(mlp, thing)

    def theirs(X: Array) -> NDArray[Any]:
        found = outputs(mlp, X)
        if task == "classes" and network.sizes[-1] == 2:
            return np.hstack([1 - found, found])
        if isinstance(thing, Model) and task == "numbers":
            return (found - thing.encoding.target_offset) / thing.encoding.target_scale
        return found

    found = agreement.measure(network, _version(), theirs)
    if not isinstance(thing, Model) or _takes_raw(thing):
        return mlp, found
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    return make_pipeline(FunctionTransformer(thing.encoding.features, kw_args={"dtype": network.dtype}), mlp), found


def _meaning(thing: Network | Model) -> tuple[str, list[Any]]:
    """The task, and the labels in the order of the outputs."""
    if isinstance(thing, Model):
        return thing.encoding.task, list(thing.encoding.classes)
    output, K = thing.activations[-1].name, thing.sizes[-1]
    if output == "softmax" or (output == "sigmoid" and K == 1):
        return "classes", list(range(max(K, 2)))
    return ("labels" if output == "sigmoid" else "numbers"), []


def _fitted(network: Network, task: str, classes: list[Any]) -> Any:
    """An MLP of the right shape with every attribute a fit leaves behind, by fitting it on nothing for one epoch."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    n_1, *hidden, n_L = network.sizes
    output = network.activations[-1].name
    options: dict[str, Any] = {
        "hidden_layer_sizes": tuple(hidden), "activation": _hidden(network), "max_iter": 1, "random_state": 0,
    }  # fmt: skip
    needed = {
        "classes": ["softmax" if n_L > 1 else "sigmoid"], "labels": ["sigmoid"], "numbers": ["identity", "exponential"],
    }[task]  # fmt: skip
    if output not in needed:
        raise OptionError(f"scikit-learn has {' or '.join(needed)} outputs for {task}, not {output}")
    if task == "classes":
        if sorted(classes) != classes:
            raise OptionError("scikit-learn sorts its classes, and these are not sorted; reorder the outputs first")
        mlp, y = MLPClassifier(**options), np.array(classes)
    elif task == "labels":
        mlp, y = MLPClassifier(**options), np.vstack([np.zeros(n_L, int), np.ones(n_L, int)])
        if n_L == 1:
            mlp, y = MLPClassifier(**options), np.array([0, 1])
    else:
        if output == "exponential":
            options["loss"] = "poisson"
        try:
            mlp = MLPRegressor(**options)
        except TypeError:
            raise OptionError(
                "exponential outputs need scikit-learn 1.7 or newer, whose loss 'poisson' has them"
            ) from None
        y = np.ones((2, n_L)) if n_L > 1 else np.ones(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mlp.fit(np.zeros((len(y), n_1), network.dtype), y)
    return mlp


def _fill(mlp: Any, network: Network, *, two: bool) -> None:
    """The network's parameters in the place of those of the fit on nothing, and its traces wiped."""
    for number, layer in enumerate(network.layers):
        W, b = layer.W, layer.b
        if two and number == len(network.layers) - 1:
            W, b = W[1:] - W[:1], b[1:] - b[:1]
        mlp.coefs_[number] = np.array(W.T, order="C", dtype=network.dtype)
        mlp.intercepts_[number] = np.array(b, dtype=network.dtype)
    vars(mlp).pop("_optimizer", None)
    mlp.n_iter_, mlp.t_, mlp.loss_curve_ = 0, 0, []
    mlp.loss_, mlp.best_loss_ = np.inf, np.inf
    mlp.set_params(max_iter=200)


def _in_units(mlp: Any, model: Model) -> None:
    """The target's own units, taken into the last layer, in float64: a = (W a + b) · scale + offset."""
    offset, scale = model.encoding.target_offset, model.encoding.target_scale
    if model.encoding.target_log.any():
        raise OptionError("the target's logarithm was learnt; scikit-learn's MLP has no such outputs")
    if not offset.any() and (scale == 1).all():
        return
    if model.network.activations[-1].name != "identity":
        raise OptionError("the target was scaled for its output activation; scikit-learn's outputs have no scale")
    mlp.coefs_[-1] = mlp.coefs_[-1].astype(np.float64) * scale
    mlp.intercepts_[-1] = mlp.intercepts_[-1].astype(np.float64) * scale + offset


def _takes_raw(model: Model) -> bool:
    """Whether raw columns are the network's inputs themselves."""
    encoding = model.encoding
    return encoding.table is None and not encoding.offset.any() and bool((encoding.scale == 1).all())


def _hidden(network: Network) -> str:
    names = {layer.activation.name for layer in network.layers[:-1]} or {"identity"}
    theirs = {ours: name for name, ours in ACTIVATIONS.items()}
    if len(names) > 1 or not names <= set(theirs):
        raise OptionError(
            f"scikit-learn's MLP has one activation for every hidden layer, of {', '.join(theirs)}; "
            f"this network has {', '.join(sorted(names))}"
        )
    return theirs[names.pop()]


def _labels(classes: NDArray[Any]) -> tuple[Label, ...]:
    values = classes.tolist()
    if classes.dtype.kind == "f" and all(value == int(value) for value in values):
        values = [int(value) for value in values]
    if not all(isinstance(value, (str, int, bool)) for value in values):
        raise OptionError(f"its classes are {values[:3]}…; a model's labels are text or whole numbers")
    return tuple(values)


def _named(estimator: Any, X: Array) -> Any:
    """With the names it was fitted with, without which it warns."""
    names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        return X
    import polars

    return polars.DataFrame({str(name): X[:, i] for i, name in enumerate(names)})


def _is_plain(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, (bool, int, str)) or (isinstance(value, float) and np.isfinite(value))


def _version() -> str:
    import sklearn

    return f"scikit-learn {sklearn.__version__}"
