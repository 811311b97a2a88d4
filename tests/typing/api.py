"""Type-checked, never run: how a caller may use the façade of `ensemble_client`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator
from typing import assert_never, assert_type

import grpc
from ensemble.v1.admin_service_pb2 import (
    DescribeConfigResponse,
    DescribeRouterResponse,
    Endpoint,
)
from ensemble.v1.cache_service_pb2 import GetCacheStatsResponse
from ensemble.v1.decision_pb2 import RoutingDecision
from ensemble.v1.feedback_service_pb2 import (
    AnalyzeRoutingResponse,
    ApplyThresholdsResponse,
    EvaluatePolicyResponse,
    Experiment,
    GetThresholdsResponse,
    ProposeThresholdsResponse,
    RecordOutcomeResponse,
    RollbackThresholdsResponse,
)
from ensemble.v1.gateway_service_pb2 import FieldViolation, RouteResponse, Strategy, TraceResponse
from ensemble.v1.hole_pb2 import RegexPattern
from ensemble.v1.result_pb2 import Attempt, Candidate
from ensemble.v1.telemetry_service_pb2 import (
    GetDashboardResponse,
    GetMetricsResponse,
    GetTelemetryResponse,
)
from ensemble.v1.trace_pb2 import Trace
from ensemble_client import (
    AsyncClient,
    AsyncPipelineStream,
    AsyncRefineStream,
    AsyncSession,
    AsyncStream,
    BatchResult,
    Clarification,
    Client,
    Constraint,
    ControlResponse,
    EnsembleError,
    GenerateRequest,
    GenerateResponse,
    GetJobResponse,
    HoleProgress,
    HoleSpec,
    InvalidRequest,
    Job,
    OutcomeFields,
    Pipeline,
    PipelineEvent,
    PipelineResult,
    PipelineStarted,
    PipelineStream,
    RefineEvent,
    RefineHole,
    RefineOptions,
    RefineRequest,
    RefineResult,
    RefineStarted,
    RefineStream,
    RequestFields,
    Session,
    StepNode,
    Stream,
    StreamAttemptFailed,
    StreamDelta,
    StreamEvent,
    StreamFailover,
    StreamStarted,
    StreamTruncated,
    Verdict,
)

DIGITS = Constraint(name="digits", regex=RegexPattern(pattern="[0-9]+"))


def sync_client() -> None:
    """Use every method of the blocking client."""
    with Client(
        "gateway:50051",
        credentials=grpc.ssl_channel_credentials(),
        token="token",
        tenant="acme",
        timeout=5,
        metadata={"a": "b", "c-bin": b""},
        wait_for_ready=True,
        options=[("grpc.keepalive_time_ms", 60_000)],
    ) as client:
        assert_type(client, Client)
        assert_type(client.generate(GenerateRequest(prompt="x"), timeout=1.5), GenerateResponse)
        assert_type(
            client.generate(
                "def f():",
                suffix="",
                hole=HoleSpec(),
                kind="block",
                constraints=[DIGITS],
                temperature=0.2,
                strategy=Strategy.STRATEGY_BEST_OF_N,
                n=4,
                priority="interactive",
                required_capabilities=("fast_inference",),
                metadata={"traceparent": "00-"},
            ),
            GenerateResponse,
        )
        assert_type(client.route("x", language="go"), RouteResponse)
        assert_type(client.endpoints(timeout=1), list[Endpoint])
        assert_type(client.drain_endpoint("fast", timeout=1), list[Endpoint])
        assert_type(client.undrain_endpoint("fast", metadata={"a": "b"}), list[Endpoint])
        assert_type(client.describe_router(), DescribeRouterResponse)
        assert_type(client.describe_config(), DescribeConfigResponse)
        assert_type(client.metrics("fast"), GetMetricsResponse)
        results = client.batch(["x", GenerateRequest(prompt="y")], timeout=9)
        assert_type(results, Generator[BatchResult])
        for result in results:
            if isinstance(result, EnsembleError):
                assert_type(result.attempts, tuple[Attempt, ...])
            else:
                assert_type(result, GenerateResponse)
        with client.stream("x", max_tokens=5) as stream:
            assert_type(stream, Stream)
            for event in stream:
                assert_type(event, StreamEvent)
            assert_type(stream.text, str)
            assert_type(stream.complete, bool)
        with client.refine(
            "x = <<a>>",
            ["a", RefineHole(id="b")],
            options=RefineOptions(parallel=False),
            language="python",
            timeout=5,
        ) as refinement:
            assert_type(refinement, RefineStream)
            for step in refinement:
                assert_type(step, RefineEvent)
            assert_type(refinement.result, RefineResult | None)
            assert_type(refinement.finish(), RefineResult)
        assert_type(client.pipelines(timeout=1), list[Pipeline])
        rounds = {"max_rounds": 2, "heat": 0.5, "zone": "eu"}
        with client.run_pipeline("draft_only", "x", parameters=rounds, language="go") as run:
            assert_type(run, PipelineStream)
            for node in run:
                assert_type(node, PipelineEvent)
            assert_type(run.result, PipelineResult | None)
            assert_type(run.finish(), PipelineResult)


async def async_client(holes: AsyncIterator[GenerateRequest]) -> None:
    """Use every method of the asyncio client."""
    async with AsyncClient("gateway:50051", token=None, tenant=None) as client:
        assert_type(client, AsyncClient)
        assert_type(await client.generate("x", seed=1, timeout=1.5), GenerateResponse)
        assert_type(await client.route(GenerateRequest(prompt="x")), RouteResponse)
        assert_type(await client.endpoints(), list[Endpoint])
        assert_type(await client.drain_endpoint("fast"), list[Endpoint])
        assert_type(await client.undrain_endpoint("fast", timeout=1), list[Endpoint])
        assert_type(await client.describe_router(timeout=1), DescribeRouterResponse)
        assert_type(await client.describe_config(), DescribeConfigResponse)
        assert_type(await client.metrics(metadata={"a": "b"}), GetMetricsResponse)
        assert_type(client.batch(["x"]), AsyncGenerator[BatchResult])
        async for result in client.batch(holes):
            assert_type(result, GenerateResponse | EnsembleError)
        async with client.stream("x", stop=["\n"]) as stream:
            assert_type(stream, AsyncStream)
            async for event in stream:
                assert_type(event, StreamEvent)
        async with client.refine(RefineRequest()) as refinement:
            assert_type(refinement, AsyncRefineStream)
            async for step in refinement:
                assert_type(step, RefineEvent)
            assert_type(await refinement.finish(), RefineResult)
        assert_type(await client.pipelines(), list[Pipeline])
        async with client.run_pipeline("draft_only", GenerateRequest(prompt="x")) as run:
            assert_type(run, AsyncPipelineStream)
            async for node in run:
                assert_type(node, PipelineEvent)
            assert_type(await run.finish(), PipelineResult)
        await client.close()


def sync_learning(client: Client, known: OutcomeFields) -> None:
    """Report outcomes, tune and judge with the blocking client."""
    filled = client.generate("x", routing_mode="learned", objective="cheapest", task="repair")
    decision_id = filled.decision_id
    answer = client.record_outcome(
        decision_id,
        endpoint="fast",
        compiled=True,
        tests_passed=3,
        tests_total=4,
        accepted=None,
        edit_distance=0.1,
        reverted=False,
        quality=0.9,
        corrected_endpoint="quality",
        latency=1.5,
        cost_micros=20,
        timeout=5,
        metadata={"a": "b"},
    )
    assert_type(answer, RecordOutcomeResponse)
    assert_type(client.record_outcome(decision_id, **known), RecordOutcomeResponse)
    assert_type(client.thresholds(), GetThresholdsResponse)
    assert_type(client.thresholds(3, timeout=1), GetThresholdsResponse)
    assert_type(client.propose_thresholds(3600, 0.05), ProposeThresholdsResponse)
    assert_type(client.propose_thresholds(train_head=True), ProposeThresholdsResponse)
    assert_type(client.apply_thresholds(4, validate_only=True), ApplyThresholdsResponse)
    assert_type(client.rollback_thresholds(timeout=1), RollbackThresholdsResponse)
    assert_type(client.experiments(), list[Experiment])
    assert_type(client.evaluate_policy("", window=3600), EvaluatePolicyResponse)
    assert_type(client.analyze_routing(3600, timeout=1), AnalyzeRoutingResponse)


async def async_learning(client: AsyncClient, known: OutcomeFields) -> None:
    """Report outcomes, tune and judge with the asyncio client."""
    assert_type(await client.record_outcome("d", accepted=True), RecordOutcomeResponse)
    assert_type(await client.record_outcome("d", **known), RecordOutcomeResponse)
    assert_type(await client.thresholds(3), GetThresholdsResponse)
    assert_type(await client.propose_thresholds(window=3600, step=0.05), ProposeThresholdsResponse)
    assert_type(await client.apply_thresholds(4), ApplyThresholdsResponse)
    assert_type(await client.rollback_thresholds(validate_only=True), RollbackThresholdsResponse)
    assert_type(await client.experiments(timeout=1), list[Experiment])
    assert_type(await client.evaluate_policy("", 3600), EvaluatePolicyResponse)
    assert_type(await client.analyze_routing(), AnalyzeRoutingResponse)


def events(event: StreamEvent) -> str:
    """Tell the events apart; a kind left out is an error here."""
    match event:
        case StreamStarted():
            return event.decision.primary
        case StreamDelta():
            return event.text
        case StreamAttemptFailed():
            return event.attempt.endpoint
        case StreamFailover():
            return event.to_endpoint
        case Verdict():
            return event.constraint
        case GenerateResponse():
            return event.endpoint
        case _:
            assert_never(event)


def steps(event: RefineEvent) -> int:
    """Tell the events of a refinement apart."""
    match event:
        case RefineStarted():
            return len(event.waves)
        case HoleProgress():
            return event.iteration
        case RefineResult():
            return event.iterations
        case _:
            assert_never(event)


def nodes(event: PipelineEvent) -> str:
    """Tell the events of a run apart."""
    match event:
        case PipelineStarted():
            return event.pipeline
        case StepNode():
            return event.step
        case PipelineResult():
            return event.response.text
        case _:
            assert_never(event)


def errors(client: Client, fields: RequestFields) -> None:
    """Read everything that an error carries."""
    try:
        client.generate("x", **fields)
    except InvalidRequest as error:
        assert_type(error.violations, tuple[FieldViolation, ...])
        raise
    except StreamTruncated as error:
        assert_type(error.partial_text, str)
    except EnsembleError as error:
        assert_type(error.code, grpc.StatusCode)
        assert_type(error.reason, str)
        assert_type(error.message, str)
        assert_type(error.retry_after, float | None)
        assert_type(error.request_id, str)
        assert_type(error.best_candidate, Candidate | None)
        assert_type(error.decision, RoutingDecision | None)
        assert_type(error.streamed_chars, int)
        assert_type(error.decision_id, str)
        assert_type(error.clarification, Clarification | None)


def sync_cache(client: Client) -> None:
    """The blocking client's methods about the cache."""
    assert_type(client.cache_stats(), GetCacheStatsResponse)
    assert_type(client.clear_cache(timeout=1), int)


