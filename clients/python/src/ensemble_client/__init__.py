"""Sync and async client of ensemble-gateway; the messages are those of `ensemble.v1`."""

from ensemble.v1.decision_pb2 import Clarification
from ensemble.v1.gateway_service_pb2 import (
    GenerateRequest,
    GenerateResponse,
    HoleProgress,
    Pipeline,
    PipelineResult,
    PipelineStarted,
    RefineHole,
    RefineOptions,
    RefineRequest,
    RefineResult,
    RefineStarted,
    StepNode,
    StreamAttemptFailed,
    StreamDelta,
    StreamFailover,
    StreamStarted,
    TraceResponse,
)
from ensemble.v1.hole_pb2 import Constraint, HoleSpec
from ensemble.v1.job_service_pb2 import ControlResponse, GetJobResponse, Job
from ensemble.v1.result_pb2 import Verdict
from ensemble.v1.trace_pb2 import Stage, Trace

from ensemble_client.async_calls import AsyncStream
from ensemble_client.async_client import AsyncClient
from ensemble_client.async_jobs import AsyncSession
from ensemble_client.batches import BatchOptions, BatchProgress, BatchResult
from ensemble_client.call import CallOptions
from ensemble_client.errors import (
    Aborted,
    Cancelled,
    ConstraintsFailed,
    DeadlineExceeded,
    EnsembleError,
    FailedPrecondition,
    Internal,
    InvalidArgument,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    StreamTruncated,
    Unauthenticated,
    Unavailable,
    Unimplemented,
)
from ensemble_client.feedback import OutcomeFields
from ensemble_client.jobs import CommandFields, JobFilter
from ensemble_client.pipelines import AsyncPipelineStream, PipelineEvent, PipelineStream
from ensemble_client.refine_streams import AsyncRefineStream, RefineEvent, RefineStream
from ensemble_client.requests import RequestFields
from ensemble_client.streams import StreamEvent
from ensemble_client.sync_calls import Stream
from ensemble_client.sync_client import Client
from ensemble_client.sync_jobs import Session
from ensemble_client.tracing import TraceFilter

__all__ = [
    "Aborted",
    "AsyncClient",
    "AsyncPipelineStream",
    "AsyncRefineStream",
    "AsyncSession",
    "AsyncStream",
    "BatchOptions",
    "BatchProgress",
    "BatchResult",
    "CallOptions",
    "Cancelled",
    "Clarification",
    "Client",
    "CommandFields",
    "Constraint",
    "ConstraintsFailed",
    "ControlResponse",
    "DeadlineExceeded",
    "EnsembleError",
    "FailedPrecondition",
    "GenerateRequest",
    "GenerateResponse",
    "GetJobResponse",
    "HoleProgress",
    "HoleSpec",
    "Internal",
    "InvalidArgument",
    "InvalidRequest",
    "Job",
    "JobFilter",
    "NotFound",
    "OutcomeFields",
    "PermissionDenied",
    "Pipeline",
    "PipelineEvent",
    "PipelineResult",
    "PipelineStarted",
    "PipelineStream",
    "RefineEvent",
    "RefineHole",
    "RefineOptions",
    "RefineRequest",
    "RefineResult",
    "RefineStarted",
    "RefineStream",
    "RequestFields",
    "ResourceExhausted",
    "Session",
    "Stage",
    "StepNode",
    "Stream",
    "StreamAttemptFailed",
    "StreamDelta",
    "StreamEvent",
    "StreamFailover",
    "StreamStarted",
    "StreamTruncated",
    "Trace",
    "TraceFilter",
    "TraceResponse",
    "Unauthenticated",
    "Unavailable",
    "Unimplemented",
    "Verdict",
]
