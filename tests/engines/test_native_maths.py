"""The core's own e^z, ln, tanh, Φ and their kin against exact values, on every instruction set."""

from typing import Any

import numpy as np
import pytest
from scipy import special

from backlit.engines.native import MISSING

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
if MISSING is None:
    from backlit import _native

EXACT: dict[str, Any] = {  # in long double, 64 bits of mantissa: exact beside either dtype
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}
RANGES = {
    "exp": (-700.0, 700.0), "expm1": (-40.0, 80.0), "log": (1e-30, 1e30), "log1p": (0.0, 1.0), "tanh": (-20.0, 20.0),
    "sigmoid": (-80.0, 80.0),
}  # fmt: skip
ULPS = {"exp": 2, "expm1": 3, "log": 2, "log1p": 3, "tanh": 4, "sigmoid": 4}  # as native/kernels/maths.hpp states
FUNCTIONS = ["exp", "expm1", "log", "log1p", "tanh", "sigmoid", "normal"]


def evaluate(name: str, x: np.ndarray) -> np.ndarray:
    out = np.empty_like(x)
    function = _native.function32 if x.dtype == np.float32 else _native.function64
    function(FUNCTIONS.index(name), x, out)
    return out


@pytest.fixture(params=_native.available_isas() if MISSING is None else [])
def isa(request: pytest.FixtureRequest) -> Any:
    _native.set_isa(request.param)
    yield request.param
    _native.set_isa("auto")


def points(name: str, dtype: Any) -> np.ndarray:
    low, high = RANGES[name]
    if name == "exp" and dtype is np.float32:
        low, high = -86.0, 88.0
    rng = np.random.default_rng(0)
    even = np.exp(rng.uniform(np.log(low), np.log(high), 20_000)) if name == "log" else rng.uniform(low, high, 20_000)
    near = rng.uniform(0, 1, 5_000) ** 8  # crowded near 0 (near 1 for ln), where digits are lost
    return np.concatenate([even, 1 + near if name == "log" else near, -near if low < 0 else near]).astype(dtype)


@pytest.mark.parametrize("name", list(EXACT))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_within_the_stated_error(isa: str, name: str, dtype: Any) -> None:
    x = points(name, dtype)
    exact = EXACT[name](x.astype(np.longdouble))
    normal = np.abs(exact) >= np.finfo(dtype).tiny
    error = np.abs(evaluate(name, x).astype(np.longdouble) - exact) / np.spacing(np.abs(exact).astype(dtype))
    assert error[normal].max() <= ULPS[name]


@pytest.mark.parametrize(("dtype", "ulps", "lowest"), [(np.float32, 8, -13.0), (np.float64, 16, -37.0)])
def test_normal_distribution_tails_and_all(isa: str, dtype: Any, ulps: int, lowest: float) -> None:
    """Relative error, far into the lower tail, where Φ(z) = ½ erfcx(-z/√2) e^{-z²/2}, the exponential in long double.

    Without multiply-add instructions the rounding of z² is lost, and with it z²/2 units of the last place.
    """
    z = np.concatenate([np.linspace(lowest, 10, 20_001), np.linspace(-0.1, 0.1, 1001)]).astype(dtype)
    long = z.astype(np.longdouble)
    tail = special.erfcx(-z.astype(np.float64) / np.sqrt(2)) * np.exp(-(long**2) / 2) / 2
    exact = np.where(z < 0, tail, special.ndtr(z.astype(np.float64)))
    error = np.abs(evaluate("normal", z) - exact) / np.spacing(exact.astype(dtype))
    assert (error <= ulps + (long**2 / 2 if isa == "v2" else 0)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_at_the_ends(isa: str, dtype: Any) -> None:
    x = np.array([0.0, -800.0, 800.0, np.inf, -np.inf, np.nan], dtype)
    zero, one, inf, nan = 0.0, 1.0, np.inf, np.nan
    assert np.array_equal(evaluate("exp", x), np.array([one, zero, inf, inf, zero, nan], dtype), equal_nan=True)
    assert np.array_equal(evaluate("tanh", x), np.array([zero, -one, one, one, -one, nan], dtype), equal_nan=True)
    normal = np.array([0.5, zero, one, one, zero, nan], dtype)
    assert np.allclose(evaluate("normal", x), normal, rtol=4 * np.finfo(dtype).eps, atol=0, equal_nan=True)
    sigmoids = evaluate("sigmoid", x)
    assert sigmoids[0] == 0.5
    assert sigmoids[1] <= np.finfo(dtype).tiny
    assert sigmoids[2] == 1
    logs = evaluate("log", np.array([0.0, 1.0, np.inf, -1.0, np.nan], dtype))
    assert np.array_equal(logs, np.array([-inf, zero, inf, nan, nan], dtype), equal_nan=True)
