"""The rules, one small function each, by family; families stand in the order in which one brings about the next."""

from backlit.diagnose.findings.rule import Rule
from backlit.diagnose.findings.rules import broken, cost, data, flow, labels, outcome, pace, start, step, units

FAMILIES = ("broken", "data", "start", "first pass", "cost", "step", "units", "flow", "pace", "outcome")
"""broken: gradients that are wrong. data: columns, rows, labels, targets. start: initial parameters. first pass: what
is of flow, and was so before the first update. cost: which objective. step: steps that are too long or too noisy.
units: neurons that are flat. flow: the errors on their way back. pace: too few or too short steps. outcome: what was
learnt."""

RULES: tuple[Rule, ...] = (
    *broken.RULES, *data.RULES, *labels.RULES, *start.RULES, *cost.RULES, *step.RULES, *units.RULES, *flow.RULES,
    *pace.RULES, *outcome.RULES,
)  # fmt: skip
