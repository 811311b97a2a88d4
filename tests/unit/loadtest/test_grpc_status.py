from __future__ import annotations

import base64

import pytest
from ensemble_loadtest.grpc_status import reason_of
from ensemble_loadtest.protobuf_fields import bytes_field, fields, number_field, varint
from google.protobuf.any_pb2 import Any
from google.rpc.error_details_pb2 import ErrorInfo, RequestInfo
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st


def details(*messages: object) -> str:
    status = Status(code=8, message="no")
    for message in messages:
        packed = Any()
        packed.Pack(message)
        status.details.append(packed)
    return base64.b64encode(status.SerializeToString()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("trailers", "reason"),
    [
        ({"grpc-status": "0"}, ""),
        ({"grpc-status": "14"}, "UNAVAILABLE"),
        ({"grpc-status": "99"}, "CODE_99"),
        ({"grpc-status": "x"}, "CODE_x"),
        ({":status": "200"}, "NO_GRPC_STATUS"),
        ({":status": "503"}, "HTTP_503"),
        (
            {
                "grpc-status": "8",
                "grpc-status-details-bin": details(RequestInfo(), ErrorInfo(reason="QUEUE_FULL")),
            },
            "RESOURCE_EXHAUSTED QUEUE_FULL",
        ),
        ({"grpc-status": "8", "grpc-status-details-bin": details()}, "RESOURCE_EXHAUSTED"),
        ({"grpc-status": "8", "grpc-status-details-bin": "a"}, "RESOURCE_EXHAUSTED"),
        ({"grpc-status": "8", "grpc-status-details-bin": "AAAA"}, "RESOURCE_EXHAUSTED"),
    ],
)
def test_a_failure_is_counted_by_its_code_and_its_reason(
    trailers: dict[str, str], reason: str
) -> None:
    assert reason_of(trailers) == reason


@given(st.integers(1, 2**29 - 1), st.integers(0, 2**63), st.binary(max_size=300))
def test_fields_that_are_written_can_be_read(number: int, value: int, raw: bytes) -> None:
    message = number_field(number, value) + bytes_field(number, raw)
    assert list(fields(message)) == [(number, value), (number, raw)]


@given(st.binary(max_size=100))
def test_what_is_no_message_ends_by_itself(raw: bytes) -> None:
    assert len(list(fields(raw))) <= len(raw)


def test_fixed_numbers_are_passed_over() -> None:
    fixed = varint(1 << 3 | 1) + bytes(8) + varint(2 << 3 | 5) + bytes(4)
    assert [number for number, _ in fields(fixed + number_field(3, 1))] == [1, 2, 3]
