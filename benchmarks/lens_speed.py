"""What the lens costs at every step, and what the same quantities cost by other means: one run, all alternating.

    python benchmarks/lens_speed.py [--workloads W1,W4] [--rounds 7] [--threads 1,2]
    python benchmarks/lens_speed.py --torch            PyTorch: lens_torch, bare hooks, BackPACK, torch.func

A workload of ``train_speed.py`` is trained by ``bl.train`` with and without ``callbacks=[bl.Lens()]``, whole epochs,
every step recorded, per-row gradient norms included; a round's time is its best epoch. In PyTorch an MLP of four layers
makes steps of Adam: bare, with hooks that do nothing, with ``bl.lens_torch``, with BackPACK's per-row gradient norms
(``BatchL2Grad``) and with the per-row gradients of ``torch.func`` (vmap of grad) and their norms. Prints medians,
spreads and ratios, and writes ``results/lens_speed.json``.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from workloads import WORKLOADS

HERE = Path(__file__).parent


def ours(name: str, rounds: int) -> dict[str, list[float]]:
    """Seconds a step of the native engine's training, without and with the lens, one number a round."""
    import numpy as np

    import backlit as bl

    work = WORKLOADS[name]
    X, Y, classes = work.data()
    target = Y if classes is None or work.output != "softmax" else classes
    optimizer = bl.optimizers.SGD() if work.optimizer == "sgd" else bl.optimizers.Adam()
    epochs = max(2, int(0.4 / (work.steps_an_epoch * work.flops_a_step / 5e10)))

    class Clock(bl.Callback):
        """The seconds of each epoch."""

        def __init__(self) -> None:
            self.times: list[float] = []

        def on_epoch_begin(self, run: Any) -> None:
            self.start = time.perf_counter()

        def on_epoch_end(self, run: Any) -> None:
            self.times.append(time.perf_counter() - self.start)

    def training(callbacks: list[Any]) -> float:
        network = bl.Network(list(work.sizes), activation=work.hidden, output=work.output)
        clock = Clock()
        bl.train(
            network, X, target, cost=work.cost, optimizer=optimizer, learning_rate=work.learning_rate, epochs=epochs,
            batch_size=work.batch, engine="native", progress=False, callbacks=[*callbacks, clock],
        )  # fmt: skip
        return min(clock.times) / work.steps_an_epoch

    np.random.default_rng(0)
    times: dict[str, list[float]] = {"without": [], "with the lens": []}
    training([]), training([bl.Lens()])
    for _ in range(rounds):
        times["without"].append(training([]))
        times["with the lens"].append(training([bl.Lens()]))
    return times


def torch_steps(width: int, batch: int) -> dict[str, Any]:  # noqa: PLR0915
    """System → one step of the same MLP."""
    import torch
    from torch import nn

    import backlit as bl

    X, y = torch.randn(batch, width), torch.randint(0, 10, (batch,))

    def setting() -> tuple[Any, Any, Any]:
        torch.manual_seed(0)
        hidden = [part for _ in range(3) for part in (nn.Linear(width, width), nn.ReLU())]
        model = nn.Sequential(*hidden, nn.Linear(width, 10))
        return model, torch.optim.Adam(model.parameters()), nn.CrossEntropyLoss()

    def plain(model: Any, optimizer: Any, criterion: Any) -> Any:
        def step() -> None:
            optimizer.zero_grad()
            criterion(model(X), y).backward()
            optimizer.step()

        return step

    def hooks() -> Any:
        model, optimizer, criterion = setting()
        for part in model:
            if isinstance(part, nn.Linear):
                part.register_forward_hook(lambda _part, _inputs, z: z.register_hook(lambda _delta: None) and None)
        return plain(model, optimizer, criterion)

    def watched() -> Any:
        model, optimizer, criterion = setting()
        step = plain(model, optimizer, criterion)
        lens = bl.lens_torch(model, criterion=criterion)
        for handle in lens._handles[-2:]:  # the hooks on every optimizer there is, which would be in the others' way
            handle.remove()

        def seen() -> None:
            optimizer.zero_grad()
            criterion(model(X), y).backward()
            lens._before_update(optimizer, (), {})
            optimizer.step()
            lens._after_update(optimizer, (), {})

        return seen if step else None

    def backpack_norms() -> Any:
        from backpack import backpack, extend, extensions

        model, optimizer, criterion = setting()
        model, criterion = extend(model), extend(criterion)

        def step() -> None:
            optimizer.zero_grad()
            loss = criterion(model(X), y)
            with backpack(extensions.BatchL2Grad()):
                loss.backward()
            optimizer.step()

        return step

    def vmap_of_grad() -> Any:
        model, optimizer, criterion = setting()
        step = plain(model, optimizer, criterion)
        parameters = dict(model.named_parameters())

        def cost(values: Any, x: Any, target: Any) -> Any:
            return criterion(torch.func.functional_call(model, values, (x[None],)), target[None])

        rows = torch.func.vmap(torch.func.grad(cost), in_dims=(None, 0, 0))

        def with_rows() -> None:
            step()
            found = rows({name: p.detach() for name, p in parameters.items()}, X, y)
            sum(g.flatten(1).square().sum(1) for g in found.values()).sqrt()

        return with_rows

    steps = {"bare": plain(*setting()), "bare hooks": hooks(), "lens_torch": watched(), "torch.func": vmap_of_grad()}
    try:
        steps["BackPACK"] = backpack_norms()
    except ImportError:
        print("  BackPACK: left out (not installed)", file=sys.stderr)
    return steps


