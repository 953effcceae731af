"""The native engine: each equation one kernel in C++, a run of steps one call. The core is in ``native/``.

What it is given and gives back is what the reference engine is given and gives back; θ and the optimizer's state are
taken in when a run begins and written back when it ends, because the kernels want them in an order of their own.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from backlit.activations import ACTIVATIONS
from backlit.backpropagation import BackwardPass, Errors, ForwardPass, Gradients
from backlit.costs import COSTS
from backlit.engines.base import (
    Engine,
    Score,
    Session,
    StepPlan,
    StepRecord,
    StepsReport,
    TrainingData,
)
from backlit.engines.feed import feed
from backlit.engines.measure import StatisticsRoom
from backlit.engines.order import batch_rows
from backlit.engines.score import ScoreSums
from backlit.network import Network
from backlit.notation import Array, Float64Array
from backlit.objective import FUSED, Objective
from backlit.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop, State

try:
    from backlit import _native

    MISSING = None
except ImportError as error:  # a pure-Python installation
    _native = None  # type: ignore[assignment]
    MISSING = f"the native core is not installed ({error}); it is built where pip finds a C++17 compiler"

# The numbers by which native/core/kinds.hpp knows them.
_ACTIVATION = {
    name: number
    for number, name in enumerate(
        (
            "identity",
            "sigmoid",
            "tanh",
            "relu",
            "leaky-relu",
            "elu",
            "gelu",
            "silu",
            "softplus",
            "exponential",
            "softmax",
        )
    )
}
_COST = {
    name: number
    for number, name in enumerate(("quadratic", "mse", "binary-cross-entropy", "cross-entropy", "huber", "poisson"))
}
_DECISION = {None: 0, "argmax": 1, "threshold": 2}

measure_update: dict[str, Any] = (
    {} if _native is None else {"float32": _native.measure_update32, "float64": _native.measure_update64}
)
"""dtype → (before, after, gradients, sums (k, 4)): Σ g², θ², Δθ² and g Δθ of k vectors that somebody else updated.
Afterwards each of ``before`` holds what its ``after`` holds."""


def measure(dtype: str, sizes: list[int], activations: list[str], rows: int) -> Any:
    """What sums a pass that somebody else made, of at most so many rows: ``over_rows(x, z, sigma, a, delta, sums,
    row_gradients)``; lists of (m, n_l) by layer, the sums flat in the order of ``SUMS``, the update's left alone."""
    kind: Any = _native.Measure32 if dtype == "float32" else _native.Measure64
    return kind(sizes, [_ACTIVATION[name] for name in activations], rows)


CHUNK = 4096
"""Rows of one pass where nothing but outputs is kept."""


class NativeEngine(Engine):
    """Fused kernels in C++ for the instruction set of this CPU, on as many threads as the work is worth."""

    name = "native"

    def __init__(self) -> None:
        self._models: WeakKeyDictionary[Network, Any] = WeakKeyDictionary()
        self.description = f"missing: {MISSING}"
        if MISSING is None:
            threads = _native.allowed_threads()
            self.description = (
                f"fused kernels in C++ for {_native.isa()}, float32 and float64, on up to {threads} threads"
            )

    def unsupported(
        self, network: Network, objective: Objective | None = None, optimizer: Optimizer | None = None
    ) -> str | None:
        """The core's absence, anything of the user's own, L-BFGS."""
        if MISSING is not None:
            return MISSING
        for activation in network.activations:
            if type(activation) is not type(ACTIVATIONS.get(activation.name)):
                return f"activation '{activation.name}' is not built in"
        if objective is not None and type(objective.cost) is not type(COSTS.get(objective.cost.name)):
            return f"cost '{objective.cost.name}' is not built in"
        if objective is not None and objective.fused is not None and objective.fused not in FUSED.values():
            return f"the fused form '{objective.fused.name}' is not built in"
        if optimizer is not None and type(optimizer) not in _RULES:
            return f"optimizer '{optimizer.name}' is not built in" if optimizer.name != "lbfgs" else "lbfgs is SciPy's"
        return None

    def predict(self, network: Network, X: Array) -> Array:  # noqa: D102
        a = np.empty((len(X), network.sizes[-1]), dtype=network.dtype)
        self._model(network).predict(network.parameters, _rows(network, X), a)
        return a

    def forward_pass(self, network: Network, X: Array) -> ForwardPass:  # noqa: D102
        z, a = _room(network, len(X)), _room(network, len(X))
        self._model(network).forward_pass(network.parameters, _rows(network, X), _listed(z), _listed(a))
        a_from_x = {1: X, **a}
        return ForwardPass(z=z, a=a_from_x, sigma=a)

    def backward_pass(  # noqa: D102
        self, network: Network, objective: Objective, X: Array, Y: Array, row_weights: Array
    ) -> BackwardPass:
        z, a, delta = (_room(network, len(X)) for _ in range(3))
        gradients, row_costs = Gradients.empty(network), np.empty(len(X), dtype=network.dtype)
        self._model(network).backward_pass(
            network.parameters, _rows(network, X), np.ascontiguousarray(Y, network.dtype),
            np.ascontiguousarray(row_weights, network.dtype), *_objective(objective),
            _listed(z), _listed(a), _listed(delta), gradients.vector, row_costs,
        )  # fmt: skip
        forward = ForwardPass(z=z, a={1: X, **a}, sigma=a)
        return BackwardPass(forward, Errors(delta, fused=objective.fused is not None), gradients, row_costs)

    def evaluate(self, network: Network, objective: Objective, data: TrainingData) -> Score:  # noqa: D102
        sums, model = ScoreSums(data), self._model(network)
        for start in range(0, data.rows, CHUNK):
            rows = slice(start, min(start + CHUNK, data.rows))
            a, z = (np.empty((rows.stop - start, network.sizes[-1]), dtype=network.dtype) for _ in range(2))
            model.predict(network.parameters, _rows(network, data.X[rows]), a, z)
            with np.errstate(over="ignore", invalid="ignore"):
                sums.add(rows, objective.row_costs(z, a, data.Y[rows]), a)
        return sums.score()

    def session(self, network: Network, objective: Objective, data: TrainingData, plan: StepPlan) -> Session:  # noqa: D102
        return NativeSession(network, objective, data, plan)

    def _model(self, network: Network) -> Any:
        """The core's own copy of this network; it takes θ in anew where θ has changed since."""
        model = self._models.get(network)
        if model is None or model.isa != _native.isa():
            kind: Any = _native.Model32 if network.dtype == np.float32 else _native.Model64
            model = self._models[network] = kind(list(network.sizes), _activations(network))
        return model


