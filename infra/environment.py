"""The environment that score.py runs in: conda.yml, registered; its version is its content."""

import codecs
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Generic, TypedDict

import pulumi
import yaml
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from digits.runtime.environment import EnvironmentFailedError, digest, variables
from infra import azureml
from infra.configuration import SettingsError
from infra.provider import Provider, Text

_VERSION_DIGITS = 12
# The longer mark comes first, because the mark of UTF-32 begins like that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
# name=version=build, as `conda env export` writes it.
_BUILD = re.compile(r"[^\s=<>!~]+=[^\s=<>!~]+=[^\s=]+")


class EnvironmentInputs(TypedDict, Generic[Text]):
    """A conda definition, and as what it is registered."""

    workspaceId: Text
    name: str
    version: str
    conda: Mapping[str, object]


class EnvironmentProvider(Provider):
    """Registers a conda definition once; Azure ML keeps every version, so nothing is deleted."""

    updated_by = ("conda",)

    def diff(self, id_: str, olds: EnvironmentInputs[str], news: EnvironmentInputs[str]) -> DiffResult:
        """Compare the packages and variables of the definitions, not their spelling."""
        same = azureml.is_same_environment(olds["conda"], news["conda"])
        return super().diff(id_, olds, {**news, "conda": olds["conda"]} if same else news)

    def create(self, props: EnvironmentInputs[str]) -> CreateResult:
        """Register the definition, or adopt a version with the same content."""
        version = azureml.register_environment(props["workspaceId"], props["name"], props["version"], props["conda"])
        return CreateResult(props["name"], {**props, "version": version})

    def update(self, _id: str, _olds: EnvironmentInputs[str], news: EnvironmentInputs[str]) -> UpdateResult:
        """Register the new content as another version; the old one stays."""
        return UpdateResult(self.create(news).outs)

    def read(self, id_: str, props: EnvironmentInputs[str]) -> ReadResult:
        """Find the version in the registry, and its definition there."""
        found = azureml.find_environment(props["workspaceId"], props["name"], props["version"])
        if found is None:
            return ReadResult("", {})
        same = azureml.is_same_environment(found, props["conda"])
        return ReadResult(id_, {**props} if same else {**props, "conda": found})


class Environment(Resource, module="azureml", name="Environment"):
    """A registered environment version."""

    name: pulumi.Output[str]
    version: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        workspace_id: pulumi.Input[str],
        name: str,
        conda: Mapping[str, object],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs: EnvironmentInputs[pulumi.Input[str]] = {
            "workspaceId": workspace_id,
            "name": name,
            "version": environment_version(conda),
            "conda": conda,
        }
        super().__init__(EnvironmentProvider(), resource_name, {**inputs}, opts)


def environment_version(conda: Mapping[str, object]) -> str:
    """Return the version under which this content is registered."""
    return digest(conda)[:_VERSION_DIGITS]


def read_conda(path: Path) -> dict[str, object]:
    """Return a conda file's definition; raises SettingsError for a file that is none."""
    try:
        conda = _construct(path, _decode(path, path.read_bytes()))
    except FileNotFoundError:
        raise SettingsError(f"{path} is missing: it lists what score.py needs.") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({error.strerror}): correct it.") from None
    if not isinstance(conda, dict) or not isinstance(conda.get("dependencies"), list):
        raise SettingsError(f"{path} has no list of dependencies: write it as `conda env export` does.")
    for package in conda["dependencies"]:
        if isinstance(package, str) and _BUILD.fullmatch(package.strip()):
            raise SettingsError(
                f"{path}: {package} names a conda build, which is made for one system: "
                f"write the file with `conda env export --no-builds`, or with --from-history."
            )
    try:
        digest(conda)
        variables(conda)
    except EnvironmentFailedError as error:
        raise SettingsError(f"{path}: {error}") from None
    except (TypeError, ValueError):
        raise SettingsError(
            f"{path} has a value that is no text, number, list or mapping: quote a date, and put no alias in itself."
        ) from None
    return conda


def _decode(path: Path, content: bytes) -> str:
    """Return the text, in UTF-8 or in the encoding that its byte order mark names."""
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not {encoding.upper()} (byte {error.start}): save it as UTF-8.") from None


def _construct(path: Path, text: str) -> object:
    """Return the YAML's value; raises SettingsError with the line that is not YAML or repeats a key."""
    try:
        document = yaml.compose(text, yaml.SafeLoader)
        if document is None:
            return None
        for node, said in _find_repeated(document, set()):
            raise SettingsError(f"{path}, line {node.start_mark.line + 1}: {said}.")
        return yaml.SafeLoader("").construct_document(document)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}" if mark else ""
        if "'\\t'" in (error.problem or ""):
            raise SettingsError(f"{path}{where}: there is a tab: indent with spaces.") from None
        raise SettingsError(f"{path}{where}: this is not YAML ({error.problem}): correct it there.") from None
    except (yaml.YAMLError, ValueError) as error:  # a character that YAML does not allow; a date that there is not
        raise SettingsError(f"{path} is not YAML ({' '.join(str(error).split())}): correct it.") from None


def _find_repeated(node: yaml.Node, seen: set[int]) -> Iterator[tuple[yaml.Node, str]]:
    """Yield each repeated key, of which the YAML reader takes the last, and each second pip: section."""
    if id(node) in seen:
        return  # an alias may lead back
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        yield from _find_twice([key for key, _ in node.value], "keep one of the two")
        for _, value in node.value:
            yield from _find_repeated(value, seen)
    elif isinstance(node, yaml.SequenceNode):
        sections = [item.value[0][0] for item in node.value if isinstance(item, yaml.MappingNode) and item.value]
        yield from _find_twice(sections, "put both lists under one")
        for item in node.value:
            yield from _find_repeated(item, seen)


def _find_twice(keys: list[yaml.Node], what_to_do: str) -> Iterator[tuple[yaml.Node, str]]:
    first: dict[str, int] = {}
    for key in keys:
        if not isinstance(key, yaml.ScalarNode):
            continue
        if key.value in first:
            yield key, f"{key.value}: stands in line {first[key.value]} already: {what_to_do}"
        first.setdefault(key.value, key.start_mark.line + 1)
