"""Storms of error statuses: which of them say something about the endpoint, which do not."""

from __future__ import annotations

from tests.conformance.calls import Fate
from tests.conformance.rig import Rig, Run, Scenario, asks, both, endpoint, told
from tests.conformance.rows import Row, calls_by_name
from tests.conformance.scenarios.plain import BREAKER, after_opening, first
from tests.conformance.servers.rules import Act, Rule

NO_BREAKER = "SGLang #25811: 4xx errors of callers open the breaker"
HINTS = "gRFC A6, RFC 9110 10.2.3; Portkey retryHandler.ts"
HINT_S = 0.2
PATIENT = "[breaker]\nminimum_calls = 1000\nwindow_size = 1000\n[retry]\nbudget_tokens = 1000\n"
"""Half of all tries fail here: neither the breaker nor the retry budget may end the scenario."""


def client_errors(status: str) -> Run:
    """Make a storm of one status that is the caller's fault."""

    async def run(rig: Rig, row: Row) -> None:
        for door in ("primary", "fallback"):
            await told(rig, Rule.failing(status), door=door)
        gots = await rig.ask(both(f"storm-{status.lower()}", 50), 20)
        row.take(gots, must=Fate.ERROR)
        wrong = {got.code for got in gots} - {"INVALID_ARGUMENT"}
        row.expect(true=not wrong, words=f"a caller was told {sorted(wrong)}")
        for name, state in (await rig.endpoints()).items():
            words = f"{name} failed {state.state.failure_rate:.0%} in the eyes of its breaker"
            row.expect(true=state.state.failure_rate <= 0, words=words)
            row.expect(true=await rig.breaker(name) == "CLOSED", words=f"{name} is not CLOSED")
            await told(rig, Rule(), door=name)
        gots = await rig.ask(both("after-the-storm", 20), 10)
        row.take(gots)
        elsewhere = sum(got.endpoint != "primary" for got in gots)
        row.expect(true=elsewhere == 0, words=f"{elsewhere} answers came not from the primary")

    return run


def server_errors(status: str) -> Run:
    """Make a storm of one status that is the endpoint's fault."""

    async def run(rig: Rig, row: Row) -> None:
        await told(rig, Rule.failing(status))
        await first(rig, row, both(f"storm-{status.lower()}", 30), 10)
        before = len(await rig.models.report())
        gots = await after_opening(rig, row, both("open", 50), 10)
        more = len(await rig.models.report()) - before - len(gots)
        row.expect(true=more == 0, words=f"the primary was asked {more} times by an open breaker")

    return run


async def overload_with_hint(rig: Rig, row: Row) -> None:
    """Every other call is told when to come back: no try comes earlier."""
    limited = Rule(Act.STATUS, times=1, status="RESOURCE_EXHAUSTED", retry_after_s=HINT_S)
    for ask in both("hinted", 10):
        await told(rig, limited, Rule())
        row.take(await rig.ask([ask]))
    calls = calls_by_name(await rig.models.settled())
    early = [
        name
        for name, tries in calls.items()
        if len(tries) != 2 or tries[1].started - tries[0].ended < HINT_S
    ]
    row.expect(true=not early, words=f"{len(early)} requests came back too early, or not once")


async def overload_without_hint(rig: Rig, row: Row) -> None:
    """The endpoint is full and does not say for how long: the next one is asked at once."""
    await told(rig, Rule.failing("RESOURCE_EXHAUSTED"))
    gots = await rig.ask(both("full", 30), 10)
    row.take(gots)
    row.failed_over(gots, await rig.models.settled())
    row.at_most("attempts wasted by one request", max(got.wasted for got in gots), 1, "")


async def overload_everywhere(rig: Rig, row: Row) -> None:
    """All are full for longer than the caller has: it is told so, with the time to wait."""
    full = Rule(Act.STATUS, status="RESOURCE_EXHAUSTED", retry_after_s=30.0)
    for door in ("primary", "fallback"):
        await told(rig, full, door=door)
    gots = await rig.ask(asks("all-full", 30, deadline_s=2.0), 10)
    row.take(gots, must=Fate.ERROR)
    untold = sum(got.code == "RESOURCE_EXHAUSTED" and not got.retry_after_s for got in gots)
    row.expect(true=untold == 0, words=f"{untold} callers were not told how long to wait")
    late = sum(got.ended - got.sent > 1.0 for got in gots)
    row.expect(true=late == 0, words=f"{late} callers waited for what they could have been told")


def _storm(name: str, source: str, purpose: str, kind: str, run: Run) -> Scenario:
    fallback = endpoint("fallback", kind, priority=1)
    config = BREAKER + endpoint("primary", kind) + fallback
    return Scenario(f"{name}.{kind}", source, purpose, config, run)


SCENARIOS: tuple[Scenario, ...] = (
    *(
        _storm("storm-4xx", NO_BREAKER, "every endpoint calls 100 requests invalid", kind,
               client_errors("INVALID_ARGUMENT"))
        for kind in ("grpc", "openai")
    ),
    *(
        _storm("storm-5xx", "Bifrost #2917", "the primary answers INTERNAL to everything", kind,
               server_errors("INTERNAL"))
        for kind in ("grpc", "openai")
    ),
    *(
        _storm("storm-503", "LiteLLM #31876", "the primary answers UNAVAILABLE", kind,
               server_errors("UNAVAILABLE"))
        for kind in ("grpc", "openai")
    ),
    *(
        Scenario(f"429-with-hint.{kind}", HINTS, f"each first try is told to wait {HINT_S:g} s",
                 PATIENT + endpoint("primary", kind), overload_with_hint)
        for kind in ("grpc", "openai")
    ),
    *(
        _storm("429-without-hint", HINTS, "the primary is full and gives no hint", kind,
               overload_without_hint)
        for kind in ("grpc", "openai")
    ),
    *(
        _storm("429-everywhere", HINTS, "all are full for longer than the caller has", kind,
               overload_everywhere)
        for kind in ("grpc", "openai")
    ),
)  # fmt: skip
