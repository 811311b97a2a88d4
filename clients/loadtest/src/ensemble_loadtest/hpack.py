"""Header blocks of HTTP/2 without state (RFC 7541): literals to write, no dynamic table to read.

The harness asks its peer for a table of size 0, so that every block says all that it means, and the
same block always means the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ensemble_loadtest.faults import UnreachableError

Fields = dict[str, str]

STATUS = ":status"
_STATUSES = ("200", "204", "206", "304", "400", "404", "500")
_FIRST_STATUS = 8
STATIC_SIZE = 61

# Lengths in bits of the codes of the 256 bytes and the end (appendix B), `A` for 5. The code is
# canonical: the lengths say all of it.
_LENGTHS = (
    "ISXXXXXXXTZXXZXXXXXXXXZXXXXXXXXXBFFHIBDGFFDGDBBBAAABBBBBBBCDKBHFIBCCCCCCCCCCCCCCCCCCCCCCDCDIOIJB"
    "KABABABBBACCBBBABCBAABCCCCCKGJIXPRPPRRRSRSSSSSTSTTRSTSSSSQRSRSSTRQPRRSSQSRRTQRSSQQRQSRSSPRRRSRRSVV"
    "PORSRUVVVWWVTUOQVWWVWTQQVVXWWWPTPQRQQSRRUUTTVSVWVVWWWWWXWWWWWVZ"
)


def _codes() -> dict[tuple[int, int], int]:
    """Return the byte of each code, by length and bits."""
    lengths = [ord(letter) - ord("A") + 5 for letter in _LENGTHS]
    code, before = 0, 0
    found: dict[tuple[int, int], int] = {}
    for symbol in sorted(range(len(lengths)), key=lambda one: (lengths[one], one)):
        code <<= lengths[symbol] - before
        before = lengths[symbol]
        found[before, code] = symbol
        code += 1
    return found


_CODES = _codes()


def unhuffman(text: bytes) -> bytes:
    """Decode a string; the padding of ones at its end is no symbol."""
    found = bytearray()
    code = length = 0
    for byte in text:
        for shift in range(7, -1, -1):
            code = code << 1 | byte >> shift & 1
            length += 1
            symbol = _CODES.get((length, code))
            if symbol is not None:
                found.append(symbol)
                code = length = 0
    return bytes(found)


def literals(fields: Iterable[tuple[str, str]]) -> bytes:
    """Write fields that no table is to remember, with no Huffman code (6.2.2)."""
    return b"".join(b"\0" + _string(name) + _string(value) for name, value in fields)


def _string(text: str) -> bytes:
    raw = text.encode("latin-1")
    return _integer(len(raw)) + raw


def _integer(number: int) -> bytes:
    """Write a length with a prefix of seven bits (5.1)."""
    if number < 0x7F:  # noqa: PLR2004 - the prefix is full
        return bytes((number,))
    written = bytearray(b"\x7f")
    number -= 0x7F
    while number >= 0x80:  # noqa: PLR2004 - seven bits a byte
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)


def read_fields(block: bytes) -> Fields:
    """Read a block; raises UnreachableError for one that needs a dynamic table or is broken.

    Fields of the static table other than `:status` are left out: nothing here asks for them.
    """
    found: Fields = {}
    reader = _Reader(block)
    try:
        for name, value in reader.fields():
            found[name] = value
    except IndexError:
        raise UnreachableError("the server's header block is cut off") from None
    found.pop("", None)
    return found


class _Reader:
    """Walks over one block."""

    def __init__(self, block: bytes) -> None:
        self._block = block
        self._at = 0

    def fields(self) -> Iterator[tuple[str, str]]:
        while self._at < len(self._block):
            first = self._block[self._at]
            if first & 0x80:
                yield _static(self._number(7))
            elif first & 0xE0 == 0x20:  # noqa: PLR2004 - a new size of the table, which stays 0
                self._number(5)
            else:
                index = self._number(6 if first & 0x40 else 4)
                name = _static(index)[0] if index else self._text()
                yield name, self._text()

    def _number(self, bits: int) -> int:
        most = (1 << bits) - 1
        number = self._block[self._at] & most
        self._at += 1
        if number < most:
            return number
        shift = 0
        while True:
            byte = self._block[self._at]
            self._at += 1
            number += (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return number

    def _text(self) -> str:
        coded = self._block[self._at] & 0x80
        length = self._number(7)
        raw = self._block[self._at : self._at + length]
        if len(raw) < length:
            raise IndexError
        self._at += length
        return (unhuffman(raw) if coded else raw).decode("latin-1")


def _static(index: int) -> tuple[str, str]:
    if index > STATIC_SIZE:
        raise UnreachableError("the server uses a header table of more than the 0 bytes asked for")
    status = index - _FIRST_STATUS
    return (STATUS, _STATUSES[status]) if 0 <= status < len(_STATUSES) else ("", "")
