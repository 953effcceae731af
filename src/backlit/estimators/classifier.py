"""A classifier: one of K classes by softmax, one of two by a single sigmoid, several labels by one sigmoid each."""

from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d, compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels

from backlit.data.frames import some
from backlit.errors import DataError, OptionError
from backlit.estimators import parameters, solver
from backlit.estimators.base import BackpropEstimator
from backlit.estimators.progress import Loss
from backlit.notation import Array, Float64Array


class BackpropClassifier(ClassifierMixin, BackpropEstimator):  # type: ignore[misc]
    """A network that tells classes apart, in the place of scikit-learn's ``MLPClassifier``.

    It takes the whole signature of that class, with its meaning (what differs: ``docs/sklearn-differences.md``), and
    trains in the dtype of X: float32 stays float32, anything else is float64.

    Args:
        hidden_layer_sizes: neurons of each hidden layer.
        activation: of the hidden layers: any of Backlit's (``logistic`` is its sigmoid), or a tuple of one a layer.
        solver: adam, sgd, or lbfgs for small data.
        alpha: strength of the penalty: α/(2m) ‖W‖² is added to the cost of a batch of m rows.
        batch_size: rows of a step; ``auto`` is 200 or all there are, ``all`` is plain gradient descent.
        learning_rate: of sgd: ``constant``; ``invscaling``, divided by t_^power_t after each epoch; ``adaptive``,
            divided by 5 each time the loss (or validation score) stands still.
        learning_rate_init: η at the start.
        power_t: of ``invscaling``.
        max_iter: epochs at most, or iterations of lbfgs.
        shuffle: the rows anew in each epoch.
        random_state: draws the start, the orders of rows, dropout and the rows held out.
        tol: an epoch whose loss (or validation score) is not better by this counts as standing still.
        verbose: prints a line an epoch.
        warm_start: ``fit`` goes on from the last fit.
        momentum: of sgd, from 0 up to but not including 1.
        nesterovs_momentum: look ahead along the velocity.
        early_stopping: holds ``validation_fraction`` of the rows out, stops by their accuracy, keeps the best epoch.
        validation_fraction: the share of the rows held out.
        beta_1: of adam.
        beta_2: of adam.
        epsilon: of adam.
        n_iter_no_change: after more than so many epochs of standing still in a row, the fit ends.
        max_fun: evaluations of the cost at most, of lbfgs.
        class_weight: ``balanced``, or {class: weight}; multiplies ``sample_weight``.
        dropout: probability that a hidden neuron is left out of a step; one number, or one a hidden layer.
        optimizer: in the place of ``solver``: sgd, rmsprop, adam, adamw, lbfgs, with the numbers above; or one of
            :mod:`backlit.optimizers`, with its own.
        schedule: in the place of ``learning_rate``, for any optimizer with one: see :mod:`backlit.schedules`.
        cost: in the place of cross-entropy: quadratic, mse, huber.
        initializer: ``auto`` draws weights and biases as scikit-learn does; or one of :mod:`backlit.initializers`.
        callbacks: :class:`backlit.Callback` instances, as a :class:`backlit.Lens`; they observe.
        engine: who executes the equations; ``auto`` takes the fastest that can.
        encode: ``auto`` takes a frame of pandas or polars as it is, with text, dates and missing values, and learns
            from the training rows what becomes of each column, without the ramps that ``backlit train`` gives to
            numbers; None takes numbers as they are.

    Attributes:
        network_: the :class:`backlit.Network`; ``coefs_`` and ``intercepts_`` are views of its parameters.
        encoding_: with ``encode``, what became of each column.
        history_: of the last fit, epoch by epoch: a :class:`backlit.History`.
        classes_, n_iter_, t_, n_layers_, n_outputs_, out_activation_, n_features_in_, feature_names_in_: as
            scikit-learn's.
        loss_, best_loss_, loss_curve_: of the training rows, with the penalty.
        validation_scores_, best_validation_score_: accuracy of the rows held out or given, an epoch each, or None.

    Raises:
        OptionError: in ``fit``: a parameter that cannot be used; a ValueError, as all that follow.
        DataError: weights or targets that cannot be used.
        DivergenceError: a number was no longer finite; names step, layer, neuron, row and value.

    >>> import backlit as bl
    >>> X, y = bl.data.load("digits")
    >>> model = bl.BackpropClassifier((30,), random_state=0, tol=0.01).fit(X[:1500], y[:1500])
    >>> bool(model.score(X[1500:], y[1500:]) > 0.85)
    True
    """

    _declared: ClassVar[dict[str, parameters.Check]] = parameters.PARAMETERS | parameters.OF_CLASSIFIERS
    _numeric = False

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        class_weight: Any = None,
        dropout: Any = 0.0,
        optimizer: Any = None,
        schedule: Any = None,
        cost: Any = None,
        initializer: Any = "auto",
        callbacks: Any = None,
        engine: Any = "auto",
        encode: str | None = None,
    ) -> None:
        self._keep(locals())

    def fit(self, X: Any, y: Any, sample_weight: Any = None, validation_data: Any = None) -> "BackpropClassifier":
        """Trains on X (rows, columns), dense or sparse, and y: a class a row, or 0 and 1 in a column a label.

        Args:
            X: a sparse matrix is made dense first: rows × columns × 8 bytes (4 in float32).
            y: the classes.
            sample_weight: (rows,), how much each row counts.
            validation_data: (X, y) or (X, y, sample_weight): judged after each epoch, for ``validation_scores_`` and
                for ``early_stopping``, which then holds no rows out.
        """
        fitted: BackpropClassifier = self._fit(X, y, sample_weight, validation_data, incremental=False)
        return fitted

    @available_if(solver.works_by_epochs)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> "BackpropClassifier":
        """One epoch over these rows; the first call must name all the classes there will be.

        Raises:
            OptionError: as :meth:`fit`; with ``early_stopping``, or ``class_weight="balanced"``.
        """
        if self.class_weight == "balanced":
            raise OptionError("class_weight='balanced' needs all rows at once; give partial_fit {class: weight}")
        if _check_partial_fit_first_call(self, classes):
            self._learn_classes(y if type_of_target(y).startswith("multilabel") else classes)
        fitted: BackpropClassifier = self._fit(X, y, sample_weight, None, incremental=True)
        return fitted

    def predict(self, X: Any) -> Any:
        """The class of each row; for several labels 0 and 1 in a column each."""
        return self._answers(self._outputs(X))

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, in the order of ``classes_``, (rows, K); or of each label."""
        a = self._outputs(X)
        return np.hstack([1 - a, a]) if self.n_outputs_ == 1 else a

    def predict_log_proba(self, X: Any) -> Array:
        """ln of :meth:`predict_proba`."""
        with np.errstate(divide="ignore"):  # a probability that rounds to 0
            logarithms: Array = np.log(self.predict_proba(X))
        return logarithms

    def _answers(self, a: Array) -> Any:
        return self._labels.inverse_transform(a[:, 0] if self.n_outputs_ == 1 else a)

    def _learn_classes(self, y: Any) -> None:
        self._labels = LabelBinarizer().fit(y)
        self.classes_ = self._labels.classes_

    def _encode(self, y: Any, dtype: Any, *, anew: bool) -> Array:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if anew:
            self._learn_classes(y)
        else:
            self._check_classes(y)
        Y: Array = np.ascontiguousarray(self._labels.transform(y), dtype=dtype)
        return Y

    def _check_classes(self, y: Any) -> None:
        """No class that was not there before."""
        unknown = np.setdiff1d(unique_labels(y), self.classes_).tolist()
        if len(unknown):
            raise DataError(
                f"y has the class {unknown[0]!r}, which is none of those learnt before: {some(self.classes_.tolist())}"
            )

    def _check_goes_on(self, y: Any) -> None:
        """Nor one that is no longer there, as scikit-learn wants it."""
        missing = np.setdiff1d(self.classes_, unique_labels(y))
        if len(missing):
            raise DataError(
                f"warm_start goes on with the classes of the last fit, {some(self.classes_.tolist())}, and y has no "
                f"{missing.tolist()[0]!r}; give rows of every class, use partial_fit, or set warm_start=False"
            )

    def _output(self) -> str:
        return "softmax" if self._labels.y_type_ == "multiclass" else "sigmoid"

    def _decision(self) -> str | None:
        return "argmax" if self._output() == "softmax" else "threshold"

    def _class_weights(self, y: Any) -> Float64Array | None:
        if self.class_weight is None:
            return None
        weights: Float64Array = compute_sample_weight(self.class_weight, y)
        return weights

    def _cost_and_loss(self, Y: Array, weights: Float64Array) -> tuple[Any, Loss]:
        return self.cost, Loss()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
