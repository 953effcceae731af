"""How long a prediction takes, one row and 1024 rows, against ONNX Runtime, PyTorch, JAX and scikit-learn.

    python benchmarks/predict_speed.py [--threads 2] [--rounds 7]

One process a system, idle but when asked; the systems alternate, round by round, and each predicts the same rows with
the same network. ``backlit`` is ``network.predict``, which looks whether every number of X is finite; ``backlit
engine`` is what that calls. Both compare the parameters with those last seen, since anyone may have written into them,
but for one row, which is predicted from them directly. Prints a table and writes ``results/predict_speed.json``.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from peers import Peer

HERE = Path(__file__).parent
NETWORKS = {"small": (784, 128, 10), "large": (784, 1024, 1024, 10)}
BATCHES = (1, 1024)
SECONDS = 0.1


def backlit(network: Any, X: Any) -> Callable[[], Any]:
    """What a user calls."""
    return lambda: network.predict(X)


def backlit_engine(network: Any, X: Any) -> Callable[[], Any]:
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
    "backlit": backlit, "backlit engine": backlit_engine, "ONNX Runtime": onnx_runtime, "PyTorch": pytorch, "JAX": jax,
    "scikit-learn": scikit_learn,
}  # fmt: skip


def worker(system: str) -> None:
    """Answers each line, a network's name and a number of rows, with the shortest call's seconds and a digest."""
    from backlit.network import Network

    calls: dict[tuple[str, str], tuple[Callable[[], Any], float]] = {}
    for name, sizes in NETWORKS.items():
        network = Network(sizes, activation="relu", output="softmax", seed=0)
        for batch in BATCHES:
            X = np.random.default_rng(0).random((batch, sizes[0]), dtype=np.float32)
            call = SYSTEMS[system](network, X)
            calls[name, str(batch)] = call, float(np.abs(np.asarray(call()) - network_outputs(network, X)).max())
    print("ready", flush=True)
    for line in sys.stdin:
        call, off = calls[tuple(line.split())]  # type: ignore[index]
        best, start = float("inf"), time.perf_counter()
        while time.perf_counter() - start < SECONDS:
            before = time.perf_counter()
            call()
            best = min(best, time.perf_counter() - before)
        print(best, off, flush=True)


def network_outputs(network: Any, X: Any) -> Any:
    """The reference engine's, in float64: what every system must come near."""
    from backlit.engines import ENGINES

    return ENGINES["reference"].predict(network.copy("float64"), X.astype(np.float64))


def measure(threads: int, rounds: int) -> list[dict[str, Any]]:
    """Seconds a call of each system, one number a round; systems that cannot run are left out, with a word."""
    peers: dict[str, Peer] = {}
    for system in SYSTEMS:
        peer = Peer(__file__, ["--worker", system], threads)
        try:
            peer.wait_until_ready()
            peers[system] = peer
        except RuntimeError as error:
            print(f"  {system}: left out ({error})", file=sys.stderr)
    entries = []
    try:
        for name, sizes in NETWORKS.items():
            for batch in BATCHES:
                times: dict[str, list[float]] = {system: [] for system in peers}
                for _ in range(rounds):
                    for system, peer in peers.items():
                        seconds, off = map(float, peer.ask(f"{name} {batch}").split())
                        if off > 1e-4:
                            raise SystemExit(f"{system} predicts something else, by up to {off:.2g}")
                        times[system].append(seconds)
                entries.append({"threads": threads, "network": name, "sizes": sizes, "batch": batch, "times": times})
    finally:
        for peer in peers.values():
            peer.close()
    return entries


def main() -> None:
    """One process a system and thread count, so that none spins while another is asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", default=f"1,{os.cpu_count()}")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "predict_speed.json")
    parser.add_argument("--worker", choices=SYSTEMS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(options.worker)
        return
    results = []
    for threads in sorted({int(t) for t in options.threads.split(",")}):
        for entry in measure(threads, options.rounds):
            results.append(entry)
            ours = statistics.median(entry["times"]["backlit"])
            print(f"\n{'-'.join(map(str, entry['sizes']))}  rows {entry['batch']}  threads {threads}")
            for system, times in sorted(entry["times"].items(), key=lambda item: statistics.median(item[1])):
                middle = statistics.median(times)
                spread = f"({min(times) * 1e6:.1f} … {max(times) * 1e6:.1f})"
                print(f"  {system:18} {middle * 1e6:10.1f} µs  {spread}  {middle / ours:5.2f}×", flush=True)
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
