"""Metadata as fields: text, bytes, and what is the protocol's."""

from __future__ import annotations

from base64 import b64encode

import pytest

pytest.importorskip("hypothesis")

from hypothesis import given
from hypothesis import strategies as st

from gateway.h2.grpc.metadata import fields_of, metadata_of

OWN = (
    "te",
    "content-type",
    "content-length",
    "grpc-status",
    "grpc-message",
    "grpc-encoding",
    "grpc-accept-encoding",
    "grpc-timeout",
    "grpc-message-type",
)
UNSENT = tuple(name for name in OWN if name != "grpc-accept-encoding")
TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)).map(lambda t: t.strip(" "))
PAIR = st.tuples(st.from_regex(r"x[0-9a-z_.-]{0,9}", fullmatch=True), TEXT).filter(
    lambda pair: not pair[0].endswith("-bin")
) | st.tuples(st.from_regex(r"x[0-9a-z_.-]{0,9}-bin", fullmatch=True), st.binary())


@given(st.lists(PAIR))
def test_metadata_comes_back_as_it_was_in_its_order(pairs: list[tuple[str, str | bytes]]) -> None:
    fields = fields_of(pairs)
    assert metadata_of(fields) == tuple(pairs)
    assert all(b"=" not in value for name, value in fields if name.endswith(b"-bin"))


@given(st.binary(), st.booleans())
def test_bytes_are_read_with_and_without_padding(value: bytes, padded: bool) -> None:
    text = b64encode(value)
    assert metadata_of([(b"k-bin", text if padded else text.rstrip(b"="))]) == (("k-bin", value),)


@given(st.lists(st.binary(), min_size=1), st.sampled_from([b",", b", ", b" ,\t"]), st.booleans())
def test_values_that_a_peer_put_together_are_taken_apart(
    values: list[bytes], comma: bytes, padded: bool
) -> None:
    """gRPC: implementations must split -bin values at commas before they decode them."""
    texts = [b64encode(value) for value in values]
    joined = comma.join(text if padded else text.rstrip(b"=") for text in texts)
    assert metadata_of([(b"k-bin", joined)]) == tuple(("k-bin", value) for value in values)


def test_values_of_text_are_not_taken_apart() -> None:
    assert metadata_of([(b"k", b"a,b")]) == (("k", "a,b"),)


@pytest.mark.parametrize(
    "value", [b"a", b"!!!!", b"YQ=a", b"YQ==YQ==", b"Y\xffQ=", b"=", b"YQ====="]
)
def test_bytes_that_cannot_be_read_are_left_out(value: bytes) -> None:
    assert metadata_of([(b"k-bin", value), (b"l", b"v")]) == (("l", "v"),)


def test_what_cannot_be_read_leaves_its_neighbours() -> None:
    assert metadata_of([(b"k-bin", b"YQ,!,Yg==")]) == (("k-bin", b"a"), ("k-bin", b"b"))


@pytest.mark.parametrize("name", [*OWN, ":path", ":status"])
def test_what_is_the_protocols_is_not_the_applications(name: str) -> None:
    assert metadata_of([(name.encode(), b"1")]) == ()


@pytest.mark.parametrize(
    "name", ["grpc-status-details-bin", "grpc-previous-rpc-attempts", "grpc-retry-pushback-ms"]
)
def test_other_names_of_grpcs_are_handed_on(name: str) -> None:
    value = b"x" if name.endswith("-bin") else "1"
    assert metadata_of(fields_of([(name, value)])) == ((name, value),)


@pytest.mark.parametrize(
    "name", [*UNSENT, ":path", "", "X-Upper", "a b", "a:b", "a\n", "\u00e4", "a/b", "k\0-bin"]
)
def test_a_name_that_is_no_applications_is_an_error_of_its_own(name: str) -> None:
    """One of the protocol's would be sent twice; another would make the message malformed."""
    with pytest.raises(ValueError, match=r"metadata|ascii"):
        fields_of([(name, "v")])


@pytest.mark.parametrize("value", ["a\nb", "\0", "\x7f", "\t", "\u00e4", "\u20ac", b"\xff"])
def test_a_text_that_no_field_may_hold_is_an_error(value: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"-bin|codec"):
        fields_of([("k", value)])


def test_bytes_may_be_given_as_text_and_text_as_bytes() -> None:
    assert fields_of([("k-bin", "\u00e4"), ("l", b"v")]) == [(b"k-bin", b"w6Q"), (b"l", b"v")]


def test_spaces_at_the_ends_are_taken_off() -> None:
    assert fields_of([("k", "  a b ")]) == [(b"k", b"a b")]
