"""One body of tests over every engine × instruction set × dtype × activation × pair × optimizer × size × batch.

The definition of right is the reference engine in float64. By default the combinations are pairwise: every two values
of any two factors meet in some case. ``pytest -m slow`` runs all of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest

from backlit import objective
from backlit.activations import Elementwise
from backlit.backpropagation import Gradients
from backlit.engines.base import Engine, StepPlan, TrainingData
from backlit.engines.native import MISSING, NativeEngine
from backlit.engines.reference import ReferenceEngine
from backlit.network import Network
from backlit.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop

REFERENCE = ReferenceEngine()
ISAS: list[str] = []
if MISSING is None:
    from backlit import _native

    ISAS = _native.available_isas()

PAIRS = [
    (output, cost, fused)
    for cost, outputs in objective.VALID_OUTPUTS.items()
    for output in outputs
    for fused in ((True, False) if (output, cost) in objective.FUSED else (False,))
]
SIZES = [
    (1, 7, 1),
    (16, 17, 31),
    (17, 1, 16),
    (33, 100, 17),
    (100, 31, 33, 7),
    (784, 33, 10),
    (7, 16, 100),
    (31, 33, 33, 1),
]
# ε well above rounding: an adaptive step divides by the gradient's own size, and where that is noise, so is its sign.
OPTIMIZERS: list[Optimizer] = [
    SGD(0.01), SGD(0.01, momentum=0.5), SGD(0.01, momentum=0.5, nesterov=True), RMSprop(0.001, epsilon=1e-3),
    Adam(0.001, epsilon=1e-3), AdamW(0.001, weight_decay=0.1, epsilon=1e-3),
]  # fmt: skip

FACTORS: dict[str, list[Any]] = {
    "engine": [*(f"native {isa}" for isa in ISAS), "reference"],
    "dtype": ["float32", "float64"],
    "activation": ["identity", "sigmoid", "tanh", "relu", "leaky-relu", "elu", "gelu", "silu", "softplus"],
    "pair": PAIRS,
    "sizes": SIZES,
    "batch": [1, 2, 7, 32, 33],
    "optimizer": OPTIMIZERS,
    "l2": [0.0, 0.3],
    "dropout": [0.0, 0.25],
    "clip": [None, 0.05],
    "weighted": [False, True],
}


def pairwise(factors: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    """Cases in which every two values of any two factors meet: each takes the next pair still missing, then greedily
    the values that cover most of the others."""
    names = list(factors)
    missing = {
        (a, i, b, j) for a, b in combinations(names, 2) for i in range(len(factors[a])) for j in range(len(factors[b]))
    }
    place = {name: k for k, name in enumerate(names)}
    while missing:
        a, i, b, j = min(missing, key=str)
        chosen = {a: i, b: j}
        for name in names:
            if name in chosen:
                continue

            def covered(value: int, name: str = name, chosen: dict[str, int] = chosen) -> int:
                return sum(
                    ((name, value, other, k) if place[name] < place[other] else (other, k, name, value)) in missing
                    for other, k in chosen.items()
                )

            chosen[name] = max(range(len(factors[name])), key=covered)
        for a, b in combinations(names, 2):
            missing.discard((a, chosen[a], b, chosen[b]))
        yield {name: factors[name][k] for name, k in chosen.items()}


@dataclass(frozen=True)
class Case:
    engine: str
    dtype: str
    activation: str
    pair: tuple[str, str, bool]
    sizes: tuple[int, ...]
    batch: int
    optimizer: Optimizer = OPTIMIZERS[0]
    l2: float = 0.0
    dropout: float = 0.0
    clip: float | None = None
    weighted: bool = False

    def __str__(self) -> str:
        return "-".join(str(value).replace(" ", "") for value in vars(self).values())


def engine_of(case: Case) -> Engine:
    if case.engine == "reference":
        return REFERENCE
    _native.set_isa(case.engine.split()[1])
    return NativeEngine()


@pytest.fixture(autouse=True)
def best_isa_afterwards() -> Iterator[None]:
    yield
    if MISSING is None:
        _native.set_isa("auto")


def setting(case: Case, dtype: str, rows: int) -> tuple[Network, objective.Objective, TrainingData]:
    """The same numbers in either dtype: all are representable in float32."""
    rng = np.random.default_rng(11)
    output, cost, fused = case.pair
    network = Network(
        case.sizes, activation=case.activation, output=output, dropout=case.dropout, seed=3, dtype="float32"
    ).copy(dtype)
    X = rng.standard_normal((rows, case.sizes[0])).astype("float32")
    if cost == "cross-entropy":
        Y = np.eye(case.sizes[-1])[rng.integers(0, case.sizes[-1], rows)]
    elif cost == "poisson":
        Y = rng.integers(0, 4, (rows, case.sizes[-1]))
    else:
        Y = rng.integers(0, 2, (rows, case.sizes[-1]))
    weights = rng.integers(1, 4, rows) / 2 if case.weighted else np.ones(rows)
    target = objective.choose(output, cost, l2=case.l2, n=rows, fused=fused)
    return network, target, TrainingData(X.astype(dtype), Y.astype(dtype), weights.astype(dtype), None)


def distance(found: Any, right: Any) -> float:
    scale = np.linalg.norm(np.asarray(right, np.float64))
    return float(np.linalg.norm(np.asarray(found, np.float64) - right) / (scale or 1.0))


@dataclass(frozen=True)
class Terms:
    """What the numbers of a pass are sums of, without their signs: the norm of it is what rounding is a share of."""

    costs: Any
    delta: dict[int, Any]
    gradients: Any


def terms_of(network: Network, target: objective.Objective, data: TrainingData) -> Terms:
    """The equations of the pass, every term positive: |a - y| + |a| for |a - y|, and back through |W| and |σ'|."""
    right = REFERENCE.backward_pass(network, target, data.X, data.Y, data.row_weights)
    a, z, L, small = right.forward.a, right.forward.z, network.L, 2.0**-20
    moved = REFERENCE.backward_pass(network, target, data.X, data.Y - small * a[L], data.row_weights)

    def without_signs(here: Any, there: Any) -> Any:
        return np.abs(here) + np.abs(there - here) / small

    delta = {L: without_signs(right.errors.delta[L], moved.errors.delta[L])}
    for l in range(L - 1, 1, -1):
        activation = network.layer(l).activation
        assert isinstance(activation, Elementwise)
        delta[l] = delta[l + 1] @ np.abs(network.layer(l + 1).W) * np.abs(activation.slope(z[l], a[l]))
    gradients = Gradients.empty(network)
    for l, terms in delta.items():
        weighted = terms * data.row_weights[:, None] / len(a[1])
        gradients.W[l][...] = weighted.T @ np.abs(a[l - 1])
        gradients.b[l][...] = weighted.sum(0)
    return Terms(without_signs(right.row_costs, moved.row_costs), delta, gradients.vector)


