"""The table of the Open Inference Protocol."""

from __future__ import annotations

import grpc
import pytest

from gateway.core.endpoint import Endpoint
from gateway.core.faults import Kind, Origin, Reason
from gateway.core.ports import Operation
from gateway.upstreams.errors_oip import fault_of_answer, fault_of_call
from gateway.wire.oip.inference import ModelInferResponse, ModelStreamInferResponse
from gateway.wire.oip.parameters import set_values

ENDPOINT = Endpoint("there")
WORDS = "the endpoint's words about your prompt"


def failed(code: grpc.StatusCode, details: str = WORDS) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details)


@pytest.mark.parametrize("code", list(grpc.StatusCode))
@pytest.mark.parametrize("operation", list(Operation))
def test_every_status_is_mapped_and_no_words_come_through(
    code: grpc.StatusCode, operation: Operation
) -> None:
    fault = fault_of_call(ENDPOINT, failed(code), operation)
    assert fault.kind is not Kind.INTERNAL
    assert WORDS not in fault.message


@pytest.mark.parametrize(
    "details", ["Model tiny is not ready yet.", "model 'tiny' with version 1 is not ready yet"]
)
def test_a_model_that_loads_is_unavailable_whatever_its_code_says(details: str) -> None:
    """MLServer answers INVALID_ARGUMENT, as for a request that must not be sent again."""
    fault = fault_of_call(ENDPOINT, failed(grpc.StatusCode.INVALID_ARGUMENT, details))
    assert (fault.kind, fault.retryable) == (Kind.UNAVAILABLE, True)
    other = fault_of_call(ENDPOINT, failed(grpc.StatusCode.INVALID_ARGUMENT, "is not ready"))
    assert other.kind is Kind.INVALID


@pytest.mark.parametrize(
    ("code", "kind", "origin"),
    [
        ("NOT_FOUND", Kind.NOT_FOUND, Origin.US),
        ("INVALID_ARGUMENT", Kind.INVALID, Origin.CALLER),
        ("DEADLINE_EXCEEDED", Kind.DEADLINE, Origin.UPSTREAM),
        ("OK", Kind.UNAVAILABLE, Origin.UPSTREAM),
        ("strange", Kind.UNAVAILABLE, Origin.UPSTREAM),
        (None, Kind.UNAVAILABLE, Origin.UPSTREAM),
    ],
)
def test_an_error_in_a_stream_is_told_by_its_code(
    code: str | None, kind: Kind, origin: Origin
) -> None:
    response = ModelInferResponse()
    set_values(response.parameters, {"code": code})
    answer = ModelStreamInferResponse(error_message=WORDS, infer_response=response)
    fault = fault_of_answer(ENDPOINT, answer)
    assert (fault.kind, fault.origin) == (kind, origin)
    assert WORDS not in fault.message
    assert fault.reason is not Reason.INTERNAL_ERROR
