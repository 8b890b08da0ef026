"""Why an evaluation could not be made, which is not the same as a service that was evaluated and failed.

EvaluationError      one sentence: where, what, what to do
├─ ServiceError      the service is gone, refuses the key, or answers something other than labels
└─ ReportError       a written evaluation cannot be read, or a new one cannot be written
"""


class EvaluationError(Exception):
    """The evaluation could not be made."""


class ServiceError(EvaluationError):
    """The service is gone, refuses the key, or answers something other than labels."""


class ReportError(EvaluationError):
    """A written evaluation cannot be read, or a new one cannot be written."""
