"""``backlit info``: what this installation is and what it found on this machine."""

from typing import Annotated, Any

import typer

from backlit.cli import output
from backlit.formats.extras import version_of

NAME = "info"
EXAMPLES = """
backlit info
backlit info --json
"""

LIBRARIES = ("numpy", "scipy", "scikit-learn", "polars", "safetensors", "typer", "rich", "plotext", "matplotlib")


def run(json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False) -> None:
    """Show the version, the engines found, the instruction set and the threads."""
    found = gather()
    if json:
        output.print_json(found)
        return
    blas = [f"{b['name']} {b['version']}, for {b['architecture']}, {b['threads']} threads" for b in found["blas"]]
    rows = [
        ("backlit", f"{found['version']}, Python {found['python']}, {found['platform']}"),
        *((f"engine {name}", what) for name, what in found["engines"].items()),
        ("processors", str(found["processors"])),
        ("instruction set", " ".join(found["instruction_set"]) or "unknown"),
        ("BLAS", "; ".join(blas) or "none found"),
        (
            "libraries",
            ", ".join(f"{name} {version or 'not installed'}" for name, version in found["libraries"].items()),
        ),
    ]
    print(output.columns(rows))


def gather() -> dict[str, Any]:
    """All of it, as plain data."""
    import os
    import platform

    import numpy
    from threadpoolctl import threadpool_info

    import backlit
    from backlit.engines import ENGINES

    built: Any = numpy.show_config(mode="dicts")
    simd = built.get("SIMD Extensions", {})
    return {
        "version": backlit.__version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "engines": {name: engine.description for name, engine in ENGINES.items()},
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "instruction_set": [*simd.get("baseline", []), *simd.get("found", [])],
        "blas": [
            {
                "name": str(blas.get("internal_api")),
                "version": str(blas.get("version")),
                "architecture": str(blas.get("architecture", "any")),
                "threads": int(blas["num_threads"]),
            }
            for blas in threadpool_info()
            if blas.get("user_api") == "blas"
        ],
        "libraries": {name: version_of(name) for name in LIBRARIES},
    }
