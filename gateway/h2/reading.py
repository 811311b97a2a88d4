"""Header blocks into fields (RFC 7541).

Until the peer has acknowledged that our table has size 0, the `hpack` library reads them, with all
the state of the connection that this takes. From then on each field stands for itself: the same
bytes are the same field, whatever came before, and are looked up instead of read. What is not
known is read by itself: Huffman codes by the library.
"""

from __future__ import annotations

from typing import NamedTuple

from hpack import Decoder, HPACKError
from hpack.exceptions import OversizedHeaderListError
from hpack.huffman_table import decode_huffman

from gateway.h2.codes import ErrorCode, PeerError
from gateway.h2.limits import LimitError, Limits
from gateway.h2.rules import (
    AUTHORITY,
    HOST,
    LENGTH,
    MALFORMED,
    PSEUDO,
    REGULAR,
    Field,
    classified,
    fault_of_hosts,
)
from gateway.h2.static_table import LAST, STATIC
from gateway.h2.writing import NO_TABLE

_STATIC = tuple(classified(name, value) for name, value in STATIC)
_INDEXED, _INDEXING, _RESIZED, _NEVER = 0x80, 0x40, 0x20, 0x10
_RESIZED_BITS, _KIND = 0xE0, 0xF0
"""The first bits of each way to write a field (RFC 7541 §6)."""

FAR = 4
"""So many times what is allowed is no mistake any more."""

_CONTINUED = 0x7F
_HUFFMAN = 0x80
_MOST_DIGITS = 5
"""Bytes of a number after its first, as many as the library takes; more than any length needs."""


class FieldCache:
    """Fields and whole blocks by their bytes, shared by connections of one listener or client.

    Bounded: when it is full it starts anew. `volatile` names fields that differ from request to
    request, which would only push the others out. What the peer marked as never to be indexed, for
    being secret, is not kept (RFC 7541 §7.1.3).
    """

    def __init__(
        self, most: int = 4096, longest: int = 256, volatile: frozenset[bytes] = frozenset()
    ) -> None:
        self.known: dict[bytes, Field] = {}
        self.blocks: dict[bytes, Block] = {}
        self._most = most
        self._longest = longest
        self._volatile = volatile
        self._most_blocks, self._longest_block = most // 8, 4 * longest

    def keep(self, raw: bytes, found: Field) -> None:
        """Remember a field, if it is worth it."""
        secret = raw[0] & _KIND == _NEVER
        if secret or len(raw) > self._longest or found.pair[0] in self._volatile:
            return
        if len(self.known) >= self._most:
            self.known.clear()
        self.known[raw] = found

    def keep_block(self, raw: bytes, block: Block) -> None:
        """Remember a block of which every field was known: it is likely to come again."""
        if len(raw) > self._longest_block:
            return
        if len(self.blocks) >= self._most_blocks:
            self.blocks.clear()
        self.blocks[raw] = block


class Block(NamedTuple):
    """A header block as it was read.

    `seen`: the pseudo-fields it has, as bits of `rules`; `length`: its content-length, -1 without
    one; `malformed`: why it may not be, in words, or nothing. `too_long`: it has more than the
    limits allow, and is not whole.
    """

    fields: tuple[tuple[bytes, bytes], ...]
    seen: int
    length: int
    malformed: str
    too_long: bool = False


