"""What can be asked for by the name of a model: its readiness and its description."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.core.composition import PipelineDefinition
from gateway.core.endpoint import Capability, Endpoint
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.hole import Request
from gateway.core.snapshot import Snapshot
from gateway.ensemble.client import EnsembleClient
from gateway.ensemble.selection import AUTO, select, selectable
from gateway.ingress.oip.inference import OUTPUTS, PROMPT, SUFFIX, VERSION
from gateway.wire.oip.inference import ModelMetadataResponse
from gateway.wire.oip.tensors import TEXT

PLATFORM = "ensemble_text"
CAPABILITIES = frozenset(Capability)


class Models:
    """The models of one gateway, as they are now.

    `serves` says of an endpoint, by name, whether requests are sent to it.
    """

    def __init__(self, client: EnsembleClient, serves: Callable[[str], bool]) -> None:
        self._client = client
        self._serves = serves

    def select(self, request: Request, model: str) -> Request:
        """Narrow a request to a model. Raises Fault(NOT_FOUND) for one that is not known."""
        return select(request, model, self._snapshot, self._pipelines)

    def ready(self, model: str = AUTO) -> bool:
        """Say whether requests for a model can be answered now; False for one not known."""
        return self._known(model) and any(
            self._serves(endpoint.name) for endpoint in self._endpoints(model)
        )

    def describe(self, model: str) -> ModelMetadataResponse:
        """Describe the tensors of a model. Raises Fault(NOT_FOUND) for one that is not known."""
        if not self._known(model):
            known = ", ".join(selectable(self._snapshot, self._pipelines))
            raise Fault(
                Kind.NOT_FOUND,
                Origin.CALLER,
                Reason.UNKNOWN_ENDPOINT,
                f"name: {model[:100]!r} is no model here; use one of: {known}",
            )
        wire = ModelMetadataResponse(name=model, versions=(VERSION,), platform=PLATFORM)
        for name in (PROMPT, SUFFIX):
            wire.inputs.add(name=name, datatype=TEXT, shape=(-1,))
        for name, datatype in OUTPUTS.items():
            wire.outputs.add(name=name, datatype=datatype, shape=(-1,))
        wire.properties.update(self._properties(model))
        return wire

    @property
    def _snapshot(self) -> Snapshot:
        return self._client.router.snapshot

    @property
    def _pipelines(self) -> Mapping[str, PipelineDefinition]:
        return self._client.pipelines

    def _known(self, model: str) -> bool:
        return model in selectable(self._snapshot, self._pipelines)

    def _endpoints(self, model: str) -> tuple[Endpoint, ...]:
        """Name who may answer: of a pipeline anybody, since each step has wishes of its own."""
        snapshot = self._snapshot
        if model in snapshot.by_name:
            return snapshot.named(model)
        if model in CAPABILITIES:
            return tuple(one for one in snapshot.callable if model in one.capabilities)
        return snapshot.callable

    def _properties(self, model: str) -> dict[str, str]:
        endpoint = self._snapshot.by_name.get(model)
        if endpoint is None:
            chosen = "capability" if model in CAPABILITIES else "pipeline"
            return {"kind": AUTO if model == AUTO else chosen}
        group = model in self._snapshot.replicas
        return {
            "kind": "group" if group else "endpoint",
            "capabilities": ",".join(sorted(endpoint.capabilities)),
            "model": endpoint.model,
            "max_context": str(endpoint.max_context),
        }
