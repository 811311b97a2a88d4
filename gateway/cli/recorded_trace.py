"""A traced request in a file: the request as it was sent, and what came of it.

The gateway keeps no more of a prompt than its policy lets it; whoever sent it has it, and may write
it down to run it again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.cli.exits import Exit, fail

if TYPE_CHECKING:
    from ensemble.v1 import gateway_service_pb2 as pb

FILE_VERSION = 1
VERSION, REQUEST, RESULT = "trace_file_version", "request", "result"


def write_recorded(file: Path, request: pb.GenerateRequest, result: pb.TraceResponse) -> None:
    """Write a traced request. Ends with exit code 1 when the file cannot be written."""
    from google.protobuf.json_format import MessageToDict

    document = {
        VERSION: FILE_VERSION,
        REQUEST: MessageToDict(request, preserving_proto_field_name=True),
        RESULT: MessageToDict(result, preserving_proto_field_name=True),
    }
    try:
        file.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", "utf-8")
    except OSError as error:
        fail(f"{file} cannot be written: {error.strerror}", Exit.FAILED)


def read_recorded(file: Path) -> tuple[pb.GenerateRequest, pb.TraceResponse]:
    """Read a traced request. Ends with exit code 2 when the file is none."""
    from ensemble.v1 import gateway_service_pb2
    from google.protobuf.json_format import ParseDict, ParseError

    try:
        document: Any = json.loads(file.read_text(encoding="utf-8"))
        version = document[VERSION]
        if version != FILE_VERSION:
            fail(f"{file} is of version {version}; this reads {FILE_VERSION}", Exit.USAGE)
        # A newer gateway may have told more than is known here.
        request = ParseDict(document[REQUEST], gateway_service_pb2.GenerateRequest())
        result = ParseDict(
            document[RESULT], gateway_service_pb2.TraceResponse(), ignore_unknown_fields=True
        )
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}", Exit.USAGE)
    except (ValueError, KeyError, TypeError, ParseError):
        fail(f"{file} was not written by `ensemble trace --save`", Exit.USAGE)
    return request, result
