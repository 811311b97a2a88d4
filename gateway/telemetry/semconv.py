"""Names of OpenTelemetry's semantic conventions that the gateway uses, each in one place.

GenAI: open-telemetry/semantic-conventions-genai, docs/gen-ai/gen-ai-spans.md at commit 002c8a6 and
gen-ai-metrics.md at 004902b; status Development. The constants of the Python package are deprecated
since the names moved there, so they stand here. RPC: open-telemetry/semantic-conventions,
docs/rpc/grpc.md at commit 384d66161; release candidate.

Left out on purpose: `gen_ai.input.messages`, `gen_ai.output.messages`, `gen_ai.system_instructions`
and `gen_ai.request.stop_sequences`, which hold words of the caller or of a model.
"""

from __future__ import annotations

from enum import StrEnum

OPERATION_NAME = "gen_ai.operation.name"
PROVIDER_NAME = "gen_ai.provider.name"
WORKFLOW_NAME = "gen_ai.workflow.name"
REQUEST_MODEL = "gen_ai.request.model"
REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens"
REQUEST_TEMPERATURE = "gen_ai.request.temperature"
REQUEST_TOP_P = "gen_ai.request.top_p"
REQUEST_TOP_K = "gen_ai.request.top_k"
REQUEST_SEED = "gen_ai.request.seed"
RESPONSE_FINISH_REASONS = "gen_ai.response.finish_reasons"
USAGE_INPUT_TOKENS = "gen_ai.usage.input_tokens"
USAGE_OUTPUT_TOKENS = "gen_ai.usage.output_tokens"

SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
ERROR_TYPE = "error.type"

RPC_RESPONSE_STATUS_CODE = "rpc.response.status_code"


class Operation(StrEnum):
    """Values of `gen_ai.operation.name`."""

    TEXT_COMPLETION = "text_completion"
    INVOKE_WORKFLOW = "invoke_workflow"


RPC_SERVER_ERRORS = frozenset(
    {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}
)
"""Status codes that make a span of the serving side an error; others are the caller's doing."""

RPC_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Buckets of the RPC durations, in seconds."""

GEN_AI_BUCKETS_S = tuple(0.01 * 2**power for power in range(14))
"""Buckets of `gen_ai.client.operation.duration`: 0.01 s doubling to 81.92 s."""
