"""Why a tool did not do what was asked: typed, in words, without the caller's texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from ensemble_client import EnsembleError
from pydantic import BaseModel, ValidationError

from gateway.cli.mcp_server.arguments import Arguments
from gateway.cli.mcp_server.route_answers import Attempt, Verdict
from gateway.cli.mcp_server.telling_routes import attempt_of, verdict_of

Asked = TypeVar("Asked", bound=Arguments)

MOST_FIELDS = 10
"""Of each list."""

UNREACHABLE = "GATEWAY_UNREACHABLE"
DEADLINE = "DEADLINE_EXCEEDED"
INVALID = "INVALID_ARGUMENT"
LATE = "the time was over; ask for less, or raise --timeout"


class FieldAtFault(BaseModel):
    """An argument and how to mend it."""

    field: str
    fix: str


class Failure(BaseModel):
    """What the caller is told, as JSON; redacted and cut when it leaves.

    `code` is a gRPC status by name, `reason` the gateway's or one of docs/mcp.md. `verdicts` are
    those of the best candidate that was refused.
    """

    code: str
    reason: str
    message: str
    fields: list[FieldAtFault] = []
    retry_after_s: float | None = None
    request_id: str = ""
    decision_id: str = ""
    trace_id: str = ""
    attempts: list[Attempt] = []
    verdicts: list[Verdict] = []


class Refusal(Exception):
    """Ends a tool's work with a failure that the caller is told."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


def refused(code: str, reason: str, message: str) -> Refusal:
    """Make a refusal of our own."""
    return Refusal(Failure(code=code, reason=reason, message=message))


def late() -> Failure:
    """Say that the deadline was over before there was an answer."""
    return Failure(code=DEADLINE, reason=DEADLINE, message=LATE)


def read(kind: type[Asked], given: Mapping[str, object]) -> Asked:
    """Check arguments; raises Refusal that names each one at fault and how to mend it."""
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
    known = ", ".join(kind.model_fields) or "nothing"
    fields = [
        _at_fault(".".join(map(str, one["loc"])), one["type"], one["msg"], known)
        for one in found[:MOST_FIELDS]
    ]
    words = "; ".join(f"{one.field}: {one.fix}" for one in fields)
    failure = Failure(code=INVALID, reason="INVALID_FIELD", message=words, fields=fields)
    raise Refusal(failure) from None


def _at_fault(name: str, kind: str, message: str, known: str) -> FieldAtFault:
    if kind == "extra_forbidden":
        message = f"is no argument of this tool, which takes {known}; leave it out"
    elif kind == "missing":
        message = "is required; give it"
    else:
        message = message.replace("Input should", "should", 1)
    return FieldAtFault(field=name, fix=message)


def failure_of(error: EnsembleError, kind: type[Arguments]) -> Failure:
    """Say what the gateway said, or that it did not answer; fields by the names of the tool's."""
    code, reason, message = error.code.name, error.reason, error.message
    best = error.best_candidate
    if not reason and code == "UNAVAILABLE":
        reason = UNREACHABLE
        message = f"no gateway answers ({message}); see that it runs, and --target"
    elif not reason and code == DEADLINE:
        reason, message = DEADLINE, LATE
    return Failure(
        code=code,
        reason=reason or code,
        message=message,
        fields=[
            FieldAtFault(field=argument_of(one.field, kind), fix=one.description)
            for one in error.violations[:MOST_FIELDS]
        ],
        retry_after_s=error.retry_after,
        request_id=error.request_id,
        decision_id=error.decision_id,
        trace_id=error.trace_id,
        attempts=[attempt_of(one) for one in error.attempts[:MOST_FIELDS]],
        verdicts=[verdict_of(one) for one in best.verdicts[:MOST_FIELDS]] if best else [],
    )


def argument_of(path: str, kind: type[Arguments]) -> str:
    """Find the tool's argument that a path of the contract is about; else the path."""
    parts = re.split(r"[.\[\]]+", path)
    return next((part for part in parts if part in kind.model_fields), path)
