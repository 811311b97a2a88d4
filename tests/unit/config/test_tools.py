"""Which tools the late checks get from which settings."""

from __future__ import annotations

import time
from typing import Any

from gateway.config.load import build
from gateway.config.tools import sandbox_of, tools_of
from gateway.sandbox.bubblewrap import BubblewrapExecutor
from gateway.sandbox.pyright import Pyright


def settings(**sections: Any):
    return build({"endpoint": [{"name": "only", "url": "localhost:1"}], **sections}, "test")


def test_nothing_runs_unless_it_is_asked_for() -> None:
    plain = settings()
    assert sandbox_of(plain, time.monotonic) is None
    tools = tools_of(plain, None)
    assert (tools.executor, tools.types, tools.examples) == (None, None, True)


async def test_a_sandbox_and_a_type_checker_are_made_when_they_are_asked_for() -> None:
    asked = settings(
        sandbox={"kind": "bubblewrap"}, checks={"type_checker": "pyright", "examples": False}
    )
    executor = sandbox_of(asked, time.monotonic)
    assert isinstance(executor, BubblewrapExecutor)
    tools = tools_of(asked, executor)
    assert tools.executor is executor
    assert isinstance(tools.types, Pyright)
    assert not tools.examples