def check_gradients(case: Case) -> None:
    """Every number of a pass there and back, against float64: 1e-12 and 2e-6 of the whole's norm.

    Where terms cancel (an output next to its target, a sum next to nothing), the result is small beside what it is made
    of, and no arithmetic in that precision can hold this: there, an eighth of the limit (four roundings) on the norm of
    the terms.
    """
    limit = 1e-12 if case.dtype == "float64" else 2e-6
    network, target, data = setting(case, case.dtype, case.batch)
    found = engine_of(case).backward_pass(network, target, data.X, data.Y, data.row_weights)
    network64, target64, data64 = setting(case, "float64", case.batch)
    right = REFERENCE.backward_pass(network64, target64, data64.X, data64.Y, data64.row_weights)
    terms = terms_of(network64, target64, data64)

    def close(found: Any, right: Any, terms: Any) -> bool:
        off = np.linalg.norm(np.asarray(found, np.float64) - right)
        return bool(off <= limit * np.linalg.norm(right) or off <= limit / 8 * np.linalg.norm(terms))

    assert close(found.gradients.vector, right.gradients.vector, terms.gradients)
    off = np.linalg.norm(found.row_costs - right.row_costs)
    assert off <= limit * np.linalg.norm(terms.costs)  # a^L may be off by that share of itself, and C with it
    for l in right.forward.z:
        assert distance(found.forward.z[l], right.forward.z[l]) < limit
        assert distance(found.forward.a[l], right.forward.a[l]) < limit
        # δ of a saturated layer is small beside the numbers it came from: measured against the error of the output too
        scale = max(np.linalg.norm(right.errors.delta[l]), 0.01 * np.linalg.norm(right.errors.delta[network.L]))
        off = np.linalg.norm(found.errors.delta[l] - right.errors.delta[l])
        assert off <= 2 * limit * max(scale, np.linalg.norm(terms.delta[l]) / 8)
    output = engine_of(case).predict(network, data.X)
    assert (output == engine_of(case).forward_pass(network, data.X).output).all()
    if case.batch < 64:  # where no matrix unit multiplies on the way there and back
        assert (output == found.forward.output).all()
    assert distance(output, right.forward.output) < limit


