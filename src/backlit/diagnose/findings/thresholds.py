"""From which number on a rule speaks: all of them, here.

They are set on some data sets, seeds and networks by ``benchmarks/diagnose_faults.py`` and their rates measured on
others; ``docs/diagnose.md`` has both.
"""

THRESHOLDS: dict[str, float] = {
    "unscaled-features.largest": 20.0,
    "unscaled-features.smallest": 0.02,
    "dead-units.share": 0.5,
    "vanishing-errors.slower": 300.0,
}
"""``rule.statistic`` → number."""
