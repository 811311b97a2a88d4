"""The blocking client."""

from __future__ import annotations

from collections.abc import Generator
from types import TracebackType
from typing import Self, Unpack

import grpc
from ensemble.v1.admin_service_pb2 import (
    DescribeConfigRequest,
    DescribeConfigResponse,
    DescribeRouterRequest,
    DescribeRouterResponse,
    DrainEndpointRequest,
    Endpoint,
    ListEndpointsRequest,
    UndrainEndpointRequest,
)
from ensemble.v1.admin_service_pb2_grpc import AdminServiceStub
from ensemble.v1.cache_service_pb2_grpc import CacheServiceStub
from ensemble.v1.feedback_service_pb2_grpc import FeedbackServiceStub
from ensemble.v1.gateway_service_pb2 import (
    GenerateRequest,
    GenerateResponse,
    ListPipelinesRequest,
    Pipeline,
    RefineOptions,
    RefineRequest,
    RouteRequest,
    RouteResponse,
)
from ensemble.v1.gateway_service_pb2_grpc import GatewayServiceStub
from ensemble.v1.job_service_pb2_grpc import JobServiceStub
from ensemble.v1.telemetry_service_pb2 import GetMetricsRequest, GetMetricsResponse
from ensemble.v1.telemetry_service_pb2_grpc import TelemetryServiceStub

from ensemble_client.batches import BatchOptions, BatchResult, Plan
from ensemble_client.call import DEFAULT_TIMEOUT_S, CallOptions, CallSettings, Metadata
from ensemble_client.channel import ChannelOptions, channel_options
from ensemble_client.pipelines import Parameters, PipelineStream, prepare_run
from ensemble_client.refine_streams import RefineStream
from ensemble_client.refining import Holes, prepare_refinement
from ensemble_client.requests import RequestOptions, prepare
from ensemble_client.sync_batch import Requests, results
from ensemble_client.sync_cache import CacheCalls
from ensemble_client.sync_calls import Stream, ask
from ensemble_client.sync_feedback import FeedbackCalls
from ensemble_client.sync_jobs import JobCalls
from ensemble_client.sync_traces import TraceCalls


