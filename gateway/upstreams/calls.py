"""Calls to one endpoint over whichever plane it is configured for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.endpoint import Endpoint, Transport
from gateway.core.ports import Clock
from gateway.upstreams.calls_grpc import FaultOf, GrpcCalls
from gateway.upstreams.options import UpstreamOptions

if TYPE_CHECKING:
    from gateway.upstreams.calls_h2 import H2Calls


def open_calls(
    endpoint: Endpoint, options: UpstreamOptions, clock: Clock, fault_of: FaultOf
) -> GrpcCalls | H2Calls:
    """Make what calls an endpoint, inside the event loop that uses it. Raises ValueError."""
    if options.transport is Transport.GRPCIO:
        return GrpcCalls(endpoint, options, clock, fault_of)
    # Loaded where it is used only.
    from gateway.upstreams.calls_h2 import H2Calls  # noqa: PLC0415 - idle memory

    return H2Calls(endpoint, options, clock, fault_of)
