"""The result of a preview or a refresh, read from the engine's events."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi.automation.events import (
    EngineEvent,
    PolicyEvent,
    ResourcePreEvent,
    ResOutputsEvent,
    StepEventMetadata,
    StepEventStateMetadata,
)

from digits.engine.sentences import simplify

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # the engine's mark for a value that only a deployment knows
_MANDATORY = ("mandatory", "remediate")
# The halves of a replacement, which is one step "replace", and the engine's own bookkeeping.
_LEFT_OUT = (
    "create-replacement",
    "delete-replaced",
    "discard",
    "discard-replaced",
    "refresh",
    "remove-pending-replace",
)
_SAYS_NOTHING = ("preview failed", "an unhandled error occurred: Program exited with non-zero exit code")
_EXPECTED = "from $PATH"  # a warning that the emulator's plugin is used


@dataclass(frozen=True)
class Step:
    """What would be done to one resource; each mapping is empty if there is none. A secret value is "[secret]"."""

    operation: str  # same, create, update, replace, delete, read
    urn: str
    type: str  # such as pulumi-python:dynamic/azureml:Webservice
    id: str  # the provider's, empty before the resource is created
    before: Mapping[str, Any]  # the inputs as they were deployed
    outputs: Mapping[str, Any]  # the outputs as they were deployed
    after: Mapping[str, Any]  # the inputs that would be deployed
    found: Mapping[str, Any]  # the outputs that a refresh found
    reasons: tuple[str, ...] = ()  # the inputs that replace it

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.rsplit("::", 1)[-1]

    @property
    def short_type(self) -> str:
        """The last part of the type, such as Webservice."""
        return self.type.rsplit(":", 1)[-1]

    @property
    def physical_name(self) -> str:
        """The resource's name in Azure, or the program's name before it is created."""
        return self.id.rsplit("/", 1)[-1] or self.name

    @property
    def live(self) -> Mapping[str, Any]:
        """The present values by the names of the inputs; a refresh writes them into our lifecycles' outputs."""
        return {**self.before, **self.outputs} if self.type.startswith("pulumi-python:dynamic") else self.before


@dataclass(frozen=True)
class Violation:
    """A resource that a policy objects to."""

    policy: str
    level: str
    resource: str
    message: str

    @property
    def is_mandatory(self) -> bool:
        """Whether the policy stops the deployment."""
        return self.level in _MANDATORY


@dataclass(frozen=True)
class Preview:
    """All that a preview or a refresh found; the engine's own resources (the stack, the providers) are left out."""

    steps: tuple[Step, ...] = ()
    violations: tuple[Violation, ...] = ()
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    config: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_refused(self) -> bool:
        """Whether an error or a policy stops the deployment."""
        return bool(self.errors) or any(violation.is_mandatory for violation in self.violations)

    def step(self, name: str) -> Step | None:
        """Return the step of the resource with this name."""
        return next((step for step in self.steps if step.name == name), None)

    def setting(self, name: str) -> str:
        """Return one of the stack's settings as text, empty if it has none."""
        return self.config.get(f"digits:{name}", "")


def read_preview(events: Iterable[EngineEvent]) -> Preview:
    """Return what a preview would do to each resource."""
    return _read(events, lambda event: event.resource_pre_event)


def read_refresh(events: Iterable[EngineEvent]) -> Preview:
    """Return what a refresh found of each resource."""
    return _read(events, lambda event: event.res_outputs_event)


def _read(
    events: Iterable[EngineEvent], find_step: Callable[[EngineEvent], ResourcePreEvent | ResOutputsEvent | None]
) -> Preview:
    steps, violations, config = [], [], {}
    said: dict[str, list[str]] = {"error": [], "warning": []}  # debug messages hold secrets in plain text
    for event in events:
        if event.summary_event:
            break  # later events are about plugins that end
        if step := find_step(event):
            steps.append(_read_step(step.metadata))
        elif event.policy_event:
            violations.append(_read_violation(event.policy_event))
        elif event.diagnostic_event and event.diagnostic_event.severity in said:
            said[event.diagnostic_event.severity].append(simplify(event.diagnostic_event.message))
        elif event.prelude_event:
            config = dict(event.prelude_event.config)
    return Preview(
        # Sorted, because parallel steps come in any order, and a comment should change only with the preview.
        steps=tuple(sorted(filter(_is_shown, steps), key=lambda step: step.name)),
        violations=tuple(sorted(violations, key=lambda one: (not one.is_mandatory, one.policy, one.resource))),
        errors=tuple(dict.fromkeys(text for text in said["error"] if not text.startswith(_SAYS_NOTHING))),
        warnings=tuple(dict.fromkeys(text for text in said["warning"] if _EXPECTED not in text)),
        config=config,
    )


def _is_shown(step: Step) -> bool:
    return step.operation not in _LEFT_OUT and not step.type.startswith("pulumi:")


def _read_step(step: StepEventMetadata) -> Step:
    (before, outputs), (after, found) = map(_read_state, (step.old, step.new))
    return Step(
        operation=step.op.value,
        urn=step.urn,
        type=step.type,
        id=step.old.id if step.old else "",
        before=before,
        outputs=outputs,
        after=after,
        found=found,
        reasons=tuple(sorted(step.keys or ())),
    )


def _read_state(state: StepEventStateMetadata | None) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the inputs and the outputs."""
    return (state.inputs or {}, state.outputs or {}) if state else ({}, {})


def _read_violation(event: PolicyEvent) -> Violation:
    """Return a violation; the first line of its message repeats the policy's description."""
    _, _, said = event.message.strip().partition("\n")
    resource = (event.resource_urn or "").rsplit("::", 1)[-1]
    return Violation(event.policy_name, event.enforcement_level, resource, simplify(said or event.message))


def _name_resource(data: dict[str, Any]) -> PolicyEvent:
    """Read a policy's event; the SDK looks for the resource under another name than the engine gives it."""
    event = _read_policy_event(data)
    event.resource_urn = data.get("resourceUrn")
    return event


_read_policy_event = PolicyEvent.from_json
PolicyEvent.from_json = _name_resource  # type: ignore[method-assign] # the SDK has no other place for it
