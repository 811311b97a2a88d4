"""GET /v1/models: every word that selects something, and what it stands for."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from pydantic_core import to_json

from gateway.core.hole import Hole, Request
from gateway.core.ports import Clock
from gateway.ensemble.client import EnsembleClient
from gateway.ensemble.selection import AUTO, CAPABILITIES, select, selectable
from gateway.ingress.openai.call import HttpCall
from gateway.ingress.openai.headers import Headers

MODELS = "/v1/models"
OK = 200


class Models:
    """Answers what can be asked for by `model`."""

    def __init__(self, client: EnsembleClient, headers: Headers, wall: Clock) -> None:
        self._client = client
        self._headers = headers
        self._created = int(wall())

    async def all(self, call: HttpCall) -> None:
        """List all of them."""
        words = selectable(self._client.router.snapshot, self._client.pipelines)
        found = {"object": "list", "data": [self._model(word) for word in words]}
        await call.respond(OK, self._headers.common(call), to_json(found))

    async def one(self, call: HttpCall) -> None:
        """Describe the one at the end of the path. Raises Fault(NOT_FOUND)."""
        word = unquote(call.path.removeprefix(f"{MODELS}/"))
        snapshot, pipelines = self._client.router.snapshot, self._client.pipelines
        select(Request(Hole(""), ""), word, snapshot, pipelines)
        await call.respond(OK, self._headers.common(call), to_json(self._model(word)))

    def _model(self, word: str) -> dict[str, Any]:
        return {
            "id": word,
            "object": "model",
            "created": self._created,
            "owned_by": self._owner(word),
        }

    def _owner(self, word: str) -> str:
        snapshot = self._client.router.snapshot
        if word == AUTO:
            return "router"
        if word in snapshot.by_name:
            return "group" if word in snapshot.replicas else "endpoint"
        return "capability" if word in CAPABILITIES else "pipeline"
