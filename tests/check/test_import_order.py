"""``bl.check`` and ``bl.why`` are functions to call and packages to import from, whichever comes first."""

import subprocess
import sys

import pytest

CALL = "net = bl.Network([2, 1]); assert bl.check(net, [[1.0, 2.0]], [0.5]).passed"


@pytest.mark.parametrize(
    "program",
    [
        f"import backlit as bl; {CALL}",
        f"import backlit as bl; {CALL}; import backlit.check.finite_differences as f; f.check_all; {CALL}",
        f"import backlit.check.finite_differences; import backlit as bl; {CALL}",
        f"from backlit.check import probes, check_backward; import backlit as bl; {CALL}; bl.check_backward",
        "from backlit import check; import backlit.check.probes; import backlit as bl; assert check is bl.check",
        "import backlit.why.counts as c; import backlit as bl; assert callable(bl.why) and c.combinations(2, 3) == 8",
        "import backlit as bl; bl.why; from backlit.why import why; assert bl.why.why is why",
    ],
)
def test_in_every_order(program):
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
