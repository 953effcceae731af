"""Every error Backlit raises: one line that says what, where and what to do."""

from collections.abc import Iterable
from difflib import get_close_matches
from signal import SIGINT
from typing import Any


class BacklitError(Exception):
    """The root: ``except bl.BacklitError`` catches whatever Backlit has to say."""


class OptionError(BacklitError, ValueError):
    """An option's value cannot be used: unknown, out of range, or in conflict with another option."""


class DataError(BacklitError, ValueError):
    """The data cannot be used: a shape, a number that is not finite, a label nobody knows, a broken file."""


class ModelFileError(BacklitError, ValueError):
    """A model file is damaged, truncated, of another kind, or claims what its bytes do not hold."""


class CheckpointError(BacklitError, ValueError):
    """A checkpoint cannot be resumed: damaged, or of another training than this one."""


class OutputPathError(BacklitError, OSError):
    """A file cannot be written where it was asked for; found before the work begins."""


class DivergenceError(BacklitError, ArithmeticError, ValueError):
    """Training ran into a number that is not finite.

    ``where`` holds the facts: ``epoch``, ``step``, ``quantity`` (z, a, cost, delta, gradient of the weights or of the
    biases, weight or bias after the update), ``layer``, ``neuron``, ``row`` (of the training data as given), ``value``,
    ``cost`` (of the row whose cost ran away) and ``learning_rate``; None where the quantity has no such place.
    ``record`` is the :class:`~backlit.engines.StepRecord` of that step: θ before it, its rows, every z, a and δ; None
    where it could not be replayed.
    """

    def __init__(self, message: str, where: dict[str, Any] | None = None, record: Any = None) -> None:
        super().__init__(message)
        self.where = where or {}
        self.record = record


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM during a training: the network is as it was at its last completed epoch.

    ``run`` has the history, ``signal`` the number of the signal, and ``at_once`` says that a second one came before
    the training had ended by itself: then its last steps are in no checkpoint.

    Not a :class:`BacklitError`, nor an ``Exception``: an interrupt must pass through ``except Exception``.
    """

    def __init__(self, message: str, run: Any = None, *, signal: int = SIGINT, at_once: bool = False) -> None:
        super().__init__(message)
        self.run, self.signal, self.at_once = run, int(signal), at_once


class CheckpointWarning(UserWarning):
    """A checkpoint could not be written, or the newest could not be read and an older one is used; training goes on."""


class LensWarning(CheckpointWarning):
    """A lens can no longer write its record; training goes on, and what was written stays readable."""


def unknown_option(option: str, value: object, choices: Iterable[str]) -> OptionError:
    """The error for a misspelt value: names the option, what was given, the nearest real value and all of them.

    >>> print(unknown_option("activation", "sigmiod", ["sigmoid", "tanh"]))
    activation 'sigmiod' is not known; did you mean 'sigmoid'? One of: sigmoid, tanh
    """
    known = sorted(choices)
    nearest = get_close_matches(str(value).lower().replace("_", "-"), known, n=1, cutoff=0.5)
    hint = f"; did you mean '{nearest[0]}'?" if nearest else "."
    return OptionError(f"{option} '{value}' is not known{hint} One of: {', '.join(known)}")
