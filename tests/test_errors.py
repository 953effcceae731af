"""Every error is a BacklitError of one line; a misspelt value gets the nearest real one."""

import builtins

import pytest

from backlit import errors
from backlit.errors import BacklitError, DivergenceError, TrainingInterrupted, unknown_option

KINDS = {
    "OptionError": ValueError,
    "DataError": ValueError,
    "ModelFileError": ValueError,
    "CheckpointError": ValueError,
    "OutputPathError": OSError,
    "DivergenceError": ArithmeticError,
}


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_an_error_is_backlits_and_pythons_own(name: str, kind: type[Exception]) -> None:
    error = getattr(errors, name)
    with pytest.raises(BacklitError, match="what, where") as caught:
        raise error("what, where")
    assert isinstance(caught.value, kind)
    assert str(caught.value) == "what, where"


def test_no_kind_of_error_is_missing_from_this_test() -> None:
    found = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, BacklitError) and value is not BacklitError
    }
    assert found == set(KINDS)
    assert not found & set(dir(builtins))


def test_divergence_says_where() -> None:
    error = DivergenceError("cost is nan in epoch 3", {"epoch": 3, "layer": 2})
    assert error.where == {"epoch": 3, "layer": 2}
    assert DivergenceError("cost is nan").where == {}


def test_an_interrupt_passes_through_except_exception() -> None:
    interrupt = TrainingInterrupted("stopped in epoch 3", run="the run")
    assert interrupt.run == "the run"
    assert isinstance(interrupt, KeyboardInterrupt)
    assert not isinstance(interrupt, Exception)


@pytest.mark.parametrize(
    ("given", "nearest"),
    [
        ("sigmiod", "sigmoid"),
        ("SIGMOID", "sigmoid"),
        ("leaky_relu", "leaky-relu"),
        ("LeakyRelu", "leaky-relu"),
        ("binary_cross_entropy", "binary-cross-entropy"),
    ],
)
def test_the_nearest_value_is_suggested(given: str, nearest: str) -> None:
    message = str(unknown_option("option", given, ["sigmoid", "leaky-relu", "relu", "binary-cross-entropy"]))
    assert f"did you mean '{nearest}'?" in message
    assert f"option '{given}' is not known" in message
    assert "One of: binary-cross-entropy, leaky-relu, relu, sigmoid" in message
    assert "\n" not in message


def test_nothing_is_suggested_where_nothing_is_near() -> None:
    message = str(unknown_option("activation", "qqq", ["sigmoid", "tanh"]))
    assert message == "activation 'qqq' is not known. One of: sigmoid, tanh"
