"""Messages within the body of a stream: one byte of flags, four of length, the message."""

from __future__ import annotations

import zlib
from struct import Struct

from gateway.h2.grpc.status import CallError, Code

_HEAD = Struct(">BL")
HEAD_BYTES = 5
COMPRESSED = 1
IDENTITY, GZIP = b"identity", b"gzip"
ACCEPTED = b"identity,gzip"
_GZIP_BITS = 31
"""Tells zlib that there is a gzip header and trailer."""


def framed(message: bytes) -> bytes:
    """Write a message that is not compressed."""
    return _HEAD.pack(0, len(message)) + message


def compressed(message: bytes) -> bytes:
    """Write a message compressed by gzip."""
    packer = zlib.compressobj(wbits=_GZIP_BITS)
    packed = packer.compress(message) + packer.flush()
    return _HEAD.pack(COMPRESSED, len(packed)) + packed


class Packed(bytes):
    """A message as it was sent, compressed; `MessageReader.unpacked` makes it one."""

    __slots__ = ()


class MessageReader:
    """Puts messages together from the pieces of a body.

    `most`: longest message that is taken, as sent and as unpacked; `encoding`: how those are
    compressed that say that they are; `side`: who reads, as grpc's own words have it.
    """

    __slots__ = ("_encoding", "_most", "_need", "_parts", "_side", "held")

    def __init__(self, most: int, encoding: bytes = IDENTITY, side: str = "SERVER") -> None:
        self._most = most
        self._side = side
        self._encoding = encoding
        self._parts: list[bytes] = []
        self._need = HEAD_BYTES
        self.held = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Return the messages that are whole now. Raises CallError for one that may not be.

        Compressed ones are `Packed`, to be unpacked when they are read: many that wait would be a
        thousand times as long as the window that bounds what was sent.

        `held` is how many bytes wait for the rest of theirs: the stream may not end while there are
        any. They are put together once, however many pieces they come in.
        """
        parts = self._parts
        if parts:
            parts.append(data)
            self.held += len(data)
            if self.held < self._need:
                return []
            data = b"".join(parts)
            parts.clear()
        at, end, found = 0, len(data), list[bytes]()
        self._need = HEAD_BYTES
        while end - at >= HEAD_BYTES:
            flags, length = _HEAD.unpack_from(data, at)
            if length > self._most:
                raise self._too_large(f"({length} vs. {self._most})")
            stop = at + HEAD_BYTES + length
            if stop > end:
                self._need = HEAD_BYTES + length
                break
            message = data[at + HEAD_BYTES : stop]
            found.append(message if flags == 0 else self._packed(flags, message))
            at = stop
        self.held = end - at
        if self.held:
            parts.append(data[at:])
        return found

    def _too_large(self, numbers: str) -> CallError:
        # Callers tell it from an overload, which waiting cures, by these words of grpc's.
        words = f"{self._side}: Received message larger than max {numbers}"
        return CallError(Code.RESOURCE_EXHAUSTED, words, too_large=True)

    def _packed(self, flags: int, message: bytes) -> Packed:
        if flags != COMPRESSED:
            raise CallError(Code.INTERNAL, "a message with unknown flags")
        if self._encoding != GZIP:
            raise CallError(Code.INTERNAL, "a compressed message without grpc-encoding: gzip")
        return Packed(message)

    def unpacked(self, message: bytes) -> bytes:
        """Return a message as it was meant. Raises CallError for one that may not be."""
        if type(message) is not Packed:
            return message
        unpacker = zlib.decompressobj(wbits=_GZIP_BITS)
        try:
            # One byte more than may be shows that there is more.
            text = unpacker.decompress(message, self._most + 1)
        except zlib.error:
            raise CallError(Code.INTERNAL, "a compressed message that cannot be read") from None
        if len(text) > self._most:
            raise self._too_large(f"(unpacked, vs. {self._most})")
        if not unpacker.eof or unpacker.unused_data:
            words = "a compressed message that is cut off, or goes on behind its end"
            raise CallError(Code.INTERNAL, words)
        return text
