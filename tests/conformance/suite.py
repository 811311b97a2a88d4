"""Runs scenarios one after the other."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.conformance.rig import Rig, Scenario, rig
from tests.conformance.rows import Row

LONGEST_S = 60.0
LOG_CHARS = 400


async def run(scenarios: Iterable[Scenario], say: Callable[[str], None]) -> list[Row]:
    """Run them; a scenario that breaks is a miss, never the end of the suite."""
    rows: list[Row] = []
    for scenario in scenarios:
        row = await run_one(scenario)
        say(f"{row.verdict:<8}{row.took_s:5.1f} s  {row.name}")
        rows.append(row)
    return rows


async def run_one(scenario: Scenario) -> Row:
    """Run one scenario in processes of its own."""
    row = Row(scenario.name, scenario.purpose)
    with tempfile.TemporaryDirectory() as folder:
        await judge(scenario, row, rig(scenario, Path(folder)))
        if row.misses:
            _note_log(row, Path(folder, "gateway.log"))
    return row


def _note_log(row: Row, log: Path) -> None:
    """Note the last of what the gateway logged as an error."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    if lines:
        row.note(f"its log has {len(lines)} lines of errors, the last one: {lines[-1][:LOG_CHARS]}")


async def judge(scenario: Scenario, row: Row, opening: AbstractAsyncContextManager[Rig]) -> None:
    """Run a scenario in a rig; whatever breaks is its result."""
    started = time.monotonic()
    try:
        async with asyncio.timeout(LONGEST_S), opening as made:
            await scenario.run(made, row)
    except TimeoutError:
        row.miss(f"it did not end within {LONGEST_S:g} s")
    except Exception as error:  # noqa: BLE001 - the suite goes on
        row.miss(f"{type(error).__name__}: {error}")
    row.close()
    row.took_s = time.monotonic() - started
