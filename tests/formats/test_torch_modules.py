"""PyTorch modules: what autograd and their own forward say, what is lost, and what is refused by its name."""

import numpy as np
import pytest

import backlit as bl
from backlit.errors import DataError, OptionError
from backlit.formats import torch_modules

torch = pytest.importorskip("torch")
nn = torch.nn


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def chain(*between, last=()):
    return nn.Sequential(nn.Linear(4, 6), *between, nn.Linear(6, 3), *last)


X = np.random.default_rng(2).normal(size=(20, 4)).astype(np.float32)


def assert_computes(network, module):
    with torch.no_grad():
        theirs = module.eval()(torch.from_numpy(X)).numpy()
    assert network.predict(X) == pytest.approx(theirs, rel=1e-5, abs=1e-6)  # float32, other orders of addition


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (nn.ReLU(), "relu"), (nn.LeakyReLU(), "leaky-relu"), (nn.ELU(), "elu"), (nn.GELU(), "gelu"),
        (nn.SiLU(), "silu"), (nn.Softplus(), "softplus"), (nn.Sigmoid(), "sigmoid"), (nn.Tanh(), "tanh"),
        (nn.Identity(), "identity"),
    ],
    ids=str,
)  # fmt: skip
def test_every_activation_is_known(module, name):
    source = chain(module)
    network = bl.from_torch(source)
    assert [activation.name for activation in network.activations] == [name, "identity"]
    assert_computes(network, source)


def test_the_gradients_are_autograds():
    found = torch_modules.read(chain(nn.GELU(), last=[nn.Softmax(dim=1)]))
    assert 0 < found.agreement.gradients < 1e-5
    assert found.agreement.against == f"PyTorch {torch.__version__}"


def test_a_wrong_gradient_would_be_seen():
    class Doubled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z):
            return z.clone()

        @staticmethod
        def backward(ctx, error):
            return 2 * error

    source = chain(nn.Tanh())
    source[1].register_forward_hook(lambda module, given, a: Doubled.apply(a))
    with pytest.raises(OptionError, match="does not compute what PyTorch"):
        bl.from_torch(source)


def test_another_output_would_be_seen():
    source = chain(nn.Tanh())
    source[1].register_forward_hook(lambda module, given, a: a * 1.01)
    with pytest.raises(OptionError, match="does not compute what PyTorch"):
        bl.from_torch(source)


def test_sequentials_within_sequentials_are_one_chain():
    source = nn.Sequential(nn.Sequential(nn.Linear(4, 6), nn.ReLU()), nn.Sequential(nn.Sequential(nn.Linear(6, 3))))
    assert_computes(bl.from_torch(source), source)


def test_dropout_stands_after_its_activation_wherever_it_stood():
    network = bl.from_torch(chain(nn.Dropout(0.2), nn.ReLU()))
    assert network.dropout == (0.2,)
    assert bl.from_torch(chain(nn.ReLU(), nn.Dropout(0.5), nn.Dropout(0.5))).dropout == (0.75,)


def test_what_is_lost_is_said():
    source = nn.Sequential(
        nn.Flatten(), nn.Dropout(0.1), nn.Linear(4, 6, bias=False), nn.Softplus(), nn.Linear(6, 3),
        nn.LogSoftmax(dim=1), nn.Dropout(0.3),
    )  # fmt: skip
    lost = " / ".join(torch_modules.read(source).lost)
    for words in ("flat", "no bias", "from 20 on", "logarithms", "dropout of the inputs", "dropout of the outputs"):
        assert words in lost
    network = bl.from_torch(source)
    assert network.activations[-1].name == "softmax"
    with torch.no_grad():
        assert network.predict(X) == pytest.approx(source.eval()(torch.from_numpy(X)).exp().numpy(), abs=1e-6)


def test_an_output_that_was_left_to_the_loss_can_be_given():
    source = chain(nn.ReLU())
    network = bl.from_torch(source, output="softmax")
    with torch.no_grad():
        assert network.predict(X) == pytest.approx(source(torch.from_numpy(X)).softmax(1).numpy(), abs=1e-6)
    with pytest.raises(OptionError, match="have softmax already"):
        bl.from_torch(chain(last=[nn.Softmax(dim=1)]), output="sigmoid")


def test_the_dtype_is_the_modules():
    assert bl.from_torch(chain().double()).dtype == np.float64
    half = torch_modules.read(chain(nn.ReLU()).half())
    assert half.network.dtype == np.float32
    assert "float16" in half.lost[0]


def test_the_module_is_left_as_it_was():
    source = chain(nn.Dropout(0.5)).train()
    before = {name: value.clone() for name, value in source.state_dict().items()}
    source[0].weight.requires_grad_(False)
    bl.from_torch(source)
    assert source.training
    assert all(parameter.grad is None for parameter in source.parameters())
    assert not source[0].weight.requires_grad
    assert all(torch.equal(value, before[name]) for name, value in source.state_dict().items())


class Mine(nn.Linear):
    def forward(self, x):
        return super().forward(x) + 1


class Named(nn.Linear):
    def forward(self, x):
        return super().forward(x) + 1


Named.__name__ = "Linear"


class Doubled(nn.Sequential):
    def forward(self, x):
        return 2 * super().forward(x)


