from __future__ import annotations

import math

import pytest
from ensemble_client.call import LONGEST_TIMEOUT_S, CallSettings
from ensemble_client.errors import InvalidRequest


def test_the_client_and_the_call_each_give_their_part() -> None:
    settings = CallSettings(
        token="s3cret", tenant="acme", metadata={"a": "1", "b": "1"}, wait_for_ready=True
    )
    call = settings.call(timeout=2, metadata={"b": "2", "c-bin": b"\x00"}, request_id="r")
    assert call.request_id == "r"
    assert call.arguments["timeout"] == 2
    assert call.arguments["wait_for_ready"] is True
    assert dict(call.arguments["metadata"]) == {
        "a": "1",
        "b": "2",
        "c-bin": b"\x00",
        "x-request-id": "r",
        "authorization": "Bearer s3cret",
        "x-ensemble-tenant": "acme",
    }


def test_without_anything_there_is_a_minute_and_an_id() -> None:
    call = CallSettings().call()
    assert call.arguments["timeout"] == 60
    assert dict(call.arguments["metadata"]) == {"x-request-id": call.request_id}
    assert len(call.request_id) == 32


def test_the_settings_do_not_show_the_token() -> None:
    assert "s3cret" not in repr(CallSettings(token="s3cret", metadata={"x-key": "s3cret"}))


@pytest.mark.parametrize("timeout", [0, -0.0, -1, math.nan, math.inf, -math.inf, 1e300])
def test_a_timeout_must_be_a_positive_number(timeout: float) -> None:
    with pytest.raises(InvalidRequest) as caught:
        CallSettings().call(timeout=timeout)
    assert caught.value.violations[0].field == "timeout"
    with pytest.raises(InvalidRequest):
        CallSettings(timeout=timeout)


def test_the_longest_timeout_is_taken() -> None:
    call = CallSettings().call(timeout=LONGEST_TIMEOUT_S)
    assert call.arguments["timeout"] == LONGEST_TIMEOUT_S


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ({"Upper": "x"}, "metadata['Upper']"),
        ({"": "x"}, "metadata['']"),
        ({"grpc-timeout": "1S"}, "metadata['grpc-timeout']"),
        ({"authorization": "Bearer s3cret"}, "metadata['authorization']"),
        ({"x-request-id": "s3cret"}, "metadata['x-request-id']"),
        ({"a": "s3cret\n"}, "metadata['a']"),
        ({"a": b"s3cret"}, "metadata['a']"),
        ({"a-bin": "s3cret"}, "metadata['a-bin']"),
    ],
)
def test_bad_metadata_is_named_and_not_quoted(metadata, field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        CallSettings().call(metadata=metadata)
    assert caught.value.violations[0].field == field
    assert "s3cret" not in str(caught.value)
    with pytest.raises(InvalidRequest):
        CallSettings(metadata=metadata)


def test_what_becomes_a_header_must_be_ascii() -> None:
    for field, make in (
        ("token", lambda: CallSettings(token="s3cré")),
        ("tenant", lambda: CallSettings(tenant="a\nb")),
        ("request_id", lambda: CallSettings().call(request_id="é")),
    ):
        with pytest.raises(InvalidRequest) as caught:
            make()
        assert caught.value.violations[0].field == field
        assert "s3cr" not in str(caught.value)
