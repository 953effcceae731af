"""Trace: every number of a pass, and the equation that made it.

``record`` takes the numbers from the engine's own pass, ``explain`` says where one came from, ``channels`` follows a
number down every path to the cost, ``notations`` writes it as one's own textbook does, ``words`` in plain language,
and ``render`` puts it on a terminal, a page, paper, or into JSON.

``bl.trace`` is what a reader calls, and ``backlit.trace`` is the folder it lives in. Both carry the name by right, so
the module can be called: ``import backlit.trace.record`` and ``bl.trace(net, x, y)`` work in any order.
"""

import sys
from types import ModuleType
from typing import Any

from backlit.trace.address import Address
from backlit.trace.record import CostParts, Record, Step
from backlit.trace.tracing import Trace, trace

__all__ = ["Address", "CostParts", "Record", "Step", "Trace", "trace"]


class _CallableModule(ModuleType):
    """A module that, called, does what its function ``trace`` does."""

    __call__: Any = staticmethod(trace)


sys.modules[__name__].__class__ = _CallableModule
