"""Makes the target that a plan names."""

from __future__ import annotations

from ensemble_loadtest.address import tls_context
from ensemble_loadtest.flights import Target, Watcher
from ensemble_loadtest.grpc_target import Codec, GrpcTarget
from ensemble_loadtest.oip import OipCodec, OipStreamCodec
from ensemble_loadtest.openai_codec import bodies
from ensemble_loadtest.openai_target import OpenAiTarget
from ensemble_loadtest.plan import Plan, Protocol


def target_of(plan: Plan, watcher: Watcher) -> Target:
    """Return what is to be measured, not connected yet. Raises PlanError."""
    http2 = plan.protocol is not Protocol.OPENAI
    tls = tls_context(plan.address, plan.ca_file, http2=http2)
    headers = plan.header_fields()
    if http2:
        return GrpcTarget(
            plan.address,
            _codec(plan),
            watcher,
            timeout_s=plan.timeout_s,
            connections=plan.connections,
            headers=headers,
            tls=tls,
        )
    chat = "chat/" if plan.asking.chat else ""
    return OpenAiTarget(
        plan.address,
        f"{plan.address.path or '/v1'}/{chat}completions",
        bodies(plan.prompts, plan.asking, stream=plan.stream),
        watcher,
        stream=plan.stream,
        timeout_s=plan.timeout_s,
        max_connections=plan.load.workers or plan.load.max_in_flight,
        headers=headers,
        tls=tls,
    )


def _codec(plan: Plan) -> Codec:
    if plan.protocol is Protocol.OIP:
        kind = OipStreamCodec if plan.stream else OipCodec
        return kind(plan.prompts, plan.asking)
    from ensemble_loadtest.native import NativeCodec, NativeStreamCodec  # noqa: PLC0415 - its messages

    native = NativeStreamCodec if plan.stream else NativeCodec
    return native(plan.prompts, plan.asking)
