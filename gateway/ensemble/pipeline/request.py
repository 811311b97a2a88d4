"""What one step of a pipeline asks for, made of the request and of the step's own options."""

from __future__ import annotations

from dataclasses import replace

from gateway.core.composition import Asking, StepDefinition
from gateway.core.endpoint import Capability
from gateway.core.hole import EndpointFilter, Request, Sampling, Strategy
from gateway.ensemble.pipeline.parameters import Values, number, text_of, whole


def step_request(step: StepDefinition, request: Request, values: Values) -> Request:
    """Make the request of one step.

    It has an id of its own, so that steps draw different candidates. The temperature and the length
    that a caller asks for stand over the step's own, and the hard filters of both hold.
    """
    asking = step.asking
    strategy = request.strategy if asking.strategy is None else asking.strategy
    n = request.n
    if asking.n is not None or asking.strategy is not None:
        n = whole(asking.n, values)
    return replace(
        request,
        request_id=f"{request.request_id}/{step.id}",
        sampling=_sampling(asking, request.sampling, values),
        strategy=None if strategy is Strategy.PIPELINE else strategy,
        n=n,
        endpoint_filter=_filter(asking, request.endpoint_filter, values),
    )


def _sampling(asking: Asking, asked: Sampling, values: Values) -> Sampling:
    temperature, length = asked.temperature, asked.max_tokens
    return replace(
        asked,
        temperature=number(asking.temperature, values) if temperature is None else temperature,
        max_tokens=whole(asking.max_tokens, values) if length is None else length,
    )


def _filter(asking: Asking, asked: EndpointFilter, values: Values) -> EndpointFilter:
    if asking.capability is None and not asking.tags:
        return asked
    tags = {text_of(tag, values) for tag in asking.tags}
    capabilities = (
        () if asking.capability is None else (Capability(text_of(asking.capability, values)),)
    )
    return replace(
        asked,
        required_tags=asked.required_tags.union(tags),
        required_capabilities=asked.required_capabilities.union(capabilities),
    )
