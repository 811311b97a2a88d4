"""How calls end: codes, messages, and what stands for a status that was not sent."""

from __future__ import annotations

import pytest

pytest.importorskip("hypothesis")

from hypothesis import given
from hypothesis import strategies as st

from gateway.h2.codes import ErrorCode
from gateway.h2.grpc.status import (
    OF_HTTP,
    OF_RESET,
    CallError,
    Code,
    code_of,
    message_of_field,
    message_to_field,
)


@given(st.text())
def test_any_text_comes_back_as_it_was(text: str) -> None:
    assert message_of_field(message_to_field(text)) == text


@given(st.text(alphabet=st.characters(codec=None, categories=["Cs", "L", "Cc"])))
def test_what_is_written_is_a_field_whatever_it_says(text: str) -> None:
    """Printable ASCII without spaces at the ends, also of what is no Unicode."""
    value = message_to_field(text)
    assert all(0x20 <= byte <= 0x7E for byte in value)
    assert value == value.strip()


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", b""),
        ("plain words", b"plain words"),
        ("100%", b"100%25"),
        ("a\r\nb", b"a%0D%0Ab"),
        ("\u00fc\u20ac", b"%C3%BC%E2%82%AC"),
        ("\U0001f600", b"%F0%9F%98%80"),
        ("~!#$&'()*+,/:;=?@[]^_`{|}", b"~!#$&'()*+,/:;=?@[]^_`{|}"),
        (" ends ", b"%20ends%20"),
        ("\ud800", b"?"),
    ],
)
def test_a_message_is_percent_encoded(text: str, field: bytes) -> None:
    assert message_to_field(text) == field


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (b"%e2%82%ac", "\u20ac"),
        (b"%", "%"),
        (b"%4", "%4"),
        (b"%zz and %41", "%zz and A"),
        (b"%ff", "\ufffd"),
        ("\u20ac".encode(), "\u20ac"),
    ],
)
def test_what_is_wrong_in_a_message_is_kept_as_well_as_can_be(field: bytes, text: str) -> None:
    """gRPC: decoders must not fail because of invalid values."""
    assert message_of_field(field) == text


@given(st.binary())
def test_no_bytes_of_a_message_are_an_error(field: bytes) -> None:
    assert isinstance(message_of_field(field), str)


@pytest.mark.parametrize("code", Code)
def test_each_code_is_read(code: Code) -> None:
    assert code_of(b"%d" % code) is code


@pytest.mark.parametrize("text", [b"17", b"99999", b"-1", b"", b"OK", b"00", b"1.0", b" 1"])
def test_a_code_that_nobody_knows_is_unknown(text: bytes) -> None:
    assert code_of(text) is Code.UNKNOWN


RESETS = {
    ErrorCode.ENHANCE_YOUR_CALM: Code.RESOURCE_EXHAUSTED,
    ErrorCode.INADEQUATE_SECURITY: Code.PERMISSION_DENIED,
    ErrorCode.CANCEL: Code.CANCELLED,
    ErrorCode.REFUSED_STREAM: Code.UNAVAILABLE,
    # No row: there is no call that it could end; it is not known either.
    ErrorCode.STREAM_CLOSED: Code.UNKNOWN,
    ErrorCode.HTTP_1_1_REQUIRED: Code.UNKNOWN,
}


@pytest.mark.parametrize("code", ErrorCode)
def test_each_reset_has_its_code(code: ErrorCode) -> None:
    """The table "Errors"; what has no row of its own is INTERNAL."""
    assert OF_RESET.get(code, Code.UNKNOWN) is RESETS.get(code, Code.INTERNAL)


HTTP = {
    400: Code.INTERNAL,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.UNIMPLEMENTED,
    429: Code.UNAVAILABLE,
    502: Code.UNAVAILABLE,
    503: Code.UNAVAILABLE,
    504: Code.UNAVAILABLE,
}


def test_each_http_status_has_its_code() -> None:
    """gRPC, "HTTP to gRPC Status Code Mapping": all else is UNKNOWN."""
    found = {status: OF_HTTP.get(b"%d" % status, Code.UNKNOWN) for status in range(100, 600)}
    assert found == dict.fromkeys(range(100, 600), Code.UNKNOWN) | HTTP


def test_an_error_tells_its_code_and_words() -> None:
    error = CallError(Code.ABORTED, "try later", (("k", "v"),), unprocessed=True)
    assert str(error) == "ABORTED: try later"
    assert (error.trailers, error.unprocessed, error.unconnected) == ((("k", "v"),), True, False)
