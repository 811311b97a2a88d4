"""Why a gRPC call failed, in one word for counting."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from ensemble_loadtest.protobuf_fields import fields

CODES = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
    "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED",
    "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
)  # fmt: skip
DETAILS = "grpc-status-details-bin"
ERROR_INFO = b"google.rpc.ErrorInfo"
DETAIL_FIELD, TYPE_FIELD, VALUE_FIELD, REASON_FIELD = 3, 1, 2, 1


def reason_of(trailers: Mapping[str, str]) -> str:
    """Return `` for OK, else the code and behind it the reason of ErrorInfo, where there is one."""
    status = trailers.get("grpc-status")
    if status is None:
        http = trailers.get(":status", "200")
        return "NO_GRPC_STATUS" if http == "200" else f"HTTP_{http}"
    if status == "0":
        return ""
    number = int(status) if status.isdecimal() else len(CODES)
    code = CODES[number] if number < len(CODES) else f"CODE_{status}"
    info = _error_info(trailers.get(DETAILS, ""))
    return f"{code} {info}" if info else code


def _error_info(coded: str) -> str:
    try:
        status = base64.b64decode(coded + "=" * (-len(coded) % 4))
    except binascii.Error:
        return ""
    for number, detail in fields(status):
        if number != DETAIL_FIELD or not isinstance(detail, bytes):
            continue
        parts = dict(fields(detail))
        kind, packed = parts.get(TYPE_FIELD), parts.get(VALUE_FIELD)
        if isinstance(kind, bytes) and isinstance(packed, bytes) and kind.endswith(ERROR_INFO):
            reason = dict(fields(packed)).get(REASON_FIELD, b"")
            return reason.decode("ascii", "replace") if isinstance(reason, bytes) else ""
    return ""
