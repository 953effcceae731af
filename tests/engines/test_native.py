"""The native engine: the same bits whatever the threads, the batches, the recording; what it refuses; how it stops."""

import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

from backlit import objective
from backlit.activations import Elementwise
from backlit.engines import ENGINES, choose
from backlit.engines.base import StepPlan, TrainingData
from backlit.engines.native import MISSING, NativeEngine
from backlit.network import Network
from backlit.optimizers import LBFGS, SGD, Adam, RMSprop

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
if MISSING is None:
    from backlit import _native

ENGINE = NativeEngine()


@pytest.fixture(autouse=True)
def threads_chosen_afterwards() -> Any:
    yield
    _native.force_threads(0)


def problem(
    dtype: str = "float32", rows: int = 150, dropout: float = 0.2, sizes: tuple[int, ...] = (50, 97, 40, 10)
) -> Any:
    rng = np.random.default_rng(0)
    network = Network(sizes, activation="gelu", output="softmax", dropout=dropout, seed=1, dtype=dtype)
    X = rng.standard_normal((rows, sizes[0])).astype(dtype)
    Y = np.eye(sizes[-1], dtype=dtype)[rng.integers(0, sizes[-1], rows)]
    weights = rng.integers(1, 4, rows).astype(dtype) / 2
    return network, objective.choose("softmax", l2=0.1, n=rows), TrainingData(X, Y, weights, "argmax")


SMALL = {"sizes": (50, 97, 40, 10)}
# Wide layers and batches, whose products go to a matrix unit where the CPU has one; the last batch is of 22 rows.
WIDE = {"rows": 450, "sizes": (257, 513, 300, 10)}


def trained(
    record: Any = (),
    threads: int = 0,
    dtype: str = "float32",
    clip: float | None = None,
    optimizer: Any = None,
    shape: dict[str, Any] = SMALL,
) -> Any:
    _native.force_threads(threads)
    network, target, data = problem(dtype, **shape)
    plan = StepPlan(optimizer or Adam(), 107 if shape is WIDE else 32, seed=4, clip=clip)
    session = ENGINE.session(network, target, data, plan)
    report = session.run(12, np.full(12, 0.01), record)
    return network.parameters, session.state, report


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("threads", [1, 2, 3, 8])
@pytest.mark.parametrize("shape", [SMALL, WIDE], ids=["small", "wide"])
def test_any_number_of_threads_gives_the_same_bits(dtype: str, threads: int, shape: dict[str, Any]) -> None:
    theta, state, report = trained(threads=threads, dtype=dtype, shape=shape)
    expected, expected_state, expected_report = trained(threads=1, dtype=dtype, shape=shape)
    assert (theta == expected).all()
    assert all((state[slot] == expected_state[slot]).all() for slot in state)
    assert (report.costs == expected_report.costs).all()
    assert (report.hits == expected_report.hits).all()


@pytest.mark.parametrize("optimizer", [SGD(0.1), SGD(0.1, momentum=0.9, nesterov=True), RMSprop(), Adam()], ids=str)
@pytest.mark.parametrize("shape", [SMALL, WIDE], ids=["small", "wide"])
def test_recording_a_step_changes_no_bit(optimizer: Any, shape: dict[str, Any]) -> None:
    """A recorded step keeps its gradient and updates afterwards; the others update from registers."""
    expected, _, expected_report = trained(optimizer=optimizer, shape=shape)
    theta, _, report = trained(record={0, 4, 5, 11}, optimizer=optimizer, shape=shape)
    assert (theta == expected).all()
    assert (report.costs == expected_report.costs).all()
    assert [record.step for record in report.records] == [0, 4, 5, 11]


@pytest.mark.parametrize("shape", [SMALL, WIDE], ids=["small", "wide"])
def test_clipping_that_does_not_bite_changes_no_bit(shape: dict[str, Any]) -> None:
    """Clipping too keeps the gradient first: with a norm nothing reaches, the numbers are those of the fused form."""
    assert (trained(clip=1e9, shape=shape)[0] == trained(shape=shape)[0]).all()
    assert (trained(clip=1e-3, shape=shape)[0] != trained(shape=shape)[0]).any()


def test_runs_split_at_any_step_give_the_same_bits() -> None:
    expected, _, _ = trained()
    network, target, data = problem()
    session = ENGINE.session(network, target, data, StepPlan(Adam(), 32, seed=4))
    for until in (1, 2, 7, 12):
        session.run(until, np.full(until - session.step, 0.01))
    assert (network.parameters == expected).all()


def test_a_restored_session_goes_on_with_the_same_bits() -> None:
    expected, _, _ = trained()
    network, target, data = problem()
    session = ENGINE.session(network, target, data, StepPlan(Adam(), 32, seed=4))
    session.run(5, np.full(5, 0.01))
    kept = network.parameters.copy(), {slot: values.copy() for slot, values in session.state.items()}
    session.run(9, np.full(4, 0.5))
    session.restore(*kept, 5)
    session.run(12, np.full(7, 0.01))
    assert (network.parameters == expected).all()


