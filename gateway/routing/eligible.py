"""Hard filters: which endpoints may be called at all, and why the others may not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.core.decision import Excluded, ExclusionReason
from gateway.core.endpoint import Endpoint
from gateway.core.hole import NO_FILTER, EndpointFilter, Request
from gateway.routing.tokens import least_tokens, prompt_tokens

NOT_NAMED = "is not among those asked for by name"
NO_TOOLS = "is not spoken to in chat, and so takes no tools"


def drained(endpoints: Iterable[Endpoint]) -> tuple[Excluded, ...]:
    """The drained endpoints, in order. They get no new requests."""
    return tuple(
        Excluded(endpoint.name, ExclusionReason.DRAINED, "is drained")
        for endpoint in endpoints
        if endpoint.drained
    )


def tightest_context(endpoints: Iterable[Endpoint]) -> int:
    """The smallest context that an endpoint states, 0 when none does."""
    return min(
        (endpoint.max_context for endpoint in endpoints if endpoint.max_context > 0), default=0
    )


def passes_everywhere(request: Request, tightest: int) -> bool:
    """True when the filters of a request cannot take any endpoint out: no need to look at each.

    `tightest` is that of `tightest_context`.
    """
    wanted = request.endpoint_filter
    if wanted is not NO_FILTER and wanted != NO_FILTER:
        return False
    if request.chat is not None and request.chat.tools:
        return False
    return tightest == 0 or prompt_tokens(request.hole) + least_tokens(request) <= tightest


def screen(
    endpoints: Sequence[Endpoint], request: Request
) -> tuple[list[Endpoint], list[Excluded]]:
    """Split endpoints into those that pass every filter of the request and the others, in order.

    An endpoint that misses several is reported with the first of: name, tools, required tag,
    forbidden tag, required capability, context. Texts are written once and shared, so that an
    endpoint costs one allocation at most (R-09).
    """
    filters = _Filters(request)
    passing: list[Endpoint] = []
    excluded: list[Excluded] = []
    for endpoint in endpoints:
        refused = filters.refusal(endpoint)
        if refused is None:
            passing.append(endpoint)
        else:
            excluded.append(refused)
    return passing, excluded


class _Filters:
    """The filters of one request, their texts ready."""

    __slots__ = (
        "_capabilities",
        "_contexts",
        "_fill",
        "_forbidden",
        "_names",
        "_prompt",
        "_required",
        "_tools",
    )

    def __init__(self, request: Request) -> None:
        wanted: EndpointFilter = request.endpoint_filter
        self._names = wanted.names
        self._tools = request.chat is not None and bool(request.chat.tools)
        self._required = [
            (tag, f"lacks the required tag {tag!r}") for tag in sorted(wanted.required_tags)
        ]
        self._forbidden = [
            (tag, f"carries the forbidden tag {tag!r}") for tag in sorted(wanted.forbidden_tags)
        ]
        self._capabilities = [
            (capability, f"lacks the required capability {capability}")
            for capability in sorted(wanted.required_capabilities)
        ]
        self._prompt = prompt_tokens(request.hole)
        self._fill = least_tokens(request)
        self._contexts: dict[int, str] = {}

    def refusal(self, endpoint: Endpoint) -> Excluded | None:
        """Why the endpoint may not be called; None when it may."""
        name = endpoint.name
        if self._names and name not in self._names:
            return Excluded(name, ExclusionReason.NOT_NAMED, NOT_NAMED)
        if self._tools and not endpoint.takes_tools:
            return Excluded(name, ExclusionReason.NO_TOOLS, NO_TOOLS)
        lacking = self._lacking(endpoint)
        if lacking is not None:
            return lacking
        if 0 < endpoint.max_context < self._prompt + self._fill:
            text = self._context_text(endpoint.max_context)
            return Excluded(name, ExclusionReason.CONTEXT_LENGTH, text)
        return None

    def _lacking(self, endpoint: Endpoint) -> Excluded | None:
        for tag, text in self._required:
            if tag not in endpoint.tags:
                return Excluded(endpoint.name, ExclusionReason.MISSING_TAG, text)
        for tag, text in self._forbidden:
            if tag in endpoint.tags:
                return Excluded(endpoint.name, ExclusionReason.FORBIDDEN_TAG, text)
        for capability, text in self._capabilities:
            if capability not in endpoint.capabilities:
                return Excluded(endpoint.name, ExclusionReason.CAPABILITY, text)
        return None

    def _context_text(self, holds: int) -> str:
        text = self._contexts.get(holds)
        if text is None:
            text = self._contexts[holds] = (
                f"its context holds {holds} tokens, about {self._prompt + self._fill} are needed "
                f"({self._prompt} to read, {self._fill} to write)"
            )
        return text
