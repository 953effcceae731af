"""Each activation against arithmetic of 450 digits, differences and PyTorch; its slope at the kink; its dtype."""

from collections.abc import Callable
from decimal import Decimal, localcontext
from functools import cache

import numpy as np
import pytest

from backlit import activations
from backlit.activations import ACTIVATIONS, Activation, Elementwise
from backlit.errors import OptionError

ELEMENTWISE = [name for name, activation in ACTIVATIONS.items() if isinstance(activation, Elementwise)]
DTYPES = [np.float32, np.float64]
Z = np.concatenate([np.linspace(-40, 40, 161), [-800, -100, -1e-3, -1e-6, 1e-6, 1e-3, 100, 800]])
DIGITS = 450  # e^{-800} begins with 347 zeros


@cache
def exp(z: Decimal) -> Decimal:
    return z.exp()


@cache
def normal(z: Decimal) -> tuple[Decimal, Decimal]:
    """Φ(z) and φ(z) by Φ = ½ + φ(z) Σ z^{2n+1}/(2n+1)!!; beyond ±50 Φ is 0 or 1 to 500 digits."""
    pi = Decimal(4) * (4 * arctan_of_1_over(5) - arctan_of_1_over(239))  # Machin, 1706
    density = exp(-z * z / 2) / (2 * pi).sqrt()
    if abs(z) > 50:
        return Decimal(int(z > 0)), density
    total, term, n = Decimal(0), z, 1
    while abs(term) > Decimal(10) ** -DIGITS:
        total, n = total + term, n + 2
        term *= z * z / n
    return Decimal("0.5") + density * total, density


@cache
def arctan_of_1_over(n: int) -> Decimal:
    total, power, k = Decimal(0), Decimal(1) / n, 1
    while abs(power) > Decimal(10) ** -(DIGITS + 10):
        total, power, k = total + power / k, -power / (n * n), k + 2
    return total


def exact(name: str) -> tuple[Callable[[Decimal], Decimal | int], Callable[[Decimal], Decimal | int]]:
    """σ and σ', from their textbook formulas."""
    small = Decimal(ACTIVATIONS["leaky-relu"].negative_slope)  # type: ignore[attr-defined]

    def s(z: Decimal) -> Decimal:
        return 1 / (1 + exp(-z))

    return {
        "identity": (lambda z: z, lambda z: 1),
        "sigmoid": (s, lambda z: s(z) * s(-z)),
        "tanh": (lambda z: s(2 * z) - s(-2 * z), lambda z: 4 * s(2 * z) * s(-2 * z)),
        "relu": (lambda z: max(z, 0), lambda z: int(z > 0)),
        "leaky-relu": (lambda z: z if z > 0 else z * small, lambda z: 1 if z > 0 else small),
        "elu": (lambda z: z if z > 0 else exp(z) - 1, lambda z: 1 if z > 0 else exp(z)),
        "gelu": (lambda z: z * normal(z)[0], lambda z: normal(z)[0] + z * normal(z)[1]),
        "silu": (lambda z: z * s(z), lambda z: s(z) * (1 + z * s(-z))),
        "softplus": (lambda z: (1 + exp(z)).ln(), s),
        "exponential": (exp, exp),
    }[name]


def off(found: np.floating, true: Decimal | int) -> float:
    return float(abs(Decimal(float(found)) - true))


def inside(name: str, dtype: type) -> np.ndarray:
    """The points of Z at which the activation is what its formula says: exponential holds z from its largest on."""
    limit = ACTIVATIONS[name].largest_z(np.dtype(dtype)) if name == "exponential" else np.inf  # type: ignore[attr-defined]
    return Z[limit > Z].astype(dtype).reshape(1, -1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_value_is_right_to_a_few_units_of_the_last_place(name: str, dtype: type) -> None:
    z = inside(name, dtype)
    value, _ = exact(name)
    a = ACTIVATIONS[name].value(z)
    assert a.dtype == dtype
    with localcontext(prec=DIGITS):
        for x, found in zip(z[0].tolist(), a[0], strict=True):
            true = value(Decimal(x))
            # gelu's tail is e^{-z²/2}, whose argument is rounded before it is raised; below the normal numbers of the
            # dtype a float holds fewer digits, down to none.
            units = 4 + (x * x if name == "gelu" and x < 0 else 0)
            tolerance = units * float(np.finfo(dtype).eps) * float(abs(true)) + float(np.finfo(dtype).tiny)
            assert off(found, true) <= tolerance, (x, found, float(true))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_slope_is_right(name: str, dtype: type) -> None:
    z = inside(name, dtype)
    _, derivative = exact(name)
    activation = ACTIVATIONS[name]
    assert isinstance(activation, Elementwise)
    slope = activation.slope(z, activation.value(z))
    assert slope.dtype == dtype
    with localcontext(prec=DIGITS):
        for x, found in zip(z[0].tolist(), slope[0], strict=True):
            true = derivative(Decimal(x))
            # 1 - a loses the digits that a near 1 does not hold: slopes are right to units of 1, not of themselves;
            # silu multiplies what is lost with z, until at 40 nothing is left of 1 - a.
            units = 6 + (min(abs(x), 40) if name == "silu" else 0)
            tolerance = units * float(np.finfo(dtype).eps) * max(1, float(abs(true)))
            assert off(found, true) <= tolerance, (x, found, float(true))


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_slope_is_the_limit_of_differences(name: str) -> None:
    z = np.linspace(-30, 5 if name == "exponential" else 30, 2000).reshape(1, -1)  # no point is 0, where kinks are
    activation, h = ACTIVATIONS[name], 1e-5
    assert isinstance(activation, Elementwise)
    difference = (activation.value(z + h) - activation.value(z - h)) / (2 * h)
    # Rounding: |a| eps / h = 150·2e-16/1e-5 < 4e-9 at most; the difference's own error h²σ'''/6 is smaller.
    assert np.abs(activation.slope(z, activation.value(z)) - difference).max() < 5e-9


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "slope"), [("relu", 0.0), ("leaky-relu", 0.01), ("elu", 1.0)])
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_slope_at_a_kink(name: str, slope: float, zero: float, dtype: type) -> None:
    z = np.full((1, 1), zero, dtype)
    activation = ACTIVATIONS[name]
    assert isinstance(activation, Elementwise)
    assert activation.slope(z, activation.value(z))[0, 0] == dtype(slope)
    assert activation.value(z)[0, 0] == 0


