"""The errors that the emulator answers with, in Azure's own words and shapes.

AzureError            any answer that is not a success
├─ NotFoundError      404
├─ ConflictError      409
└─ BadRequestError    400
"""


class AzureError(Exception):
    """An answer that is not a success: HTTP status, Azure's code, a message."""

    status = 500
    code = "InternalServerError"

    def __init__(self, message: str, *, code: str | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.status = status or self.status

    def arm_error(self) -> dict[str, object]:
        """Return the body's `error` as ARM words it."""
        return {"code": self.code, "message": self.message}

    def model_management_body(self) -> dict[str, object]:
        """Return the body as model management words it; the SDK reads statusCode as a number."""
        return {
            "code": self.code,
            "statusCode": self.status,
            "message": self.message,
            # Of a model's error the SDK prints the details, as objects, and this, as text.
            "details": [],
            "correlation": {"message": self.message},
        }


class NotFoundError(AzureError):
    """The resource is not there."""

    status = 404
    code = "ResourceNotFound"


class ConflictError(AzureError):
    """The request conflicts with a resource that is there."""

    status = 409
    code = "Conflict"


class BadRequestError(AzureError):
    """The request itself is wrong."""

    status = 400
    code = "BadRequest"