class NativeSession(Session):
    """Steps that come back to Python only at the end of an epoch, for its order of rows, and where one is recorded.

    The optimizer's state stays in the core's own order and is put into ``state`` when that is asked for: ask for it
    anew after each run.
    """

    def __init__(self, network: Network, objective: Objective, data: TrainingData, plan: StepPlan) -> None:
        self._stale = self._unseen = False
        super().__init__(network, objective, data, plan)
        rule, slots, numbers = _RULES[type(plan.optimizer)](plan.optimizer)
        self._slots = slots
        found = self._feed = feed(data, plan)
        kind: Any = _native.Session32 if network.dtype == np.float32 else _native.Session64
        self._core = kind(
            list(network.sizes), _activations(network), [*network.dropout, 0.0], *_objective(objective),
            *(np.ascontiguousarray(values, network.dtype) for values in (found.X, found.Y, found.row_weights)),
            _DECISION[data.decision], rule, numbers,
            plan.batch_size, plan.seed, -1.0 if plan.clip is None else plan.clip,
        )  # fmt: skip

    @property
    def state(self) -> State:
        """The optimizer's state as it is now."""
        if self._stale:
            self._core.store(np.empty_like(self.network.parameters), [self._state[slot] for slot in self._slots])
            self._stale = False
        self._unseen = True  # whoever has it may write into it
        return self._state

    @state.setter
    def state(self, state: State) -> None:
        self._state, self._stale, self._unseen = state, False, True

    def run(
        self,
        until_step: int,
        learning_rates: Float64Array,
        record_steps: Collection[int] = (),
        measure_steps: Collection[int] = (),
    ) -> StepsReport:
        """The steps. A signal's exception comes through with θ and ``step`` as of the last whole step."""
        count = until_step - self.step
        report = StepsReport(np.zeros(count), np.zeros(count), np.zeros(count))
        rates = np.ascontiguousarray(learning_rates[:count], dtype=np.float64)
        room = StatisticsRoom(self, until_step, measure_steps) if measure_steps else None
        self._load()
        first = self.step
        try:
            while self.step < until_step:
                at, end = self.step, self._next_stop(until_step, record_steps)
                span = slice(at - first, end - first)
                if at in record_steps:
                    record = self._run_recorded(report, span, float(rates[at - first]))
                    report.records.append(record)
                    if room and at in measure_steps:
                        self._measure(room, record)
                else:
                    self._run(report, span, rates[span], room)
        finally:
            self._core.store(self.network.parameters, [])
        return replace(report, statistics=room.filled(report, rates)) if room else report

    def _load(self) -> None:
        slots = [self._state[slot] for slot in self._slots] if self._unseen else []
        self._core.load(self.network.parameters, slots)
        self._unseen, self._stale = False, bool(self._slots)

    def _next_stop(self, until_step: int, record_steps: Collection[int]) -> int:
        """Where the core must come back: where the rows at hand end, at a step to be recorded, or the one after it."""
        at = self.step
        end = min(until_step, self._feed.at(at).until)
        if at in record_steps:
            return at + 1
        return min((step for step in record_steps if at < step < end), default=end)

    def _run(self, report: StepsReport, span: slice, rates: Float64Array, room: StatisticsRoom | None) -> None:
        measured: tuple[Any, ...] = ()
        here = self._feed.at(self.step)
        if room:
            at, wanted = room.wanted(self.step, self.step + len(rates))
            rows = slice(room.row_starts[at.start], room.row_starts[at.stop])
            measured = (wanted, room.layers[at].reshape(-1), room.row_costs[rows], room.row_gradients[rows])
        try:
            self._core.run(
                here.order, here.place, self.plan.steps_before + self.step, rates,
                report.costs[span], report.hits[span], report.weights[span], *measured,
            )  # fmt: skip
        finally:
            self.step += self._core.completed

    def _measure(self, room: StatisticsRoom, record: StepRecord) -> None:
        """Of a step that was copied out anyway."""
        clip, gradient = self.plan.clip, record.backward.gradients.vector
        if clip is not None and record.norm > clip:
            gradient = gradient * (record.norm / clip)
        weights = self.data.row_weights[record.rows]
        room.add(record.step, record.backward, weights, record.parameters, gradient, record.update)

    def _run_recorded(self, report: StepsReport, span: slice, rate: float) -> StepRecord:
        network, here = self.network, self._feed.at(self.step)
        taken = batch_rows(self.plan, self.data.rows, self.step)
        rows = np.arange(taken.start, taken.stop) if isinstance(taken, slice) else taken.copy()
        m = len(rows)
        z, sigma, a, masks, delta = (_room(network, m) for _ in range(5))
        x, row_costs = np.empty((m, network.sizes[0]), network.dtype), np.empty(m, network.dtype)
        gradients = Gradients.empty(network)
        self._core.store(network.parameters, [])
        before = network.parameters.copy()
        norm = self._core.run_recorded(
            here.order, here.place, self.plan.steps_before + self.step, rate, report.costs[span], report.hits[span],
            report.weights[span], *map(_listed, (z, sigma, a, masks, delta)), x, gradients.vector, row_costs,
        )  # fmt: skip
        self._core.store(network.parameters, [])
        dropped = {l: masks[l] > 0 for l, p in enumerate(network.dropout, start=2) if p}
        forward = ForwardPass(
            z=z, a={1: x, **{l: a[l] if l in dropped else sigma[l] for l in z}}, sigma=sigma, masks=dropped
        )
        errors = Errors(delta, fused=self.objective.fused is not None)
        self.step += 1
        return StepRecord(
            step=self.step - 1,
            rows=rows,
            backward=BackwardPass(forward, errors, gradients, row_costs),
            parameters=before,
            update=network.parameters - before,
            norm=norm,
            learning_rate=rate,
        )