def in_torch(width: int, batch: int, rounds: int) -> dict[str, list[float]]:
    """Seconds a step of each, one number a round, by turns."""
    steps = torch_steps(width, batch)
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds + 1):
        for name, step in steps.items():
            count, start = 0, time.perf_counter()
            while time.perf_counter() - start < 0.15 or count < 3:
                step()
                count += 1
            times[name].append((time.perf_counter() - start) / count)
    return {name: found[1:] for name, found in times.items()}


def show(title: str, times: dict[str, list[float]], base: str) -> None:
    """Medians, spreads, ratios."""
    print(f"\n{title}")
    for name, found in times.items():
        ratio = statistics.median(a / b for a, b in zip(found, times[base], strict=True))
        spread = f"({min(found) * 1e6:.1f} … {max(found) * 1e6:.1f})"
        print(f"  {name:14} {statistics.median(found) * 1e6:10.1f} µs a step  {spread:24}  {ratio:6.2f}×", flush=True)


def main() -> None:
    """Reads the options, measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workloads", default=",".join(WORKLOADS))
    parser.add_argument("--threads", default=f"1,{os.cpu_count()}")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--torch", action="store_true", help="PyTorch alone")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "lens_speed.json")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        kind, _, rest = options.worker.partition(":")
        if kind == "torch":
            import torch

            torch.set_num_threads(int(os.environ["BACKLIT_NUM_THREADS"]))
            print(json.dumps(in_torch(int(rest), 64, options.rounds)))
        else:
            print(json.dumps(ours(rest, options.rounds)))
        return
    works = [] if options.torch else [f"ours:{name}" for name in options.workloads.split(",")]
    works += [f"torch:{width}" for width in (64, 512)] if options.torch or len(works) == len(WORKLOADS) else []
    results = json.loads(options.out.read_text()) if options.out.exists() else {"entries": []}
    results["machine"] = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    for work in works:
        for threads in options.threads.split(","):
            numbers = dict.fromkeys(("BACKLIT_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads)
            command = [sys.executable, __file__, "--worker", work, "--rounds", str(options.rounds)]
            done = subprocess.run(command, env=os.environ | numbers, capture_output=True, text=True, check=True)
            times = json.loads(done.stdout.splitlines()[-1])
            title = work.removeprefix("ours:").replace("torch:", "PyTorch MLP of 4 layers, batch 64, width ")
            show(f"{title}, threads {threads}", times, next(iter(times)))
            others = [e for e in results["entries"] if (e["work"], e["threads"]) != (work, int(threads))]
            results["entries"] = [*others, {"work": work, "threads": int(threads), "times": times}]
            options.out.parent.mkdir(exist_ok=True)
            options.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
