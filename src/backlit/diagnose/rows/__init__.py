"""Rows: which samples of the data to look at.

The package carries the name of its function and can be called for the same reason as :mod:`backlit.check`.
"""

from backlit.diagnose.callable_module import make_callable
from backlit.diagnose.rows.find import rows
from backlit.diagnose.rows.influence import Influence, influence
from backlit.diagnose.rows.provenance import Provenance, WeightProvenance
from backlit.diagnose.rows.report import RowsReport
from backlit.diagnose.rows.snapshots import Snapshots

__all__ = ["Influence", "Provenance", "RowsReport", "Snapshots", "WeightProvenance", "influence", "rows"]

make_callable(__name__, rows)
