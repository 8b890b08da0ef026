"""What the engine says of a preview: steps, policy findings, warnings and errors; and how it is asked.

`pulumi preview --json` prints a digest that leaves out what policies found, and without --show-sames the resources that
stay as they are. With PULUMI_ENABLE_STREAMING_JSON_PREVIEW it prints its events instead, all of them. Both are read.
The events' debug lines hold secrets in the clear, so they go through a pipe, never to a file, and are dropped here.
"""

from digits.cli import children

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE
from typing import Any

from infra.promotion import OTHER_CHECKOUT

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # the engine's word for a value that only a deployment tells
_MANDATORY = {"mandatory", "remediate"}
# The two halves of a replacement, and what concerns the engine's own bookkeeping.
_NO_STEPS = {"create-replacement", "delete-replaced", "discard-replaced", "remove-pending-replace", "read-discard"}
_SAYS_NOTHING = ("preview failed", "an unhandled error occurred: Program exited with non-zero exit code")
_EXCEPTION = "Program failed with an unhandled exception:"


class PreviewError(Exception):
    """A preview that cannot be made or read; one sentence with the fix."""


@dataclass(frozen=True)
class Step:
    """What would be done to one resource. `before` and `after` are its inputs, empty where there are none."""

    operation: str
    urn: str
    id: str  # the provider's, empty where there is none yet
    before: Mapping[str, Any]
    outputs: Mapping[str, Any]
    after: Mapping[str, Any]
    reasons: tuple[str, ...]  # the inputs that replace it

    @property
    def name(self) -> str:
        """The name that the program gives it."""
        return self.urn.rsplit("::", 1)[-1]

    @property
    def type(self) -> str:
        """Its type's last part, such as Webservice."""
        return self.urn.split("::")[-2].rsplit(":", 1)[-1]

    @property
    def physical_name(self) -> str:
        """The name that it has in Azure, or the program's where it has none yet."""
        return self.id.rsplit("/", 1)[-1] or self.name

    @property
    def is_of_engine(self) -> bool:
        """Whether it is the stack itself or a provider."""
        return self.urn.split("::")[-2].startswith("pulumi:")

    @property
    def is_dynamic(self) -> bool:
        """Whether one of our own lifecycles looks after it."""
        return "pulumi-python:dynamic" in self.urn

    @property
    def live(self) -> Mapping[str, Any]:
        """What it is now, by the names of the inputs: a refresh writes what it found into our lifecycles' outputs."""
        return {**self.before, **self.outputs} if self.is_dynamic else self.before


@dataclass(frozen=True)
class Finding:
    """What a policy found; a mandatory one stops the deployment."""

    policy: str
    level: str
    resource: str
    message: str

    @property
    def is_mandatory(self) -> bool:
        """Whether nothing is deployed because of it."""
        return self.level in _MANDATORY


@dataclass(frozen=True)
class Preview:
    """All of a preview."""

    steps: tuple[Step, ...] = ()
    findings: tuple[Finding, ...] = ()
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    config: Mapping[str, str] = field(default_factory=dict)

    @property
    def awaits_promotion(self) -> bool:
        """Whether the stack takes releases, and this checkout is not what was released yet."""
        return any(error.startswith(OTHER_CHECKOUT) for error in self.errors)

    def step(self, name: str) -> Step | None:
        """Return the step of the resource with this name."""
        return next((step for step in self.steps if step.name == name), None)

    def setting(self, name: str) -> str:
        """Return one of the stack's settings as text, empty where it has none."""
        return self.config.get(f"digits:{name}", "")