@pytest.mark.parametrize("shape", [SMALL, WIDE], ids=["small", "wide"])
def test_a_record_is_the_pass_the_seam_gives(shape: dict[str, Any]) -> None:
    """Without dropout and weights, the recorded pass has the bits of ``backward_pass`` from the same parameters."""
    network, target, data = problem(dropout=0.0, **shape)
    data = TrainingData(data.X, data.Y, np.ones_like(data.row_weights), "argmax")
    session = ENGINE.session(network, target, data, StepPlan(SGD(0.1), 107 if shape is WIDE else 32, seed=4))
    record = session.run(7, np.full(7, 0.1), {6}).records[0]
    twin = network.copy()
    twin.parameters[...] = record.parameters
    rows = record.rows
    found = ENGINE.backward_pass(twin, target, data.X[rows], data.Y[rows], data.row_weights[rows])
    assert (found.gradients.vector == record.backward.gradients.vector).all()
    assert (found.row_costs == record.backward.row_costs).all()
    for l in (2, 3, 4):
        assert (found.forward.z[l] == record.backward.forward.z[l]).all()
        assert (found.errors.delta[l] == record.backward.errors.delta[l]).all()
    assert (record.update == network.parameters - record.parameters).all()
    norm = np.linalg.norm(record.backward.gradients.vector.astype(np.float64))
    assert record.norm == pytest.approx(norm, rel=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_prediction_does_not_depend_on_its_batch(dtype: str) -> None:
    network, _, data = problem(dtype, rows=600)
    whole = ENGINE.predict(network, data.X)
    for rows in (slice(0, 1), slice(3, 10), slice(100, 133), slice(250, 600)):
        assert (ENGINE.predict(network, data.X[rows]) == whole[rows]).all()
    assert (ENGINE.forward_pass(network, data.X).output == whole).all()


def test_parameters_written_into_are_seen_at_the_next_prediction() -> None:
    network, _, data = problem()
    before = ENGINE.predict(network, data.X)
    network.layer(3).b[0] += 1
    assert (ENGINE.predict(network, data.X) != before).any()


def test_nan_stays_visible() -> None:
    network, target, data = problem(dropout=0.0)
    network.layer(2).W[0, 0] = np.nan
    assert np.isnan(ENGINE.predict(network, data.X)).all(axis=1).any()
    session = ENGINE.session(network, target, data, StepPlan(SGD(0.1), 32, seed=4))
    assert np.isnan(session.run(1, np.ones(1)).costs[0])


def test_auto_takes_native_and_says_why_not() -> None:
    network = Network([3, 4, 2], output="softmax")
    assert next(iter(ENGINES)) == "native"
    assert choose("auto", network).engine.name == "native"
    choice = choose("auto", network, objective.choose("softmax"), LBFGS())
    assert choice.engine.name == "reference"
    assert "lbfgs" in choice.reason

    class Mine(Elementwise):
        name = "mine"

        def value(self, z: Any) -> Any:
            return z * 2

        def slope(self, z: Any, a: Any) -> Any:
            return np.full_like(z, 2)

    found = choose("auto", Network([3, 4, 2], activation=Mine()))
    assert found.engine.name == "reference"
    assert "activation 'mine' is not built in" in found.reason


def test_ctrl_c_is_answered_at_once_and_leaves_whole_steps() -> None:
    """Within 0.2 s and some slack for a busy machine; θ and ``step`` are those of the last whole step."""
    network, target, data = problem(rows=4000)
    session = ENGINE.session(network, target, data, StepPlan(Adam(), 8, seed=4))
    sent: list[float] = []

    def interrupt() -> None:
        time.sleep(1.0)
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        session.run(1_000_000, np.full(1_000_000, 1e-6))
    answered = time.perf_counter() - sent[0]
    thread.join()
    assert answered < 2.0
    assert 0 < session.step < 1_000_000
    network_2, _, _ = problem(rows=4000)
    again = ENGINE.session(network_2, target, data, StepPlan(Adam(), 8, seed=4))
    again.run(session.step, np.full(session.step, 1e-6))
    assert (network_2.parameters == network.parameters).all()


def test_two_sessions_at_once_in_two_threads() -> None:
    """The pool serves one; the other works alone; both get the bits they would have had."""
    expected, _, _ = trained(threads=2)
    _native.force_threads(2)
    results: list[Any] = []

    def work() -> None:
        network, target, data = problem()
        session = ENGINE.session(network, target, data, StepPlan(Adam(), 32, seed=4))
        session.run(12, np.full(12, 0.01))
        results.append(network.parameters)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all((theta == expected).all() for theta in results)


CHILD = """
import os, warnings
import numpy as np
warnings.simplefilter("ignore", DeprecationWarning)
from backlit import _native
from backlit.engines.native import NativeEngine
from backlit.network import Network
_native.force_threads(2)
engine, network = NativeEngine(), Network([20, 30, 5])
X = np.ones((64, 20), np.float32)
expected = engine.predict(network, X)
pid = os.fork()
right = bool((engine.predict(network, X) == expected).all())
if pid == 0:
    os._exit(0 if right else 1)
print(right, os.waitpid(pid, 0)[1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_has_threads_of_its_own() -> None:
    done = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["True", "0"]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [({"BACKLIT_NUM_THREADS": "3", "OMP_NUM_THREADS": "1"}, "3"), ({"OMP_NUM_THREADS": "1"}, "1")],
)
def test_the_environment_sets_the_threads(variables: dict[str, str], expected: str) -> None:
    code = "from backlit import _native; print(_native.allowed_threads())"
    clean = {k: v for k, v in os.environ.items() if k not in ("BACKLIT_NUM_THREADS", "OMP_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=clean | variables, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == expected


def test_the_environment_sets_the_instruction_set() -> None:
    lowest = _native.available_isas()[-1]
    code = "from backlit import _native; print(_native.isa())"
    env = os.environ | {"BACKLIT_ISA": lowest}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == lowest
    with pytest.raises(ValueError, match="not available here; one of"):
        _native.set_isa("v9")


def test_without_the_core_everything_still_trains_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    from backlit.engines import native

    monkeypatch.setattr(native, "MISSING", "the native core is not installed")
    choice = choose("auto", Network([3, 4, 2]))
    assert choice.engine.name == "reference"
    assert "the native core is not installed" in choice.reason
