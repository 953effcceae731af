"""The training loop: steps in runs as long as nobody needs control, then validation, then whoever listens."""

import signal
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from os import PathLike
from typing import NoReturn

import numpy as np
from numpy.typing import ArrayLike

from backlit import backpropagation as bp
from backlit.costs import Cost
from backlit.data.streaming import Stream
from backlit.engines import Engine, StepsReport
from backlit.errors import CheckpointError, TrainingInterrupted
from backlit.network import Network
from backlit.notation import Float64Array
from backlit.optimizers import Optimizer, ReduceOnPlateau, Schedule
from backlit.training import checkpoints, interrupts
from backlit.training.audience import Audience, Listeners
from backlit.training.budget import TIME_UP, Budget
from backlit.training.callbacks import Callback
from backlit.training.checkpoints import Checkpoint, Snapshot, Sums, TrainingState
from backlit.training.divergence import has_diverged, replay
from backlit.training.history import EpochRecord, History
from backlit.training.interrupts import Interrupts
from backlit.training.keeping import Keeper
from backlit.training.observers import Measuring
from backlit.training.pace import Pace
from backlit.training.row_weights import ClassWeight
from backlit.training.run import Run
from backlit.training.setup import Setup, Validation, prepare
from backlit.training.stopping import EarlyStopping

ALL_DONE, CONVERGED, EARLY = "all epochs done", "converged", "early stopping"


