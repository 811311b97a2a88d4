"""The field that a fault is about, as the caller of this API calls it."""

from __future__ import annotations

from gateway.core.faults import Fault, Reason
from gateway.core.hole import Request
from gateway.ingress.openai.extension import NAME
from gateway.ingress.openai.wanted import FORMAT

SCHEMA = f"{FORMAT}.json_schema.schema"
_OWN = {"prompt": "messages", "chat.tools": "tools", "chat.tool_choice": "tool_choice"}
_SAMPLING = "sampling."
_SELECTED = frozenset({Reason.UNKNOWN_ENDPOINT, Reason.UNKNOWN_PIPELINE})
_EXTENDED = (
    "budget",
    "constraints",
    "endpoint_filter",
    "hole",
    "n",
    "objective",
    "pipeline",
    "request_id",
    "strategy",
)


def named(fault: Fault, request: Request | None) -> tuple[str, str | None]:
    """Return the words of a fault and the first field it names, None for what is no field.

    `request` is what the core worked on, None where it came to none: then the fields are the
    caller's own already.
    """
    words, param = fault.message, None
    if request is None and fault.reason in _SELECTED:
        return words, "model"
    for violation in fault.violations:
        field = violation.field if request is None else _own_name(violation.field, request)
        if field is None:
            continue
        words = words.replace(f"{violation.field}: ", f"{field}: ", 1)
        param = param or field
    return words, param or None


def _own_name(field: str, request: Request) -> str | None:
    if request.chat is not None and field in _OWN:
        return _OWN[field]
    if field in {"prompt", "suffix"}:
        return field
    if field.startswith(_SAMPLING):
        return field.removeprefix(_SAMPLING)
    place, constraints = len(request.hole.constraints) - 1, request.hole.constraints
    if constraints and constraints[place].name == FORMAT:
        path = f"constraints[{place}]"
        if field == path or field.startswith(f"{path}."):
            return SCHEMA
    head = field.partition(".")[0].partition("[")[0]
    return f"{NAME}.{field}" if head in _EXTENDED else None
