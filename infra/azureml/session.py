"""The session with Azure ML: one workspace at a time, quiet calls, and errors of one sentence.

AzureMLError            Azure ML answered with an error, or not at all
├─ MissingError         the thing is not there
├─ ConflictError        the name is used by something that is not ours
└─ DeploymentError      the service did not become healthy; ends with the container's last log lines
"""

import contextlib
import io
import logging
import os
import re
import tempfile
import threading
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from infra.azureml import answers

_NOT_FOUND = 404


class AzureMLError(Exception):
    """Azure ML answered with an error, or not at all."""


class MissingError(AzureMLError):
    """The thing is not there."""


class ConflictError(AzureMLError):
    """The name is used by something that is not ours."""


class DeploymentError(AzureMLError):
    """The service did not become healthy."""


# The SDK prints and leaves temporary files, and a call redirects both globally: so there is one caller at a time.
_LOCK = threading.RLock()


@contextlib.contextmanager
def call(doing: str) -> Iterator[None]:
    """Run SDK calls quietly, leave no temporary files, and turn their exceptions into one sentence."""
    with _LOCK, contextlib.redirect_stdout(io.StringIO()), tempfile.TemporaryDirectory() as scratch:
        for name in ("azureml", "msrestazure"):  # they log each exception besides raising it
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        before, tempfile.tempdir = tempfile.tempdir, scratch
        try:
            yield
        except AzureMLError:
            raise
        except Exception as error:  # the SDK raises bare Exception for an unexpected answer
            raise _sentence(doing, error) from error
        finally:
            tempfile.tempdir = before


def _sentence(doing: str, error: Exception) -> AzureMLError:
    """Return our error for the SDK's: the call, the answer, and the fix if it is known."""
    detail, kinds = answers.explain(error), answers.kinds(error)
    text = f"{error} {detail}"
    emulator = os.environ.get("AZUREML_EMULATOR")
    where = f"The emulator at {emulator}" if emulator else "Azure"
    if "SSLError" in kinds or "CERTIFICATE_VERIFY_FAILED" in text:
        return AzureMLError(
            f"{where} shows a certificate that this machine does not trust ({doing}): "
            "name its authority's file in REQUESTS_CA_BUNDLE."
        )
    if "Timeout" in kinds or re.search(r"[Tt]imed out", text):
        return AzureMLError(f"{where} did not answer in time ({doing}): run the same again.")
    if "ConnectionError" in kinds or re.search(r"Connection refused|Max retries exceeded|Failed to establish", text):
        fix = "start it with `make emulator`" if emulator else "see whether this machine reaches the internet"
        return AzureMLError(f"{where} does not answer; {fix} ({doing}).")
    if {"AuthenticationException", "AuthenticationError", "TokenExpiredError"} & kinds:
        return AzureMLError(f"The login does not work for {doing}: run `az login` again. {detail}")
    if "DeserializationError" in kinds:
        return AzureMLError(f"Azure ML answered {doing} with something that the SDK cannot read: {detail}")
    missing = answers.status(error) == _NOT_FOUND or re.search(r"Not ?Found|not found|Code: 404", text) is not None
    kind = MissingError if missing else AzureMLError
    if answers.passes(error):
        answered = f"{where} could not answer {doing} for the moment ({answers.status(error)}): run the same again."
    else:
        answered = f"Azure ML refused {doing}:"
    return kind(f"{answered} {detail}")


def parse_id(workspace_id: str) -> dict[str, str]:
    """Return the parts of an ARM id by kind, such as subscriptions, resourceGroups and workspaces."""
    return dict(zip(*[iter(workspace_id.strip("/").split("/"))] * 2, strict=False))


@lru_cache(maxsize=4)
def open_workspace(workspace_id: str) -> Any:
    """Return the SDK's workspace for an ARM id; the login is the SDK's default on every cloud."""
    parts = parse_id(workspace_id)
    with call(f"opening workspace {parts.get('workspaces', workspace_id)}"):
        from azureml.core import Workspace

        return Workspace.get(
            parts["workspaces"], subscription_id=parts["subscriptions"], resource_group=parts["resourceGroups"]
        )
