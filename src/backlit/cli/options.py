"""Options as they are written on the command line, read into what the package takes."""

import math
import re
from pathlib import Path

import typer

from backlit.errors import OptionError


def whole(text: str | int) -> int:
    """A whole number. Typer's own words for one that is none are another with every version.

    Raises:
        BadParameter: it is none.
    """
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"must be a whole number, not '{text}'") from None


def at_least_one(text: str | int) -> int:
    """A whole number above 0.

    Raises:
        BadParameter: it is none.
    """
    found = whole(text)
    if found < 1:
        raise typer.BadParameter(f"must be a whole number above 0, not {found}")
    return found


def number(text: str | float) -> float:
    """A number.

    Raises:
        BadParameter: it is none, or not a finite one.
    """
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise typer.BadParameter(f"must be a number, not '{text}'")
    return found


def layer_sizes(text: str) -> list[int]:
    """The hidden layers: neurons a layer, between commas; empty for none.

    Raises:
        OptionError: not whole numbers above 0.

    >>> layer_sizes("100,50"), layer_sizes("")
    ([100, 50], [])
    """
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise OptionError(
            f"--layers takes whole numbers above 0 between commas, as 100,50 ('' for no hidden layer), not '{text}'"
        )
    return [int(part) for part in parts]


def one_or_more(option: str, text: str) -> list[float] | float:
    """A number, or one a hidden layer between commas.

    Raises:
        OptionError: not numbers.

    >>> one_or_more("dropout", "0.2"), one_or_more("dropout", "0.2,0.5")
    (0.2, [0.2, 0.5])
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise OptionError(f"--{option} takes a number, or one a hidden layer as 0.2,0.5, not '{text}'") from None
    return numbers[0] if len(numbers) == 1 else numbers


def names(text: str) -> list[str] | str:
    """A name, or one a hidden layer between commas.

    >>> names("relu"), names("relu,tanh")
    ('relu', ['relu', 'tanh'])
    """
    parts = [part.strip() for part in text.split(",")]
    return parts[0] if len(parts) == 1 else parts


def labels(text: str) -> tuple[str | int, ...]:
    """The names of classes between commas: whole numbers if all are.

    >>> labels("ham,spam"), labels("1,2,0")
    (('ham', 'spam'), (1, 2, 0))
    """
    parts = [part.strip() for part in text.split(",")]
    return (
        tuple(int(part) for part in parts) if all(re.fullmatch(r"-?\d{1,18}", part) for part in parts) else tuple(parts)
    )


def batch_size(text: str | None) -> int | str | None:
    """A number of rows or the word all.

    Raises:
        OptionError: neither.

    >>> batch_size("10"), batch_size("all")
    (10, 'all')
    """
    if text is None or text == "all":
        return text
    if not text.isdecimal() or int(text) < 1:
        raise OptionError(f"--batch-size takes a whole number above 0 or the word all, not '{text}'")
    return int(text)


def interval(text: str) -> dict[str, float | int | None]:
    """How often a checkpoint is written, as :class:`backlit.Checkpoint` takes it: after so many epochs, or seconds.

    Raises:
        OptionError: neither.

    >>> interval("5"), interval("0.5s")
    ({'every_seconds': None, 'every_epochs': 5}, {'every_seconds': 0.5})
    """
    if text.isdecimal() and int(text) > 0:
        return {"every_seconds": None, "every_epochs": int(text)}
    if re.fullmatch(r"\d+(\.\d+)?s", text):
        return {"every_seconds": float(text[:-1])}
    raise OptionError(f"--checkpoint-every takes epochs, as 5, or seconds, as 30s, not '{text}'")


def default_name(source: str) -> Path:
    """What a model of this source is called where no name is given.

    >>> str(default_name("openml:credit-g:1"))
    'credit-g.safetensors'
    >>> str(default_name("digits")), str(default_name("data/mnist:train")), str(default_name("X.npy,y.npy"))
    ('digits.safetensors', 'mnist.safetensors', 'X.safetensors')
    """
    first = re.sub(r"^openml:([^:]*)(:.*)?$", r"\1", source)
    first = re.sub(r":(train|test)$", "", first.partition(",")[0])
    return Path(f"{Path(first).absolute().stem.strip('.') or 'model'}.safetensors")


def on_the_command_line(message: str, options: dict[str, str]) -> str:
    """A message of the package, which speaks Python, with its options as they are written on the command line.

    What stands in quotes, or is part of a longer name or a path, is the user's and stays as it is.

    >>> on_the_command_line("lower the learning_rate (clip=1)", {"learning_rate": "--learning-rate", "clip": "--clip"})
    'lower the --learning-rate (--clip 1)'
    >>> on_the_command_line("force=True overwrites it", {"force": "--force"})
    '--force overwrites it'
    """

    def written(found: re.Match[str]) -> str:
        name, value = found["name"], found["value"]
        if value is not None:
            return options[name] if value == "True" else f"{options[name]} {value}"
        return options[name] if "_" in name else name

    known = "|".join(sorted(options, key=len, reverse=True))
    pattern = rf"(?<!['\w/.-])(?P<name>{known})(=(?P<quote>'?)(?P<value>\w+(\.\w+)?)(?P=quote))?(?!['\w/=]|[.-]\w)"
    return re.sub(pattern, written, message)
