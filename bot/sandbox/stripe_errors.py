"""What Stripe refuses, as its client reads refusals (docs.stripe.com/api/errors)."""

from typing import Any

from fastapi.responses import JSONResponse


class StripeRefused(Exception):
    """A request that Stripe would refuse."""

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        status: int = 400,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        self.status = status
        self.kind = kind

    def body(self) -> dict[str, Any]:
        """Return the refusal as Stripe writes it."""
        error: dict[str, Any] = {"message": self.message, "type": self.kind}
        if self.code:
            error |= {
                "code": self.code,
                "doc_url": f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}",
            }
        if self.param:
            error["param"] = self.param
        return {"error": error}

    def answer(self) -> JSONResponse:
        """Return the refusal as an answer."""
        return JSONResponse(self.body(), self.status)


def missing(param: str) -> StripeRefused:
    """Return the refusal of a request without a required parameter."""
    return StripeRefused(f"Missing required param: {param}.", code="parameter_missing", param=param)


def unknown_object(kind: str, name: str, param: str = "id") -> StripeRefused:
    """Return the refusal of an id that means nothing."""
    return StripeRefused(f"No such {kind}: '{name}'", code="resource_missing", param=param, status=404)
