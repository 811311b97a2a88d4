"""The two clients of the SDK behind one blocking face, so that each test proves both."""

from __future__ import annotations

import asyncio

from ensemble_client import AsyncClient, Client


class Both:
    def __init__(self, kind: str, loop_runner: asyncio.Runner) -> None:
        self._sync = kind == "sync"
        self._runner = loop_runner

    def generate(self, target: str, *arguments: object, settings: object = None, **more) -> object:
        return self.ask(target, "generate", *arguments, settings=settings, **more)

    def ask(
        self, target: str, method: str, *arguments: object, settings: object = None, **more
    ) -> object:
        if self._sync:
            with Client(target, **(settings or {})) as client:
                return getattr(client, method)(*arguments, **more)

        async def call() -> object:
            async with AsyncClient(target, **(settings or {})) as client:
                return await getattr(client, method)(*arguments, **more)

        return self._runner.run(call())

    def collect(
        self, target: str, method: str, *arguments: object, settings: object = None, **more
    ) -> list[object]:
        found: list[object] = []
        if self._sync:
            with Client(target, **(settings or {})) as client:
                found.extend(getattr(client, method)(*arguments, **more))
            return found

        async def call() -> None:
            async with AsyncClient(target, **(settings or {})) as client:
                async for item in getattr(client, method)(*arguments, **more):
                    found.append(item)  # noqa: PERF401 - the point is `async for`

        self._runner.run(call())
        return found
