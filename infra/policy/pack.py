"""The rules as policies of Pulumi's: what the engine asks about each resource before it is created or changed.

The engine completes a stack's policy configuration with each rule's defaults and holds it against the schema.
Secrets arrive readable: a rule names what it found only where that is no secret.
"""

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)
from rules import RULES, Resource, Rule

NAME = "digits"


def serve() -> None:
    """Answer the engine until it ends this process."""
    PolicyPack(NAME, [make_policy(rule) for rule in RULES], EnforcementLevel.MANDATORY)


def make_policy(rule: Rule) -> ResourceValidationPolicy:
    """Return the rule as a policy, which asks only about the resources that the rule is about."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        settings = args.get_config()
        if args.resource_type != rule.kind.type or args.name in settings["exempt"]:
            args.not_applicable()  # raises, so that the engine counts the policy neither as kept nor as violated
        resource = Resource(stack=args.urn.split(":")[2], inputs=args.props, settings=settings)
        for sentence in rule.judge(resource):
            report(sentence, args.urn)

    return ResourceValidationPolicy(
        rule.name, rule.description, validate, config_schema=PolicyConfigSchema({**rule.schema})
    )
