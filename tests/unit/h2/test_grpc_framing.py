"""Messages within a body: whole, in pieces, compressed, too long and broken."""

from __future__ import annotations

import gzip
import zlib
from itertools import pairwise
from struct import pack

import pytest

pytest.importorskip("hypothesis")

from hypothesis import given
from hypothesis import strategies as st

from gateway.h2.grpc.framing import GZIP, HEAD_BYTES, MessageReader, Packed, compressed, framed
from gateway.h2.grpc.status import CallError, Code

MOST = 1000
MESSAGES = st.lists(st.binary(max_size=60), max_size=6)
CUTS = st.lists(st.integers(0, 500), max_size=12)


def read(body: bytes, *, most: int = MOST, encoding: bytes = GZIP) -> list[bytes]:
    reader = MessageReader(most, encoding)
    return [reader.unpacked(message) for message in reader.feed(body)]


def raw(flags: int, message: bytes, length: int | None = None) -> bytes:
    return pack(">BL", flags, len(message) if length is None else length) + message


def fault(body: bytes, *, most: int = MOST, encoding: bytes = GZIP) -> CallError:
    with pytest.raises(CallError) as error:
        read(body, most=most, encoding=encoding)
    return error.value


@given(MESSAGES, CUTS, st.booleans())
def test_messages_are_the_same_however_their_bytes_are_cut(
    messages: list[bytes], cuts: list[int], packed: bool
) -> None:
    write = compressed if packed else framed
    body = b"".join(map(write, messages))
    reader, found = MessageReader(MOST, GZIP), list[bytes]()
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    for start, stop in pairwise(edges):
        found += map(reader.unpacked, reader.feed(body[start:stop]))
    assert found == messages
    assert reader.held == 0


@given(MESSAGES, st.binary(min_size=1, max_size=60))
def test_what_waits_for_its_rest_is_counted_byte_by_byte(
    messages: list[bytes], last: bytes
) -> None:
    body = b"".join(map(framed, messages))
    whole = framed(last)
    reader, found = MessageReader(MOST), list[bytes]()
    for at in range(len(body)):
        found += reader.feed(body[at : at + 1])
    for at in range(len(whole) - 1):
        assert reader.feed(whole[at : at + 1]) == []
        assert reader.held == at + 1
    assert reader.feed(whole[-1:]) == [last]
    assert (found, reader.held) == (messages, 0)


def test_a_message_may_be_empty() -> None:
    assert read(framed(b"") + framed(b"")) == [b"", b""]
    assert read(compressed(b"")) == [b""]


@pytest.mark.parametrize("flags", [2, 3, 128, 254, 255])
def test_unknown_flags_end_the_call(flags: int) -> None:
    assert fault(raw(flags, b"x")).code is Code.INTERNAL


def test_a_compressed_message_without_an_encoding_ends_the_call() -> None:
    """gRPC, "Compression": the flag without `grpc-encoding` is INTERNAL."""
    assert fault(compressed(b"x"), encoding=b"identity").code is Code.INTERNAL


def test_a_message_that_says_that_it_is_not_compressed_is_taken_as_it_is() -> None:
    assert read(framed(gzip.compress(b"x"))) == [gzip.compress(b"x")]


def test_a_message_may_be_exactly_as_long_as_is_taken() -> None:
    assert read(framed(bytes(MOST))) == [bytes(MOST)]
    assert read(compressed(bytes(MOST))) == [bytes(MOST)]


def test_a_message_that_is_longer_is_refused_by_its_head_alone() -> None:
    error = fault(raw(0, b"", MOST + 1))
    assert (error.code, error.too_large) == (Code.RESOURCE_EXHAUSTED, True)
    assert "Received message larger than max (1001 vs. 1000)" in error.message


def test_the_longest_length_there_is_takes_no_room() -> None:
    assert fault(b"\0\xff\xff\xff\xff").too_large


@pytest.mark.parametrize("length", [MOST + 1, 50 * 2**20])
def test_a_bomb_is_refused_where_it_passes_what_is_taken(length: int) -> None:
    error = fault(compressed(bytes(length)), most=MOST if length < 2000 else 2**20)
    assert (error.code, error.too_large) == (Code.RESOURCE_EXHAUSTED, True)


def test_bombs_that_wait_to_be_read_are_as_long_as_they_were_sent() -> None:
    """A window of 256 KB of them would be 256 MB of messages that nobody has read."""
    bomb = compressed(bytes(2**20))
    reader = MessageReader(2**20, GZIP)
    waiting = reader.feed(bomb * 20)
    assert sum(map(len, waiting)) == 20 * (len(bomb) - HEAD_BYTES)
    assert {type(message) for message in waiting} == {Packed}
    assert reader.unpacked(waiting[0]) == bytes(2**20)


@given(st.data())
def test_a_compressed_message_that_is_cut_anywhere_ends_the_call(data: st.DataObject) -> None:
    packed = gzip.compress(b"some words " * 9)
    cut = data.draw(st.integers(0, len(packed) - 1))
    assert fault(raw(1, packed[:cut])).code is Code.INTERNAL


@pytest.mark.parametrize(
    "packed",
    [
        b"no gzip at all",
        zlib.compress(b"another format"),
        gzip.compress(b"x")[:-8] + bytes(8),
        gzip.compress(b"x") + b"more",
        gzip.compress(b"x") + gzip.compress(b"y"),
    ],
    ids=["none", "zlib", "wrong sum", "more behind it", "two"],
)
def test_a_compressed_message_that_is_none_ends_the_call(packed: bytes) -> None:
    """What is behind its end would be lost without a word."""
    assert fault(raw(1, packed)).code is Code.INTERNAL


def test_the_words_name_who_reads() -> None:
    with pytest.raises(CallError, match="CLIENT: Received message larger than max"):
        MessageReader(1, side="CLIENT").feed(framed(b"xx"))


@pytest.mark.parametrize("cut", range(1, HEAD_BYTES))
def test_a_head_in_two_pieces_is_a_head(cut: int) -> None:
    reader = MessageReader(MOST)
    assert reader.feed(framed(b"abc")[:cut]) == []
    assert reader.feed(b"") == []
    assert reader.feed(framed(b"abc")[cut:]) == [b"abc"]
