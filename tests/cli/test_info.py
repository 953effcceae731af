"""``backlit info``: the installation and the machine."""

import platform
from importlib.metadata import version

import numpy as np

import backlit as bl
from backlit.cli import info
from backlit.engines import ENGINES


def test_json(run):
    found = run("info --json").json
    assert found["version"] == bl.__version__ == version("backlit")
    assert found["python"] == platform.python_version()
    assert set(found["engines"]) == set(ENGINES)
    assert found["processors"] >= 1
    assert found["libraries"]["numpy"] == np.__version__
    assert all(blas["threads"] >= 1 for blas in found["blas"])
    if platform.machine() in ("x86_64", "AMD64"):
        assert {"SSE", "SSE2"} & set(found["instruction_set"]) or found["instruction_set"]


def test_in_words(run):
    result = run("info")
    assert (result.code, result.err) == (0, "")
    words = " ".join(result.out.split())
    assert words.startswith(f"backlit {bl.__version__}, Python {platform.python_version()}")
    assert "engine reference the equations as they stand" in words
    assert f"numpy {np.__version__}" in words
    assert max(map(len, result.out.splitlines())) <= 80


def test_what_is_not_installed_is_said(run, monkeypatch):
    monkeypatch.setattr(info, "LIBRARIES", ("numpy", "no-such-library"))
    assert run("info --json").json["libraries"] == {"numpy": np.__version__, "no-such-library": None}
    assert "no-such-library not installed" in " ".join(run("info").out.split())


def test_a_machine_of_which_little_is_known(run, monkeypatch):
    monkeypatch.setattr(np, "show_config", lambda mode: {})
    monkeypatch.setattr("threadpoolctl.threadpool_info", lambda: [{"user_api": "openmp", "num_threads": 2}])
    words = " ".join(run("info").out.split())
    assert "instruction set unknown" in words
    assert "BLAS none found" in words
