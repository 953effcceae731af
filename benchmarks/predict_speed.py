"""How long a prediction takes, one row and 1024 rows, against ONNX Runtime, PyTorch, JAX and scikit-learn.

    python benchmarks/predict_speed.py [--threads 2] [--rounds 7]

All systems share one process a thread count and alternate, round by round; each predicts the same rows with the same
network. backlit's calls go through the engine, and compare the network's parameters with those last seen each time,
since anyone may have written into them. Prints a table and writes ``results/predict_speed.json``.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
NETWORKS = {"small": (784, 128, 10), "large": (784, 1024, 1024, 10)}
BATCHES = (1, 1024)
SECONDS = 0.1


def backlit(network: Any, X: Any) -> Callable[[], Any]:
    """The native engine's predict."""
    from backlit.engines import ENGINES

    engine = ENGINES["native"]
    return lambda: engine.predict(network, X)


def pytorch(network: Any, X: Any) -> Callable[[], Any]:
    """A Sequential under ``inference_mode``."""
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    layers: list[Any] = []
    for layer in network.layers:
        linear = torch.nn.Linear(*layer.W.T.shape)
        linear.weight.data, linear.bias.data = torch.from_numpy(layer.W.copy()), torch.from_numpy(layer.b.copy())
        layers += [linear, torch.nn.ReLU()]
    model, x = torch.nn.Sequential(*layers[:-1], torch.nn.Softmax(1)), torch.from_numpy(X)

    def predict() -> Any:
        with torch.inference_mode():
            return model(x).numpy()

    return predict


def onnx_runtime(network: Any, X: Any) -> Callable[[], Any]:
    """The same network as an ONNX graph of Gemm, Relu and Softmax."""
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    nodes, weights, value = [], [], "x"
    for layer in network.layers:
        l, last = layer.number, layer.number == network.L
        weights += [numpy_helper.from_array(layer.W.copy(), f"W{l}"), numpy_helper.from_array(layer.b.copy(), f"b{l}")]
        nodes.append(helper.make_node("Gemm", [value, f"W{l}", f"b{l}"], [f"z{l}"], transB=1))
        nodes.append(helper.make_node("Softmax" if last else "Relu", [f"z{l}"], [f"a{l}"]))
        value = f"a{l}"
    graph = helper.make_graph(
        nodes, "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, network.sizes[0]])],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, [None, network.sizes[-1]])],
        weights,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": X})[0]


def jax(network: Any, X: Any) -> Callable[[], Any]:
    """One jitted function."""
    import jax
    import jax.numpy as jnp

    theta = [(jnp.asarray(layer.W.T.copy()), jnp.asarray(layer.b.copy())) for layer in network.layers]

    @jax.jit
    def predict(x: Any) -> Any:
        for W, b in theta[:-1]:
            x = jax.nn.relu(x @ W + b)
        return jax.nn.softmax(x @ theta[-1][0] + theta[-1][1])

    return lambda: np.asarray(predict(X))


def scikit_learn(network: Any, X: Any) -> Callable[[], Any]:
    """``MLPClassifier.predict_proba`` with these parameters."""
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(network.sizes[1:-1], max_iter=1, batch_size=32, solver="sgd")
    rng = np.random.default_rng(0)
    model.partial_fit(rng.random((64, network.sizes[0]), dtype=np.float32), np.arange(64) % 10, classes=np.arange(10))
    model.coefs_ = [layer.W.T.copy() for layer in network.layers]
    model.intercepts_ = [layer.b.copy() for layer in network.layers]
    return lambda: model.predict_proba(X)


SYSTEMS = {
    "backlit": backlit, "ONNX Runtime": onnx_runtime, "PyTorch": pytorch, "JAX": jax, "scikit-learn": scikit_learn,
}  # fmt: skip


def measure(rounds: int) -> list[dict[str, Any]]:
    """Seconds a call of each system, one number a round."""
    from backlit.network import Network

    entries = []
    for name, sizes in NETWORKS.items():
        network = Network(sizes, activation="relu", output="softmax", seed=0)
        for batch in BATCHES:
            X = np.random.default_rng(0).random((batch, sizes[0]), dtype=np.float32)
            calls = {}
            for system, make in SYSTEMS.items():
                try:
                    calls[system] = make(network, X)
                except ImportError as error:
                    print(f"  {system}: left out ({error})", file=sys.stderr)
            right = calls["backlit"]()
            for system, call in calls.items():
                if not np.allclose(call(), right, atol=1e-4):
                    raise SystemExit(f"{system} predicts something else")
            times: dict[str, list[float]] = {system: [] for system in calls}
            for _ in range(rounds):
                for system, call in calls.items():
                    best, start = float("inf"), time.perf_counter()
                    while time.perf_counter() - start < SECONDS:
                        before = time.perf_counter()
                        call()
                        best = min(best, time.perf_counter() - before)
                    times[system].append(best)
            entries.append({"network": name, "sizes": sizes, "batch": batch, "times": times})
    return entries


def main() -> None:
    """One process a thread count, so that every system reads its environment."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", default=f"1,{os.cpu_count()}")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "predict_speed.json")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(measure(options.rounds)))
        return
    results = []
    for threads in sorted({int(t) for t in options.threads.split(",")}):
        environment = os.environ | {name: str(threads) for name in ("OMP_NUM_THREADS", "BACKLIT_NUM_THREADS")}
        command = [sys.executable, __file__, "--worker", "--rounds", str(options.rounds)]
        pin = ["taskset", "-c", "0"] if threads == 1 and Path("/usr/bin/taskset").exists() else []
        done = subprocess.run([*pin, *command], env=environment, stdout=subprocess.PIPE, text=True, check=True)
        for entry in json.loads(done.stdout.splitlines()[-1]):
            results.append({"threads": threads, **entry})
            ours = statistics.median(entry["times"]["backlit"])
            print(f"\n{'-'.join(map(str, entry['sizes']))}  rows {entry['batch']}  threads {threads}")
            for system, times in sorted(entry["times"].items(), key=lambda item: statistics.median(item[1])):
                middle = statistics.median(times)
                print(
                    f"  {system:14} {middle * 1e6:10.1f} µs  ({min(times) * 1e6:.1f} … {max(times) * 1e6:.1f})  "
                    f"{middle / ours:5.2f}×"
                )
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
