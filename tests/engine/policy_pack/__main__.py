"""Policies to preview with: one that the dev stack violates, and one that only remarks."""

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)


def require_owner(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Report a web service without an owner."""
    if args.resource_type.endswith("azureml:Webservice") and "owner" not in args.props.get("tags", {}):
        report("Web service 'digits-dev' has no tag 'owner': add it to serviceTags.")


def remark_registry(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Report a Basic registry."""
    if args.resource_type.endswith(":Registry") and args.props["sku"]["name"] == "Basic":
        report("A Basic registry holds 10 GB:\nchoose Standard for more.")


PolicyPack(
    "previewed",
    policies=[
        ResourceValidationPolicy("owner", "A web service has an owner.", require_owner, EnforcementLevel.MANDATORY),
        ResourceValidationPolicy("registry", "Registries are large.", remark_registry, EnforcementLevel.ADVISORY),
    ],
)
