"""How long a training step takes, against other systems: one run, one process a system, systems alternating.

    python benchmarks/train_speed.py [--workloads W1,W4] [--systems backlit,JAX] [--threads 1,2] [--rounds 5]

Every round asks each system in turn for whole epochs, shuffling and gathering included, of at least a fifth of a
second; a step's time is the round's best epoch. Prints a table, writes ``results/train_speed.json`` and a plot of
ratios beside it. Ratios, not times, travel between machines.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from peers import Peer
from workloads import WORKLOADS

HERE = Path(__file__).parent
RESULTS = HERE / "results"
ROUND_SECONDS = 0.2
SLOW = {"scikit-learn", "PyTorch", "torch.compile", "Keras (JAX)", "tinygrad", "backlit reference"}


def worker(system: str, workload: str) -> None:
    """Makes the system's epoch, runs it once to warm up, then one round for each line on stdin."""
    sys.path.insert(0, str(HERE))
    from systems import SYSTEMS

    work = WORKLOADS[workload]
    epoch = SYSTEMS[system](work)
    epoch()
    print("ready", flush=True)
    for _ in sys.stdin:
        best, start = float("inf"), time.perf_counter()
        while time.perf_counter() - start < ROUND_SECONDS:
            before = time.perf_counter()
            epoch()
            best = min(best, time.perf_counter() - before)
        print(best / work.steps_an_epoch, flush=True)


def measure(workload: str, systems: list[str], threads: int, rounds: int) -> dict[str, list[float]]:
    """Seconds a step of each system, one number a round; systems that cannot run are left out, with a word."""
    peers: dict[str, Peer] = {}
    for system in systems:
        peer = Peer(__file__, ["--worker", system, "--workloads", workload], threads)
        try:
            peer.wait_until_ready()
            peers[system] = peer
        except (RuntimeError, ValueError) as error:
            print(f"  {system}: left out ({error})", file=sys.stderr)
    times: dict[str, list[float]] = {system: [] for system in peers}
    try:
        for _ in range(rounds):
            for system, peer in peers.items():
                times[system].append(float(peer.ask("go")))
    finally:
        for peer in peers.values():
            peer.close()
    return times


def roofline(threads: list[int]) -> dict[str, Any]:
    """Multiply-adds of float32 in registers a second, by vectors and by a matrix unit, and bytes copied a second."""
    import numpy as np

    from backlit import _native

    source = np.ones(32 * 2**20, np.float32)
    target, best = np.empty_like(source), float("inf")
    for _ in range(10):
        before = time.perf_counter()
        np.copyto(target, source)
        best = min(best, time.perf_counter() - before)
    isa = _native.isa()
    peaks = {"peak_gflops": {str(t): _native.peak_flops(t, True, 1.0) / 1e9 for t in threads}}
    if isa == "amx":
        peaks["matrix_unit_gflops"] = peaks["peak_gflops"]
        _native.set_isa("v4")
        peaks["peak_gflops"] = {str(t): _native.peak_flops(t, True, 1.0) / 1e9 for t in threads}
        _native.set_isa(isa)
    return {
        "isa": isa,
        **peaks,
        "copy_gbytes_per_second": 2 * source.nbytes / best / 1e9,
    }


def show(entry: dict[str, Any], roof: dict[str, Any]) -> None:
    """One workload's table: median µs a step and spread, the ratio to backlit, the share of the roof."""
    work = WORKLOADS[entry["workload"]]
    peak = roof["peak_gflops"][str(entry["threads"])] * 1e9
    ours = statistics.median(entry["times"]["backlit"])
    print(f"\n{work.name}  {'-'.join(map(str, work.sizes))}  batch {work.batch}  threads {entry['threads']}")
    for system, times in sorted(entry["times"].items(), key=lambda item: statistics.median(item[1])):
        middle = statistics.median(times)
        share = f"  {work.flops_a_step / middle / peak:.0%} of the roof of vectors" if system == "backlit" else ""
        if share and "matrix_unit_gflops" in roof:
            unit = roof["matrix_unit_gflops"][str(entry["threads"])] * 1e9
            share += f", {work.flops_a_step / middle / unit:.0%} of the matrix unit's"
        spread = f"({min(times) * 1e6:.2f} … {max(times) * 1e6:.2f})"
        print(f"  {system:18} {middle * 1e6:10.2f} µs a step  {spread}  {middle / ours:6.2f}×{share}", flush=True)


def plot(results: dict[str, Any], path: Path) -> None:
    """Bars: how many times as long each system takes, by workload, at the largest number of threads."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    most = max(entry["threads"] for entry in results["entries"])
    entries = [entry for entry in results["entries"] if entry["threads"] == most]
    systems = list(dict.fromkeys(system for entry in entries for system in entry["times"]))
    figure, axes = plt.subplots(figsize=(9, 4))
    for k, system in enumerate(systems):
        places, heights = [], []
        for i, entry in enumerate(entries):
            if system in entry["times"]:
                middle = {s: statistics.median(t) for s, t in entry["times"].items()}
                places.append(i + (k - len(systems) / 2) * 0.8 / len(systems))
                heights.append(middle[system] / middle["backlit"])
        axes.bar(places, heights, 0.8 / len(systems), label=system)
    axes.set_yscale("log")
    axes.set_xticks(range(len(entries)), [entry["workload"] for entry in entries])
    axes.set_ylabel("time a step, backlit = 1")
    axes.legend(fontsize=7, ncols=2)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> None:
    """Reads the options, measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workloads", default=",".join(WORKLOADS))
    parser.add_argument("--systems", default="")
    parser.add_argument("--threads", default=f"1,{os.cpu_count()}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULTS / "train_speed.json")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(options.worker, options.workloads)
        return
    sys.path.insert(0, str(HERE))
    from systems import SYSTEMS

    systems = options.systems.split(",") if options.systems else list(SYSTEMS)
    threads = sorted({int(t) for t in options.threads.split(",")})
    results: dict[str, Any] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "roofline": roofline(threads),
        "entries": [],
    }
    print(results["machine"], results["roofline"], flush=True)
    options.out.parent.mkdir(exist_ok=True)
    for workload in options.workloads.split(","):
        for count in threads:
            times = measure(workload, systems, count, options.rounds)
            entry = {"workload": workload, "threads": count, "times": times}
            results["entries"].append(entry)
            show(entry, results["roofline"])
            options.out.write_text(json.dumps(results, indent=1) + "\n")  # what is measured is not lost by a stop
    plot(results, options.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
