"""Fixtures of the component tests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.fakes.both_clients import Both


@pytest.fixture(params=["sync", "async"])
def both(request: pytest.FixtureRequest) -> Iterator[Both]:
    with asyncio.Runner() as runner:
        yield Both(request.param, runner)
