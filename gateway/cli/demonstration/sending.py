"""Sends holes over gRPC, a few at a time, and has one model server killed half way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence

from ensemble_client import AsyncClient, EnsembleError, GenerateResponse

from gateway.cli.demonstration.answers import Answer, of_error, of_loss, of_response
from gateway.cli.demonstration.asking import Mode, Question

IN_FLIGHT = 4
DEADLINE_S = 30.0
GRACE_S = 5.0
"""A call that is silent for so long after its deadline is counted as lost."""

Killer = Callable[[], Awaitable[None]]
"""Kills a model server and returns when it is dead."""


class Sender:
    """Sends every question once; `kill` is awaited when half of the answers are in.

    The other calls in flight go on meanwhile, so that some of them lose their model server. `tell`
    hears of each answer.
    """

    def __init__(self, client: AsyncClient, kill: Killer, tell: Callable[[Answer], None]) -> None:
        self._client = client
        self._kill = kill
        self._tell = tell
        self._answers: list[Answer] = []
        self._killing = False
        self._killed = False

    async def send(self, questions: Sequence[Question]) -> list[Answer]:
        """Return the answers in the order in which they came, one for each question."""
        half = len(questions) // 2
        waiting = iter(questions)
        async with asyncio.TaskGroup() as group:
            for _ in range(IN_FLIGHT):
                group.create_task(self._work(waiting, half))
        return self._answers

    async def _work(self, waiting: Iterator[Question], half: int) -> None:
        for question in waiting:
            answer = await self._ask(question)
            self._answers.append(answer)
            self._tell(answer)
            if len(self._answers) >= half and not self._killing:
                self._killing = True
                await self._kill()
                self._killed = True

    async def _ask(self, question: Question) -> Answer:
        began = time.perf_counter()

        def ms() -> float:
            return (time.perf_counter() - began) * 1000

        try:
            async with asyncio.timeout(DEADLINE_S + GRACE_S):
                response, text = await self._call(question)
        except EnsembleError as error:
            return of_error(question, error, ms=ms(), after_kill=self._killed)
        except Exception as error:  # noqa: BLE001 - whatever it is, the request is counted as lost
            return of_loss(question, error, ms=ms(), after_kill=self._killed)
        return of_response(question, response, text, ms=ms(), after_kill=self._killed)

    async def _call(self, question: Question) -> tuple[GenerateResponse, str]:
        prompt, fields = question.hole.prompt, question.fields()
        if question.mode is not Mode.STREAM:
            response = await self._client.generate(prompt, **fields, timeout=DEADLINE_S)
            return response, response.text
        async with self._client.stream(prompt, **fields, timeout=DEADLINE_S) as stream:
            async for event in stream:
                if isinstance(event, GenerateResponse):
                    return event, stream.text
        raise EOFError("the stream ended without its last event")
