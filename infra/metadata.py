"""metadata.json, which training writes next to a model: each field is checked before anything relies on it.

Tags and manifest are made of it, so what is wrong here would otherwise show in the registry or in the service.
"""

import json
import re
from pathlib import Path
from typing import Any

from digits.fields import FieldError, Fields, each, filled, number

_SHA256 = re.compile(r"[0-9a-f]{64}")


class MetadataError(Exception):
    """The file does not describe a model; one sentence that names the field."""


def read(path: Path) -> dict[str, Any]:
    """Return what the file says of the model; raises MetadataError."""
    try:
        metadata: dict[str, Any] = json.loads(path.read_text(encoding="utf-8-sig"))
        fields = Fields(metadata)
        fields.take("sha256", _sha256)
        fields.take("framework", filled)
        fields.take("frameworkVersion", filled)
        fields.take("accuracy", number(0, 1))
        fields.inner("dataset").take("name", filled)
        fields.take("trustedTypes", each(filled), [])
    except OSError as error:
        raise MetadataError(f"{path} cannot be read: {error.strerror}.") from None
    except FieldError as error:
        raise MetadataError(f"{path} does not describe a model: {error}. Correct it there.") from None
    except (ValueError, RecursionError) as error:
        raise MetadataError(f"{path} is not whole JSON ({' '.join(str(error).split())}).") from None
    return metadata


def _sha256(value: object) -> str:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise FieldError("is not a SHA-256 of 64 digits, letters in lower case")
    return value
