"""Libraries that not everybody needs: asked for when they are used, and named with what installs them."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from backlit.errors import OptionError


def need(library: str, extra: str, what: str) -> Any:
    """The library, imported.

    Raises:
        OptionError: it is not installed; says which extra of Backlit brings it.

    >>> need("math", "none", "sums").hypot(3, 4)
    5.0
    """
    if find_spec(library) is None:
        raise OptionError(f"{what} needs {library}, which is not installed: pip install 'backlit[{extra}]'")
    return import_module(library)


def version_of(library: str) -> str | None:
    """The version of a library; None where it is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(library)
    except PackageNotFoundError:
        return None