def _sgd(optimizer: Any) -> tuple[int, tuple[str, ...], list[float]]:
    rule = 0 if not optimizer.momentum else 2 if optimizer.nesterov else 1
    return rule, ("velocity",) if rule else (), [optimizer.momentum, 0.0, 0.0, 0.0]


def _rmsprop(optimizer: Any) -> tuple[int, tuple[str, ...], list[float]]:
    return 3, ("square",), [optimizer.decay, 0.0, optimizer.epsilon, 0.0]


def _adam(optimizer: Any) -> tuple[int, tuple[str, ...], list[float]]:
    decay = getattr(optimizer, "weight_decay", 0.0)
    return 5 if decay else 4, ("m", "v"), [optimizer.beta_1, optimizer.beta_2, optimizer.epsilon, decay]


_RULES: dict[type, Callable[[Any], tuple[int, tuple[str, ...], list[float]]]] = {
    SGD: _sgd, RMSprop: _rmsprop, Adam: _adam, AdamW: _adam,
}  # fmt: skip
"""Optimizer → its number in the core, its slots in the core's order, its four numbers."""


def _activations(network: Network) -> list[int]:
    return [_ACTIVATION[activation.name] for activation in network.activations]


def _objective(objective: Objective) -> tuple[int, bool, float]:
    """Cost, whether δ^L = a - y, λ/n."""
    return _COST[objective.cost.name], objective.fused is not None, objective.l2 / objective.n


def _rows(network: Network, X: Array) -> Array:
    return np.ascontiguousarray(X, dtype=network.dtype)


def _room(network: Network, m: int) -> dict[int, Array]:
    """An array (m, n_l) for each layer from 2 on."""
    return {l: np.empty((m, n), dtype=network.dtype) for l, n in enumerate(network.sizes[1:], start=2)}


def _listed(arrays: dict[int, Array]) -> list[Array]:
    return list(arrays.values())