class BlockReader:
    """Reads the header blocks of one connection, in the order in which they come."""

    def __init__(self, cache: FieldCache, limits: Limits) -> None:
        self._cache = cache
        self._most = limits.fields
        self._most_fields = limits.field_count
        # What is over the limit is an error of a stream; what is far over it ends the connection.
        self._flood = FAR * limits.field_count
        self._decoder: Decoder | None = Decoder(FAR * limits.fields + limits.header_block)
        self._acknowledged = False

    def acknowledged(self) -> None:
        """The peer has taken in that our table has size 0."""
        self._acknowledged = True

    def read(self, raw: bytes) -> Block:
        """Read one block. Raises PeerError for what cannot be read: the connection must end."""
        if self._decoder is not None:
            if not self._acknowledged:
                return self._checked(self._stateful(raw, self._decoder))
            if self._decoder.header_table.dynamic_entries and raw[:1] != NO_TABLE:
                # It must begin with emptying its own (RFC 9113 §4.3.1).
                raise _broken()
            self._decoder = None
        block = self._cache.blocks.get(raw)
        if block is None:
            found, known = self._by_itself(raw)
            block = self._checked(found)
            if known:
                self._cache.keep_block(raw, block)
        return block

    def _stateful(self, raw: bytes, decoder: Decoder) -> list[Field]:
        try:
            pairs = decoder.decode(raw, raw=True)
        except OversizedHeaderListError:
            raise LimitError("fields") from None
        except (HPACKError, IndexError, ValueError):
            raise _broken() from None
        return [classified(bytes(pair[0]), bytes(pair[1])) for pair in pairs]

    def _by_itself(self, raw: bytes) -> tuple[list[Field], bool]:
        """Read a block of which every field stands for itself; say whether all were known."""
        known, found = self._cache.known, list[Field]()
        at, end, all_known, room, flood = _resized(raw), len(raw), True, self._most, self._flood
        try:
            while at < end and len(found) <= flood:
                first = raw[at]
                if first & _INDEXED:
                    if not _INDEXED < first <= _INDEXED + LAST:
                        # 0, or a place in a table that has none.
                        raise _broken()
                    found.append(_STATIC[first - _INDEXED])
                    at += 1
                    continue
                start, at = at, _past(raw, at)
                part = raw[start:at]
                field = known.get(part)
                if field is None:
                    all_known = False
                    if room < 0:
                        # Too long already, and nothing depends on it: not worth decoding.
                        continue
                    field = _literal(part)
                    room -= field.size
                    self._cache.keep(part, field)
                found.append(field)
        except IndexError:
            raise _broken() from None
        if at > end:
            raise _broken()
        if at < end:
            raise LimitError("fields")
        return found, all_known

    def _checked(self, found: list[Field]) -> Block:
        """Hold the fields of a block against the rules that take more than one of them."""
        if len(found) > self._most_fields:
            return Block((), 0, -1, "", too_long=True)
        seen = size = kinds = 0
        length, malformed, regular = -1, "", False
        for pair, kind, counts in found:
            size += counts
            if kind == REGULAR:
                regular = True
                continue
            if kind & PSEUDO:
                if regular or seen & kind:
                    malformed = "a pseudo-field comes twice or after a regular one"
                seen |= kind
                continue
            regular = True
            kinds |= kind
            if kind == LENGTH:
                number = int(pair[1])
                if length not in {-1, number}:
                    malformed = "two lengths of the content"
                length = number
        fields = tuple([field.pair for field in found])
        if kinds & MALFORMED:
            malformed = "a field that no message may have"
        elif kinds & HOST and seen & AUTHORITY:
            malformed = malformed or fault_of_hosts(fields)
        return Block(fields, seen, length, malformed, size > self._most)


def _resized(raw: bytes) -> int:
    """Return the place after the changes of the table's size, to the 0 that it has."""
    at = 0
    while at < len(raw) and raw[at] & _RESIZED_BITS == _RESIZED:
        if raw[at] != _RESIZED:
            raise _broken()
        at += 1
    return at


def _past(raw: bytes, at: int) -> int:
    """Return the place after the literal field at `at`. Raises IndexError where the block ends."""
    first = raw[at]
    if first & _INDEXING:
        most = 0x3F
    elif first & _RESIZED:
        # A change of the table's size, which only the beginning of a block may have.
        raise _broken()
    else:
        most = 0x0F
    name = first & most
    at += 1
    if name == most:
        name, at = _number(raw, at, most)
    if name == 0:
        at = _past_text(raw, at)
    return _past_text(raw, at)


def _past_text(raw: bytes, at: int) -> int:
    length = raw[at] & _CONTINUED
    at += 1
    if length == _CONTINUED:
        length, at = _number(raw, at, _CONTINUED)
    return at + length


def _number(raw: bytes, at: int, number: int) -> tuple[int, int]:
    """Read the rest of a number whose first bits are all set (RFC 7541 §5.1)."""
    for shift in range(_MOST_DIGITS):
        digit = raw[at]
        at += 1
        number += (digit & _CONTINUED) << 7 * shift
        if not digit & _HUFFMAN:
            return number, at
    raise _broken()


def _literal(part: bytes) -> Field:
    """Read one literal field, which `part` is the whole of."""
    first = part[0]
    most = 0x3F if first & _INDEXING else 0x0F
    index, at = first & most, 1
    if index == most:
        index, at = _number(part, at, most)
    if index > LAST:
        raise _broken()
    if index:
        name = STATIC[index][0]
    else:
        name, at = _text(part, at)
    value, at = _text(part, at)
    return classified(name, value)


def _text(part: bytes, at: int) -> tuple[bytes, int]:
    coded = part[at] & _HUFFMAN
    length = part[at] & _CONTINUED
    at += 1
    if length == _CONTINUED:
        length, at = _number(part, at, _CONTINUED)
    end = at + length
    if end > len(part):
        raise _broken()
    text = part[at:end]
    if coded:
        try:
            text = decode_huffman(text)
        except HPACKError:
            raise _broken() from None
    return text, end


def _broken() -> PeerError:
    return PeerError(ErrorCode.COMPRESSION_ERROR, "a header block cannot be read")
