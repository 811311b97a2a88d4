"""The official client of the OpenAI API, unchanged but for its base URL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.fakes.openai_stage import stage

pytest.importorskip("openai", reason="the package `openai` is not installed")

from tests.interop.openai_client import calls


@pytest.fixture(scope="module")
async def urls() -> AsyncIterator[tuple[str, str]]:
    async with stage() as found:
        yield found


@pytest.mark.parametrize("case", calls.CASES, ids=lambda case: case.__name__)
async def test_a_script_works_by_changing_the_base_url(case: Any, urls: tuple[str, str]) -> None:
    await asyncio.to_thread(case, calls.Stage(*urls))
