"""The rules, one small function each, by family; families stand in the order in which one brings about the next."""

from backlit.diagnose.findings.rule import Rule
from backlit.diagnose.findings.rules import data, flow

FAMILIES = ("broken", "data", "start", "cost", "step", "flow", "outcome")
"""broken: numbers that are none, gradients that are wrong. data: columns, labels, targets. start: initial parameters.
cost: which objective. step: learning rate, batch. flow: what reaches the layers. outcome: what was learnt."""

RULES: tuple[Rule, ...] = (*data.RULES, *flow.RULES)