async def async_cache(client: AsyncClient) -> None:
    """The asyncio client's methods about the cache."""
    assert_type(await client.cache_stats(timeout=1), GetCacheStatsResponse)
    assert_type(await client.clear_cache(), int)


def sync_traces(client: Client) -> None:
    """Trace, list, read and export with the blocking client."""
    assert_type(client.trace("x", dry_run=True, max_tokens=3, timeout=1), TraceResponse)
    assert_type(client.traces({"count": 5, "status": "failed", "slower_than": 0.1}), list[Trace])
    assert_type(client.get_trace("id", timeout=1), Trace)
    assert_type(client.export_traces("csv"), Generator[str])
    assert_type(client.clear_traces(), int)
    assert_type(client.telemetry(), GetTelemetryResponse)
    assert_type(client.dashboard(60, timeout=1), GetDashboardResponse)


async def async_traces(client: AsyncClient) -> None:
    """Trace, list, read and export with the asyncio client."""
    assert_type(await client.trace("x", dry_run=True), TraceResponse)
    assert_type(await client.traces(), list[Trace])
    assert_type(await client.get_trace("id"), Trace)
    assert_type(client.export_traces(), AsyncGenerator[str])
    assert_type(await client.clear_traces(), int)
    assert_type(await client.telemetry(timeout=1), GetTelemetryResponse)
    assert_type(await client.dashboard(), GetDashboardResponse)


