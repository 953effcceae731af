"""``bl.trace`` is called and ``backlit.trace`` is a package: both, whatever is imported first."""

import itertools
import subprocess
import sys

import pytest

STATEMENTS = (
    "import backlit as bl",
    "import backlit.trace.record",
    "from backlit.trace import record",
    "from backlit import trace",
    "import backlit.trace",
)


@pytest.mark.parametrize("order", list(itertools.permutations(STATEMENTS, 2)))
def test_both_work_in_any_order(order):
    code = "\n".join(
        [
            *order,
            "import backlit as bl, backlit.trace.record",
            "t = bl.trace(bl.Network([1, 1]), [1.0], [0.0])",
            "assert bl.Trace is type(t) and isinstance(t, backlit.trace.record.Record)",
            "assert bl.trace(bl.Network([1, 1]), [1.0], [0.0]).rows == 1",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
