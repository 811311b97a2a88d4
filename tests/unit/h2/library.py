"""Header blocks as the `hpack` library reads them with a table of size 0, beside ours."""

from __future__ import annotations

from hpack import Decoder, HPACKError

from gateway.h2.codes import ErrorCode, PeerError
from gateway.h2.reading import BlockReader

Fields = tuple[tuple[bytes, bytes], ...]


def stripped(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """Take spaces and tabs off the ends of a value, as our reader does (docs/h2.md)."""
    return name, value if name[:1] == b":" else value.strip(b" \t")


def library_read(raw: bytes) -> Fields | None:
    """Read a block that stands for itself; None where it cannot be read."""
    decoder = Decoder(2**30)
    decoder.header_table_size = decoder.max_allowed_table_size = 0
    try:
        found = decoder.decode(raw, raw=True)
        return tuple(stripped(bytes(name), bytes(value)) for name, value in found)
    except HPACKError:
        return None


def read(reader: BlockReader, raw: bytes) -> Fields | None:
    """Read a block with ours; None where it cannot be read."""
    try:
        found = reader.read(raw)
    except PeerError as error:
        assert error.code is ErrorCode.COMPRESSION_ERROR
        return None
    assert not found.too_long
    return found.fields
