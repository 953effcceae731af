"""Numbers and places as the sentences of findings have them."""

from collections.abc import Sequence
from math import isfinite

from backlit.check.verdicts import superscript

__all__ = ["counted", "listed", "number", "share", "superscript", "times"]


def number(value: float) -> str:
    """Three digits.

    >>> number(0.000412345), number(1234.5), number(12345678.0), number(0.5), number(float("inf"))
    ('0.000412', '1,230', '1.23e+07', '0.5', '∞')
    """
    if not isfinite(value):
        return "∞" if value > 0 else "-∞" if value < 0 else "nan"
    if 1000 <= abs(value) < 1e6:
        rounded = float(f"{value:.3g}")
        return f"{rounded:,.0f}"
    return f"{value:.3g}"


def times(value: float) -> str:
    """
    >>> times(1912.3), times(2.0)
    ('1,910×', '2×')
    """
    return f"{number(value)}×"


def share(value: float) -> str:
    """
    >>> share(0.974), share(0.0004), share(1.0)
    ('97 %', '0.04 %', '100 %')
    """
    return f"{float(f'{100 * value:.2g}'):g} %" if 100 * value < 99.5 else f"{100 * value:.3g} %"


def counted(count: int, what: str) -> str:
    """
    >>> counted(1, "column"), counted(1200, "row")
    ('1 column', '1,200 rows')
    """
    return f"{count:,} {what}{'s' * (count != 1)}"


def listed(numbers: Sequence[object], most: int = 5) -> str:
    """
    >>> listed([3]), listed([3, 4]), listed(range(9), most=3)
    ('3', '3 and 4', '0, 1, 2 and 6 more')
    """
    named = [str(one) for one in numbers[:most]]
    if len(numbers) > most:
        return f"{', '.join(named)} and {len(numbers) - most} more"
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