def test_a_module_that_is_frozen_has_gradients_to_compare_all_the_same():
    source = chain(nn.Tanh()).requires_grad_(False)
    with torch.no_grad():
        found = torch_modules.read(source)
    assert 0 <= found.agreement.gradients < 1e-5
    assert not any(parameter.requires_grad for parameter in source.parameters())


def test_a_module_of_bfloat16_is_widened():
    source = chain(nn.ReLU()).to(torch.bfloat16)
    network = bl.from_torch(source)
    assert network.dtype == np.float32
    assert np.array_equal(network.layer(2).W, source[0].weight.detach().float().numpy())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_exponential_is_held_where_backlits_is(dtype):
    network = bl.Network([1, 1], output="exponential", dtype=dtype)
    network.layer(2).W[...] = 1
    z = np.array([[1e6], [800.0], [2.0]], dtype)
    with torch.no_grad():
        assert bl.to_torch(network)(torch.from_numpy(z)).numpy() == pytest.approx(network.predict(z), rel=1e-5)


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (chain(nn.Softplus(threshold=10)), r"Backlit has it as Softplus\(beta=1, threshold=20\)"),
        (nn.Sequential(nn.Linear(4, 3), nn.Flatten()), "flattens other than the inputs' axes"),
        (nn.Sequential(Named(4, 3)), r"module '0' \(Linear\) is none that Backlit has"),
        (Doubled(nn.Linear(4, 3)), "Doubled is none that Backlit has"),
        (chain(nn.BatchNorm1d(6)), r"module '1' \(BatchNorm1d\) is none that Backlit has"),
        (chain(nn.LeakyReLU(0.2)), r"negative_slope=0.2\); Backlit has it as LeakyReLU\(negative_slope=0.01\)"),
        (chain(nn.GELU(approximate="tanh")), r"Backlit has it as GELU\(approximate='none'\)"),
        (chain(nn.ELU(alpha=2.0)), "alpha=2.0"),
        (chain(nn.Softplus(beta=2)), "beta"),
        (chain(nn.ReLU(), nn.Tanh()), r"module '2' \(Tanh\) is a second activation"),
        (chain(nn.Softmax(dim=1)), "softmax, which Backlit has for the output layer only"),
        (chain(last=[nn.Softmax(dim=0)]), "dim=0"),
        (nn.Sequential(nn.ReLU(), nn.Linear(4, 3)), "stands before the first layer"),
        (nn.Sequential(nn.ReLU()), "stands before the first layer"),
        (nn.Sequential(), "has no layer"),
        (nn.Sequential(Mine(4, 3)), r"module '0' \(Mine\) is none that Backlit has"),
        (nn.Linear(4, 3).register_forward_pre_hook, "not a value of type method"),
        (chain(nn.Dropout(1.0)), "drops with probability 1"),
        (chain(nn.Flatten(start_dim=0)), "flattens"),
        (nn.LSTM(4, 3), "LSTM is none that Backlit has"),
        (nn.Sequential(nn.Linear(4, 3), nn.Linear(4, 3)), "takes 4 inputs, and what stands before it has 3 outputs"),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_what_backlit_does_not_have_is_refused_by_its_name(module, words):
    with pytest.raises((OptionError, DataError), match=words):
        bl.from_torch(module)


def test_a_weight_that_is_not_finite_is_refused():
    source = chain()
    with torch.no_grad():
        source[1].weight[0, 0] = torch.nan
    with pytest.raises(DataError, match=r"module '1' \(Linear\) holds a number that is not finite"):
        bl.from_torch(source)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_network_becomes_a_sequential(dtype):
    network = bl.Network([4, 6, 5, 3], activation=["gelu", "identity"], output="softmax", dropout=0.5, dtype=dtype)
    module = bl.to_torch(network)
    assert [type(part).__name__ for part in module] == [
        "Linear", "GELU", "Dropout", "Linear", "Dropout", "Linear", "Softmax",
    ]  # fmt: skip
    assert module.training
    wide = X.astype(dtype)
    with torch.no_grad():
        theirs = module.eval()(torch.from_numpy(wide)).numpy()
    assert theirs.dtype == dtype
    assert network.predict(wide) == pytest.approx(theirs, rel=1e-5 if dtype == "float32" else 1e-13)


def test_softplus_is_exact_in_float64():
    """PyTorch's own default makes it the identity from 20 on, which is off by 2e-9."""
    network = bl.Network([1, 1], output="softplus", dtype="float64")
    network.layer(2).W[...], network.layer(2).b[...] = 1, 0
    z = np.array([[21.0], [39.0], [45.0]])
    with torch.no_grad():
        theirs = bl.to_torch(network)(torch.from_numpy(z)).numpy()
    assert theirs == pytest.approx(np.log1p(np.exp(-z)) + z, rel=1e-15)


def test_a_module_trained_on_is_the_networks_own_copy():
    network = bl.Network([4, 3])
    module = bl.to_torch(network)
    with torch.no_grad():
        module[0].weight.zero_()
    assert network.layer(2).W.any()


def test_an_activation_of_the_users_own_has_no_module():
    class Square(bl.activations.Elementwise):
        name = "square"

        def value(self, z):
            return z * z

        def slope(self, z, a):
            return 2 * z

    with pytest.raises(OptionError, match="'square' is not one of Backlit's own"):
        bl.to_torch(bl.Network([4, 3], output=Square()))
