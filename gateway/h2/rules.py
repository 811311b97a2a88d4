"""Which fields a message may have (RFC 9113 §8.2 and §8.3), decided once for each field."""

from __future__ import annotations

import re
from typing import NamedTuple

REGULAR, METHOD, SCHEME, PATH, AUTHORITY, STATUS = 0, 1, 2, 4, 8, 16
MALFORMED, LENGTH, HOST = 32, 64, 128
"""What a field is; `LENGTH` and `HOST` are the only regular fields that are read here."""

PSEUDO = METHOD | SCHEME | PATH | AUTHORITY | STATUS
_REQUIRED = METHOD | SCHEME | PATH

_PSEUDO_BY_NAME = {
    b":method": (METHOD, re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")),
    b":scheme": (SCHEME, re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*")),
    b":path": (PATH, re.compile(rb"/[^\0- \x7f]*|\*")),
    b":authority": (AUTHORITY, re.compile(rb"[^\0- \x7f@]*")),
    b":status": (STATUS, re.compile(rb"[1-9][0-9]{2}")),
}
"""Each with the values that it may have: what stands between the parts of a request in HTTP/1 must
not be in one, or it becomes two where it is translated (RFC 9113 §10.3)."""
_OF_CONNECTION = frozenset(
    {b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade"}
)
_BAD_IN_NAME = bytes((*range(0x21), *range(0x41, 0x5B), *range(0x7F, 0x100)))
_BAD_IN_VALUE = b"\0\r\n"
_COLON = b":"
OVERHEAD = 32
"""What each field counts for beside its bytes (RFC 9113 §6.5.2)."""


class Field(NamedTuple):
    """One field as it was read, with what it is and what it counts for."""

    pair: tuple[bytes, bytes]
    kind: int
    size: int


def classified(name: bytes, value: bytes) -> Field:
    """Say what a field is; MALFORMED for what no message may have.

    Spaces and tabs at the ends of a value are taken off, but for those of pseudo-fields: RFC 9113
    §8.2.1 has no message with them, but gRPC's own clients send what their callers give them.
    """
    size = len(name) + len(value) + OVERHEAD
    if name[:1] != _COLON:
        value = value.strip(b" \t")
    return Field((name, value), _kind(name, value), size)


def _kind(name: bytes, value: bytes) -> int:
    if _contains(value, _BAD_IN_VALUE):
        return MALFORMED
    if name[:1] == _COLON:
        kind, values = _PSEUDO_BY_NAME.get(name, (MALFORMED, _ANY))
        return kind if values.fullmatch(value) else MALFORMED
    if not name or _contains(name, _BAD_IN_NAME) or _COLON in name or name in _OF_CONNECTION:
        return MALFORMED
    if name == b"te" and value != b"trailers":
        return MALFORMED
    if name == b"content-length":
        return LENGTH if value.isdigit() and len(value) < _LONGEST_NUMBER else MALFORMED
    return HOST if name == b"host" else REGULAR


_LONGEST_NUMBER = 19
_ANY = re.compile(rb"")


def _contains(text: bytes, bad: bytes) -> bool:
    """Say whether a text has one of these bytes."""
    return len(text.translate(None, bad)) != len(text)


def fault_of_request(seen: int, method: bytes) -> str:
    """Say what is wrong with the pseudo-fields of a request; nothing when they are right."""
    if seen & STATUS:
        return "a request with :status"
    if method == b"CONNECT":
        wrong = seen & (SCHEME | PATH) or not seen & AUTHORITY
        return "a CONNECT has :authority and neither :scheme nor :path" if wrong else ""
    if seen & _REQUIRED != _REQUIRED:
        return "a request without :method, :scheme or :path"
    return ""


def fault_of_response(seen: int) -> str:
    """Say what is wrong with the pseudo-fields of a response; nothing when they are right."""
    return "" if seen == STATUS else "a response has :status and no other pseudo-field"


def fault_of_hosts(fields: tuple[tuple[bytes, bytes], ...]) -> str:
    """Say whether a host differs from the :authority, where there are both."""
    authority, *others = (
        value.lower().removesuffix(b":443").removesuffix(b":80")
        for wanted in (b":authority", b"host")
        for name, value in fields
        if name == wanted
    )
    return "host differs from :authority" if any(host != authority for host in others) else ""
