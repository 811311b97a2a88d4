"""POST /v1/chat/completions and /v1/completions: from a body to exchanges, and back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from hashlib import sha256
from typing import cast

from pydantic_core import from_json, to_json

from gateway.core.deadline import Deadline
from gateway.core.exchange import Exchange
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.ports import Clock
from gateway.ensemble.door import Door
from gateway.ingress.openai.answer import Done, whole
from gateway.ingress.openai.call import HttpCall
from gateway.ingress.openai.caller import Caller, caller_of, is_local
from gateway.ingress.openai.errors import Header
from gateway.ingress.openai.headers import Headers
from gateway.ingress.openai.stream import Stream, side_by_side
from gateway.ingress.openai.wanted import Api, Known, Wanted, wanted_of

OK = 200


class Completions:
    """Answers the calls that fill holes. `max_bytes` bounds a body; `wall` tells unix seconds."""

    def __init__(self, door: Door, headers: Headers, *, max_bytes: int, wall: Clock) -> None:
        self._door = door
        self._headers = headers
        self._max_bytes = max_bytes
        self._wall = wall

    async def chat(self, call: HttpCall) -> None:
        """Answer a conversation."""
        await self._answer(call, Api.CHAT)

    async def completions(self, call: HttpCall) -> None:
        """Fill the hole between `prompt` and `suffix`."""
        await self._answer(call, Api.COMPLETIONS)

    async def _answer(self, call: HttpCall, api: Api) -> None:
        caller = caller_of(call.headers, call.request_id)
        longest_s = self._door.longest_s
        within_s = longest_s if caller.timeout_s is None else min(caller.timeout_s, longest_s)
        raw = await call.body(self._max_bytes, within_s)
        client = self._door.client
        wanted = wanted_of(
            api,
            document_of(raw),
            caller,
            Known(client.router.snapshot, client.pipelines),
            partial(is_local, call.scope),
        )
        call.extended = wanted.extended
        call.request_id = wanted.name or call.request_id
        created = int(self._wall())
        if wanted.stream:
            await self._streamed(call, caller, wanted, raw, created)
            return
        self._begin(call, wanted, raw, None)
        done = await side_by_side(call.exchanges, self._handled)
        answered = whole(wanted, done, call.request_id, created, caller.trace_id)
        await call.respond(OK, self._headers.whole(call, done, caller.trace_id), to_json(answered))

    async def _streamed(
        self, call: HttpCall, caller: Caller, wanted: Wanted, raw: bytes, created: int
    ) -> None:
        def headers(endpoint: str) -> tuple[Header, ...]:
            return self._headers.stream(call, endpoint, caller.trace_id)

        stream = Stream(call, wanted, created, caller.trace_id, headers)

        async def handled(index: int, exchange: Exchange) -> Done:
            done = await self._handled(index, exchange)
            await stream.ended(index, done)
            return done

        self._begin(call, wanted, raw, stream)
        await stream.finish(await side_by_side(call.exchanges, handled))

    def _begin(self, call: HttpCall, wanted: Wanted, raw: bytes, stream: Stream | None) -> None:
        """Begin an exchange for each choice; they share one deadline."""
        door = self._door
        left_s = door.longest_s if wanted.timeout_s is None else wanted.timeout_s
        deadline = Deadline(call.started + min(left_s, door.longest_s))
        for index, request in enumerate(wanted.requests):
            emit = None if stream is None else stream.listener(index)
            exchange = door.begin(request, deadline, emit, wanted.asked)
            if wanted.name:
                about = b"%s\0%d\0" % (call.path.encode(), index)
                exchange.fingerprint = sha256(about + raw).digest()
            call.exchanges = (*call.exchanges, exchange)

    async def _handled(self, _: int, exchange: Exchange) -> Done:
        return exchange, await self._door.handle(exchange)


def document_of(raw: bytes) -> Mapping[str, object]:
    """Parse a body. Raises Fault(INVALID, UNREADABLE_MESSAGE)."""
    try:
        document = cast("object", from_json(raw, allow_inf_nan=False))
    except ValueError as error:
        raise _unreadable(f"the body is not valid JSON: {str(error)[:100]}") from None
    if not isinstance(document, dict):
        raise _unreadable("the body must be a JSON object")
    return cast("dict[str, object]", document)


def _unreadable(words: str) -> Fault:
    return Fault(Kind.INVALID, Origin.CALLER, Reason.UNREADABLE_MESSAGE, words)
