"""Findings: what the record of a training means.

What the rules read is in :mod:`~backlit.diagnose.findings.evidence`; each rule, in
:mod:`~backlit.diagnose.findings.rules`, makes a few numbers of it and a sentence; from which number on it speaks is in
:mod:`~backlit.diagnose.findings.thresholds`, set by measurement.
"""

from backlit.diagnose.findings.diagnosis import Diagnosis
from backlit.diagnose.findings.finding import Finding, NotJudged, Remedy, Where
from backlit.diagnose.findings.run import diagnose

__all__ = ["Diagnosis", "Finding", "NotJudged", "Remedy", "Where", "diagnose"]
