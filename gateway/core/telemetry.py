"""What watches requests, as the policies see it: a meter that counts, a tracer that draws spans.

Both are told what happened; neither changes it, and neither may raise or wait.
"""

from __future__ import annotations

from typing import Protocol

from gateway.core.candidate import Attempt, Completion
from gateway.core.exchange import Exchange
from gateway.core.ports import Task
from gateway.core.value import value


@value
class MetricsPage:
    """The metrics as one scraper wants them: the bytes, and their HTTP content type."""

    text: bytes
    content_type: str


class Meter(Protocol):
    """Counts requests."""

    def ended(self, exchange: Exchange, error: BaseException | None, elapsed_s: float) -> None:
        """Count a request that ended after `elapsed_s` seconds, with an error or an answer."""
        ...


class RequestSpan(Protocol):
    """The span of a request that runs."""

    def ended(self, exchange: Exchange, error: BaseException | None) -> None:
        """End it. To be called by the task that began it."""
        ...


class AttemptSpan(Protocol):
    """The span of a call that runs."""

    @property
    def trace_context(self) -> tuple[tuple[str, str], ...]:
        """The W3C headers by which the endpoint's own spans become children of this one."""
        ...

    def ended(self, attempt: Attempt | None, completion: Completion | None) -> None:
        """End it with the call's record, and its text's end where there is one."""
        ...


class Tracer(Protocol):
    """Begins spans."""

    def request(self, exchange: Exchange) -> RequestSpan:
        """Begin the span of a request; what runs in the same context becomes its child.

        Of a sampled one `exchange.sampled_as` is set.
        """
        ...

    def attempt(self, task: Task, try_number: int) -> AttemptSpan | None:
        """Begin the span of a call, as a child of the request's; None where that is not sampled."""
        ...
