"""The errors of a deployment, in Azure's words if Azure has words for them."""

import errno
import logging
import re
import sqlite3

from digits.runtime.environment import EnvironmentFailedError
from digits.runtime.server import ServerFailedError
from emulator.http.errors import AzureError
from emulator.service_kinds import Failure

_log = logging.getLogger("emulator.failures")

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_CAUSE = re.compile(r"exit code \d+: (?P<cause>.+?)\.? Its log ends:")


class DiskFullError(AzureError):
    """The state folder's disk takes no more; 4xx, as the SDK would try a 507 again and again."""

    status = 400
    code = "InsufficientStorage"

    def __init__(self) -> None:
        super().__init__(
            "The emulator's disk is full, so nothing of this request was kept: make room where the state folder lies, "
            "then try again."
        )


def is_disk_full(error: BaseException) -> bool:
    """Return whether the operating system or sqlite raises this if the disk is full."""
    if isinstance(error, sqlite3.OperationalError):
        # A file size limit reaches sqlite as an input/output error: the low byte is the code without its details.
        return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
    return isinstance(error, OSError) and error.errno in _FULL


def describe(error: Exception, service: str) -> Failure:
    """Return the `error` of a deployment; a container that crashed brings the last lines of its log."""
    if is_disk_full(error):
        error = DiskFullError()
    if isinstance(error, AzureError):
        return _error(error.code, error.message, [(error.code, error.message)])
    if isinstance(error, EnvironmentFailedError):
        said = "\n".join(error.lines) or str(error)
        return _error("EnvironmentBuildFailed", str(error), [("EnvironmentBuildFailed", said)])
    if isinstance(error, ServerFailedError):
        return _crash(error)
    _log.error("Deploying web service %s failed", service, exc_info=error)
    message = f"The emulator itself failed ({error!r}): `azureml-emulator logs` has the traceback."
    return _error(AzureError.code, message, [])


def is_internal(described: Failure) -> bool:
    """Return whether the emulator itself failed, so that another attempt may succeed."""
    return bool(described["code"] == AzureError.code)


def _crash(error: ServerFailedError) -> Failure:
    first, _, log = str(error).partition("\n")
    cause = _CAUSE.search(first)
    if cause:
        reason = f"Error in entry script, {cause['cause']}, please run print(service.get_logs()) to get details."
    else:
        reason = first.removesuffix(" Its log ends:")
    details = [("CrashLoopBackOff", reason)]
    if log:
        details.append(("ContainerLog", log))
    return _error("AciDeploymentFailed", f"Aci Deployment failed with exception: {reason}", details)


def _error(code: str, message: str, details: list[tuple[str, str]]) -> Failure:
    described = [{"code": detail, "message": text} for detail, text in details]
    return {"code": code, "statusCode": 400, "message": message, "details": described}
