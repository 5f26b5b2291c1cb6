"""What a caller is told when something is wrong: `{"error": …, "detail": …}` with the right status."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from services.common.responses import Json


class ErrorBody(BaseModel):
    """The body of every answer that is not a success."""

    error: str
    detail: str | None = None


class ServiceError(Exception):
    """An answer other than success; subclasses set the status, the instance says what happened."""

    status: ClassVar[int]
    headers: Mapping[str, str] = {}

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    def response(self) -> Response:
        """The answer that tells the caller."""
        return error_response(self.status, self.detail, self.headers)


class InvalidRequestError(ServiceError):
    """The caller's input is wrong; the detail names the field."""

    status = 400


class NotFoundError(ServiceError):
    """What the caller names does not exist."""

    status = 404


class ConflictError(ServiceError):
    """The request contradicts the present state."""

    status = 409


class InternalError(ServiceError):
    """A defect of the service itself."""

    status = 500


class UnavailableError(ServiceError):
    """A dependency does not answer; the same request may succeed in a moment."""

    status = 503
    headers: Mapping[str, str] = {"Retry-After": "2"}


_RENAMED = {413: "Content Too Large"}  # by RFC 9110; Python before 3.13 has the older phrase


def error_body(status: int, detail: str | None = None) -> dict[str, str]:
    """The body for `status`: its `error` is the status' standard phrase."""
    return {"error": _RENAMED.get(status, HTTPStatus(status).phrase)} | ({"detail": detail} if detail else {})


def error_response(status: int, detail: str | None = None, headers: Mapping[str, str] | None = None) -> Response:
    """The answer for `status`."""
    return Json(error_body(status, detail), status, dict(headers or {}))


def http_error_response(error: HTTPException) -> Response:
    """The answer for an error of Starlette's."""
    said = error.detail if error.detail != HTTPStatus(error.status_code).phrase else None
    return error_response(error.status_code, said, error.headers)


def _fault(error: Mapping[str, Any]) -> str:
    place, *field = error["loc"]  # such as "query", "limit"
    if error["type"] == "json_invalid":
        field = []  # it is where in the text, and no field
    return f"{'.'.join(map(str, field)) or place}: {error['msg']}"


async def _service_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)
    return error.response()


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return error_response(400, "; ".join(map(_fault, error.errors())))


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return http_error_response(error)


def install(app: FastAPI) -> None:
    """Make `app` answer every error in the one shape."""
    app.add_exception_handler(ServiceError, _service_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
