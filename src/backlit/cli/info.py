"""``backlit info``: what this installation is and what it found on this machine."""

from typing import Annotated, Any

import typer

from backlit.cli import output

NAME = "info"
EXAMPLE = "Example: backlit info --json"


def run(json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False) -> None:
    """Show the version, the engines found, the instruction set and the threads."""
    found = gather()
    if json:
        output.print_json(found)
        return
    print(f"backlit {found['version']} on Python {found['python']}, {found['platform']}")
    rows = [(name, what) for name, what in found["engines"].items()]
    print("engines\n" + output.columns(rows))
    blas = "; ".join(f"{b['name']} {b['version']} ({b['architecture']}, {b['threads']} threads)" for b in found["blas"])
    rows = [("processors", str(found["processors"])), ("BLAS", blas or "none found")]
    rows.append(("instruction set", found["instruction_set"]))
    print(output.columns([*rows, *((name, text) for name, text in found["libraries"].items())], ""))


def gather() -> dict[str, Any]:
    """All of it, as plain data."""
    import os
    import platform
    from importlib.metadata import PackageNotFoundError, version

    import numpy
    from threadpoolctl import threadpool_info

    import backlit
    from backlit.engines import ENGINES

    libraries = {}
    for name in ("numpy", "scipy", "scikit-learn", "polars", "safetensors", "matplotlib", "torch", "onnx"):
        try:
            libraries[name] = version(name)
        except PackageNotFoundError:
            libraries[name] = "not installed"
    features = getattr(numpy._core._multiarray_umath, "__cpu_features__", {}) if hasattr(numpy, "_core") else {}
    of_interest = ("AVX512_SPR", "AVX512_ICL", "AVX512_SKX", "AVX512F", "FMA3", "AVX2", "SSE42", "ASIMD")
    return {
        "version": backlit.__version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "engines": {name: engine.description for name, engine in ENGINES.items()},
        "instruction_set": ", ".join(f for f in of_interest if features.get(f)) or "unknown",
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "blas": [
            {
                "name": str(blas.get("internal_api")), "version": str(blas.get("version")),
                "architecture": str(blas.get("architecture", "-")), "threads": int(blas["num_threads"]),
            }
            for blas in threadpool_info() if blas.get("user_api") == "blas"
        ],
        "libraries": libraries,
    }  # fmt: skip
