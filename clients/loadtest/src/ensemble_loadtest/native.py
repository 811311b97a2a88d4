"""The gateway's own contract, `ensemble.v1.GatewayService`."""

from __future__ import annotations

from collections.abc import Sequence

from ensemble.v1.gateway_service_pb2 import (
    CachePolicy,
    GenerateRequest,
    GenerateResponse,
    GenerateStreamRequest,
    GenerateStreamResponse,
)
from ensemble.v1.hole_pb2 import HoleSpec, Sampling
from google.protobuf.message import DecodeError

from ensemble_loadtest.flights import Flight
from ensemble_loadtest.prompts import Asking, Prompt

SERVICE = "/ensemble.v1.GatewayService"


class NativeCodec:
    """Generate."""

    path = f"{SERVICE}/Generate"

    def __init__(self, prompts: Sequence[Prompt], asking: Asking) -> None:
        self._messages = [_request(prompt, asking) for prompt in prompts]

    def requests(self) -> list[bytes]:
        """Return the messages, one for each prompt."""
        return [message.SerializeToString() for message in self._messages]

    def read(self, flight: Flight, message: bytes) -> str | None:
        """Note endpoint, tokens and cost."""
        try:
            _note(flight, GenerateResponse.FromString(message))
        except DecodeError as error:
            raise ValueError("no GenerateResponse") from error
        flight.pieces += 1
        return None

    def finished(self, flight: Flight) -> str:
        """Say that there was no answer."""
        return "" if flight.pieces else "NO_ANSWER"


class NativeStreamCodec:
    """GenerateStream."""

    path = f"{SERVICE}/GenerateStream"

    def __init__(self, prompts: Sequence[Prompt], asking: Asking) -> None:
        self._messages = [
            GenerateStreamRequest(request=_request(prompt, asking)) for prompt in prompts
        ]

    def requests(self) -> list[bytes]:
        """Return the messages, one for each prompt."""
        return [message.SerializeToString() for message in self._messages]

    def read(self, flight: Flight, message: bytes) -> str | None:
        """Tell text, and note what the last event holds."""
        try:
            event = GenerateStreamResponse.FromString(message)
        except DecodeError as error:
            raise ValueError("no GenerateStreamResponse") from error
        kind = event.WhichOneof("event")
        if kind == "done":
            _note(flight, event.done)
            flight.endpoint = flight.endpoint or "?"
        return "" if kind == "delta" and event.delta.text else None

    def finished(self, flight: Flight) -> str:
        """Say that the last event is missing."""
        return "" if flight.endpoint else "TRUNCATED"


def _request(prompt: Prompt, asking: Asking) -> GenerateRequest:
    message = GenerateRequest(
        prompt=prompt.prompt,
        suffix=prompt.suffix,
        hole=HoleSpec(language=prompt.language),
        sampling=Sampling(max_tokens=asking.max_tokens),
        cache_policy=CachePolicy.CACHE_POLICY_DEFAULT
        if asking.cache
        else CachePolicy.CACHE_POLICY_BYPASS,
    )
    if asking.temperature is not None:
        message.sampling.temperature = asking.temperature
    return message


def _note(flight: Flight, answer: GenerateResponse) -> None:
    flight.endpoint = answer.endpoint
    flight.prompt_tokens = answer.usage.prompt_tokens
    flight.completion_tokens = answer.usage.completion_tokens
    flight.cost_micros = answer.cost_micros
    flight.cached = answer.cached
