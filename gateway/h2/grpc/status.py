"""How a call ends: codes, and what stands for one where a peer sent none."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from urllib.parse import quote_from_bytes, unquote_to_bytes

from gateway.h2.codes import ErrorCode

Metadata = tuple[tuple[str, str | bytes], ...]


class Code(IntEnum):
    """The codes of gRPC."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class CallError(Exception):
    """A call ended with something else than OK.

    `unprocessed`: the peer never looked at it, so that it may be sent again whatever it does;
    `unconnected`: there was no connection to send it on; `too_large`: its message, or the answer's,
    is longer than is taken here.
    """

    def __init__(
        self,
        code: Code,
        message: str,
        trailers: Metadata = (),
        *,
        unprocessed: bool = False,
        unconnected: bool = False,
        too_large: bool = False,
    ) -> None:
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.message = message
        self.trailers = trailers
        self.unprocessed = unprocessed
        self.unconnected = unconnected
        self.too_large = too_large


OF_RESET: Mapping[int, Code] = MappingProxyType(
    {
        ErrorCode.NO_ERROR: Code.INTERNAL,
        ErrorCode.PROTOCOL_ERROR: Code.INTERNAL,
        ErrorCode.INTERNAL_ERROR: Code.INTERNAL,
        ErrorCode.FLOW_CONTROL_ERROR: Code.INTERNAL,
        ErrorCode.SETTINGS_TIMEOUT: Code.INTERNAL,
        ErrorCode.STREAM_CLOSED: Code.UNKNOWN,
        ErrorCode.FRAME_SIZE_ERROR: Code.INTERNAL,
        ErrorCode.REFUSED_STREAM: Code.UNAVAILABLE,
        ErrorCode.CANCEL: Code.CANCELLED,
        ErrorCode.COMPRESSION_ERROR: Code.INTERNAL,
        ErrorCode.CONNECT_ERROR: Code.INTERNAL,
        ErrorCode.ENHANCE_YOUR_CALM: Code.RESOURCE_EXHAUSTED,
        ErrorCode.INADEQUATE_SECURITY: Code.PERMISSION_DENIED,
    }
)
"""What a RST_STREAM stands for (gRPC over HTTP/2, "Errors")."""

OF_HTTP: Mapping[bytes, Code] = MappingProxyType(
    {
        b"400": Code.INTERNAL,
        b"401": Code.UNAUTHENTICATED,
        b"403": Code.PERMISSION_DENIED,
        b"404": Code.UNIMPLEMENTED,
        b"429": Code.UNAVAILABLE,
        b"502": Code.UNAVAILABLE,
        b"503": Code.UNAVAILABLE,
        b"504": Code.UNAVAILABLE,
    }
)
"""What the HTTP status of something that is no gRPC server stands for; else UNKNOWN."""

_KNOWN = {str(int(code)).encode(): code for code in Code}
_UNESCAPED = "".join(map(chr, (*range(0x21, 0x25), *range(0x26, 0x7F))))


def code_of(text: bytes) -> Code:
    """Read `grpc-status`; a number that nobody knows is UNKNOWN."""
    return _KNOWN.get(text, Code.UNKNOWN)


def message_to_field(message: str) -> bytes:
    """Write `grpc-message`: UTF-8 in which all but printable ASCII is percent-encoded.

    So are spaces where some are at the ends, where no field may have any (RFC 9113 §8.2.1).
    """
    plain = message.isascii() and message.isprintable() and "%" not in message
    if plain and message.strip(" ") == message:
        return message.encode()
    return quote_from_bytes(message.encode("utf-8", "replace"), safe=_UNESCAPED).encode()


def message_of_field(value: bytes) -> str:
    """Read `grpc-message`; what is wrong in it is kept as well as it can be."""
    return unquote_to_bytes(value).decode("utf-8", "replace")
