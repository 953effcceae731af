"""The names an option takes, as its help lists them: from the package's own tables, when somebody asks for help."""

import re
from collections.abc import Iterable


def filled_in(text: str) -> str:
    """The help with every {table} replaced by the names in that table.

    >>> filled_in("One of {optimizers}.")
    'One of sgd, rmsprop, adam, adamw or lbfgs.'
    """
    return re.sub(r"\{(\w+)\}", lambda found: in_words(tables()[found[1]]), text)


def in_words(names: Iterable[str]) -> str:
    """Names in a sentence.

    >>> in_words(["red", "green", "blue"])
    'red, green or blue'
    """
    *rest, last = names
    return f"{', '.join(rest)} or {last}" if rest else last


def tables() -> dict[str, list[str]]:
    """The names, by what they are names of."""
    from backlit.activations import ACTIVATIONS
    from backlit.costs import COSTS
    from backlit.data.bundled import TARGETS
    from backlit.initializers import INITIALIZERS
    from backlit.network import DTYPES
    from backlit.optimizers import OPTIMIZERS
    from backlit.optimizers.schedules import SCHEDULES

    return {
        "activations": [name for name, activation in ACTIVATIONS.items() if not activation.output_only],
        "output_activations": [name for name, activation in ACTIVATIONS.items() if activation.output_only],
        "costs": list(COSTS),
        "dtypes": list(DTYPES),
        "initializers": list(INITIALIZERS),
        "optimizers": list(OPTIMIZERS),
        "schedules": list(SCHEDULES),
        "sources": list(TARGETS),
    }