class Client(CacheCalls, FeedbackCalls, JobCalls, TraceCalls):
    """A blocking client of one gateway; threads may share it.

    `target` is gRPC's name of the gateway, such as `localhost:50051`. Without `credentials` the
    connection is plain text: give `grpc.ssl_channel_credentials()` for anything but this machine,
    above all with a `token`. `timeout` is the deadline of a call that names none, in seconds; it
    covers retries. With `wait_for_ready` a call waits for a connection until its deadline instead
    of failing at once. `metadata` goes with every call; `options` are gRPC's channel arguments and
    win over the client's own.

    Every method raises EnsembleError, InvalidRequest before anything is sent.
    """

    def __init__(
        self,
        target: str,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        token: str | None = None,
        tenant: str | None = None,
        timeout: float = DEFAULT_TIMEOUT_S,
        metadata: Metadata | None = None,
        wait_for_ready: bool = False,
        options: ChannelOptions = (),
    ) -> None:
        self._settings = CallSettings(
            timeout=timeout,
            token=token,
            tenant=tenant,
            metadata=dict(metadata or {}),
            wait_for_ready=wait_for_ready,
        )
        arguments = channel_options(options)
        self._channel = (
            grpc.insecure_channel(target, arguments)
            if credentials is None
            else grpc.secure_channel(target, credentials, arguments)
        )
        self._gateway = GatewayServiceStub(self._channel)
        self._admin = AdminServiceStub(self._channel)
        self._telemetry = TelemetryServiceStub(self._channel)
        self._feedback = FeedbackServiceStub(self._channel)
        self._cache = CacheServiceStub(self._channel)
        self._jobs = JobServiceStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; calls under way end as Cancelled."""
        self._channel.close()

    def generate(
        self,
        request: GenerateRequest | str,
        **options: Unpack[RequestOptions],
    ) -> GenerateResponse:
        """Fill one hole, given as a whole message or as its prompt and keyword arguments."""
        message, call = prepare(self._settings, request, options)
        return ask(self._gateway.Generate, message, call)

    def stream(
        self,
        request: GenerateRequest | str,
        **options: Unpack[RequestOptions],
    ) -> Stream:
        """Fill one hole and hand out the events of its answer as they come."""
        message, call = prepare(self._settings, request, options)
        return Stream(self._gateway.GenerateStream, message, call)

    def batch(
        self,
        requests: Requests,
        **options: Unpack[BatchOptions],
    ) -> Generator[BatchResult]:
        """Fill many holes; yields one result for each, an error as a value.

        Results come in the order of `requests`, on one RPC whose failure is raised; go on after it
        with the same `batch_id` and the ids that you have in `skip`. With `ordered=False` they come
        as they are ready, each request is an RPC of its own and every failure is a value; look at
        `request_id`. The deadline covers the whole batch. `requests` may have no end: they are read
        as results are taken, by a thread of gRPC's where they are ordered. An error of
        theirs is raised after the results before it. Leaving early cancels what runs.
        """
        return results(self._gateway, requests, Plan(self._settings, requests, options))

    def refine(
        self,
        request: RefineRequest | GenerateRequest | str,
        holes: Holes = (),
        *,
        options: RefineOptions | None = None,
        **fields: Unpack[RequestOptions],
    ) -> RefineStream:
        """Fill the holes of a source and hand out the progress; `finish` returns the result.

        `request` is the source with its markers or a request that has it as its prompt; a hole that
        is given by its id alone has the marker `<<id>>`. A whole RefineRequest stands for all of
        it. Holes that could not be filled are no error: see the result's `complete` and `holes`.
        """
        message, call = prepare_refinement(self._settings, request, holes, options, fields)
        return RefineStream(self._gateway.Refine, message, call)

    def pipelines(self, **options: Unpack[CallOptions]) -> list[Pipeline]:
        """List the pipelines that can be run, by name."""
        call = self._settings.call(**options)
        answer = ask(self._gateway.ListPipelines, ListPipelinesRequest(), call)
        return list(answer.pipelines)

    def run_pipeline(
        self,
        name: str,
        request: GenerateRequest | str,
        *,
        parameters: Parameters | None = None,
        **options: Unpack[RequestOptions],
    ) -> PipelineStream:
        """Run a pipeline on one hole and hand out each step; `finish` returns the result.

        `parameters` left out have the defaults that `pipelines` shows. Raises NotFound for a name
        that is not defined.
        """
        message, call = prepare_run(self._settings, name, request, parameters, options)
        return PipelineStream(self._gateway.RunPipeline, message, call)

    def route(
        self,
        request: GenerateRequest | str,
        **options: Unpack[RequestOptions],
    ) -> RouteResponse:
        """Explain where a hole would go; no endpoint is called."""
        message, call = prepare(self._settings, request, options)
        return ask(self._gateway.Route, RouteRequest(request=message), call)

    def endpoints(self, **options: Unpack[CallOptions]) -> list[Endpoint]:
        """List the endpoints in the router's order; `timeout` covers each page of up to 1,000."""
        endpoints: list[Endpoint] = []
        token = ""
        while True:
            message = ListEndpointsRequest(page_token=token)
            page = ask(self._admin.ListEndpoints, message, self._settings.call(**options))
            endpoints += page.endpoints
            token = page.next_page_token
            if not token:
                return endpoints

    def drain_endpoint(self, name: str, **options: Unpack[CallOptions]) -> list[Endpoint]:
        """Give an endpoint no new requests; running ones end by themselves.

        The name of a group stands for all of its replicas. Returns those concerned, as they are
        now; draining one that is drained changes nothing. A gateway that is started again follows
        its configuration. Raises NotFound for a name that is not configured.
        """
        call = self._settings.call(**options)
        answer = ask(self._admin.DrainEndpoint, DrainEndpointRequest(endpoint=name), call)
        return list(answer.endpoints)

    def undrain_endpoint(self, name: str, **options: Unpack[CallOptions]) -> list[Endpoint]:
        """Give a drained endpoint, or a group, requests again; one drained by configuration too.

        Returns those concerned, as they are now: `state` says whether something else keeps
        requests from them. Raises NotFound for a name that is not configured.
        """
        call = self._settings.call(**options)
        answer = ask(self._admin.UndrainEndpoint, UndrainEndpointRequest(endpoint=name), call)
        return list(answer.endpoints)

    def describe_router(self, **options: Unpack[CallOptions]) -> DescribeRouterResponse:
        """Describe the rules that route holes."""
        call = self._settings.call(**options)
        return ask(self._admin.DescribeRouter, DescribeRouterRequest(), call)

    def describe_config(self, **options: Unpack[CallOptions]) -> DescribeConfigResponse:
        """Return the gateway's effective configuration, secrets redacted."""
        call = self._settings.call(**options)
        return ask(self._admin.DescribeConfig, DescribeConfigRequest(), call)

    def metrics(
        self,
        endpoint: str = "",
        **options: Unpack[CallOptions],
    ) -> GetMetricsResponse:
        """Return the counters of the ensemble and of one endpoint, or of all."""
        message = GetMetricsRequest(endpoint=endpoint)
        return ask(self._telemetry.GetMetrics, message, self._settings.call(**options))
