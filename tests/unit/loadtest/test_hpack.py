from __future__ import annotations

import pytest
from ensemble_loadtest.faults import UnreachableError
from ensemble_loadtest.hpack import literals, read_fields, unhuffman
from hypothesis import given
from hypothesis import strategies as st

TEXT = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=300)


@given(st.dictionaries(TEXT.filter(bool), TEXT, max_size=6))
def test_fields_that_are_written_can_be_read(fields: dict[str, str]) -> None:
    assert read_fields(literals(fields.items())) == fields


@pytest.mark.parametrize("size", [126, 127, 128, 254, 255, 20_000])
def test_long_texts_have_their_length_in_several_bytes(size: int) -> None:
    fields = {"x-key": "k" * size}
    assert read_fields(literals(fields.items())) == fields


@pytest.mark.parametrize(
    ("coded", "text"),
    [
        # RFC 7541, appendix C.4 and C.6.
        ("f1e3c2e5f23a6ba0ab90f4ff", b"www.example.com"),
        ("a8eb10649cbf", b"no-cache"),
        ("25a849e95ba97d7f", b"custom-key"),
        ("6402", b"302"),
        ("d07abe941054d444a8200595040b8166e082a62d1bff", b"Mon, 21 Oct 2013 20:13:21 GMT"),
        ("9d29ad171863c78f0b97c8e9ae82ae43d3", b"https://www.example.com"),
    ],
)
def test_huffman_codes_are_those_of_the_specification(coded: str, text: bytes) -> None:
    assert unhuffman(bytes.fromhex(coded)) == text


@pytest.mark.parametrize(
    ("block", "fields"),
    [
        ("88", {":status": "200"}),
        ("8d", {":status": "404"}),
        # A literal value under an indexed name, Huffman-coded.
        ("48826402", {":status": "302"}),
        # The size of the table is set to 0 before.
        ("2088", {":status": "200"}),
        # A name of the static table that nobody asks for.
        ("5f 03 612f62 88", {":status": "200"}),
    ],
)
def test_what_servers_write_can_be_read(block: str, fields: dict[str, str]) -> None:
    assert read_fields(bytes.fromhex(block)) == fields


@pytest.mark.parametrize("block", ["be", "00", "0003612f", "7f"])
def test_a_block_that_needs_a_table_or_is_cut_is_refused(block: str) -> None:
    with pytest.raises(UnreachableError):
        read_fields(bytes.fromhex(block))
