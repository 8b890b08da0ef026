"""The rules as Pulumi policies: the engine asks them about each resource before it is created or changed.

The engine completes a stack's policy configuration with each rule's defaults and checks it against the schema.
Secrets arrive readable, so no rule puts a secret into its sentence.
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
    """Return the rule as a policy for the rule's kind of resource."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        settings = args.get_config()
        if args.resource_type != rule.kind.type or args.name in settings["exempt"]:
            args.not_applicable()  # it raises, and the engine counts the policy neither as kept nor as violated
        resource = Resource(stack=args.urn.split(":")[2], inputs=args.props, settings=settings)
        for sentence in rule.judge(resource):
            report(sentence, args.urn)

    return ResourceValidationPolicy(
        rule.name, rule.description, validate, config_schema=PolicyConfigSchema({**rule.schema})
    )