def train(
    network: Network,
    X: ArrayLike | Stream,
    y: ArrayLike | None = None,
    *,
    cost: str | Cost | None = None,
    l2: float = 0.0,
    label_smoothing: float = 0.0,
    optimizer: str | Optimizer = "adam",
    learning_rate: float | None = None,
    schedule: str | Schedule = "constant",
    clip: float | None = None,
    epochs: int = 30,
    time: float | str | None = None,
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
        X: (rows, n_1), every number finite; not copied where it is contiguous and of the network's dtype, be it in
            memory or mapped from a file. Or a :func:`backlit.data.stream` of rows that stay in their file.
        y: (rows,) class numbers, or (rows, n_L); None takes the stream's own.
        cost: of one row; None takes the output activation's own: cross-entropy for softmax, binary-cross-entropy for
            sigmoid, poisson for exponential, quadratic for the rest.
        l2: λ of the penalty; biases are never penalised.
        label_smoothing: ε, the share of a training target that is spread over the classes evenly: y ← (1-ε)y + ε/K
            (of a yes or no, K is 2). Validation rows keep theirs.
        optimizer: sgd, rmsprop, adam, adamw, lbfgs, or an :class:`~backlit.optimizers.Optimizer`.
        learning_rate: in place of the optimizer's own.
        schedule: constant, step, cosine, one-cycle, warm-up, reduce-on-plateau, or a ``Schedule``.
        clip: the largest global norm of a gradient.
        epochs: passes over the training rows (for lbfgs: segments of iterations).
        time: seconds, or text as ``"30s"`` or ``"5m"``: the training ends within them, be it in the middle of an epoch,
            and the schedule with it. It makes a training of so many epochs shorter, never longer. A clock decides, so
            the same seed no longer gives the same bits.
        batch_size: rows a step (default 32, or all where there are fewer); ``"all"`` is plain gradient descent.
        validation: a share of the rows to hold out (the shares of the classes kept), or (X, y), or a stream.
        sample_weight: (rows,), how much each row counts, 0 or more; validation rows count by it too.
        class_weight: ``"balanced"``, or {class: weight}; multiplies the row weights of training rows.
        early_stopping: patience in epochs, True, or an :class:`EarlyStopping`: the best epoch is put back at the end.
        checkpoint: a path (saved every 10 seconds) or a :class:`Checkpoint`. One that cannot be written during the
            training is warned of, and tried again; a second training that writes to the same place is refused.
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
        TrainingInterrupted: Ctrl-C or SIGTERM, once the checkpoint is written; a second one does not wait for that.
            After it, as after any failure, the network is as its last completed epoch left it.

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
        label_smoothing=label_smoothing,
        optimizer=optimizer,
        learning_rate=learning_rate,
        schedule=schedule,
        clip=clip,
        epochs=epochs,
        time=time,
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


def _keeper(setup: Setup) -> Keeper | None:
    if setup.checkpoint is None:
        return None
    who = checkpoints.identity(
        setup.network,
        setup.options,
        setup.data,
        setup.validation,
        n=setup.objective.n,
        needs_end=setup.schedule.needs_the_end,
    )
    return Keeper(setup.checkpoint, who, setup.duration.steps_per_epoch)


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
            steps=setup.duration.steps,
        )
        self._pace = Pace()
        self._audience = Audience(self.run, setup.callbacks)
        self._keeper = _keeper(setup)
        self._budget = Budget(setup.duration, setup.seconds)
        self._rates: list[Float64Array] = []  # of the epoch under way: under a clock they cannot be known again
        self._clock = time.monotonic()

    def run_to_the_end(self) -> Run:
        """Every epoch that is left; whatever goes wrong, the network ends at its last completed epoch."""
        with self._keeper.alone(resume=self.setup.resume) if self._keeper else nullcontext():
            if self._keeper and self.setup.resume:
                self._resume(self._keeper)
            self._clock = time.monotonic() - self.state.seconds
            with interrupts.deferred() as interrupted:
                try:
                    self._audience.tell("on_train_begin")
                    while not self.state.finished:
                        self._epoch(interrupted)
                except BaseException as failure:
                    self._fail(failure, interrupted)
                    raise
            self._finish()
        return self.run

    def _fail(self, failure: BaseException, interrupted: Interrupts) -> None:
        """The network goes back, everybody hears of it, and an interrupt becomes one that says where it came."""
        self._go_back()
        self.run.failure = failure
        done = len(self.run.history)
        completed = f"the network is as it was {f'after epoch {done}' if done else 'before the training'}"
        if isinstance(failure, KeyboardInterrupt):
            self.run.stopped = "interrupted"
            self._audience.tell_the_end_after(failure)
            unsaved = f"; {self._keeper.failure}" if self._keeper and self._keeper.failure else ""
            raise TrainingInterrupted(
                f"interrupted in epoch {self.run.epoch}; {completed}{unsaved}", self.run,
                signal=interrupted.signal or signal.SIGINT, at_once=interrupted.at_once,
            ) from None  # fmt: skip
        self.run.stopped = f"failed: {failure}"
        failure.add_note(completed)
        self._audience.tell_the_end_after(failure)

    def _epoch(self, interrupted: Interrupts) -> None:
        """The rest of the epoch under way, then its end."""
        per_epoch = self.setup.duration.steps_per_epoch
        epoch = len(self.state.history)
        self.run.epoch = epoch + 1
        self._rates = []
        if self.session.step == epoch * per_epoch:
            self.state.epoch_start = self._snapshot()
            self._audience.tell("on_epoch_begin")
        converged = False
        while self.session.step < (end := min((epoch + 1) * per_epoch, self._budget.plan.steps)):
            until = min(end, self.session.step + self._pace.steps)
            until = self._keeper.next_step(self.session.step, until) if self._keeper else until
            report, listeners = self._run_steps(until)
            converged = report.converged
            self.state.sums = self.state.sums.add(report)
            if has_diverged(report, self.state, self.setup):
                self._diverged(epoch, report, listeners)
            self.run.step, self.run.seconds = self.session.step, time.monotonic() - self._clock
            self.run.cost = self.state.sums.cost / self.state.sums.weight if self.state.sums.weight else None
            self._audience.hand_out(report.records, listeners)
            self._audience.tell("on_progress")
            self._fit_to_the_budget()
            # between its last step and its validation an epoch cannot be taken up again
            if self.session.step < min(end, self._budget.plan.steps):
                self._look_up(interrupted)
        if not np.isfinite(self.setup.network.parameters).all():
            self._diverged(epoch, report=None, listeners={})
        self._end_of_epoch(epoch, converged)
        self._look_up(interrupted)

    def _fit_to_the_budget(self) -> None:
        """Plans anew what is left of the time."""
        self._budget.fit(self.session.step, time.monotonic() - self._clock)
        self.run.epochs, self.run.steps = self._budget.plan.epochs, self._budget.plan.steps

    def _look_up(self, interrupted: Interrupts) -> None:
        """Saves where it is time to, and stops where a signal asked for it."""
        keeper = self._keeper
        if keeper and (interrupted.pressed or keeper.due(self.session.step, finished=bool(self.state.finished))):
            self.state.now = self._snapshot()
            self.state.seconds = time.monotonic() - self._clock
            keeper.save(self.state)
        if interrupted.pressed:
            raise KeyboardInterrupt

    def _run_steps(self, until: int) -> tuple[StepsReport, Listeners]:
        """What they came to, and who wanted which of them recorded."""
        first = self.session.step
        listeners, until = self._audience.listeners(first, until)
        measuring = Measuring(self.setup.callbacks, range(first, until))
        started = time.monotonic()
        self._rates.append(self._learning_rates(first, until))
        report = self.session.run(until, self._rates[-1], listeners, measuring.steps)
        self._pace.took(until - first, time.monotonic() - started)
        self._budget.took(until - first, time.monotonic() - started)
        measuring.hand_out(self.run, report.statistics)  # also of steps that diverged: it began in these
        return report, listeners

    def _learning_rates(self, first: int, until: int) -> Float64Array:
        factors = self.setup.schedule.factors(first, until, self._budget.plan)
        return factors * (self.setup.plan.optimizer.learning_rate * self.state.plateau.factor)

    def _end_of_epoch(self, epoch: int, converged: bool) -> None:
        setup, state, sums, started = self.setup, self.state, self.state.sums, time.monotonic()
        score = (
            setup.choice.engine.evaluate(setup.network, setup.objective, setup.validation) if setup.validation else None
        )
        record = EpochRecord(
            epoch=epoch + 1,
            steps=self.session.step,
            cost=sums.cost / sums.weight,
            accuracy=sums.hits / sums.weight if setup.data.decision else None,
            penalty=bp.penalty(setup.network.layers, setup.objective),
            validation_cost=score.cost if score else None,
            validation_accuracy=score.accuracy if score else None,
            validation_r2=score.r2 if score else None,
            learning_rate=float(self._rates[-1][-1]),
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
        self._audience.tell("on_epoch_end")
        self._budget.validated(time.monotonic() - started)
        self._fit_to_the_budget()
        state.finished = self._why_stop(record, converged)

    def _why_stop(self, record: EpochRecord, converged: bool) -> str | None:
        rule = self.setup.early_stopping
        if self.run.stop_reason:
            return self.run.stop_reason
        if converged:
            return CONVERGED
        if rule and self.state.best.exhausted(rule):
            return f"{EARLY}: no better {rule.monitor} in {rule.patience} epochs"
        if self.session.step < self._budget.plan.steps:
            return None
        return TIME_UP if self._budget.cut_short else ALL_DONE

    def _finish(self) -> None:
        """The best epoch, where one was kept, is put back."""
        if self.state.best_parameters is not None:
            self.setup.network.parameters[...] = self.state.best_parameters
        self.run.stopped = self.state.finished
        self.run.seconds = time.monotonic() - self._clock
        self._audience.tell_the_end()

    def _diverged(self, epoch: int, report: StepsReport | None, listeners: Listeners) -> NoReturn:
        start, until = self.state.epoch_start, self.session.step
        self.session.restore(start.parameters, start.optimizer, start.step)
        known = np.concatenate(self._rates)
        rates = np.concatenate([self._learning_rates(start.step, until - len(known)), known])
        usual_cost = self.state.usual_cost or 0.0
        error = replay(self.session, rates, self.setup.train_rows, epoch + 1, self.setup.network, usual_cost)
        if report is not None and error.record is not None:
            self._audience.diverged(error, report.records, listeners)
        raise error

    def _go_back(self) -> None:
        """θ as the last completed epoch left it: where the epoch under way began."""
        self.setup.network.parameters[...] = self.state.epoch_start.parameters

    def _snapshot(self) -> Snapshot:
        theta = self.setup.network.parameters
        slots = {slot: values.copy() for slot, values in self.session.state.items()}
        return Snapshot(self.session.step, theta.copy(), slots)

    def _resume(self, keeper: Keeper) -> None:
        state = keeper.newest(self.setup.network, self.session.state)
        if state is None:
            return
        now, done, checkpoint = state.now, len(state.history), keeper.place
        per_epoch, epochs = self.setup.duration.steps_per_epoch, self.setup.duration.epochs
        if now.step > epochs * per_epoch:
            raise CheckpointError(
                f"{checkpoint.path} is in epoch {-(-now.step // per_epoch)} already, beyond the {epochs} asked for; "
                "ask for more epochs, or start anew with another checkpoint"
            )
        if state.finished not in (CONVERGED, TIME_UP) and not (state.finished or "").startswith(EARLY):
            state.finished = ALL_DONE if done == epochs else None  # a callback's stop ended that run, not the training
        self.state = state
        self.session.restore(now.parameters, now.optimizer, now.step)
        self.run.history = History(state.history)
        self.run.step = self.run.resumed_from_step = now.step
        if now.step:
            self._budget.took(now.step, state.seconds)
        self.run.epoch = max(done, 1)
        self.run.best_epoch = state.best.epoch
