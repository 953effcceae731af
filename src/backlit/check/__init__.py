"""Check: the gradient proved, homework judged, any function's gradient checked.

The package carries the name of its function: ``bl.check(net, X, y)`` checks a network. ``import backlit.check.probes``
sets the attribute ``check`` of ``backlit`` to this module, whatever stood there before; so the module itself can be
called, and both spellings work in every order of import.
"""

import sys
from types import ModuleType
from typing import Any

from backlit.check.functions import check_gradient
from backlit.check.homework import HomeworkReport, check_backward
from backlit.check.run import check
from backlit.check.verdicts import Report

__all__ = ["HomeworkReport", "Report", "check", "check_backward", "check_gradient"]


class _CallableModule(ModuleType):
    """A module that can be called: a call goes to the function of the module's own name."""

    def __call__(self, *args: Any, **options: Any) -> Report:
        return check(*args, **options)


_CallableModule.__call__.__doc__ = check.__doc__
sys.modules[__name__].__class__ = _CallableModule
