"""A package that carries the name of its function, and can be called in its place."""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any


def make_callable(module: str, function: Callable[..., Any]) -> None:
    """From now on a call to the module is a call to the function, whose docstring it shows."""

    class CallableModule(ModuleType):
        def __call__(self, *args: Any, **options: Any) -> Any:
            return function(*args, **options)

    CallableModule.__call__.__doc__ = function.__doc__
    sys.modules[module].__class__ = CallableModule