def check_ten_steps(case: Case) -> None:
    """θ after ten steps is no further from float64's than 4 × what the reference engine in the same dtype is."""
    rows, steps = 3 * case.batch + 1, 10

    def trained(engine: Engine, dtype: str) -> tuple[Any, Any, Any]:
        network, target, data = setting(case, dtype, rows)
        session = engine.session(network, target, data, StepPlan(case.optimizer, case.batch, seed=5, clip=case.clip))
        report = session.run(steps, np.full(steps, case.optimizer.learning_rate))
        return network.parameters.copy(), report, {k: v.copy() for k, v in session.state.items()}

    theta, report, state = trained(engine_of(case), case.dtype)
    right, right_report, right_state = trained(REFERENCE, "float64")
    own = distance(trained(REFERENCE, case.dtype)[0], right)
    # The reference's own deviation can be small by luck; ten roundings of each parameter are no error in any engine.
    floor = 10 * float(np.finfo(case.dtype).eps)
    assert distance(theta, right) <= 4 * own + floor
    close = 1e-9 if case.dtype == "float64" else 2e-3
    assert np.allclose(report.costs, right_report.costs, rtol=close)
    assert np.allclose(report.weights, right_report.weights, rtol=1e-12)
    assert state.keys() == right_state.keys()
    for slot in right_state:
        assert distance(state[slot], right_state[slot]) < (1e-9 if case.dtype == "float64" else 5e-3)


@pytest.mark.parametrize("case", [Case(**values) for values in pairwise(FACTORS)], ids=str)
def test_pairwise(case: Case) -> None:
    """The gradients, and ten steps."""
    check_gradients(case)
    check_ten_steps(case)


WIDE = [
    (sizes, batch, options)
    for sizes in ((513, 257, 1), (257, 513, 300, 5), (784, 256, 10), (140, 1000, 258, 3))
    for batch, options in zip(
        (64, 65, 100, 130),
        (
            {"activation": "relu", "optimizer": OPTIMIZERS[4]},
            {"activation": "tanh", "optimizer": OPTIMIZERS[2], "dropout": 0.25, "l2": 0.3},
            {"activation": "gelu", "optimizer": OPTIMIZERS[0], "weighted": True, "clip": 0.05},
            {"activation": "identity", "optimizer": OPTIMIZERS[3], "dropout": 0.25, "weighted": True},
        ),
        strict=True,
    )
]


@pytest.mark.parametrize("engine", FACTORS["engine"])
@pytest.mark.parametrize(("sizes", "batch", "options"), WIDE, ids=lambda value: str(value).replace(" ", ""))
def test_wide_layers_in_large_batches(engine: str, sizes: tuple[int, ...], batch: int, options: dict[str, Any]) -> None:
    """What a matrix unit multiplies where the CPU has one: whole tiles, and tiles that no side fills."""
    case = Case(engine, "float32", pair=("softmax", "cross-entropy", True), sizes=sizes, batch=batch, **options)
    if sizes[-1] == 1:
        case = replace(case, pair=("sigmoid", "binary-cross-entropy", True))
    check_gradients(case)
    check_ten_steps(case)


@pytest.mark.slow
@pytest.mark.parametrize("engine", FACTORS["engine"])
@pytest.mark.parametrize("dtype", FACTORS["dtype"])
@pytest.mark.parametrize("activation", FACTORS["activation"])
def test_every_gradient(engine: str, dtype: str, activation: str) -> None:
    """All pairs, sizes and batches."""
    for pair, sizes, batch in product(PAIRS, SIZES, FACTORS["batch"]):
        check_gradients(Case(engine, dtype, activation, pair, sizes, batch))


@pytest.mark.slow
@pytest.mark.parametrize("engine", FACTORS["engine"])
@pytest.mark.parametrize("dtype", FACTORS["dtype"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_every_step(engine: str, dtype: str, optimizer: Optimizer) -> None:
    """All sizes, batches and options of a step."""
    options = [FACTORS[name] for name in ("sizes", "batch", "l2", "dropout", "clip", "weighted")]
    for sizes, batch, l2, dropout, clip, weighted in product(*options):
        pair = ("sigmoid", "binary-cross-entropy", True)
        check_ten_steps(Case(engine, dtype, "tanh", pair, sizes, batch, optimizer, l2, dropout, clip, weighted))


def test_pairwise_covers_every_pair() -> None:
    """What the default run claims of itself."""
    factors = {"a": [0, 1, 2], "b": [0, 1], "c": [0, 1, 2, 3]}
    cases = list(pairwise(factors))
    for a, b in combinations(factors, 2):
        assert {(case[a], case[b]) for case in cases} == set(product(factors[a], factors[b]))
    assert len(cases) < 3 * 2 * 4
