"""A regressor: numbers by a linear output, counts by an exponential one; one number a row, or several."""

from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if

from backlit.costs import Cost
from backlit.estimators import parameters, solver
from backlit.estimators.base import BackpropEstimator
from backlit.estimators.progress import Loss
from backlit.estimators.rows import numbers
from backlit.notation import Array, Float64Array


class BackpropRegressor(RegressorMixin, BackpropEstimator):  # type: ignore[misc]
    """A network that predicts numbers, in the place of scikit-learn's ``MLPRegressor``.

    It takes the whole signature of that class, with its meaning (what differs: ``docs/sklearn-differences.md``), and
    trains in the dtype of X: float32 stays float32, anything else is float64. y is taken as it is: scale it to about 1.

    Args:
        loss: ``squared_error``, ½(a - y)²; or ``poisson``, for counts, with an exponential output.
        hidden_layer_sizes: neurons of each hidden layer. This and all that is not named here:
            :class:`~backlit.BackpropClassifier`.
        early_stopping: as there, by R² of the rows held out.
        cost: in the place of ``loss``: quadratic, mse, huber, poisson, or a :class:`backlit.costs.Cost`.

    Attributes:
        network_, history_, loss_ and the rest: as :class:`~backlit.BackpropClassifier` has them, without ``classes_``.

    Raises:
        OptionError: in ``fit``: a parameter that cannot be used; a ValueError, as all that follow.
        DataError: weights or targets that cannot be used.
        DivergenceError: a number was no longer finite; names step, layer, neuron, row and value.

    >>> import backlit as bl, numpy as np
    >>> X = np.linspace(-1, 1, 200).reshape(-1, 1)
    >>> model = bl.BackpropRegressor(hidden_layer_sizes=(20,), activation="tanh", solver="lbfgs", random_state=0)
    >>> bool(model.fit(X, np.sin(3 * X[:, 0])).score(X, np.sin(3 * X[:, 0])) > 0.99)
    True
    """

    _declared: ClassVar[dict[str, parameters.Check]] = parameters.PARAMETERS | parameters.OF_REGRESSORS
    _numeric = True

    def __init__(
        self,
        loss: str = "squared_error",
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

    def fit(self, X: Any, y: Any, sample_weight: Any = None, validation_data: Any = None) -> "BackpropRegressor":
        """Trains on X (rows, columns), dense or sparse, and y, (rows,) or (rows, outputs) numbers.

        Args:
            X: a sparse matrix is made dense first: rows × columns × 8 bytes (4 in float32).
            y: the numbers.
            sample_weight: (rows,), how much each row counts.
            validation_data: (X, y) or (X, y, sample_weight): judged after each epoch, for ``validation_scores_`` and
                for ``early_stopping``, which then holds no rows out.
        """
        fitted: BackpropRegressor = self._fit(X, y, sample_weight, validation_data, incremental=False)
        return fitted

    @available_if(solver.works_by_epochs)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> "BackpropRegressor":
        """One epoch over these rows.

        Raises:
            OptionError: as :meth:`fit`; with ``early_stopping``.
        """
        fitted: BackpropRegressor = self._fit(X, y, sample_weight, None, incremental=True)
        return fitted

    def predict(self, X: Any) -> Array:
        """The number of each row, (rows,), or (rows, outputs)."""
        a = self._outputs(X)
        return a[:, 0] if self.n_outputs_ == 1 else a

    def _encode(self, y: Any, dtype: Any, *, anew: bool) -> Array:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return numbers(y, dtype)

    def _cost_name(self) -> str:
        if isinstance(self.cost, Cost):
            return self.cost.name
        return self.cost or {"squared_error": "quadratic", "poisson": "poisson"}[self.loss]

    def _output(self) -> str:
        return "exponential" if self._cost_name() == "poisson" else "identity"

    def _decision(self) -> str | None:
        return None

    def _class_weights(self, y: Any) -> Float64Array | None:
        return None

    def _cost_and_loss(self, Y: Array, weights: Float64Array) -> tuple[Any, Loss]:
        cost = self.cost if isinstance(self.cost, Cost) else self._cost_name()
        if cost == "quadratic" and self.cost is None:
            return cost, Loss(scale=1 / Y.shape[1])
        if cost == "poisson":
            solver.check_counts(Y)
            wide = Y.astype(np.float64)
            logs = np.log(wide, out=np.zeros_like(wide), where=wide > 0)
            return cost, Loss(offset=float(np.average((wide * logs - wide).sum(axis=1), weights=weights)))
        return cost, Loss()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
