"""What the word `model` of a foreign protocol selects: an endpoint, a capability, a pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gateway.core.composition import PipelineDefinition
from gateway.core.endpoint import Capability
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.hole import Request, Strategy
from gateway.core.snapshot import Snapshot

AUTO = "auto"
"""Leaves the choice to the router; so does no name at all."""

CAPABILITIES = {str(capability): capability for capability in Capability}


def select(
    request: Request,
    model: str,
    snapshot: Snapshot,
    pipelines: Mapping[str, PipelineDefinition],
) -> Request:
    """Narrow a request to what its caller calls `model`.

    That is, in this order, an endpoint or a group, a capability, a pipeline; `auto` and nothing
    leave it as it is. Raises Fault(NOT_FOUND, UNKNOWN_ENDPOINT) for any other word, which lists
    those that are known.
    """
    if model in {"", AUTO}:
        return request
    wanted = request.endpoint_filter
    if model in snapshot.by_name:
        return replace(request, endpoint_filter=replace(wanted, names=frozenset((model,))))
    capability = CAPABILITIES.get(model)
    if capability is not None:
        capabilities = wanted.required_capabilities.union((capability,))
        return replace(request, endpoint_filter=replace(wanted, required_capabilities=capabilities))
    if model in pipelines:
        return replace(request, strategy=Strategy.PIPELINE, n=None, pipeline=model)
    raise Fault(
        Kind.NOT_FOUND,
        Origin.CALLER,
        Reason.UNKNOWN_ENDPOINT,
        f"model: {model[:100]!r} is no endpoint, capability or pipeline here; use one of: "
        + ", ".join(selectable(snapshot, pipelines)),
    )


def selectable(snapshot: Snapshot, pipelines: Mapping[str, PipelineDefinition]) -> tuple[str, ...]:
    """List every word that selects something, in the order in which they are looked up."""
    offered = {one for endpoint in snapshot.endpoints for one in endpoint.capabilities}
    words = (AUTO, *snapshot.by_name, *sorted(offered), *sorted(pipelines))
    return tuple(dict.fromkeys(map(str, words)))
