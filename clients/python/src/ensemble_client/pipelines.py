"""Runs of pipelines: the message of one, and its events for both clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import grpc
from ensemble.v1.gateway_service_pb2 import (
    GenerateRequest,
    PipelineResult,
    PipelineStarted,
    RunPipelineRequest,
    RunPipelineResponse,
    StepNode,
)
from grpc import aio

from ensemble_client.async_calls import Running
from ensemble_client.call import Call, CallSettings
from ensemble_client.errors import invalid
from ensemble_client.requests import RequestOptions, prepare
from ensemble_client.works import AsyncWorkStream, Work, WorkStream

PipelineEvent = PipelineStarted | StepNode | PipelineResult
"""An event of a run. The first is PipelineStarted, the last the PipelineResult."""
Parameters = Mapping[str, str | float]
"""Values of a pipeline's parameters, which travel as text."""
# Quoted, because grpc's classes are generic in its stubs only.
Method: TypeAlias = "grpc.UnaryStreamMultiCallable[RunPipelineRequest, RunPipelineResponse]"
AsyncMethod: TypeAlias = "aio.UnaryStreamMultiCallable[RunPipelineRequest, RunPipelineResponse]"


def _work(call: Call) -> Work[RunPipelineResponse, PipelineEvent, PipelineResult]:
    return Work("run of the pipeline", PipelineResult, call.request_id)


class PipelineStream(WorkStream[RunPipelineResponse, PipelineEvent, PipelineResult]):
    """The steps of one run as they end; the last event is its PipelineResult."""

    def __init__(self, method: Method, message: RunPipelineRequest, call: Call) -> None:
        super().__init__(method, message, call, _work(call))


class AsyncPipelineStream(AsyncWorkStream[RunPipelineResponse, PipelineEvent, PipelineResult]):
    """The steps of one run as they end; the last event is its PipelineResult."""

    def __init__(
        self, method: AsyncMethod, running: Running, message: RunPipelineRequest, call: Call
    ) -> None:
        super().__init__(method, running, message, call, _work(call))


def prepare_run(
    settings: CallSettings,
    name: str,
    request: GenerateRequest | str,
    parameters: Parameters | None,
    options: RequestOptions,
) -> tuple[RunPipelineRequest, Call]:
    """Return the message to send and the call to send it with; raises as `prepare`."""
    common, call = prepare(settings, request, options)
    message = RunPipelineRequest(request=common)
    try:
        message.pipeline = name
    except (TypeError, ValueError):
        raise invalid("pipeline", "must be a name in valid Unicode") from None
    for parameter, value in (parameters or {}).items():
        try:
            message.parameters[parameter] = str(value)
        except (TypeError, ValueError):
            words = "name and value must be text in valid Unicode, or a number"
            raise invalid(f"parameters[{parameter!r}]", words) from None
    return message, call