def sync_jobs(client: Client) -> None:
    """List, follow and steer jobs with the blocking client."""
    session = client.session("nightly")
    assert_type(session, Session)
    assert_type(session.jobs({"live": True, "kinds": ["batch"]}), list[Job])
    assert_type(session.control("stop the batch"), ControlResponse)
    assert_type(client.jobs(timeout=1), list[Job])
    assert_type(client.job("id"), GetJobResponse)
    assert_type(client.watch_job("id"), Generator[Job])
    assert_type(client.control(command="volume", direction="up", timeout=1), ControlResponse)
    assert_type(client.confirm_control("token", "batch"), ControlResponse)


async def async_jobs(client: AsyncClient) -> None:
    """List, follow and steer jobs with the asyncio client."""
    session = client.session("nightly")
    assert_type(session, AsyncSession)
    assert_type(await session.jobs(), list[Job])
    assert_type(await session.control(command="pause", pause_clock=True), ControlResponse)
    assert_type(await client.jobs({"states": ["failed"]}), list[Job])
    assert_type(await client.job("id"), GetJobResponse)
    assert_type(client.watch_job("id"), AsyncGenerator[Job])
    assert_type(await client.control("cancel", session_id="s"), ControlResponse)
    assert_type(await client.confirm_control("token", "all"), ControlResponse)
