"""Metadata as fields: ASCII, or bytes in base64 under names that end in `-bin`."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Iterable

from gateway.h2.grpc.status import Metadata

BINARY = b"-bin"
_RESERVED = frozenset(
    {
        b"te",
        b"content-type",
        b"content-length",
        b"grpc-status",
        b"grpc-message",
        b"grpc-encoding",
        b"grpc-accept-encoding",
        b"grpc-timeout",
        b"grpc-message-type",
    }
)
"""What is the protocol's. Other names that begin with `grpc-` are handed on: details of a status,
pushback, and how often a call was tried before."""
_UNSENT = _RESERVED - {b"grpc-accept-encoding"}
"""What no metadata may be called; the exception goes out with the refusal of another encoding."""

_NAME = re.compile(rb"[0-9a-z_.-]+")


def metadata_of(fields: Iterable[tuple[bytes, bytes]]) -> Metadata:
    """Read what is the application's among fields; unreadable binary values are left out."""
    found: list[tuple[str, str | bytes]] = []
    for name, value in fields:
        if name[:1] == b":" or name in _RESERVED:
            continue
        if name.endswith(BINARY):
            found += _decoded(name, value)
        else:
            found.append((name.decode("ascii", "replace"), value.decode("latin-1")))
    return tuple(found)


def fields_of(metadata: Iterable[tuple[str, str | bytes]]) -> list[tuple[bytes, bytes]]:
    """Write metadata. Raises ValueError for what no field may hold, and for names not its own."""
    fields: list[tuple[bytes, bytes]] = []
    for key, value in metadata:
        name = key.encode("ascii")
        if name in _UNSENT or not _NAME.fullmatch(name):
            raise ValueError(f"metadata {key!r} is no name that an application may use")
        if name.endswith(BINARY):
            raw = value.encode() if isinstance(value, str) else value
            fields.append((name, b64encode(raw).rstrip(b"=")))
            continue
        text = value.encode("latin-1") if isinstance(value, str) else value
        if not text.isascii() or not text.decode().isprintable():
            raise ValueError(f"metadata {key!r} holds more than printable ASCII; use a -bin key")
        fields.append((name, text.strip(b" ")))
    return fields


def _decoded(name: bytes, value: bytes) -> list[tuple[str, str | bytes]]:
    """Read a value of bytes, or several that a peer has put together with commas."""
    key, found = name.decode("ascii", "replace"), list[tuple[str, str | bytes]]()
    for each in value.split(b","):
        part = each.strip(b" \t")
        padded = part + b"=" * (-len(part) % 4)
        try:
            found.append((key, b64decode(padded, validate=True)))
        except (Error, ValueError):
            continue
    return found
