"""The commands for GitHub and Azure: comment, issue, skip, certificate, host."""

from digits.cli.command import Command, CommandError, name_stack

import os
import re
import shutil
import subprocess
from pathlib import Path

import click

_GITHUB, _AZURE = "On GitHub", "On Azure"
_FOLDER = Path("certificates")
_CERTIFICATES = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.DOTALL)
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----\n?", re.DOTALL)


@click.command(
    cls=Command,
    section=_GITHUB,
    examples=[("digits comment reports/staging/preview.md", "update the comment of the run's pull request")],
)
@click.argument("file", type=Path)
def comment(file: Path) -> None:
    """Write a report as a comment on the run's pull request, updated in place, and into the run's summary."""
    from digits.github import threads
    from digits.github.api import Repository, pull_request, summarize

    text = threads.read(file)
    summarize(text, os.environ)
    number, why = pull_request(os.environ)
    print(why if number is None else threads.comment(Repository.from_environment(os.environ), number, text))


@click.command(
    cls=Command,
    section=_GITHUB,
    examples=[("digits issue reports/prod/drift.md --title 'Drift in prod' --outcome failure", "open or update it")],
)
@click.argument("file", type=Path)
@click.option("--title", required=True, help="The issue's title.")
@click.option(
    "--outcome", required=True, type=click.Choice(["success", "failure"]), help="Of the step that wrote the report."
)
def issue(file: Path, title: str, outcome: str) -> None:
    """Write a report as an issue that the outcome of a step opens or closes, and into the run's summary."""
    from digits.github import threads
    from digits.github.api import Repository, summarize

    text = threads.read(file)
    summarize(text, os.environ)
    repository = Repository.from_environment(os.environ)
    if outcome == "failure":
        print(threads.open_issue(repository, title, text))
    else:
        print(threads.close_issue(repository, text) or "No issue is open.")


@click.command(
    cls=Command, section=_GITHUB, examples=[("digits skip --stack staging", "why this run does not preview staging")]
)
@name_stack
def skip(stack: str) -> None:
    """Say in the run's summary why a stack has no preview."""
    from digits.github.api import summarize

    sentence = (
        f"The preview of {stack} is skipped, because this run gets no credentials for Azure: pull requests from forks "
        "and from Dependabot get none, and nobody does before docs/deploying.md was followed."
    )
    print(sentence)
    summarize(sentence, os.environ)


@click.command(
    cls=Command,
    section=_AZURE,
    examples=[
        ("digits certificate --stack prod --vault digits-tls", "what a preview needs"),
        ("digits certificate --stack prod --vault digits-tls --key", "what a deployment needs"),
    ],
)
@name_stack
@click.option(
    "--vault", required=True, envvar="CERTIFICATE_VAULT", show_envvar=True, help="The key vault that holds it."
)
@click.option("--key", is_flag=True, help="Fetch the private key too.")
def certificate(stack: str, vault: str, *, key: bool) -> None:
    """Fetch a stack's TLS certificate out of a key vault into certificates/, in PEM form."""
    os.umask(0o077)
    _FOLDER.mkdir(exist_ok=True)
    file, name = _FOLDER / f"{stack}.pem", f"digits-{stack}"
    file.unlink(missing_ok=True)  # az refuses to write over a file
    _run_az("certificate", "download", "--vault-name", vault, "--name", name, "--encoding", "PEM", "--file", str(file))
    if key:  # as a secret, the certificate holds both
        wanted = ("--vault-name", vault, "--name", name, "--query", "value", "--output", "tsv")
        both = _run_az("secret", "show", *wanted)
        file.write_text("".join(_CERTIFICATES.findall(both)), encoding="utf-8")
        file.with_suffix(".key").write_text("".join(_PRIVATE_KEY.findall(both)), encoding="utf-8")


@click.command(
    cls=Command,
    section=_AZURE,
    examples=[("digits host --stack prod", "the name to which the CNAME of sslCname leads")],
)
@name_stack
def host(stack: str) -> None:
    """Print the web service's own host name on Azure, which follows from the stack's file."""
    from digits.stack import read
    from infra.host_name import host_name

    print(host_name(read(Path.cwd(), stack)))


def _run_az(*words: str) -> str:
    from digits.cli import children

    az = shutil.which("az")
    if az is None:
        raise CommandError("There is no Azure CLI (az) on PATH: install it, then log in with `az login`.")
    done = children.run([az, "keyvault", *words], stdout=subprocess.PIPE)
    if done.returncode != 0:
        raise CommandError(f"`az keyvault {' '.join(words[:2])}` failed; it said why.")
    return done.stdout


COMMANDS = (comment, issue, skip, certificate, host)
