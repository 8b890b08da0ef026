"""The outcome of a deployment: waits for it, reports its progress, and explains a failure."""

from digits.cli import is_verbose

import contextlib
import io
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from infra.azureml import answers
from infra.azureml.session import AzureMLError, DeploymentError, call

Report = Callable[[str], None]

_LOG_LINES = 20
_SECONDS_BETWEEN_REPORTS = 5
_HEALTHY = "Healthy"
_FAILED = ("Failed", "Unhealthy", "Unschedulable")


def wait(webservice: Any, timeout_seconds: float, report: Report) -> None:
    """Follow the operation to its end, and report its time and, if asked, the container's newest log line.

    Raises DeploymentError, ending with the container's last log lines.
    """
    started = time.monotonic()
    with ThreadPoolExecutor(1) as waiting:
        end = waiting.submit(_follow, webservice, timeout_seconds)
        while not end.done():
            line = _last_lines(webservice, 1) if is_verbose() else ""
            report(f"deploying, {time.monotonic() - started:.0f} s" + (f": {line}" if line else ""))
            with contextlib.suppress(TimeoutError):
                end.exception(timeout=_SECONDS_BETWEEN_REPORTS)
    error = end.exception()
    with call(f"reading web service {webservice.name}"):
        webservice.update_deployment_state()
    if error is None and webservice.state == _HEALTHY:
        return
    seconds = time.monotonic() - started
    reason = answers.clean(answers.read_messages(webservice.error))
    if not reason and error is not None and webservice.state in _FAILED:
        reason = answers.explain(error)
    log = _last_lines(webservice, _LOG_LINES)
    raise DeploymentError(
        f"Web service '{webservice.name}' was {webservice.state} after {seconds:.0f} s"
        + (f": {reason}" if reason else " (readyTimeoutSeconds)")
        # If the change is taken back, the tree equals the state, and only a refresh finds the failed service.
        + "\nFix it and run `pulumi up` again, or take the change back and run `pulumi up --refresh`."
        + f" Full log: `make logs`. Its last lines:\n{log or '(none)'}"
    )


def _follow(webservice: Any, timeout_seconds: float) -> None:
    """Return when the deployment has ended, well or not; the SDK's exceptions pass."""
    # Not inside call(), which admits one caller at a time: this one waits for minutes.
    if webservice._operation_endpoint is None:  # an update without a deployment, or the deployment of another `up`
        deadline = time.monotonic() + timeout_seconds
        while webservice.state == "Transitioning" and time.monotonic() < deadline:
            time.sleep(1)
            webservice.update_deployment_state()
        return
    with contextlib.redirect_stdout(io.StringIO()):
        webservice.wait_for_deployment(timeout_sec=timeout_seconds)


def _last_lines(webservice: Any, lines: int) -> str:
    """Return the end of the container's log, which is empty before the container runs."""
    try:
        with call("reading the log"):
            text = str(webservice.get_logs(num_lines=lines) or "")
    except AzureMLError:  # ACI answers an error while it still makes the container
        return ""
    return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])
