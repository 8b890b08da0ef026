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
_SECONDS_BETWEEN_TRIES = 1
_LAST_SECONDS = 60
_ANSWERED_SECONDS = 30  # an unanswered question takes less
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
        _persist(webservice.update_deployment_state, time.monotonic() + _LAST_SECONDS)
    if error is None and webservice.state == _HEALTHY:
        return
    seconds = time.monotonic() - started
    reason = answers.clean(answers.read_messages(webservice.error))
    if not reason and error is not None and webservice.state in _FAILED:
        reason = answers.explain(error)
    if not reason and error is not None and answers.passes(error):
        reason = f"its deployment could not be followed to the end: {answers.explain(error)}"
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
    deadline = time.monotonic() + timeout_seconds
    if webservice._operation_endpoint is None:  # an update without a deployment, or the deployment of another `up`
        while webservice.state == "Transitioning" and time.monotonic() < deadline:
            time.sleep(1)
            _persist(webservice.update_deployment_state, deadline)
        return
    with contextlib.redirect_stdout(io.StringIO()):
        _persist(lambda: webservice.wait_for_deployment(timeout_sec=max(1, deadline - time.monotonic())), deadline)


def _persist(ask: Callable[[], object], deadline: float) -> None:
    """Ask until there is an answer, for a minute at most: a gateway's 504 says nothing about the deployment."""
    give_up = None
    while True:
        began = time.monotonic()
        try:
            ask()
        except Exception as error:  # the SDK raises bare Exception for an unexpected answer
            failed = time.monotonic()
            if give_up is None or failed - began > _ANSWERED_SECONDS:  # meanwhile it was answered
                give_up = min(deadline, failed + _LAST_SECONDS)
            if not answers.passes(error) or failed >= give_up:
                raise
        else:
            return
        time.sleep(_SECONDS_BETWEEN_TRIES)


def _last_lines(webservice: Any, lines: int) -> str:
    """Return the end of the container's log, which is empty before the container runs."""
    try:
        with call("reading the log"):
            text = str(webservice.get_logs(num_lines=lines) or "")
    except AzureMLError:  # ACI answers an error while it still makes the container
        return ""
    return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])
