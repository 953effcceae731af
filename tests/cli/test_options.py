"""Options as they are written, read into what the package takes; and the package's messages in their words."""

# ruff: noqa: E501
import pytest
import typer

from backlit.cli import options
from backlit.errors import OptionError


@pytest.mark.parametrize(("text", "number"), [("7", 7), (" 7 ", 7), ("-3", -3), ("1_000", 1000), (50, 50)])
def test_whole(text, number):
    assert options.whole(text) == number


@pytest.mark.parametrize("text", ["", "abc", "1.0", "1e3", "0x10"])
def test_whole_refuses(text):
    with pytest.raises(typer.BadParameter, match=f"must be a whole number, not '{text}'"):
        options.whole(text)


def test_at_least_one():
    assert options.at_least_one("1") == 1
    for text in ("0", "-1"):
        with pytest.raises(typer.BadParameter, match=f"above 0, not {text}"):
            options.at_least_one(text)
    with pytest.raises(typer.BadParameter, match="'x'"):
        options.at_least_one("x")


@pytest.mark.parametrize(("text", "number"), [("1", 1.0), ("1e-3", 0.001), ("-.5", -0.5), (0.2, 0.2)])
def test_number(text, number):
    assert options.number(text) == number


@pytest.mark.parametrize("text", ["", "abc", "nan", "inf", "-Infinity", "1,5"])
def test_number_refuses(text):
    with pytest.raises(typer.BadParameter, match=f"must be a number, not '{text}'"):
        options.number(text)


@pytest.mark.parametrize(
    ("text", "sizes"), [("100", [100]), ("100,50", [100, 50]), (" 3 , 2 ", [3, 2]), ("", []), (" ", []), ("007", [7])]
)
def test_layer_sizes(text, sizes):
    assert options.layer_sizes(text) == sizes


@pytest.mark.parametrize("text", ["0", "abc", ",", "100,", ",5", "1,,2", "-5", "1.5", "1e3", "5;3", "²"])
def test_layer_sizes_refuses(text):
    with pytest.raises(OptionError) as error:
        options.layer_sizes(text)
    assert f"not '{text}'" in str(error.value)


@pytest.mark.parametrize(
    ("text", "found"), [("0.2", 0.2), ("0", 0.0), ("0.2,0.5", [0.2, 0.5]), (" .1 , 0", [0.1, 0.0])]
)
def test_one_or_more(text, found):
    assert options.one_or_more("dropout", text) == found


@pytest.mark.parametrize("text", ["", "some", "0.2,", "0.2;0.3"])
def test_one_or_more_refuses(text):
    with pytest.raises(OptionError, match="--dropout takes a number"):
        options.one_or_more("dropout", text)


@pytest.mark.parametrize(
    ("text", "found"), [("relu", "relu"), ("relu,tanh", ["relu", "tanh"]), ("relu , elu", ["relu", "elu"])]
)
def test_names(text, found):
    assert options.names(text) == found


@pytest.mark.parametrize(("text", "found"), [(None, None), ("all", "all"), ("32", 32), ("1", 1)])
def test_batch_size(text, found):
    assert options.batch_size(text) == found


@pytest.mark.parametrize("text", ["0", "-1", "half", "1.5", "", "ALL"])
def test_batch_size_refuses(text):
    with pytest.raises(OptionError, match="--batch-size takes"):
        options.batch_size(text)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("digits", "digits"),
        ("breast-cancer", "breast-cancer"),
        ("some/data.npz", "data"),
        ("X.npy,y.npy", "X"),
        ("mnist", "mnist"),
        ("mnist/", "mnist"),
        ("../mnist:test", "mnist"),
        ("a:b/mnist:train", "mnist"),
        ("v1.2/data.npz", "data"),
        (".", "here"),
        ("/", "model"),
    ],
)
def test_default_name(source, name, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert str(options.default_name(source)) == f"{name}.safetensors"


WORDS = {"batch_size": "--batch-size", "learning_rate": "--learning-rate", "clip": "--clip", "test": "--test", "validation": "--validation", "force": "--force"}  # fmt: skip


@pytest.mark.parametrize(
    ("message", "written"),
    [
        ("use batch_size='all'", "use --batch-size all"),
        ("take validation=0.2.", "take --validation 0.2."),
        ("(clip=1)", "(--clip 1)"),
        ("m exists; force=True overwrites it", "m exists; --force overwrites it"),
        ("force='True'", "--force"),
        ("by force, as force.npz", "by force, as force.npz"),
        ("learning_rate of adam must be above 0", "--learning-rate of adam must be above 0"),
        ("the test rows; clip them", "the test rows; clip them"),  # words as any other
        ("watches validation_cost", "watches validation_cost"),  # a longer name
        ("column 'learning_rate' is text", "column 'learning_rate' is text"),  # the user's
        ("learning_rate.npz: no such file", "learning_rate.npz: no such file"),
        ("data/learning_rate is a folder", "data/learning_rate is a folder"),
        ("my-learning_rate.csv", "my-learning_rate.csv"),
        ("checkpoint=...", "checkpoint=..."),  # none of these options
    ],
)
def test_on_the_command_line(message, written):
    assert options.on_the_command_line(message, WORDS) == written
