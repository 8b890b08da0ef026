"""The commands for GitHub and Azure: comment, issue, skip, certificate, host."""

from digits.cli.command import Command, name_stack
from digits.cli.commands.delegation import delegate, make

import click

_GITHUB, _AZURE = "On GitHub", "On Azure"


@click.command(
    cls=Command,
    section=_GITHUB,
    examples=[("digits comment reports/staging/preview.md", "update the comment of the pull request")],
)
@click.argument("file")
def comment(file: str) -> None:
    """Write a report as a comment on the run's pull request, updated in place."""
    delegate("digits.github", "comment", file)


@click.command(
    cls=Command,
    section=_GITHUB,
    examples=[
        ("digits issue reports/prod/drift.md --title 'Drift in prod' --outcome failure", "open or update the issue"),
    ],
)
@click.argument("file")
@click.option("--title", required=True, help="The issue's title.")
@click.option(
    "--outcome", required=True, type=click.Choice(["success", "failure"]), help="Of the step that wrote the report."
)
def issue(file: str, title: str, outcome: str) -> None:
    """Write a report as an issue that is opened or closed by the outcome of a step."""
    delegate("digits.github", "issue", file, "--title", title, "--outcome", outcome)


@click.command(
    cls=Command, section=_GITHUB, examples=[("digits skip --stack staging", "why this run previews nothing")]
)
@name_stack
def skip(stack: str) -> int:
    """Say in the run's summary why a stack has no preview."""
    return make("skip", STACK=stack)


@click.command(
    cls=Command,
    section=_AZURE,
    examples=[("digits certificate --stack prod --vault digits-tls --key", "the certificate and its private key")],
)
@name_stack
@click.option(
    "--vault", required=True, envvar="CERTIFICATE_VAULT", show_envvar=True, help="The key vault that holds it."
)
@click.option("--key", is_flag=True, help="Fetch the private key too.")
def certificate(stack: str, vault: str, *, key: bool) -> int:
    """Fetch a stack's TLS certificate out of a key vault into certificates/."""
    return make("certificate", STACK=stack, CERTIFICATE_VAULT=vault, KEY=key)


@click.command(
    cls=Command,
    section=_AZURE,
    examples=[("digits host --stack prod", "the name to which the CNAME of sslCname leads")],
)
@name_stack
def host(stack: str) -> None:
    """Print the web service's own host name, before there is a service."""
    delegate("infra.host_name", stack)


COMMANDS = (comment, issue, skip, certificate, host)
