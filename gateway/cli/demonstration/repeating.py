"""The same request ten times at once, and once more: how many calls that makes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ensemble.v1.cache_service_pb2 import GetCacheStatsResponse
from ensemble_client import AsyncClient, EnsembleError, GenerateResponse

from gateway.cli.demonstration.asking import MAX_TOKENS
from gateway.cli.demonstration.works import AFTER, BEFORE

CALLERS = 10
LIMIT_S = 3.5
CALL_S = 3.0


@dataclass(frozen=True, slots=True)
class Round:
    """Identical requests that were sent at once.

    `calls` were made to endpoints for all of them together, by GetMetrics; `counted` is what the
    cache had counted when the last of them was answered.
    """

    answers: tuple[GenerateResponse, ...]
    calls: int
    counted: GetCacheStatsResponse


@dataclass(frozen=True, slots=True)
class Repeated:
    """What came of a request that many sent at once, and of one that repeats it later.

    `before` is what the cache had counted until then. `error` says what broke off, empty when
    nothing did; rounds that were not over are None.
    """

    before: GetCacheStatsResponse | None = None
    at_once: Round | None = None
    later: Round | None = None
    error: str = ""

    @property
    def missing(self) -> tuple[str, ...]:
        """What was promised and not kept, in words."""
        reasons = [f"repeating a request broke off: {self.error}"] if self.error else []
        if self.at_once is not None and self.at_once.calls != 1:
            reasons.append(f"{CALLERS} identical requests made {self.at_once.calls} upstream calls")
        if self.later is not None and (self.later.calls or not _kept(self.later.answers[0])):
            reasons.append("a request that was asked again was not answered from the cache")
        return tuple(reasons)


async def perform_repeating(client: AsyncClient) -> Repeated:
    """Send the same hole many times at once, and then once more; never longer than LIMIT_S.

    What goes wrong is told in `missing`. Nobody else may send requests meanwhile: all calls count.
    """
    before = at_once = later = None
    error = ""
    try:
        async with asyncio.timeout(LIMIT_S):
            before = await client.cache_stats(timeout=CALL_S)
            at_once = await _round(client, CALLERS)
            later = await _round(client, 1)
    except* TimeoutError:
        error = f"it was not over after {LIMIT_S:g} s"
    except* EnsembleError as errors:
        error = "; ".join(dict.fromkeys(str(one) for one in _each(errors)))
    return Repeated(before, at_once, later, error)


async def _round(client: AsyncClient, callers: int) -> Round:
    made = await _calls(client)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_ask(client)) for _ in range(callers)]
    answers = tuple(task.result() for task in tasks)
    counted = await client.cache_stats(timeout=CALL_S)
    return Round(answers, await _calls(client) - made, counted)


async def _ask(client: AsyncClient) -> GenerateResponse:
    return await client.generate(
        BEFORE,
        suffix=AFTER,
        language="python",
        max_tokens=MAX_TOKENS,
        temperature=0.0,
        strategy="sequential",
        routing_mode="rules",
        # Only one endpoint has it: a refused text would make a second call elsewhere.
        required_capabilities=["high_quality"],
        timeout=CALL_S,
    )


async def _calls(client: AsyncClient) -> int:
    return (await client.metrics(timeout=CALL_S)).ensemble.attempts


def _kept(answer: GenerateResponse) -> bool:
    """Say whether the answer was written before it was asked for: who waits for one has no age."""
    return answer.cached and answer.cache_age.ToNanoseconds() > 0


def _each(errors: BaseExceptionGroup[EnsembleError]) -> list[EnsembleError]:
    """Return the errors themselves, out of the groups in which they come."""
    found: list[EnsembleError] = []
    for one in errors.exceptions:
        found += _each(one) if isinstance(one, BaseExceptionGroup) else [one]
    return found
