"""The table of OpenAI-compatible HTTP: every status and every named error to its fault."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault
from gateway.upstreams.errors import (
    BAD_CREDENTIALS,
    FAILED,
    GAVE_UP,
    NO_HINT,
    NOT_ALLOWED,
    NOT_THE_PROTOCOL,
    OVERLOADED,
    REFUSED_REQUEST,
    TOO_LARGE_REQUEST,
    TOO_LATE,
    UNKNOWN_MODEL,
    UNREACHABLE,
    ForeignError,
    Hint,
    hint_of,
)
from gateway.upstreams.errors_text import CONTEXT, MODEL, PARAMETERS

STATUS: Mapping[int, ForeignError] = {
    400: REFUSED_REQUEST,
    401: BAD_CREDENTIALS,
    402: OVERLOADED,
    403: NOT_ALLOWED,
    404: UNKNOWN_MODEL,
    408: TOO_LATE,
    413: TOO_LARGE_REQUEST,
    422: REFUSED_REQUEST,
    429: OVERLOADED,
    431: TOO_LARGE_REQUEST,
    499: GAVE_UP,
    501: NOT_THE_PROTOCOL,
    502: UNREACHABLE,
    503: UNREACHABLE,
    504: TOO_LATE,
    505: NOT_THE_PROTOCOL,
    529: UNREACHABLE,  # "overloaded" of servers that keep 503 for themselves
}

# `code` and `type` of an error object, as OpenAI, vLLM, llama.cpp and LiteLLM write them, and the
# marks of `errors_text`.
NAMED: Mapping[str, ForeignError] = {
    "BadRequestError": REFUSED_REQUEST,
    CONTEXT: TOO_LARGE_REQUEST,
    PARAMETERS: REFUSED_REQUEST,
    "exceed_context_size_error": TOO_LARGE_REQUEST,
    "invalid_request_error": REFUSED_REQUEST,
    "authentication_error": BAD_CREDENTIALS,
    "invalid_api_key": BAD_CREDENTIALS,
    "no_db_connection": BAD_CREDENTIALS,  # LiteLLM, of any key but its own when it keeps no others
    "permission_error": NOT_ALLOWED,
    MODEL: UNKNOWN_MODEL,
    "not_found_error": UNKNOWN_MODEL,
    "NotFoundError": UNKNOWN_MODEL,
    "insufficient_quota": OVERLOADED,
    "rate_limit_error": OVERLOADED,
    "rate_limit_exceeded": OVERLOADED,
    "overloaded_error": UNREACHABLE,
    "service_unavailable_error": UNREACHABLE,
    "unavailable_error": UNREACHABLE,
    "timeout_error": TOO_LATE,
    "api_error": FAILED,
    "internal_server_error": FAILED,
    "InternalServerError": FAILED,
    "server_error": FAILED,
    "not_supported_error": NOT_THE_PROTOCOL,
}


_STATUS_WORDS = frozenset(map(str, range(HTTPStatus.BAD_REQUEST, 600)))


def row_of_status(status: int) -> ForeignError:
    """Classify a status that is not 200; one that makes no sense here is MALFORMED."""
    row = STATUS.get(status)
    if row is not None:
        return row
    server_side = HTTPStatus.INTERNAL_SERVER_ERROR <= status <= 599  # noqa: PLR2004 - the class 5xx
    return FAILED if server_side else NOT_THE_PROTOCOL


def row_of_names(names: tuple[object, ...]) -> ForeignError | None:
    """Classify an error object by the first of its names that is known, else by a status in it.

    LiteLLM writes the status as a string.
    """
    for name in names:
        if isinstance(name, str) and name in NAMED:
            return NAMED[name]
    for name in names:
        status = int(name) if isinstance(name, str) and name in _STATUS_WORDS else name
        if isinstance(status, int) and status >= HTTPStatus.BAD_REQUEST:
            return row_of_status(status)
    return None


def fault_of_status(
    endpoint: Endpoint, status: int, names: tuple[object, ...] = (), hint: Hint = NO_HINT
) -> Fault:
    """Classify a refused call.

    The names in the body refine 400, 404 and 422, which servers use for much; of a 500 only its
    words count, since some servers call a caller's mistake their own. Any other status speaks for
    itself.
    """
    row = row_of_status(status)
    if status in {400, 404, 422}:
        row = row_of_names(names) or row
    elif status == HTTPStatus.INTERNAL_SERVER_ERROR:
        row = row_of_names(tuple(name for name in names if name in {CONTEXT, PARAMETERS})) or row
    return row.fault(endpoint, hint)


def fault_of_names(endpoint: Endpoint, names: tuple[object, ...]) -> Fault:
    """Classify an error object that came with status 200, in a stream or instead of an answer."""
    return (row_of_names(names) or FAILED).fault(endpoint)


def retry_after(value: str | None, wall_now: float) -> Hint:
    """Read a Retry-After header (RFC 9110 §10.2.3): seconds or a date.

    `wall_now` is the time of day in seconds since the epoch; a date in the past means now.
    """
    if value is None:
        return NO_HINT
    try:
        return hint_of(float(value))
    except ValueError:
        pass
    try:
        return hint_of(max(0.0, parsedate_to_datetime(value).timestamp() - wall_now))
    except (ValueError, OverflowError):
        return NO_HINT
