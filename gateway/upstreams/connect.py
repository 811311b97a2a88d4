"""From a configured endpoint to the adapter that speaks to it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from gateway.core.candidate import Completion
from gateway.core.endpoint import Endpoint, Protocol
from gateway.core.policy import Call, Invocation
from gateway.core.ports import Clock, Upstream
from gateway.upstreams.native_grpc import NativeUpstream
from gateway.upstreams.options import UpstreamOptions
from gateway.upstreams.probe import Backoff, Probe, ProbeSettings
from gateway.upstreams.probe_grpc import WatchProbe

AGAIN = Backoff(max_s=10.0)
"""gRPC waits up to two minutes; a server that is back should not stand idle so long."""

__all__ = ["UpstreamOptions", "call_of", "connect", "probe_of"]


def connect(endpoint: Endpoint, options: UpstreamOptions, clock: Clock) -> Upstream:
    """Make the adapter of an endpoint's protocol; it connects with the first call.

    Call it inside the event loop that will use it. Raises ValueError when the URL does not fit the
    protocol: the configuration must be mended.
    """
    if endpoint.protocol is Protocol.NATIVE:
        return NativeUpstream(endpoint, options, clock)
    if endpoint.protocol is Protocol.OIP:
        from gateway.upstreams.oip import OipUpstream  # noqa: PLC0415 - idle memory

        return OipUpstream(endpoint, options, clock)
    parts = urlsplit(endpoint.url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("an OpenAI-compatible endpoint's URL is http://host:port/v1 or https://…")
    # aiohttp costs megabytes that a gateway without such endpoints does not pay.
    from gateway.upstreams.openai_http import OpenAiUpstream  # noqa: PLC0415 - see above

    return OpenAiUpstream(endpoint, options, clock)


def call_of(upstream: Upstream) -> Call:
    """Make the innermost call: the upstream itself, streamed when the invocation has a sender."""

    async def call(invocation: Invocation) -> Completion:
        if invocation.send is None:
            return await upstream.generate(invocation.task, invocation.deadline)
        return await upstream.stream(invocation.task, invocation.deadline, invocation.send)

    return call


def probe_of(
    endpoint: Endpoint, settings: ProbeSettings, options: UpstreamOptions, draw: Callable[[], float]
) -> Probe | None:
    """Make the health check of an endpoint: HTTP where a path is set, else that of its protocol.

    None when it can be checked neither way. Raises ValueError like `connect`.
    """
    if not settings.path:
        if endpoint.protocol is Protocol.OIP:
            from gateway.upstreams.probe_oip import ReadyProbe  # noqa: PLC0415 - idle memory

            return ReadyProbe(endpoint, settings, options)
        native = endpoint.protocol is Protocol.NATIVE
        return WatchProbe(endpoint, settings, options, draw, backoff=AGAIN) if native else None
    from gateway.upstreams.probe_http import HttpProbe  # noqa: PLC0415 - as above

    return HttpProbe(endpoint, settings, options)