def run(stack: str, options: Sequence[str]) -> Preview:
    """Ask the CLI for a preview; what it could not preview is among the preview's errors. Raises PreviewError."""
    command = ["pulumi", "preview", "--json", "--non-interactive", "--color=never", "--stack", stack, *options]
    streaming = {**os.environ, "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
    try:
        done = children.run(command, env=streaming, stdout=PIPE, stderr=PIPE)
    except FileNotFoundError:
        raise PreviewError(
            'There is no pulumi on PATH: run `make preview`, or `eval "$(make -s env)"` first.'
        ) from None
    preview = read(done.stdout) if done.stdout.strip() else Preview()
    if done.returncode == 0 or preview.errors or any(finding.is_mandatory for finding in preview.findings):
        return preview
    said = [line for line in done.stderr.splitlines() if line.strip()]
    sentence = _sentence(said[-1]) if said else f"pulumi ended with {done.returncode} and said nothing."
    fix = f": deploy it first with `make up STACK={stack}`, or name another." if "no stack named" in sentence else ""
    return Preview(errors=(sentence + fix,))


def read(text: str) -> Preview:
    """Return the preview that the CLI printed, as events or as a digest; raises PreviewError for anything else."""
    try:
        first = json.loads(next(iter(text.splitlines()), ""))
    except ValueError:
        first = None
    try:
        if isinstance(first, dict) and "sequence" in first:
            return _from_events(json.loads(line) for line in text.splitlines() if line.strip())
        digest = json.loads(text)
        if "config" in digest or "steps" in digest:
            return _from_digest(digest)
        raise PreviewError("This JSON has neither steps nor events: give what `pulumi preview --json` prints.")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise PreviewError("This is not what `pulumi preview --json` prints: it is no JSON of its form.") from None


def _from_events(events: Iterable[Mapping[str, Any]]) -> Preview:
    steps, findings, diagnostics, config = [], [], [], {}
    for event in events:
        if metadata := (event.get("resourcePreEvent") or {}).get("metadata"):
            old, new = metadata.get("old") or {}, metadata.get("new") or {}
            steps.append(_step(metadata["op"], metadata["urn"], old, new, metadata.get("keys")))
        elif found := event.get("policyEvent"):
            findings.append(_finding(found))
        elif said := event.get("diagnosticEvent"):
            diagnostics.append((said["severity"], said["message"]))
        elif prelude := event.get("preludeEvent"):
            config = prelude["config"]
    return _preview(steps, findings, diagnostics, config)


def _from_digest(digest: Mapping[str, Any]) -> Preview:
    steps = [
        _step(
            step["op"], step["urn"], step.get("oldState") or {}, step.get("newState") or {}, step.get("replaceReasons")
        )
        for step in digest.get("steps") or []
    ]
    diagnostics = [(said["severity"], said["message"]) for said in digest.get("diagnostics") or []]
    preview = _preview(steps, [], diagnostics, digest.get("config") or {})
    if any(severity == "error" for severity, _ in diagnostics) and not preview.errors:
        why = "The preview failed, and this form of it does not say why: a policy may refuse it. Run `make preview`."
        return Preview(errors=(why,))
    return preview


def _preview(
    steps: list[Step], findings: list[Finding], diagnostics: list[tuple[str, str]], config: Mapping[str, str]
) -> Preview:
    said = {
        kind: tuple(dict.fromkeys(_sentence(message) for severity, message in diagnostics if severity == kind))
        for kind in ("error", "warning")
    }
    return Preview(
        # Sorted, because what runs in parallel is told in any order, and a comment should change only with the preview.
        steps=tuple(sorted((step for step in steps if step.operation not in _NO_STEPS), key=lambda step: step.name)),
        findings=tuple(sorted(findings, key=lambda found: (not found.is_mandatory, found.policy, found.resource))),
        errors=tuple(text for text in said["error"] if not text.startswith(_SAYS_NOTHING)),
        warnings=tuple(text for text in said["warning"] if "from $PATH" not in text),
        config=config,
    )


def _step(
    operation: str, urn: str, old: Mapping[str, Any], new: Mapping[str, Any], reasons: Sequence[str] | None
) -> Step:
    before, outputs, after = (part or {} for part in (old.get("inputs"), old.get("outputs"), new.get("inputs")))
    return Step(
        operation,
        urn,
        old.get("id") or "",
        before,
        outputs,
        {} if operation == "delete" else after,
        tuple(sorted(reasons or ())),
    )


def _finding(event: Mapping[str, str]) -> Finding:
    """Return a finding; the first line of its message repeats the policy's description."""
    _, _, said = event["message"].strip().partition("\n")
    resource = event.get("resourceUrn", "").rsplit("::", 1)[-1]
    return Finding(event["policyName"], event["enforcementLevel"], resource, _sentence(said or event["message"]))


def _sentence(message: str) -> str:
    """Return a message on one line and without this machine's paths; of a traceback, the exception."""
    text = message.strip().removeprefix("error: ").removeprefix("warning: ")
    if text.startswith(_EXCEPTION):
        text = f"The program failed: {text.splitlines()[-1]}"
    return " ".join(text.replace(f"{Path.cwd()}/", "").split())
