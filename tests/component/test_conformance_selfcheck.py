"""The suite can fail: pointed straight at a server that breaks its answers, it says so."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.conformance.calls import Fate
from tests.conformance.processes import Models, models
from tests.conformance.rig import DOORS, Scenario
from tests.conformance.rows import Row
from tests.conformance.scenarios import ALL
from tests.conformance.target import run_on

NAMED = {scenario.name: scenario for scenario in ALL}


@pytest.fixture(scope="module")
async def servers() -> AsyncIterator[Models]:
    async with models(DOORS) as started:
        yield started


async def run(servers: Models, name: str) -> Row:
    scenario: Scenario = NAMED[name]
    return await run_on(servers, scenario, servers.url("primary", "openai"), "scripted")


async def test_a_server_that_is_well_misses_nothing(servers: Models) -> None:
    row = await run(servers, "healthy.openai")
    assert (row.verdict, row.fates[Fate.ANSWERED]) == ("ok", row.sent)


async def test_a_stream_that_ends_early_in_good_order_is_a_silent_truncation(
    servers: Models,
) -> None:
    row = await run(servers, "no-end-marker-mid-stream.openai")
    assert (row.verdict, row.fates[Fate.TRUNCATED]) == ("MISS", row.sent)


@pytest.mark.parametrize(
    "name",
    [
        "cut-in-frame-mid-stream.openai",
        "reset-mid-stream.openai",
        "malformed-at-once.openai",
        "wrong-content-type.openai",
        "error-mid-stream.openai",
    ],
)
async def test_a_fault_that_nobody_mends_is_a_miss(servers: Models, name: str) -> None:
    row = await run(servers, name)
    assert row.verdict == "MISS"
    assert row.fates[Fate.ANSWERED] == 0
    assert row.fates[Fate.LOST] == 0
