from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fakes.rig import KINDS, Rig, connected


@pytest.fixture(params=KINDS)
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    async with connected(request.param) as made:
        yield made


@pytest.fixture(params=[False, True], ids=["unary", "stream"])
def streamed(request: pytest.FixtureRequest) -> bool:
    return request.param
