"""From settings to the values that the inside works with."""

from __future__ import annotations

from collections.abc import Callable

from gateway.config.reliability import HealthCheck, HealthConfig
from gateway.config.schema import EndpointConfig, ServerConfig, Settings
from gateway.config.secrets import resolve
from gateway.core.endpoint import Endpoint, Protocol
from gateway.core.snapshot import RouterSettings, Snapshot
from gateway.ensemble.hold import HoldSettings
from gateway.ensemble.settings import EnsembleSettings
from gateway.ingress.admin import ConfigText
from gateway.ingress.listener import ListenerSettings
from gateway.upstreams.connect import probe_of
from gateway.upstreams.openai_fim import template_of
from gateway.upstreams.options import OpenAiMode, UpstreamOptions
from gateway.upstreams.probe import Probe, ProbeSettings


def config_text(settings: Settings, sources: tuple[str, ...]) -> ConfigText:
    """Write the effective configuration for DescribeConfig; it holds references, no secrets."""
    return ConfigText(settings.model_dump_json(), sources)


def snapshot_of(settings: Settings) -> Snapshot:
    """Make the router's snapshot of a configuration."""
    router = settings.router
    return Snapshot.of(
        tuple(_endpoint(config) for config in settings.endpoint),
        default_endpoint=settings.ensemble.default_endpoint,
        router=RouterSettings(
            router.constraint_limit,
            router.fast_below,
            router.quality_above,
            router.complexity,
            router.security_chain,
            router.constrained_chain,
            router.fast_chain,
            router.quality_chain,
        ),
    )


def ensemble_settings(settings: Settings) -> EnsembleSettings:
    """Say how requests are filled."""
    ensemble, stream = settings.ensemble, settings.stream
    return EnsembleSettings(
        ensemble.fallback_enabled,
        ensemble.max_attempts,
        ensemble.best_of_n,
        settings.server.default_deadline_s,
        HoldSettings(stream.hold, stream.hold_chars),
        ensemble.in_flight,
        ensemble.min_confidence,
        ensemble.margin,
    )


def _endpoint(config: EndpointConfig) -> Endpoint:
    return Endpoint(
        name=config.name,
        capabilities=config.capabilities,
        priority=config.priority,
        cost_micros_per_1k=round(config.cost_per_1k_tokens * 1_000_000),
        timeout_s=config.timeout_s,
        max_context=config.max_context,
        tags=config.tags,
        drained=config.drained,
        continues=config.continues,
        protocol=config.protocol,
        url=config.url,
        model=config.model,
        group=config.group or "",
        weight=config.weight,
        idempotent=config.idempotent,
        takes_tools=config.protocol is Protocol.OPENAI and config.openai_mode is OpenAiMode.CHAT,
    )


def probe_settings(config: EndpointConfig, health: HealthConfig) -> ProbeSettings:
    """Say how the health of one endpoint is checked."""
    return ProbeSettings(
        interval_s=health.interval_s,
        timeout_s=health.timeout_s,
        path="" if config.health is HealthCheck.WATCH else config.health_path,
        service=config.health_service,
        healthy_after=health.healthy_after,
        unhealthy_after=health.unhealthy_after,
    )


def probes_of(
    settings: Settings, snapshot: Snapshot, draw: Callable[[], float]
) -> dict[str, Probe]:
    """Make what asks endpoints for their health, by name; those that are not asked have none."""
    configs = {config.name: config for config in settings.endpoint}
    probes: dict[str, Probe] = {}
    for endpoint in snapshot.callable:
        config = configs[endpoint.name]
        probe = probe_of(
            endpoint,
            probe_settings(config, settings.health),
            upstream_options(config, settings),
            draw,
        )
        if probe is not None and config.health is not HealthCheck.NONE:
            probes[endpoint.name] = probe
    return probes


def listener_settings(server: ServerConfig) -> ListenerSettings:
    """Say where callers come in."""
    return ListenerSettings(
        server.host, server.port, server.max_message_bytes, server.max_in_flight, server.transport
    )


def upstream_options(config: EndpointConfig, settings: Settings) -> UpstreamOptions:
    """Say how to speak to an endpoint. Raises ValueError when its secret cannot be read."""
    return UpstreamOptions(
        secret=resolve(config.secret_ref),
        openai_mode=config.openai_mode,
        dialect=config.dialect,
        logprobs=config.logprobs,
        max_message_bytes=settings.server.max_message_bytes,
        oip=config.oip.options(),
        fim=template_of(config.fim, config.fim_template, config.fim_stop),
        transport=config.transport,
    )
