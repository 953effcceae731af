"""Measured steps: every engine's sums against those of the same steps copied out whole, and the bits of θ."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest

from backlit import objective
from backlit.engines.base import StepPlan, TrainingData
from backlit.engines.native import MISSING, NativeEngine
from backlit.engines.reference import ReferenceEngine
from backlit.engines.statistics import SUMS, add_update, joined, of_pass
from backlit.network import Network
from backlit.optimizers import SGD, Adam, AdamW, RMSprop

ISAS: list[str] = []
if MISSING is None:
    from backlit import _native

    ISAS = _native.available_isas()

ENGINES = ["reference", *(f"native {isa}" for isa in ISAS)]
COUNTED = [SUMS.index(name) for name in ("saturated", "zero", "dead")]
UPDATES = [SUMS.index(name) for name in ("weight_update", "bias_update", "descent")]


@pytest.fixture(autouse=True)
def _as_it_was():
    yield
    if MISSING is None:
        _native.set_isa("auto")
        _native.force_threads(0)


@dataclass(frozen=True)
class Case:
    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    pair: tuple[str, str]
    optimizer: object
    batch: int
    l2: float = 0.0
    clip: float | None = None
    dropout: float = 0.0
    weighted: bool = False


CASES = [
    Case((20, 64, 64, 1), ("relu", "relu"), ("identity", "quadratic"), Adam(0.001), 32),
    Case((50, 30, 10), ("sigmoid",), ("sigmoid", "quadratic"), SGD(0.5), 10),
    Case((50, 30, 10), ("sigmoid",), ("sigmoid", "binary-cross-entropy"), SGD(0.5), 10, l2=0.7, weighted=True),
    Case(
        (7, 100, 49, 5), ("tanh", "gelu"), ("softmax", "cross-entropy"), AdamW(0.01, weight_decay=0.1), 33, dropout=0.3
    ),
    Case((9, 17, 48, 3), ("elu", "silu"), ("softmax", "cross-entropy"), RMSprop(0.01), 70, l2=0.3, clip=0.05),
    Case((9, 33, 4), ("leaky-relu",), ("identity", "huber"), SGD(0.1, momentum=0.9, nesterov=True), 1, weighted=True),
    Case((130, 97, 2), ("softplus",), ("exponential", "poisson"), SGD(0.001), 40, clip=0.1, dropout=0.5, weighted=True),
]
"""Every activation, every rule; panels whole and not, with and without everything else."""


def session_of(engine, dtype, case, seed=0):
    name, _, isa = engine.partition(" ")
    if isa:
        _native.set_isa(isa)
    rng = np.random.default_rng(seed)
    rows = 2 * case.batch + 3
    output, cost = case.pair
    X = rng.normal(size=(rows, case.sizes[0])).astype(dtype)
    Y = rng.uniform(size=(rows, case.sizes[-1])).astype(dtype)
    weights = (rng.uniform(0.2, 1.8, rows) if case.weighted else np.ones(rows)).astype(dtype)
    network = Network(
        case.sizes, activation=list(case.activations), output=output, dtype=dtype, dropout=case.dropout, seed=3
    )
    target = objective.choose(network.activations[-1], cost, l2=case.l2, n=rows)
    chosen = NativeEngine() if name == "native" else ReferenceEngine()
    data = TrainingData(X, Y, weights, "threshold")
    return chosen.session(network, target, data, StepPlan(case.optimizer, case.batch, seed=5, clip=case.clip))


def run(session, steps, **wanted):
    return session.run(session.step + steps, np.full(steps, session.plan.optimizer.learning_rate), **wanted)


def from_records(session, case, steps):
    """The sums, from the same steps copied out whole."""
    layers, rows, of_rows, costs = [], [], [], []
    for record in run(session, steps, record_steps=range(steps)).records:
        gradient = record.backward.gradients.vector.astype(np.float64)
        if case.clip is not None:
            gradient = gradient * max(record.norm / case.clip, 1.0)
        sums, squares = of_pass(session.network, record.backward, session.data.row_weights[record.rows])
        penalty = session.objective.l2 / session.objective.n
        add_update(sums, session.network, record.parameters, gradient, record.update, penalty)
        layers.append(sums)
        rows += record.rows.tolist()
        of_rows += np.sqrt(squares).tolist()
        costs += record.backward.row_costs.tolist()
    return np.array(layers), rows, of_rows, costs


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case.sizes)))
@pytest.mark.parametrize(("engine", "dtype"), list(product(ENGINES, ["float32", "float64"])))
def test_the_sums_are_those_of_the_steps_copied_out(engine, dtype, case):
    """In float64 to a few roundings a sum; in float32, where blocks are summed in float32, to 2e-6."""
    steps, single = 6, dtype == "float32"
    right, rows, of_rows, costs = from_records(session_of(engine, dtype, case), case, steps)
    session = session_of(engine, dtype, case)
    found = run(session, steps, measure_steps=range(steps)).statistics
    assert found.steps.tolist() == list(range(steps))
    assert found.rows.tolist() == rows
    limit = 2e-6 if single else 1e-12
    assert found.row_costs == pytest.approx(costs, rel=2e-6, abs=1e-7)
    assert found.row_gradients == pytest.approx(of_rows, rel=2e-6)
    assert (found.layers[..., COUNTED] == right[..., COUNTED]).all()
    others = [k for k in range(len(SUMS)) if k not in COUNTED + UPDATES]
    assert found.layers[..., others] == pytest.approx(right[..., others], rel=limit)
    # An update is a difference: of θ's own rounding it keeps ε|θ|/|Δθ|, and sgd's -ηg is taken before that rounding.
    eps, sums = float(np.finfo(dtype).eps), dict(zip(SUMS, np.moveaxis(right, 2, 0), strict=True))
    for name, theta in (("weight_update", "W"), ("bias_update", "b")):
        norm, size = np.sqrt(sums[name]), np.sqrt(sums[theta]) + np.sqrt(sums[name])
        got = np.sqrt(found.layers[..., SUMS.index(name)])
        assert (np.abs(got - norm) <= limit * norm + eps * size).all()
    gradient, change = (
        np.sqrt(sums[a] + sums[b]) for a, b in (("weight_gradient", "bias_gradient"), ("weight_update", "bias_update"))
    )
    theta = np.sqrt(sums["W"] + sums["b"])
    off = np.abs(found.layers[..., SUMS.index("descent")] - sums["descent"])
    assert (off <= gradient * (limit * change + eps * (theta + change))).all()


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case.sizes)))
@pytest.mark.parametrize(("engine", "dtype"), list(product(ENGINES, ["float32", "float64"])))
def test_the_same_bits_measured_or_not(engine, dtype, case):
    bare, seen, half = (session_of(engine, dtype, case) for _ in range(3))
    plain = run(bare, 7)
    whole = run(seen, 7, measure_steps=range(7))
    part = run(half, 7, measure_steps={1, 2, 5}, record_steps=[2])
    for session, report in ((seen, whole), (half, part)):
        assert (session.network.parameters == bare.network.parameters).all()
        assert all((session.state[slot] == bare.state[slot]).all() for slot in bare.state)
        assert (report.costs == plain.costs).all()
        assert (report.hits == plain.hits).all()
    assert part.statistics.steps.tolist() == [1, 2, 5]
    kept = np.isin(whole.statistics.steps, [1, 5])
    alone = whole.statistics.take(kept)
    assert (alone.layers == part.statistics.layers[[0, 2]]).all()
    assert alone.rows.tolist() == part.statistics.take(np.array([True, False, True])).rows.tolist()


@pytest.mark.skipif(MISSING is not None, reason="the native core is not built")
@pytest.mark.parametrize("case", CASES[:5], ids=lambda case: "-".join(map(str, case.sizes)))
def test_the_same_sums_on_any_number_of_threads(case):
    reports = []
    for threads in (1, 2, 3, 8):
        _native.force_threads(threads)
        reports.append(run(session_of("native", "float32", case), 6, measure_steps=range(6)).statistics)
    for other in reports[1:]:
        assert (other.layers == reports[0].layers).all()
        assert (other.row_gradients == reports[0].row_gradients).all()


def test_runs_cut_anywhere_join():
    case = CASES[0]
    whole = run(session_of("reference", "float64", case), 9, measure_steps=range(9)).statistics
    session, parts = session_of("reference", "float64", case), []
    for steps in (2, 4, 3):
        parts.append(run(session, steps, measure_steps=range(1, 9, 2)).statistics)
    odd = whole.take(whole.steps % 2 == 1)
    for name, values in vars(joined(parts)).items():
        assert (values == getattr(odd, name)).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_not_finite_passes_through(engine):
    case = Case((4, 20, 2), ("relu",), ("identity", "quadratic"), SGD(1e30), 5)
    found = run(session_of(engine, "float32", case), 6, measure_steps=range(6)).statistics
    assert np.isfinite(found.layers[0]).all()
    assert not np.isfinite(found.layers[-1, :, SUMS.index("z")]).any()
