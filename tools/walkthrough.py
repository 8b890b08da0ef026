"""`make walkthrough`: a release's life on three emulated stacks, in a throw-away copy and with a team's own commands.

Change, preview, dev, staging, a gate that blocks, the fix, prod, rollback, drift found and repaired, destroy. Each step
has to end as it should, or the walkthrough ends there and says how it did.
"""

from digits.cli import children, interrupt

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import certifi
import trustme
import yaml
from rich.console import Console
from rich.table import Table

from tools import working_copy

STACKS = ("dev", "staging", "prod")
_SECONDS = 240  # for one command
_LABELS = "encode(labels, request)"
_SHOWN_LINES = 12


class StepError(Exception):
    """A step did not end as it should; what it printed follows."""


@dataclass(frozen=True)
class Step:
    """What was done, how long it took, and what came of it in a few words."""

    title: str
    seconds: float
    outcome: str


@dataclass
class Team:
    """The copy of the project, its shell, and what was done so far."""

    directory: Path
    shell: dict[str, str]
    console: Console
    steps: list[Step] = field(default_factory=list)

    def step(self, title: str, command: str, *, expect: int = 0, says: str = "", shows: str = "") -> str:
        """Run a shell command and hold its exit status, and a pattern in what it prints, against what is expected.

        `shows` is the pattern of what the timeline quotes, by default what `says` found.
        """
        started = time.monotonic()
        done = children.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self.directory,
            env=self.shell,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_SECONDS,
        )
        seconds = time.monotonic() - started
        found = re.search(says, done.stdout)
        # make has its own statuses: what counts is whether the command passed.
        if (done.returncode == 0) != (expect == 0) or not found:
            wanted = f"exit status {expect}" + (f" and {says!r}" if says else "")
            raise StepError(f"{title}: `{command}` exited {done.returncode}, not with {wanted}:\n{done.stdout}")
        quoted = re.search(shows, done.stdout) if shows else found
        outcome = " ".join(quoted[0].split()) if quoted else ""
        self.steps.append(Step(title, seconds, outcome))
        self.console.print(
            f"{sum(step.seconds for step in self.steps):6.1f} s  {title}: [dim]{outcome}", highlight=False
        )
        return done.stdout

    def show(self, text: str) -> None:
        """Show the beginning of what a command printed."""
        lines = [line for line in text.splitlines() if line.strip()]
        for line in lines[:_SHOWN_LINES]:
            self.console.print(f"          │ {line}", highlight=False, markup=False)

    def edit(self, name: str, old: str, new: str) -> None:
        """Change a file as a person would in an editor."""
        path = self.directory / name
        text = path.read_text(encoding="utf-8")
        if old not in text:
            raise StepError(f"{name} has no {old!r} to change.")
        path.write_text(text.replace(old, new), encoding="utf-8")

    def configure(self, stack: str, **settings: object) -> None:
        """Change a stack's settings."""
        path = self.directory / f"Pulumi.{stack}.yaml"
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        document["config"] |= {f"digits:{key}": value for key, value in settings.items()}
        path.write_text(yaml.safe_dump(document), encoding="utf-8")

    def commit(self, message: str) -> str:
        """Commit what has changed and return the commit."""
        identity = "-c user.name=Walkthrough -c user.email=walkthrough@example.invalid"
        command = f"git add -A && git {identity} commit -qm '{message}' && git rev-parse HEAD"
        return self.step(f"commit: {message}", command, says=r"[0-9a-f]{40}").split()[-1]


def main() -> int:
    """Walk through it and print the timeline; 0 all went as it should, 1 a step did not."""
    parser = argparse.ArgumentParser("python -m tools.walkthrough", description=__doc__)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="do it in this new folder and leave it there")
    chosen = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 150)
    with tempfile.TemporaryDirectory(prefix="digits-walkthrough-") as scratch:
        directory = chosen.keep or Path(scratch, "digits")
        team = Team(directory, working_copy.make(directory.absolute()), console)
        try:
            with _emulated(team):
                _play(team)
        except (StepError, subprocess.TimeoutExpired) as error:
            console.print(str(error), style="red", markup=False, highlight=False)
            return 1
    _print(team, console)
    return 0


@contextmanager
def _emulated(team: Team) -> Iterator[None]:
    """Put staging and prod on the emulator too, with certificates of their own, and leave nothing running."""
    authority = trustme.CA(organization_name="Walkthrough")
    trusted = team.shell.get("REQUESTS_CA_BUNDLE") or team.shell.get("SSL_CERT_FILE") or certifi.where()
    bundle = team.directory / "certificates/authorities.pem"
    bundle.parent.mkdir()
    bundle.write_bytes(authority.cert_pem.bytes() + Path(trusted).read_bytes())
    team.shell["REQUESTS_CA_BUNDLE"] = str(bundle.absolute())
    for stack in STACKS[1:]:
        issued = authority.issue_cert("localhost")
        issued.private_key_pem.write_to_path(bundle.with_name(f"{stack}.key"))
        issued.cert_chain_pems[0].write_to_path(bundle.with_name(f"{stack}.pem"))
        team.configure(stack, cloud="emulator", evaluationDataset="digits", sslCname="localhost")
    try:
        yield
    finally:
        with interrupt.held_off():
            command = [sys.executable, "-m", "emulator", "stop"]
            subprocess.run(command, cwd=team.directory, env=team.shell, capture_output=True, check=False)


