"""One record, several textbooks: docs/notations.md maps the signs."""

from backlit.errors import unknown_option
from backlit.trace.notations.backlit import BACKLIT
from backlit.trace.notations.base import Notation, Symbol
from backlit.trace.notations.ng import NG
from backlit.trace.notations.nielsen import NIELSEN
from backlit.trace.notations.previous_layer import PREVIOUS_LAYER

__all__ = ["NOTATIONS", "Notation", "Symbol", "get"]

NOTATIONS: dict[str, Notation] = {n.name: n for n in (BACKLIT, NIELSEN, NG, PREVIOUS_LAYER)}


def get(notation: str | Notation) -> Notation:
    """The notation of that name.

    Raises:
        OptionError: there is none; the nearest is suggested.
    """
    if isinstance(notation, Notation):
        return notation
    if notation not in NOTATIONS:
        raise unknown_option("notation", notation, NOTATIONS)
    return NOTATIONS[notation]
