"""The rules that a deployment is checked against: one for each policy, in plain Python without Pulumi."""

from rules import foundation, provenance, service
from rules.rule import Resource, Rule

__all__ = ["RULES", "Resource", "Rule"]

RULES: tuple[Rule, ...] = (*service.RULES, *provenance.RULES, *foundation.RULES)
