"""What both estimators do: check, train by Backlit's own training, and keep what scikit-learn's networks keep."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from backlit import engines
from backlit.activations import Activation
from backlit.data.checks import check_lengths
from backlit.engines import StepPlan
from backlit.engines.lbfgs import LBFGSSession
from backlit.errors import DivergenceError, OptionError, TrainingInterrupted
from backlit.estimators import parameters, solver, table
from backlit.estimators.progress import Loss, Progress, Watch
from backlit.estimators.rows import Rows, dense, hold_out, pair
from backlit.estimators.saving import model_of
from backlit.model import Model
from backlit.network import Network
from backlit.notation import Array, Float64Array
from backlit.objective import Objective
from backlit.optimizers import Optimizer, Plan
from backlit.sums import dot
from backlit.training import Run, row_weights
from backlit.training.divergence import REMEDY
from backlit.training.loop import ALL_DONE, Training
from backlit.training.setup import Setup

FLOATS = (np.float64, np.float32)
"""What X may be; anything else becomes float64."""

OUR_NAMES = {"sigmoid": "logistic", "exponential": "exp"}
"""Output activations whose names in scikit-learn differ."""


class BackpropEstimator(BaseEstimator, ABC):  # type: ignore[misc]
    """The contract behind both: a subclass says what y becomes, and what the outputs say."""

    _declared: ClassVar[Mapping[str, parameters.Check]]
    _numeric: ClassVar[bool]

    @abstractmethod
    def _encode(self, y: Any, dtype: Any, *, anew: bool) -> Array:
        """Y, (rows, n_L); ``anew`` learns the classes from it."""

    def _check_goes_on(self, y: Any) -> None:
        """Raises DataError where a ``warm_start`` cannot go on with these targets."""

    @abstractmethod
    def _output(self) -> str:
        """The output layer's activation, by Backlit's name."""

    @abstractmethod
    def _decision(self) -> str | None:
        """What counts as right, as :class:`~backlit.data.targets.Targets` has it."""

    @abstractmethod
    def _class_weights(self, y: Any) -> Float64Array | None:
        """What multiplies the weight of each row."""

    @abstractmethod
    def _cost_and_loss(self, Y: Array, weights: Float64Array) -> tuple[Any, Loss]:
        """The cost to train by, and how scikit-learn's loss follows from it."""

    def _keep(self, given: dict[str, Any]) -> None:
        for name, value in given.items():
            if name != "self":
                setattr(self, name, value)

    @property
    def coefs_(self) -> list[Array]:
        """The weights into each layer after the first, (n_{l-1}, n_l) as in scikit-learn: views of ``network_``."""
        return [layer.W.T for layer in self._fitted().layers]

    @property
    def intercepts_(self) -> list[Array]:
        """The biases of each layer after the first: views of ``network_``."""
        return [layer.b for layer in self._fitted().layers]

    def _fitted(self) -> Network:
        network: Network | None = vars(self).get("network_")
        if network is None:
            raise AttributeError(f"this {type(self).__name__} is not fitted yet; call fit first")
        return network

    def to_model(self) -> Model:
        """What can be saved without a pickle: ``bl.save(estimator.to_model(), "model.safetensors")``.

        ``bl.load_model`` gives it back: raw columns in, classes or numbers out.

        Raises:
            DataError: classes that are neither text nor whole numbers, or one alone.
        """
        check_is_fitted(self)
        return model_of(self)

    def _fit(self, X: Any, y: Any, sample_weight: Any, validation_data: Any, *, incremental: bool) -> Any:
        parameters.check(vars(self), self._declared)
        optimizer = solver.optimizer_of(self)
        if incremental and self.early_stopping:
            raise OptionError("partial_fit does not support early_stopping=True: it makes one epoch a call")
        goes_on = hasattr(self, "network_") and (self.warm_start or incremental)
        X, y = self._check_rows(X, y, anew=not goes_on)
        dtype = self.network_.dtype if goes_on else table.dtype_of(X) if self.encode else X.dtype
        Y = self._encode(y, dtype, anew=not incremental and not goes_on)
        if goes_on and not incremental:
            self._check_goes_on(y)
        weights = self._weights(y, sample_weight, len(Y))
        rng = check_random_state(self.random_state)
        seed = int(rng.randint(np.iinfo(np.int32).max))
        kept = apart = None
        if self.early_stopping and validation_data is None and not optimizer.whole_batch_only:
            kept, apart = hold_out(Y, float(self.validation_fraction), rng, self._decision())
        if self.encode:
            if not goes_on:
                self.encoding_ = table.learn(X, kept)
            X = self.encoding_.features(X, dtype)
        if goes_on:
            self._check_same_network(X.shape[1], Y.shape[1])
        else:
            self._begin(X.shape[1], Y.shape[1], dtype, seed)
        solver.check_whole_batch(optimizer, self.network_.dropout, validation_data)
        rows = Rows(X, Y, weights)
        judged = None if validation_data is None else self._judging_rows(*pair(validation_data))
        if kept is not None and apart is not None:
            rows, judged = rows.take(kept), rows.take(apart)
        if not incremental:
            self._progress.restart_optimizer()
        self._train(rows, judged, optimizer, seed, incremental)
        return self

    def _check_rows(self, X: Any, y: Any, *, anew: bool) -> tuple[Array, Any]:
        """X dense and of the dtype of the network, there or to come, or with ``encode`` a table; y as checked."""
        if self.encode:
            y = validate_data(self, y=y, multi_output=True, y_numeric=self._numeric)
            check_consistent_length(X, y)
            if anew:
                validate_data(self, X, skip_check_array=True)  # the number of columns, and their names
            return table.as_table(X), y
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            y_numeric=self._numeric,
            dtype=FLOATS,
            reset=anew,
        )
        return dense(X, None if anew else self.network_.dtype), y

    def _weights(self, y: Any, sample_weight: Any, rows: int) -> Float64Array:
        weights = row_weights.sample_weights(sample_weight, rows)
        of_classes = self._class_weights(y)
        return weights if of_classes is None else weights * of_classes

    def _judging_rows(self, X: Any, y: Any, sample_weight: Any) -> Rows:
        X = self._features(X)
        Y = self._encode(y if hasattr(y, "shape") else np.asarray(y), X.dtype, anew=False)
        check_lengths("y of validation_data", Y, len(X))
        return Rows(X, Y, row_weights.sample_weights(sample_weight, len(X)))

    def _features(self, X: Any) -> Array:
        """X of a fitted estimator, dense, of its dtype."""
        if self.encode:
            features: Array = self.encoding_.features(table.as_table(X), self.network_.dtype)
            return features
        checked = validate_data(self, X, accept_sparse=["csr", "csc"], dtype=FLOATS, reset=False)
        return dense(checked, self.network_.dtype)

    def _begin(self, inputs: int, outputs: int, dtype: Any, seed: int) -> None:
        hidden = parameters.sizes_of(self.hidden_layer_sizes)
        activations = self._hidden()
        self.network_ = Network(
            [inputs, *hidden, outputs],
            activation=activations,
            output=self._output(),
            initializer=parameters.initializer_of(self.initializer, activations),
            dropout=self.dropout,
            seed=seed,
            dtype=dtype,
        )
        self.n_layers_, self.n_outputs_ = self.network_.L, outputs
        self.out_activation_ = OUR_NAMES.get(self._output(), self._output())
        self._progress = Progress()
        self.t_ = self.n_iter_ = 0

    def _hidden(self) -> list[Activation]:
        return parameters.activations_of(self.activation, len(parameters.sizes_of(self.hidden_layer_sizes)))

    def _check_same_network(self, inputs: int, outputs: int) -> None:
        wanted = (inputs, *parameters.sizes_of(self.hidden_layer_sizes), outputs)
        same = wanted == self.network_.sizes and [a.name for a in self._hidden()] == [
            a.name for a in self.network_.activations[:-1]
        ]
        if not same or self._output() != self.network_.activations[-1].name:
            raise OptionError(
                f"to go on from the last fit the network must stay as it was, {self.network_}; asked for is "
                f"{'-'.join(map(str, wanted))}, {', '.join(a.name for a in self._hidden())}: set warm_start=False"
            )

    def _train(self, rows: Rows, judged: Rows | None, optimizer: Optimizer, seed: int, incremental: bool) -> None:
        network, progress = self.network_, self._progress
        cost, loss = self._cost_and_loss(rows.Y, rows.weights)
        batch_size = solver.batch_size_of(self.batch_size, optimizer, len(rows.X))
        objective = solver.objective_of(
            self._output(), self, cost, batch_size=batch_size, rows=len(rows.X), weight=float(rows.weights.sum())
        )
        data = rows.as_training_data(self._decision(), "training")
        validation = None if judged is None else judged.as_training_data(self._decision(), "validation")
        steps_an_epoch = -(-data.rows // batch_size)
        loss = Loss(loss.scale, loss.offset, steps_an_epoch * batch_size / data.rows)
        watch = Watch(
            progress,
            solver.stopping_of(self, optimizer),
            objective,
            loss,
            None if judged is None else lambda run: self._score_of(run, judged),
            bool(self.verbose),
        )
        epochs = 1 if incremental or optimizer.whole_batch_only else int(self.max_iter)
        setup = Setup(
            network=network,
            objective=objective,
            data=data,
            validation=validation,
            train_rows=rows.numbers,
            validation_rows=None if judged is None else judged.numbers,
            plan=StepPlan(
                optimizer, batch_size, seed, shuffle=bool(self.shuffle), steps_before=progress.steps,
                epochs_before=progress.epochs,
            ),
            schedule=solver.schedule_of(self, optimizer, progress),
            duration=Plan(steps_an_epoch, epochs),
            early_stopping=None,
            checkpoint=None,
            resume=False,
            seconds=None,
            callbacks=(*([] if optimizer.whole_batch_only else [watch]), *(self.callbacks or ())),
            choice=engines.choose(self.engine, network, objective, optimizer),
            options={},
        )  # fmt: skip
        if self.early_stopping and progress.best_parameters is None:
            progress.best_parameters = network.parameters.copy()
        training = Training(setup)
        if progress.state.keys() == training.session.state.keys():
            training.session.restore(network.parameters.copy(), progress.state, 0)
        run = self._run(training)
        self.history_ = run.history
        if isinstance(training.session, LBFGSSession):
            self._keep_minimum(training.session, objective, loss)
        else:
            self._keep_progress(training, run, incremental)

    def _run(self, training: Training) -> Run:
        """To the end, or to where Ctrl-C or, with early stopping, a divergence ended it."""
        try:
            return training.run_to_the_end()
        except TrainingInterrupted as interrupted:
            if isinstance(training.session, LBFGSSession):
                raise
            warnings.warn(f"training {interrupted}", stacklevel=5)
        except DivergenceError as failure:
            if not self.early_stopping or not self._progress.scores:
                said = str(failure).replace(
                    REMEDY, "lower learning_rate_init, or scale the columns of X, and y, to about 1"
                )
                raise DivergenceError(said, failure.where) from None
            self._progress.scores.append(float("nan"))
            warnings.warn(f"{failure}; the best epoch before that is kept", ConvergenceWarning, stacklevel=5)
        return training.run

    def _score_of(self, run: Run, judged: Rows) -> float:
        """Accuracy or R² of the rows that judge; R² of a target that never changes as scikit-learn defines it."""
        record = run.history[-1]
        if self._decision() is not None:
            return float(record.validation_accuracy or 0.0)
        if record.validation_r2 is not None:
            return record.validation_r2
        from sklearn.metrics import r2_score

        return float(r2_score(judged.Y, engines.predict(run.network, judged.X), sample_weight=judged.weights))

    def _keep_progress(self, training: Training, run: Run, incremental: bool) -> None:
        progress = self._progress
        progress.steps += run.step
        progress.epochs += len(run.history)
        progress.state = {slot: values.copy() for slot, values in training.session.state.items()}
        self.n_iter_ = len(run.history)
        self.t_ = progress.rows_seen
        self.loss_curve_ = progress.loss_curve
        self.loss_ = progress.loss_curve[-1] if progress.loss_curve else float("nan")
        judged = training.setup.validation is not None
        self.best_loss_ = None if self.early_stopping else progress.best_loss
        self.validation_scores_ = progress.scores if judged else None
        self.best_validation_score_ = progress.best_score if judged else None
        if self.early_stopping and progress.best_parameters is not None:
            self.network_.parameters[...] = progress.best_parameters
        if run.stopped == ALL_DONE and not incremental:
            warnings.warn(
                f"all max_iter={self.max_iter} epochs were made and the "
                f"{'validation score' if self.early_stopping else 'loss'} still got better; raise max_iter, or tol",
                ConvergenceWarning,
                stacklevel=5,
            )

    def _keep_minimum(self, session: LBFGSSession, objective: Objective, loss: Loss) -> None:
        found = session.minimum
        assert found is not None
        self.n_iter_, self.t_ = len(found.costs), self._progress.rows_seen
        penalty = sum(dot(layer.W, layer.W) for layer in self.network_.layers)
        penalty *= objective.l2 / (2 * objective.n)
        self.loss_ = self.best_loss_ = loss.scale * (found.cost - penalty) + loss.offset + penalty
        self.validation_scores_ = self.best_validation_score_ = None
        if not found.converged:
            warnings.warn(
                f"lbfgs ended after {self.n_iter_} iterations and {found.evaluations} evaluations of the cost without "
                f"converging ({found.reason}); raise max_iter={self.max_iter} or max_fun={self.max_fun}, or scale X",
                ConvergenceWarning,
                stacklevel=5,
            )

    def _outputs(self, X: Any) -> Array:
        """a^L of each row."""
        check_is_fitted(self)
        return engines.predict(self.network_, self._features(X), self.engine)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = not self.encode
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = bool(self.encode)
        return tags
