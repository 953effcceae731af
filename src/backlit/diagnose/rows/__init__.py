"""Rows: which samples of the data to look at.

The package carries the name of its function and can be called for the same reason as :mod:`backlit.check`.
"""

import sys
from types import ModuleType
from typing import Any

from backlit.diagnose.rows.find import rows
from backlit.diagnose.rows.influence import Influence, influence
from backlit.diagnose.rows.provenance import Provenance, WeightProvenance
from backlit.diagnose.rows.report import RowsReport
from backlit.diagnose.rows.snapshots import Snapshots

__all__ = ["Influence", "Provenance", "RowsReport", "Snapshots", "WeightProvenance", "influence", "rows"]


class _CallableModule(ModuleType):
    """A module that can be called: a call goes to the function of the module's own name."""

    def __call__(self, *args: Any, **options: Any) -> RowsReport:
        return rows(*args, **options)


_CallableModule.__call__.__doc__ = rows.__doc__
sys.modules[__name__].__class__ = _CallableModule
