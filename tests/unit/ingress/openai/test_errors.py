from __future__ import annotations

import json

import pytest

from gateway.core.decision import ExclusionReason
from gateway.core.faults import Fault, FieldViolation, Kind, Origin, Reason, invalid
from gateway.core.hole import Hole, Request
from gateway.ingress.openai.errors import (
    KINDS,
    REASONS,
    error_body,
    retry_headers,
    shape_of,
)
from gateway.ingress.openai.params import named
from gateway.wire.failure import CODES
from tests.fakes.openai_door import chat, one

HTTP_OF_GRPC = {
    1: 499,
    3: 400,
    4: 504,
    5: 404,
    7: 403,
    8: 429,
    9: 400,
    10: 409,
    13: 500,
    14: 503,
    16: 401,
}
"""google/rpc/code.proto."""


def fault(kind: Kind, reason: Reason, *violations: FieldViolation) -> Fault:
    return Fault(kind, Origin.US, reason, "words", violations=violations)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_the_status_of_its_grpc_code_but_for_nonsense_of_an_endpoint(
    kind: Kind,
) -> None:
    expected = 502 if kind is Kind.MALFORMED else HTTP_OF_GRPC[CODES[kind]]
    assert KINDS[kind].status == expected


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_shape_whatever_its_kind(reason: Reason) -> None:
    for kind in Kind:
        shape = shape_of(fault(kind, reason))
        assert shape == REASONS.get(reason, KINDS[kind])
        assert 400 <= shape.status < 600
        assert shape.type
        assert shape.code == (shape.code or "").lower()


def test_the_credentials_of_the_gateway_are_no_fault_of_the_callers() -> None:
    assert shape_of(fault(Kind.UNAUTHENTICATED, Reason.UPSTREAM_AUTH)).status == 502


def test_a_text_that_fits_no_endpoint_has_the_code_of_that_api() -> None:
    small = FieldViolation("endpoints[a]", f"{ExclusionReason.CONTEXT_LENGTH}: holds 5 tokens")
    tagged = FieldViolation("endpoints[b]", f"{ExclusionReason.MISSING_TAG}: lacks eu")
    only = fault(Kind.INFEASIBLE, Reason.NO_ELIGIBLE_ENDPOINT, small)
    both = fault(Kind.INFEASIBLE, Reason.NO_ELIGIBLE_ENDPOINT, small, tagged)
    assert shape_of(only).code == "context_length_exceeded"
    assert shape_of(both).code == "infeasible"
    assert shape_of(fault(Kind.INFEASIBLE, Reason.NO_ELIGIBLE_ENDPOINT)).code == "infeasible"


def test_a_body_has_the_four_fields_of_that_api() -> None:
    body = json.loads(error_body(KINDS[Kind.INVALID], "words", "n", ensemble={"a": 1}))
    assert body == {
        "error": {
            "message": "words",
            "type": "invalid_request_error",
            "param": "n",
            "code": "invalid_value",
            "ensemble": {"a": 1},
        }
    }


def test_who_may_come_again_is_told_when() -> None:
    assert retry_headers(KINDS[Kind.EXHAUSTED], 0.25) == (
        (b"retry-after", b"1"),
        (b"retry-after-ms", b"250"),
    )
    assert retry_headers(KINDS[Kind.UNAVAILABLE], None) == ()


@pytest.mark.parametrize("kind", [Kind.DEADLINE, Kind.UNVERIFIED])
def test_what_would_be_paid_again_is_not_to_be_repeated(kind: Kind) -> None:
    """The official clients repeat 409 and 5xx by themselves."""
    assert retry_headers(KINDS[kind], 1.0) == ((b"x-should-retry", b"false"),)


FORMAT = {"type": "json_object"}
REGEX = {"name": "r", "regex": {"pattern": "a"}}


@pytest.mark.parametrize(
    ("field", "param"),
    [
        ("prompt", "messages"),
        ("chat.tools", "tools"),
        ("sampling.temperature", "temperature"),
        ("n", "ensemble.n"),
        ("hole.grammar.text", "ensemble.hole.grammar.text"),
        ("constraints[0].regex.pattern", "ensemble.constraints[0].regex.pattern"),
        ("constraints[1].json_schema.schema", "response_format.json_schema.schema"),
        ("constraints[1]", "response_format.json_schema.schema"),
        ("endpoints[a]", None),
    ],
)
def test_a_field_of_the_core_is_named_as_its_caller_named_it(field: str, param: str | None) -> None:
    request = one(chat(response_format=FORMAT, ensemble={"constraints": [REGEX]}))
    words, found = named(invalid(field, "is bad"), request)
    assert found == param
    assert words == f"{param or field}: is bad"


def test_the_prompt_of_a_completion_keeps_its_name() -> None:
    request = Request(Hole("x"), "r")
    assert named(invalid("prompt", "is bad"), request)[1] == "prompt"
    assert named(fault(Kind.INTERNAL, Reason.INTERNAL_ERROR), request) == ("words", None)
