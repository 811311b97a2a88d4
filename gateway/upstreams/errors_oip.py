"""The table of the Open Inference Protocol: that of gRPC, and where its servers differ."""

from __future__ import annotations

import re

import grpc

from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault
from gateway.core.ports import Operation
from gateway.upstreams.errors import FAILED, NO_HINT, UNREACHABLE
from gateway.upstreams.errors_grpc import STATUS, fault_of_status
from gateway.wire.oip.inference import ModelStreamInferResponse
from gateway.wire.oip.parameters import CODE, value_of

# MLServer calls a model that is still loading INVALID_ARGUMENT, the code of a request that is never
# to be sent again.
_NOT_READY = re.compile(r"model .{0,200} is not ready", re.IGNORECASE | re.DOTALL)


def fault_of_call(
    endpoint: Endpoint, error: grpc.aio.AioRpcError, operation: Operation = Operation.GENERATE
) -> Fault:
    """Classify a failed call."""
    refused = error.code() is grpc.StatusCode.INVALID_ARGUMENT
    if refused and _NOT_READY.match(error.details() or ""):
        return UNREACHABLE.fault(endpoint)
    return fault_of_status(endpoint, error, operation)


def fault_of_answer(endpoint: Endpoint, answer: ModelStreamInferResponse) -> Fault:
    """Classify an error that came within a stream: words alone, but for servers of ours.

    Those name the status that a unary call would have had.
    """
    parameters = answer.infer_response.parameters
    name = value_of(parameters[CODE]) if CODE in parameters else None
    for code, row in STATUS.items():
        if code.name == name and code is not grpc.StatusCode.OK:
            return row.fault(endpoint, NO_HINT)
    return FAILED.fault(endpoint)
