"""Options that are lists or names on the command line, read into what the package takes."""

from pathlib import Path

from backlit.errors import OptionError


def layer_sizes(text: str) -> list[int]:
    """The hidden layers: neurons a layer, between commas; empty for none.

    Raises:
        OptionError: not whole numbers above 0.

    >>> layer_sizes("100,50"), layer_sizes("")
    ([100, 50], [])
    """
    sizes = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        if not part.isdecimal() or int(part) < 1:
            raise OptionError(f"--layers takes whole numbers above 0 between commas, as 100,50, not '{text}'")
        sizes.append(int(part))
    return sizes


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


def batch_size(text: str | None) -> int | str | None:
    """A number of rows or the word all.

    Raises:
        OptionError: neither.
    """
    if text is None or text == "all":
        return text
    if not text.isdecimal() or int(text) < 1:
        raise OptionError(f"--batch-size takes a whole number above 0 or the word all, not '{text}'")
    return int(text)


def default_name(source: str) -> Path:
    """What a model of this source is called where no name is given.

    >>> str(default_name("digits")), str(default_name("data/mnist:train"))
    ('digits.safetensors', 'mnist.safetensors')
    """
    first = source.split(",", maxsplit=1)[0].partition(":")[0].rstrip("/")
    return Path(f"{Path(first).stem or 'model'}.safetensors")
