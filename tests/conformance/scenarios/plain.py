"""The plain scenario: the primary fails in one way, the fallback is well, nobody may notice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.conformance.calls import Ask, Got
from tests.conformance.rig import FALLBACK, Rig, Scenario, asks, both, endpoint
from tests.conformance.rows import Row, quantile
from tests.conformance.servers.rules import Rule, Script

KINDS = {"grpc": "native", "openai": "OpenAI", "frames": "native, by hand", "way": "native"}


@dataclass(frozen=True, slots=True)
class Traffic:
    """What is asked: so many unary requests and as many streams, unless `only` one sort."""

    count: int = 30
    at_once: int = 10
    deadline_s: float = 10.0
    lines: int = 8
    only: str = ""

    def asks(self, prefix: str) -> list[Ask]:
        """Make the requests."""
        more: dict[str, Any] = {"deadline_s": self.deadline_s, "lines": self.lines}
        if self.only:
            return asks(prefix, self.count, streamed=self.only == "streamed", **more)
        return both(prefix, self.count, **more)


DEFAULT = Traffic()


BREAKER = "[breaker]\nminimum_calls = 10\nwindow_size = 20\nopen_s = 30.0\n"
"""Opens soon and stays open until the scenario is over."""


@dataclass(frozen=True, slots=True)
class Bars:
    """What is held against the scenario, beside that every request is answered.

    `failover_ms` bounds the 99th percentile of the time to failover and `wasted` the failed
    attempts of any one request while the primary's breaker is closed; by default three tries with
    their waits. `opens`: the fault must open it, after which one attempt and 100 ms are the bars.
    """

    failover_ms: float = 500.0
    wasted: int = 3
    opens: bool = True


SHARED = Bars()
INVISIBLE = Bars(wasted=0, opens=False)


def plain(
    name: str,
    source: str,
    purpose: str,
    *rules: Rule,
    kind: str = "grpc",
    settings: str = "",
    traffic: Traffic = DEFAULT,
    bars: Bars = SHARED,
    cycle: bool = False,
    **keys: Any,
) -> Scenario:
    """Make a scenario; `settings` are sections of the configuration, `keys` of the primary."""

    async def run(rig: Rig, row: Row) -> None:
        await rig.models.tell("primary", script=Script(rules, cycle))
        await first(rig, row, traffic.asks(name), traffic.at_once, bars)
        if bars.opens and rig.gateway is not None:
            await after_opening(rig, row, traffic.asks(f"{name}-open"), traffic.at_once)

    config = BREAKER + settings + endpoint("primary", kind, **keys) + FALLBACK
    foreign = kind == "openai" and not settings
    return Scenario(f"{name}.{kind}", source, purpose, config, run, foreign=foreign)


async def first(
    rig: Rig, row: Row, wanted: Sequence[Ask], at_once: int, bars: Bars = SHARED
) -> list[Got]:
    """Ask while the breaker learns of the fault, and hold what came against the bars."""
    gots = await rig.ask(wanted, at_once)
    calls = await rig.models.settled()
    row.take(gots)
    row.failed_over(gots, calls)
    if rig.gateway is None:
        row.wasted = sum(call.how != "finished" for call in calls)
    else:
        row.at_most("attempts wasted by one request", max(g.wasted for g in gots), bars.wasted, "")
    if row.failover_ms:
        row.at_most("failover p99", quantile(row.failover_ms, 0.99), bars.failover_ms)
    return gots


async def after_opening(
    rig: Rig, row: Row, wanted: Sequence[Ask], at_once: int, name: str = "primary"
) -> list[Got]:
    """Ask once the breaker of an endpoint is open: it costs no request more than one attempt."""
    state = await rig.breaker(name)
    row.expect(true=state == "OPEN", words=f"the breaker of {name} is {state}, not OPEN")
    gots = await rig.ask(wanted, at_once)
    row.take(gots)
    row.passed_over(gots, await rig.models.settled())
    wasted = max(got.wasted for got in gots)
    row.at_most("attempts wasted by one request past an open breaker", wasted, 1, "")
    return gots
