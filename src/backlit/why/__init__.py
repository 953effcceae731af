"""Why backpropagation: the naive searches, measured beside it.

The package carries the name of its function and can be called for the same reason as :mod:`backlit.check`.
"""

import sys
from types import ModuleType
from typing import Any

from backlit.why.report import WhyReport
from backlit.why.run import why

__all__ = ["WhyReport", "why"]


class _CallableModule(ModuleType):
    """A module that can be called: a call goes to the function of the module's own name."""

    def __call__(self, *args: Any, **options: Any) -> WhyReport:
        return why(*args, **options)


_CallableModule.__call__.__doc__ = why.__doc__
sys.modules[__name__].__class__ = _CallableModule