def test_kinked_activations_by_hand() -> None:
    z = np.array([[-2.0, 3.0]])
    assert ACTIVATIONS["relu"].value(z).tolist() == [[0.0, 3.0]]
    assert ACTIVATIONS["leaky-relu"].value(z).tolist() == [[-0.02, 3.0]]
    # e^{-2} - 1 = -0.8646647167633873
    assert ACTIVATIONS["elu"].value(z) == pytest.approx(np.array([[-0.8646647167633873, 3.0]]), rel=1e-15)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_an_elementwise_pull_back_is_error_times_slope(name: str) -> None:
    activation = ACTIVATIONS[name]
    assert isinstance(activation, Elementwise)
    z = np.linspace(-3, 3, 12).reshape(3, 4)
    error = np.linspace(-1, 2, 12).reshape(3, 4)
    a = activation.value(z)
    assert (activation.pull_back(error, z, a) == error * activation.slope(z, a)).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_float32_stays_float32(name: str, dtype: type) -> None:
    z = np.linspace(-3, 3, 12, dtype=dtype).reshape(3, 4)
    before = z.copy()
    a = ACTIVATIONS[name].value(z)
    error = np.ones_like(z)
    pulled = ACTIVATIONS[name].pull_back(error, z, a)
    assert a.dtype == pulled.dtype == dtype
    assert a.shape == pulled.shape == (3, 4)
    assert (z == before).all()
    assert (error == 1).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_nothing_overflows_at_800(name: str, dtype: type) -> None:
    z = np.array([[-800, 0, 800], [800, 800, 800], [-800, -800, -800]], dtype)
    a = ACTIVATIONS[name].value(z)
    assert np.isfinite(a).all()
    assert np.isfinite(ACTIVATIONS[name].pull_back(np.ones_like(z), z, a)).all()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_diverging_network_gets_numbers_not_warnings(name: str) -> None:
    z = np.array([[-1e30, -1e20, 0, 1e20, 1e30]], np.float32)  # whose squares float32 cannot hold
    a = ACTIVATIONS[name].value(z)
    pulled = ACTIVATIONS[name].pull_back(np.ones_like(z), z, a)
    assert np.isfinite(a).all()
    assert np.isfinite(pulled).all()
    if name in ELEMENTWISE and name != "exponential":
        assert set(np.abs(pulled[0, [0, 1, 3, 4]]).tolist()) <= {0.0, 1.0, float(np.float32(0.01))}


@pytest.mark.parametrize("dtype", DTYPES)
def test_exponential_is_held_where_2_24_outputs_still_sum(dtype: type) -> None:
    exponential = ACTIVATIONS["exponential"]
    largest = exponential.largest_z(np.dtype(dtype))  # type: ignore[attr-defined]
    # ln(1.797e308) - 24 ln 2 = 709.783 - 16.636 = 693.147 and ln(3.403e38) - 16.636 = 88.723 - 16.636 = 72.087
    assert largest == pytest.approx({np.float32: 72.087, np.float64: 693.147}[dtype], abs=5e-4)
    top = exponential.value(np.array([[largest, largest + 1, 800]], dtype))
    assert (top == top[0, 0]).all()
    assert np.isfinite(top[0, 0] * dtype(2**24))
    assert exponential.value(np.array([[largest - 1]], dtype))[0, 0] < top[0, 0]


