"""metadata.json, which training writes next to a model: each field is checked before anything relies on it.

Tags and manifest are made of it, so a mistake here would otherwise show in the registry or in the service.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from digits.fields import FieldError, Fields, each, filled, number, optional

_SHA256 = re.compile(r"[0-9a-f]{64}")


class MetadataError(Exception):
    """The file does not describe a model; one sentence that names the field."""


@dataclass(frozen=True)
class Metadata:
    """The record of a model that training wrote; only that of a skops file has `trusted_types`."""

    sha256: str
    framework: str
    framework_version: str
    accuracy: float
    dataset: str
    trusted_types: tuple[str, ...] | None
    training_digest: str | None  # SHA-256 of the rows, if their owner recorded it


def read(path: Path) -> Metadata:
    """Return what the file says of the model; raises MetadataError."""
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
        fields = Fields(document)
        return Metadata(
            sha256=fields.take("sha256", _sha256),
            framework=fields.take("framework", filled),
            framework_version=fields.take("frameworkVersion", filled),
            accuracy=fields.take("accuracy", number(0, 1)),
            dataset=fields.inner("dataset").take("name", filled),
            training_digest=fields.inner("dataset").take("digest", optional(filled), None),
            trusted_types=fields.take("trustedTypes", each(filled)) if "trustedTypes" in document else None,
        )
    except OSError as error:
        raise MetadataError(f"{path} cannot be read: {error.strerror}.") from None
    except FieldError as error:
        raise MetadataError(f"{path} does not describe a model: {error}. Correct it there.") from None
    except (ValueError, RecursionError) as error:
        raise MetadataError(f"{path} is not whole JSON ({' '.join(str(error).split())}).") from None


def _sha256(value: object) -> str:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise FieldError("is not a SHA-256 of 64 digits, letters in lower case")
    return value