def _play(team: Team) -> None:
    team.step("begin a repository", "git init -q -b main .")
    first = team.commit("A digit classifier")
    team.step("dev: deploy and evaluate", "make up STACK=dev", says=r"PASSED +Accuracy [\d.]+")
    team.step("staging: deploy and evaluate", "make up STACK=staging", says=r"PASSED +Accuracy [\d.]+")
    settings = 'eval "$(make -s env STACK=prod)"'
    promote = "make promote FROM=staging TO=prod YES=1"
    team.step("prod: promote what staging released", promote, says=r"PASSED +Accuracy [\d.]+")
    output = f"{settings}; pulumi stack output --stack prod release"
    team.step(
        "prod: the record names staging's", output, says=r'"source":\{.*"stack":"staging"', shows=r'"release":"\w+"'
    )
    team.step("prod: promote again", promote, says=r"\d+ unchanged", shows=r"\d+ unchanged")

    team.edit("scoring/score.py", _LABELS, _LABELS.replace("labels", "labels * 0 + 7"))
    team.commit("A faster answer")
    team.step("staging: preview for the pull request", "make preview STACK=staging", says=r"### .*")
    team.show((team.directory / "reports/staging/preview.md").read_text(encoding="utf-8"))
    blocked = "The live service was not touched"
    team.step("dev: the rehearsal blocks", "make up STACK=dev", expect=2, says=blocked)
    team.configure("staging", rehearsalEnabled=False)
    team.step(
        "staging: the gate blocks and rolls back",
        "make up STACK=staging",
        expect=2,
        says=r"(?s)Rolled back: .*?live again and passed",
    )
    team.configure("staging", rehearsalEnabled=True)

    team.edit("scoring/score.py", "labels * 0 + 7", "labels")
    team.edit("scoring/score.py", '"""The entry script:', '"""The entry script, reviewed:')
    second = team.commit("The right answer")
    team.step("dev: the fix passes", "make up STACK=dev", says=r"PASSED +Accuracy [\d.]+")
    team.step("staging: the fix passes", "make up STACK=staging", says=r"PASSED +Accuracy [\d.]+")
    team.step("prod: promote the fix", promote, says=r"PASSED +Accuracy [\d.]+")

    listed = team.step("prod: list releases", "make -s releases STACK=prod", says=r"[0-9a-f]{12}")
    team.show(listed)
    ids = re.findall(r"^[0-9a-f]{12}\b", listed, re.MULTILINE)
    older = f"{promote} RELEASE={ids[-1]}"
    team.step("prod: roll back from a wrong checkout", older, expect=2, says=rf"git checkout {first}")
    team.step("check out what was released", f"git checkout -q {first} -- scoring")
    team.step("prod: roll back", older, says=r"PASSED +Accuracy [\d.]+")
    team.step("check out main again", f"git checkout -q {second} -- scoring")
    team.step("prod: promote the fix again", promote, says=r"PASSED +Accuracy [\d.]+")

    team.step("prod: nothing has drifted", "make drift STACK=prod")
    portal = (
        "from azureml.core import Workspace, Webservice; "
        "subscription = '00000000-0000-0000-0000-000000000003'; "
        "workspace = Workspace.get('digits-prod-ml', subscription_id=subscription, resource_group='digits-prod'); "
        "Webservice(workspace, 'digits-prod').update(tags={'owner': 'nobody'})"
    )
    team.step("prod: somebody re-tags the service", f'{settings}; python -W ignore -c "{portal}"')
    team.show(team.step("prod: drift is found", "make -s drift STACK=prod", expect=1, says=r"owner.*"))
    team.step("prod: repair", "make up STACK=prod", says=r"PASSED +Accuracy [\d.]+")
    team.step("prod: the drift is gone", "make drift STACK=prod")

    team.step("prod: destroy is refused", "make down STACK=prod", expect=2, says="is protected")
    destroy = f"{settings}; pulumi destroy --stack prod --yes --skip-preview"
    team.step("prod: nor does the CLI destroy it", destroy, expect=255, says="cannot be deleted")
    team.step("prod: the service answers as before", "make smoke STACK=prod", says=r"PASSED +Accuracy [\d.]+")
    team.configure("prod", protectData=False, policyEnabled=False)
    team.step("prod: lift the protection", "make up STACK=prod")
    for stack, left in zip(
        reversed(STACKS), ("holds digits-dev .*, digits-staging ", "holds digits-dev [^,]*;", "stopped"), strict=True
    ):
        team.step(f"{stack}: destroy", f"make down STACK={stack}", says=rf"The emulator .*{left}")


def _print(team: Team, console: Console) -> None:
    table = Table("at", "took", "step", "came of it", title="A release's life")
    at = 0.0
    for step in team.steps:
        at += step.seconds
        table.add_row(f"{at:.0f} s", f"{step.seconds:.1f} s", step.title, step.outcome)
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
