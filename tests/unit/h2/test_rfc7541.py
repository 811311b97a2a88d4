"""RFC 7541, rule by rule, as it is read before and after our table size 0 is acknowledged."""

from __future__ import annotations

import pytest

from gateway.h2.codes import ErrorCode, PeerError
from gateway.h2.limits import Limits
from gateway.h2.reading import BlockReader, FieldCache
from gateway.h2.static_table import LAST, STATIC
from gateway.h2.writing import KEPT_BYTES, NO_TABLE, block, field
from tests.unit.h2.cases_hpack import CASES, REQUESTS, RESPONSES, Blocks, Fields


def _named(case: Blocks) -> str:
    return f"{case.section} {case.what}"


def _read(reader: BlockReader, sent: str) -> Fields | None:
    try:
        return reader.read(bytes.fromhex(sent)).fields
    except PeerError as error:
        assert error.code is ErrorCode.COMPRESSION_ERROR
        return None


@pytest.mark.parametrize("case", CASES, ids=_named)
def test_blocks_are_read_as_the_rfc_says_before_the_acknowledgement(case: Blocks) -> None:
    reader = BlockReader(FieldCache(), Limits())
    assert tuple(_read(reader, sent) for sent in case.sent) == case.before


@pytest.mark.parametrize("case", CASES, ids=_named)
def test_blocks_stand_for_themselves_after_the_acknowledgement(case: Blocks) -> None:
    expected = case.before if case.after is None else case.after
    for sent, fields in zip(case.sent, expected, strict=True):
        reader = BlockReader(FieldCache(), Limits())
        reader.acknowledged()
        assert _read(reader, sent) == fields
        # What was remembered means the same.
        assert _read(reader, sent) == fields
        assert _read(reader, sent) == fields


def test_a_table_that_holds_something_must_be_emptied_after_the_acknowledgement() -> None:
    """RFC 9113 §4.3.1: the next block begins with a change to size 0, or the connection ends."""
    for sent, expected in (("82", None), ("2082", ((b":method", b"GET"),))):
        reader = BlockReader(FieldCache(), Limits())
        reader.read(bytes.fromhex("4001610162"))
        reader.acknowledged()
        assert _read(reader, sent) == expected


def test_a_table_that_holds_nothing_need_not_be_emptied() -> None:
    reader = BlockReader(FieldCache(), Limits())
    reader.read(bytes.fromhex("20" + "4001610162"))
    reader.acknowledged()
    assert _read(reader, "82") == ((b":method", b"GET"),)
    assert _read(reader, "be") is None


@pytest.mark.parametrize("index", range(1, LAST + 1))
def test_every_field_of_the_static_table_is_read_and_written_by_its_index(index: int) -> None:
    name, value = STATIC[index]
    sent = bytes((0x80 | index,))
    reader = BlockReader(FieldCache(), Limits())
    assert reader.read(sent).fields == ((name, value),)
    reader.acknowledged()
    assert reader.read(sent).fields == ((name, value),)
    assert field(name, value) == sent


@pytest.mark.parametrize("fields", [*REQUESTS, *RESPONSES])
def test_what_we_write_is_read_the_same_in_both_ways(fields: Fields) -> None:
    reader = BlockReader(FieldCache(), Limits())
    sent = NO_TABLE + block(fields)
    assert reader.read(sent).fields == fields
    reader.acknowledged()
    assert reader.read(sent).fields == fields


@pytest.mark.parametrize("size", [0, 1, 126, 127, 128, 254, 255, KEPT_BYTES + 1, 16_383, 30_000])
def test_lengths_are_written_as_numbers_of_any_size(size: int) -> None:
    fields = ((b"n" * max(1, size // 9), b"v" * size),)
    reader = BlockReader(FieldCache(), Limits(fields=2**20))
    assert reader.read(block(fields)).fields == fields
    reader.acknowledged()
    assert reader.read(block(fields)).fields == fields


@pytest.mark.parametrize(
    ("name", "sent"), [(b"authorization", "1f08"), (b"accept-charset", "1f00"), (b":status", "18")]
)
def test_a_secret_is_marked_as_never_to_be_indexed(name: bytes, sent: str) -> None:
    """RFC 7541 §6.2.3 and §7.1.3; even where a table has the whole field."""
    written = block(((name, b"200"),), frozenset({name}))
    assert written == bytes.fromhex(sent) + b"\x03200"


def test_a_secret_of_a_new_name_is_marked_too() -> None:
    assert block(((b"k", b"v"),), frozenset({b"k"})) == b"\x10\x01k\x01v"
