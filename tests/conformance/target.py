"""The same scenarios against another gateway, by its OpenAI door."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.conformance.calls import Fate
from tests.conformance.processes import Models, models
from tests.conformance.rig import DOORS, Scenario, asks, foreign_rig
from tests.conformance.rows import Row
from tests.conformance.suite import judge

EXAMPLE = """
The fault servers listen. Give them to the gateway under test as two OpenAI-compatible endpoints,
the second one as the fallback of the first, and let it serve them as the model {model!r}:

  primary   {primary}   (any key, model "scripted")
  fallback  {fallback}   (any key, model "scripted")

LiteLLM, for example, takes this as its config.yaml:

  model_list:
    - model_name: {model}
      litellm_params: {{model: openai/scripted, api_base: "{primary}", api_key: any}}
    - model_name: fallback
      litellm_params: {{model: openai/scripted, api_base: "{fallback}", api_key: any}}
  router_settings: {{fallbacks: [{{"{model}": ["fallback"]}}], num_retries: 1, timeout: 5}}

Waiting for an answer of {target}.
"""

Say = Callable[[str], None]


async def run_foreign(
    scenarios: Sequence[Scenario],
    target: str,
    model: str,
    ports: Sequence[int],
    wait_s: float,
    say: Say,
) -> list[Row]:
    """Start the fault servers on these ports, wait for the target, and run the scenarios.

    Raises SystemExit when the target does not answer in `wait_s` seconds.
    """
    wanted = {door: {"openai": port} for door, port in zip(DOORS, ports, strict=True)}
    async with models(DOORS, wanted) as servers:
        urls = {door: servers.url(door, "openai") for door in DOORS}
        say(EXAMPLE.format(model=model, target=target, **urls))
        if not await _answers(servers, target, model, wait_s):
            raise SystemExit(f"{target} did not answer within {wait_s:g} s")
        return [await run_on(servers, one, target, model, say) for one in scenarios]


async def _answers(servers: Models, target: str, model: str, wait_s: float) -> bool:
    until = time.monotonic() + wait_s
    with tempfile.TemporaryDirectory() as folder:
        async with foreign_rig(servers, target, model, Path(folder)) as made:
            while True:
                (got,) = await made.ask(asks("probe", 1, deadline_s=2.0))
                if got.fate is Fate.ANSWERED or time.monotonic() > until:
                    return got.fate is Fate.ANSWERED
                await asyncio.sleep(0.5)


async def run_on(
    servers: Models, scenario: Scenario, target: str, model: str, say: Say = lambda _: None
) -> Row:
    """Run one scenario on the target."""
    row = Row(scenario.name, scenario.purpose)
    for door in DOORS:
        await servers.tell(door)
    await servers.order("forget")
    with tempfile.TemporaryDirectory() as folder:
        await judge(scenario, row, foreign_rig(servers, target, model, Path(folder)))
    say(f"{row.verdict:<8}{row.took_s:5.1f} s  {row.name}")
    return row