def test_softmax_by_hand() -> None:
    # e^{ln 1}, e^{ln 2}, e^{ln 5} are 1, 2, 5: their shares of 8; a common shift of z changes nothing.
    z = np.log(np.array([[1.0, 2.0, 5.0], [10.0, 20.0, 50.0]]))
    a = ACTIVATIONS["softmax"].value(z)
    assert a == pytest.approx(np.array([[0.125, 0.25, 0.625]] * 2), rel=1e-15)
    # δ_j = a_j (e_j - Σ e_k a_k) with e = (1, 0, 2): Σ = 0.125 + 1.25 = 1.375
    error = np.array([[1.0, 0.0, 2.0]] * 2)
    by_hand = [0.125 * (1 - 1.375), 0.25 * (0 - 1.375), 0.625 * (2 - 1.375)]
    assert ACTIVATIONS["softmax"].pull_back(error, z, a) == pytest.approx(np.array([by_hand] * 2), rel=1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_sums_to_one_and_is_right_to_a_few_units(dtype: type) -> None:
    z = np.array([[-40, 3, 0.5, 40], [-1, -2, -3, -4], [7, 7, 7, 7], [80, -80, 79, 0]], dtype)
    a = ACTIVATIONS["softmax"].value(z)
    eps, tiny = float(np.finfo(dtype).eps), float(np.finfo(dtype).tiny)
    assert a.sum(axis=1) == pytest.approx(np.ones(4), abs=4 * eps)
    with localcontext(prec=DIGITS):
        for i in range(4):
            raised = [Decimal(x).exp() for x in z[i].tolist()]
            for found, r in zip(a[i], raised, strict=True):
                true = r / sum(raised)
                assert off(found, true) <= 4 * eps * float(true) + tiny


def test_the_jacobian_of_softmax_is_the_limit_of_differences() -> None:
    softmax, h = ACTIVATIONS["softmax"], 1e-5
    z = np.array([[0.3, -1.2, 2.0, 0.0]])
    a = softmax.value(z)
    for k in range(4):  # row k of the Jacobian: how a_k changes with each z_j
        pulled = softmax.pull_back(np.eye(4)[[k]], z, a)
        for j in range(4):
            step = h * np.eye(4)[[j]]
            difference = (softmax.value(z + step) - softmax.value(z - step))[0, k] / (2 * h)
            assert pulled[0, j] == pytest.approx(difference, abs=1e-10)  # eps / h = 2e-11


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_value_and_pull_back_are_pytorchs(name: str) -> None:
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    theirs = {
        "identity": lambda z: z,
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "relu": functional.relu,
        "leaky-relu": lambda z: functional.leaky_relu(z, 0.01),
        "elu": functional.elu,
        "gelu": functional.gelu,
        "silu": functional.silu,
        "softplus": functional.softplus,
        "exponential": torch.exp,
        "softmax": lambda z: functional.softmax(z, dim=1),
    }[name]
    rng = np.random.default_rng(0)
    z = np.concatenate([rng.normal(0, 3, (20, 5)), np.zeros((1, 5))])  # the zeros: the same slope at a kink
    error = rng.normal(size=z.shape)
    t = torch.tensor(z, requires_grad=True)
    a = theirs(t)
    a.backward(torch.tensor(error))
    ours = ACTIVATIONS[name].value(z)
    # Both are within a few units of the last place; PyTorch's softplus drops e^{-z} past z = 20, which z never is.
    assert ours == pytest.approx(a.detach().numpy(), rel=1e-13, abs=1e-15)
    assert ACTIVATIONS[name].pull_back(error, z, ours) == pytest.approx(t.grad.numpy(), rel=1e-12, abs=1e-14)


def test_only_exponential_and_softmax_are_for_the_output_alone() -> None:
    assert {name for name, activation in ACTIVATIONS.items() if activation.output_only} == {"exponential", "softmax"}
    assert set(ACTIVATIONS) == {
        "identity", "sigmoid", "tanh", "relu", "leaky-relu", "elu", "gelu", "silu", "softplus", "exponential",
        "softmax",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["exponential", "softmax"])
def test_an_output_activation_is_refused_in_a_hidden_layer(name: str) -> None:
    assert activations.get(name) is ACTIVATIONS[name]
    with pytest.raises(OptionError, match=f"activation '{name}' is for the output layer only"):
        activations.get(name, hidden=True)


def test_a_misspelt_name_gets_the_nearest_that_can_be_used_there() -> None:
    with pytest.raises(OptionError, match="output 'softmx' is not known; did you mean 'softmax'"):
        activations.get("softmx", option="output")
    with pytest.raises(OptionError) as caught:
        activations.get("softmx", hidden=True)
    assert "softmax" not in str(caught.value)  # no remedy for a hidden layer


def test_an_activation_of_ones_own_passes_through() -> None:
    class Square(Elementwise):
        name = "square"

        def value(self, z: np.ndarray) -> np.ndarray:
            return z * z

        def slope(self, z: np.ndarray, a: np.ndarray) -> np.ndarray:
            return 2 * z

    square = Square()
    assert activations.get(square, hidden=True) is square
    assert isinstance(square, Activation)
    z = np.array([[3.0, -1.0]])
    assert square.pull_back(np.array([[0.5, 2.0]]), z, square.value(z)).tolist() == [[3.0, -4.0]]
