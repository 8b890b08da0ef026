"""The comment: a verdict, the losses, the changes in brief, and folded details."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from digits.engine.events import UNKNOWN, Preview, Step
from digits.preview import changes, cost, headline
from digits.preview.markdown import NONE, change, dollars, short, some
from digits.preview.scoring_files import FileChange
from digits.preview.trial import Trial, current
from digits.rendering import code, prose, render
from infra.live import Live

if TYPE_CHECKING:
    from digits.release_record import Source

_MODEL = ("name", "sha256")
_HOLDS_DATA = {"ResourceGroup", "StorageAccount", "Vault", "Registry", "Workspace", "Component"}


def marker(stack: str) -> str:
    """Return the hidden first line by which this stack's comment is found again and updated in place."""
    return f"<!-- digits preview of {stack} -->"


@dataclass(frozen=True)
class Comment:
    """The content of the comment; the template has its form."""

    stack: str
    preview: Preview
    trial: Trial | None
    files: list[FileChange]
    live: Live | None = None  # the live web service; None if nobody looked
    awaits_promotion: bool = False  # the stack takes releases, and this checkout is not released yet

    def render(self) -> str:
        """Return the comment as Markdown."""
        filters = {one.__name__: one for one in _FILTERS}
        return render("digits.preview", "comment.md.j2", filters, comment=self, marker=marker(self.stack))

    @property
    def verdict(self) -> str:
        """The comment in one sentence."""
        if self.awaits_promotion:
            return headline.announce_promotion(self.stack, self.preview)
        return headline.pronounce(self.stack, self.preview, self.trial, self.files, self.live)

    @cached_property
    def steps(self) -> list[Step]:
        """The resources that change."""
        return headline.changed_steps(self.preview)

    @property
    def counts(self) -> str:
        """The number of resources by operation."""
        return headline.count_steps(self.steps)

    @property
    def source(self) -> "Source | None":
        """The origin of a promoted release."""
        return headline.source(self.preview)

    @cached_property
    def lost(self) -> list[str]:
        """The resources that are replaced or deleted, with the reason and the loss."""
        return [_describe_loss(step) for step in self.steps if step.operation in headline.LOSING]

    @cached_property
    def packages(self) -> list[changes.Change]:
        """The changes of the environment."""
        return changes.packages(self.preview.step("environment"))

    @cached_property
    def settings(self) -> list[changes.Change]:
        """The changes of the settings of service and gate."""
        return changes.settings(self.preview)

    @cached_property
    def cost(self) -> cost.Cost:
        """The cost, as a hint."""
        return cost.estimate(self.preview)

    @property
    def prices(self) -> Mapping[str, Any]:
        """The prices behind the hint."""
        return cost.PRICES

    @property
    def is_judged(self) -> bool:
        """Whether the verdict already gives the reason why the candidate is refused."""
        return headline.is_judged(self.preview)

    @property
    def is_elsewhere(self) -> bool:
        """Whether the stack is in another region than the prices."""
        return bool(self.preview.config.get("azure-native:location") != self.prices["region"])

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        """The differences, as a table."""
        return [row for row in self._rows() if row[1] != row[2]]

    def changed_inputs(self, step: Step) -> str:
        """Return the inputs of a resource that change; a release becomes a new record instead."""
        if step.short_type == "Release" and step.operation == "update":
            return "a new record, if the live service passes"
        if step.operation not in ("update", "replace"):
            return ""
        return some([code(name) for name in dict.fromkeys(c.name for c in changes.changed_inputs(step))])

    def _rows(self) -> Iterator[tuple[str, str, str]]:
        model, service = self.preview.step("model"), self.preview.step("webservice")
        if model:
            yield "Model", *_models(model)
            yield "Accuracy in training", _training(model.live), _training(model.after)
        if self.trial and self.trial.evaluation:
            before, now = current(self.preview), self.trial.evaluation
            here = f"{now.accuracy:.4f} on {now.rows:,} rows, run here"
            of = "" if self.live is None or self.live.is_released else ", as last released"
            yield "Accuracy, evaluated", f"{before.accuracy:.4f} on {before.rows:,} rows{of}" if before else NONE, here
        if service:
            for title, name in (("Environment", "environmentVersion"), ("Scoring files", "scoringDigest")):
                yield title, short(service.live.get(name)), short(service.after.get(name))
        monthly, monthly_then = (dollars(amount) if amount else NONE for amount in self.cost.total)
        yield "Cost a month, a hint", monthly, monthly_then


def name_step(step: Step) -> str:
    """Return a resource's name in the program, and its name in Azure if it exists."""
    return f"{step.name} {code(step.physical_name)}" if step.id else step.name


def _describe_loss(step: Step) -> str:
    said = [_give_reason(step)] if step.reasons else []
    if step.short_type in _HOLDS_DATA:
        said.append("what it holds is lost")
    if step.short_type == "Webservice":
        moved = step.live.get("dnsNameLabel") != step.after.get("dnsNameLabel")
        said.append("its URI and keys change" if moved else "its keys change")
    what = f"{headline.DONE[step.operation].capitalize()}: {name_step(step)}"
    return f"{what} ({'; '.join(said)})" if said else what


def _give_reason(step: Step) -> str:
    changed = [
        changes.Change(name, *(str(part.get(name)) for part in (step.live, step.after))) for name in step.reasons
    ]
    if len(changed) == 1 and changed[0].after != UNKNOWN:
        return change(changed[0])
    return f"{some([code(change.name) for change in changed])} {'changes' if len(changed) == 1 else 'change'}"


def _models(step: Step) -> tuple[str, str]:
    """Name the model that is registered and the one that would be."""
    version = step.outputs.get("version")
    named = f"{step.live['name']}:{version:g}" if version else step.live.get("name")
    now = f"{code(named)} {short(step.live['sha256'])}" if step.live else NONE
    if not step.after or [step.live.get(name) for name in _MODEL] == [step.after[name] for name in _MODEL]:
        return now, now if step.after else NONE
    return now, f"{code(step.after['name'])} {short(step.after['sha256'])}, a new version"


def _training(values: Mapping[str, Any]) -> str:
    tags = values.get("tags") or {}
    return f"{prose(tags['accuracy'])} on {prose(tags.get('data'))}" if "accuracy" in tags else NONE


_FILTERS = (change, code, dollars, name_step, prose, short, some)
