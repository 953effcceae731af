"""The training loop: steps in runs as long as nobody needs control, then validation, then whoever listens."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from backlit import backpropagation as bp
from backlit.costs import Cost
from backlit.engines import Engine, StepsReport
from backlit.errors import CheckpointError, TrainingInterrupted
from backlit.network import Network
from backlit.notation import Float64Array
from backlit.optimizers import Optimizer, ReduceOnPlateau, Schedule
from backlit.training import checkpoints, interrupts
from backlit.training.callbacks import Callback
from backlit.training.checkpoints import Checkpoint, Snapshot, Sums, TrainingState
from backlit.training.divergence import has_diverged, replay
from backlit.training.history import EpochRecord, History
from backlit.training.interrupts import Interrupts
from backlit.training.observers import Measuring
from backlit.training.pace import Pace
from backlit.training.row_weights import ClassWeight
from backlit.training.run import Run
from backlit.training.setup import Setup, Validation, prepare
from backlit.training.stopping import EarlyStopping

ALL_DONE, CONVERGED, EARLY = "all epochs done", "converged", "early stopping"

MOST_RECORDED = 64
"""Steps of one run of steps: a record holds every number of its step, and the memory has an end."""


def train(
    network: Network,
    X: ArrayLike,
    y: ArrayLike,
    *,
    cost: str | Cost | None = None,
    l2: float = 0.0,
    optimizer: str | Optimizer = "adam",
    learning_rate: float | None = None,
    schedule: str | Schedule = "constant",
    clip: float | None = None,
    epochs: int = 30,
    batch_size: int | str | None = None,
    validation: Validation = None,
    sample_weight: ArrayLike | None = None,
    class_weight: ClassWeight = None,
    early_stopping: int | bool | EarlyStopping | None = None,
    checkpoint: str | PathLike[str] | Checkpoint | None = None,
    resume: bool = False,
    callbacks: Sequence[Callback] = (),
    engine: str | Engine = "auto",
    seed: int = 0,
    progress: bool | None = None,
) -> Run:
    """Trains the network in place, by the four equations of backpropagation and mini-batch gradient descent.

    The objective on a batch is C = (1/m) Σ_i w̃_i C_i + λ/(2n) Σ‖W‖². The same seed, data and options give the same
    bits, whatever watches, however often it is stopped and resumed. (Dropout belongs to the network.)

    Args:
        network: changed in place; its parameters are where the training starts.
        X: (rows, n_1), every number finite.
        y: (rows,) class numbers, or (rows, n_L).
        cost: of one row; None takes the output activation's own: cross-entropy for softmax, binary-cross-entropy for
            sigmoid, poisson for exponential, quadratic for the rest.
        l2: λ of the penalty; biases are never penalised.
        optimizer: sgd, rmsprop, adam, adamw, lbfgs, or an :class:`~backlit.optimizers.Optimizer`.
        learning_rate: in place of the optimizer's own.
        schedule: constant, step, cosine, one-cycle, warm-up, reduce-on-plateau, or a ``Schedule``.
        clip: the largest global norm of a gradient.
        epochs: passes over the training rows (for lbfgs: segments of iterations).
        batch_size: rows a step (default 32, or all where there are fewer); ``"all"`` is plain gradient descent.
        validation: a share of the rows to hold out (the shares of the classes kept), or (X, y).
        sample_weight: (rows,), how much each row counts, 0 or more; validation rows count by it too.
        class_weight: ``"balanced"``, or {class: weight}; multiplies the row weights of training rows.
        early_stopping: patience in epochs, True, or an :class:`EarlyStopping`: the best epoch is put back at the end.
        checkpoint: a path (saved every 10 seconds) or a :class:`Checkpoint`.
        resume: goes on from the checkpoint if it is there, to the same bits as an uninterrupted training.
        callbacks: :class:`Callback` instances; they observe.
        engine: ``"auto"`` takes the fastest that can do all of it.
        seed: draws the order of the rows, the dropout masks and the rows held out.
        progress: a progress bar on stderr; None shows it in a terminal.

    Returns:
        The :class:`Run`: history, why it ended, which rows were held out.

    Raises:
        OptionError: an option's value cannot be used, or does not go with another's.
        DataError: the data cannot be used.
        OutputPathError: the checkpoint cannot be written; found before the first step.
        CheckpointError: the checkpoint to resume is damaged or of another training.
        DivergenceError: a number was no longer finite; names step, layer, neuron, row and value.
        TrainingInterrupted: Ctrl-C. After it, as after any failure, the network is as its last completed epoch left it.

    >>> import backlit as bl
    >>> net = bl.Network([2, 4, 1], activation="tanh", output="sigmoid", seed=1)
    >>> run = bl.train(net, [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], epochs=300, learning_rate=0.05)
    >>> net.predict([[0, 1]]).round().tolist()
    [[1.0]]
    """
    setup = prepare(
        network,
        X,
        y,
        cost=cost,
        l2=l2,
        optimizer=optimizer,
        learning_rate=learning_rate,
        schedule=schedule,
        clip=clip,
        epochs=epochs,
        batch_size=batch_size,
        validation=validation,
        sample_weight=sample_weight,
        class_weight=class_weight,
        early_stopping=early_stopping,
        checkpoint=checkpoint,
        resume=resume,
        callbacks=callbacks,
        engine=engine,
        seed=seed,
    )
    return Training(replace(setup, callbacks=(*setup.callbacks, *_progress_bar(progress)))).run_to_the_end()


def _progress_bar(progress: bool | None) -> list[Callback]:
    if progress is False:
        return []
    from backlit.training.progress import bar

    return bar(always=progress is True)


class Training:
    """One training under way: what it was set up with, and where it stands."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.session = setup.choice.engine.session(setup.network, setup.objective, setup.data, setup.plan)
        start = self._snapshot()
        self.state = TrainingState(now=start, epoch_start=start, start_parameters=start.parameters)
        self.run = Run(
            network=setup.network,
            history=History(),
            epochs=setup.duration.epochs,
            steps_per_epoch=setup.duration.steps_per_epoch,
            train_rows=setup.train_rows,
            validation_rows=setup.validation_rows,
            engine=setup.choice.engine.name,
            engine_reason=setup.choice.reason,
            objective=str(setup.objective),
            options=setup.options,
            rows=setup.data.rows,
            row_weights=setup.data.row_weights,
            decision=setup.data.decision,
            n=setup.objective.n,
        )
        self._pace = Pace()
        self._identity = (
            checkpoints.identity(
                setup.network,
                setup.options,
                setup.data,
                setup.validation,
                n=setup.objective.n,
                needs_end=setup.schedule.needs_the_end,
            )
            if setup.checkpoint
            else {}
        )
        self._saved_at = time.monotonic()
        self._clock = time.monotonic()

    def run_to_the_end(self) -> Run:
        """Every epoch that is left; whatever goes wrong, the network ends at its last completed epoch."""
        if self.setup.resume and self.setup.checkpoint and Path(self.setup.checkpoint.path).exists():
            self._resume(self.setup.checkpoint)
        self._clock = time.monotonic() - self.state.seconds
        with interrupts.deferred() as interrupted:
            try:
                self._tell("on_train_begin")
                while not self.state.finished:
                    self._epoch(interrupted)
            except BaseException as failure:
                self._go_back()
                self.run.failure = failure
                done = len(self.run.history)
                completed = f"the network is as it was {f'after epoch {done}' if done else 'before the training'}"
                if isinstance(failure, KeyboardInterrupt):
                    self.run.stopped = "interrupted"
                    self._tell_the_end_after(failure)
                    raise TrainingInterrupted(f"interrupted in epoch {self.run.epoch}; {completed}", self.run) from None
                self.run.stopped = f"failed: {failure}"
                failure.add_note(completed)
                self._tell_the_end_after(failure)
                raise
        self._finish()
        return self.run

    def _epoch(self, interrupted: Interrupts) -> None:
        """The rest of the epoch under way, then its end."""
        per_epoch = self.setup.duration.steps_per_epoch
        epoch = len(self.state.history)
        end = (epoch + 1) * per_epoch
        self.run.epoch = epoch + 1
        if self.session.step == epoch * per_epoch:
            self.state.epoch_start = self._snapshot()
            self._tell("on_epoch_begin")
        converged = False
        while self.session.step < end:
            until = min(end, self.session.step + self._pace.steps, self._next_checkpoint())
            report, listeners = self._run_steps(until)
            converged = report.converged
            self.state.sums = self.state.sums.add(report)
            if has_diverged(report, self.state, self.setup):
                self._diverged(epoch)
            self.run.step, self.run.seconds = self.session.step, time.monotonic() - self._clock
            self.run.cost = self.state.sums.cost / self.state.sums.weight if self.state.sums.weight else None
            for record in report.records:
                for callback in listeners[record.step]:
                    callback.on_step(self.run, record)
            self._tell("on_progress")
            if self.session.step < end:  # between its last step and its validation an epoch cannot be taken up again
                self._look_up(interrupted)
        if not np.isfinite(self.setup.network.parameters).all():
            self._diverged(epoch)
        self._end_of_epoch(epoch, converged)
        self._look_up(interrupted)

    def _look_up(self, interrupted: Interrupts) -> None:
        """Saves where it is time to, and stops where Ctrl-C was pressed."""
        if interrupted.pressed or self._checkpoint_due():
            self._save()
        if interrupted.pressed:
            raise KeyboardInterrupt

    def _run_steps(self, until: int) -> tuple[StepsReport, dict[int, list[Callback]]]:
        """What they came to, and who wanted which of them recorded."""
        first = self.session.step
        listening = [c for c in self.setup.callbacks if getattr(c.wants, "__func__", None) is not Callback.wants]
        listeners: dict[int, list[Callback]] = {}
        for step in range(first, until) if listening else ():
            if wanting := [callback for callback in listening if callback.wants(step)]:
                listeners[step] = wanting
            if len(listeners) == MOST_RECORDED:
                until = step + 1
                break
        measuring = Measuring(self.setup.callbacks, range(first, until))
        started = time.monotonic()
        report = self.session.run(until, self._learning_rates(first, until), listeners, measuring.steps)
        self._pace.took(until - first, time.monotonic() - started)
        measuring.hand_out(self.run, report.statistics)  # also of steps that diverged: it began in these
        return report, listeners

    def _learning_rates(self, first: int, until: int) -> Float64Array:
        factors = self.setup.schedule.factors(first, until, self.setup.duration)
        return factors * (self.setup.plan.optimizer.learning_rate * self.state.plateau.factor)

    def _end_of_epoch(self, epoch: int, converged: bool) -> None:
        setup, state, sums = self.setup, self.state, self.state.sums
        score = (
            setup.choice.engine.evaluate(setup.network, setup.objective, setup.validation) if setup.validation else None
        )
        last = self.session.step - 1
        record = EpochRecord(
            epoch=epoch + 1,
            steps=self.session.step,
            cost=sums.cost / sums.weight,
            accuracy=sums.hits / sums.weight if setup.data.decision else None,
            penalty=bp.penalty(setup.network.layers, setup.objective),
            validation_cost=score.cost if score else None,
            validation_accuracy=score.accuracy if score else None,
            validation_r2=score.r2 if score else None,
            learning_rate=float(self._learning_rates(last, last + 1)[0]),
            seconds=time.monotonic() - self._clock,
        )
        state.history.append(record)
        self.run.history.append(record)
        state.sums = Sums()
        state.now = state.epoch_start = self._snapshot()
        if isinstance(setup.schedule, ReduceOnPlateau):
            heard = record.cost if record.validation_cost is None else record.validation_cost
            state.plateau = setup.schedule.hear(state.plateau, heard)
        if setup.early_stopping:
            state.best = state.best.after(setup.early_stopping, record)
            if state.best.epoch == record.epoch:
                state.best_parameters = state.now.parameters
            self.run.best_epoch = state.best.epoch
        self._tell("on_epoch_end")
        state.finished = self._why_stop(record, converged)

    def _why_stop(self, record: EpochRecord, converged: bool) -> str | None:
        rule = self.setup.early_stopping
        if self.run.stop_reason:
            return self.run.stop_reason
        if converged:
            return CONVERGED
        if rule and self.state.best.exhausted(rule):
            return f"{EARLY}: no better {rule.monitor} in {rule.patience} epochs"
        return ALL_DONE if record.epoch >= self.setup.duration.epochs else None

    def _finish(self) -> None:
        """The best epoch, where one was kept, is put back."""
        if self.state.best_parameters is not None:
            self.setup.network.parameters[...] = self.state.best_parameters
        self.run.stopped = self.state.finished
        self.run.seconds = time.monotonic() - self._clock
        self._tell_the_end()

    def _diverged(self, epoch: int) -> None:
        start, until = self.state.epoch_start, self.session.step
        self.session.restore(start.parameters, start.optimizer, start.step)
        rates = self._learning_rates(start.step, until)
        usual_cost = self.state.usual_cost or 0.0
        raise replay(self.session, rates, self.setup.train_rows, epoch + 1, self.setup.network, usual_cost)

    def _go_back(self) -> None:
        """θ as the last completed epoch left it: where the epoch under way began."""
        self.setup.network.parameters[...] = self.state.epoch_start.parameters

    def _snapshot(self) -> Snapshot:
        theta = self.setup.network.parameters
        slots = {slot: values.copy() for slot, values in self.session.state.items()}
        return Snapshot(self.session.step, theta.copy(), slots)

    def _next_checkpoint(self) -> int:
        every = self.setup.checkpoint.every_steps if self.setup.checkpoint else None
        return (self.session.step // every + 1) * every if every else self.session.step + self._pace.most

    def _checkpoint_due(self) -> bool:
        checkpoint, step = self.setup.checkpoint, self.session.step
        if checkpoint is None:
            return False
        if self.state.finished or (checkpoint.every_steps and step % checkpoint.every_steps == 0):
            return True
        epochs, rest = divmod(step, self.setup.duration.steps_per_epoch)
        if checkpoint.every_epochs and not rest and epochs % checkpoint.every_epochs == 0:
            return True
        seconds = checkpoint.every_seconds
        return seconds is not None and time.monotonic() - self._saved_at >= seconds

    def _save(self) -> None:
        checkpoint = self.setup.checkpoint
        if checkpoint is None:
            return
        self.state.now = self._snapshot()
        self.state.seconds = time.monotonic() - self._clock
        checkpoints.save(checkpoint.path, self.state, self._identity)
        self._saved_at = time.monotonic()

    def _resume(self, checkpoint: Checkpoint) -> None:
        state = checkpoints.load(checkpoint.path, self._identity, self.setup.network, self.session.state)
        now, start, done = state.now, state.epoch_start.step, len(state.history)
        per_epoch, epochs = self.setup.duration.steps_per_epoch, self.setup.duration.epochs
        if start != done * per_epoch or not start <= now.step < start + per_epoch:
            raise CheckpointError(f"{checkpoint.path} is damaged: its steps are not those of its epochs; start anew")
        if now.step > epochs * per_epoch:
            raise CheckpointError(
                f"{checkpoint.path} is in epoch {-(-now.step // per_epoch)} already, beyond the {epochs} asked for; "
                "ask for more epochs, or start anew with another checkpoint"
            )
        if state.finished != CONVERGED and not (state.finished or "").startswith(EARLY):
            state.finished = ALL_DONE if done == epochs else None  # a callback's stop ended that run, not the training
        self.state = state
        self.session.restore(now.parameters, now.optimizer, now.step)
        self.run.history = History(state.history)
        self.run.step = self.run.resumed_from_step = now.step
        self.run.epoch = max(done, 1)
        self.run.best_epoch = state.best.epoch

    def _tell(self, hook: str) -> None:
        for callback in self.setup.callbacks:
            getattr(callback, hook)(self.run)

    def _tell_the_end_after(self, failure: BaseException) -> None:
        """The failure is what the user must hear of, not what a callback made of it."""
        try:
            self._tell_the_end()
        except Exception as another:
            failure.add_note(f"after which on_train_end of a callback failed too: {another!r}")

    def _tell_the_end(self) -> None:
        """Every callback hears of it, even after one that failed: the progress bar must give the terminal back."""
        with ExitStack() as stack:
            for callback in reversed(self.setup.callbacks):
                stack.callback(callback.on_train_end, self.run)
