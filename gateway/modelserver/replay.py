"""The replay engine: recorded completions, with recorded or configured trouble.

Everything that goes wrong is planned by the number of the call and the profile's seed, so that a
run can be repeated.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
import tomllib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from enum import StrEnum
from itertools import count
from typing import Any

import grpc
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from gateway.config.problems import ConfigError, Problem, problems_of
from gateway.core.candidate import Usage
from gateway.core.ports import Operation
from gateway.modelserver.engine import End, ModelCard, Piece, Query, Refusal
from gateway.modelserver.recordings import ERRORS, Key, Recorded, key_of
from gateway.modelserver.tokenizer import split

Sleep = Callable[[float], Awaitable[None]]
"""Waits that many seconds."""

_LATENCY = re.compile(r"none|recorded(?:\*(?P<scale>\d+(?:\.\d+)?))?|(?P<ms>\d+(?:\.\d+)?)ms")


class Choose(StrEnum):
    """What chooses among several recorded completions."""

    CANDIDATE = "candidate"
    SEED = "seed"


class ReplayProfile(BaseModel):
    """How a replay server behaves; the keys of its TOML file and the flags of the command.

    `latency`: `none`, `recorded`, `recorded*0.5` or `250ms`, before the first text. `error_rate`:
    share of calls that fail with `error_code`. `error_every`: every k-th call fails too; 0 = none.
    `cut_after`: a completion ends without its end marker after so many characters. `pace_ms`:
    between two pieces of a stream. `hang`: no call is ever answered. `seed`: of the errors' draw.
    `choose`: among several completions, `candidate` takes them in turn, by the number of the
    candidate; `seed` draws one by the request's seed and that number, as a server that samples
    would, where no seed counts as seed 0 so that runs repeat.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    latency: str = "recorded"
    error_rate: float = Field(default=0.0, ge=0.0, le=1.0, allow_inf_nan=False)
    error_every: int = Field(default=0, ge=0)
    error_code: str = "UNAVAILABLE"
    cut_after: int | None = Field(default=None, ge=0)
    pace_ms: float = Field(default=0.0, ge=0.0, allow_inf_nan=False)
    hang: bool = False
    seed: int = 0
    choose: Choose = Choose.CANDIDATE

    @field_validator("latency")
    @classmethod
    def _latency(cls, value: str) -> str:
        if _LATENCY.fullmatch(value) is None:
            raise ValueError("must be none, recorded, recorded*0.5 or 250ms")
        return value

    @field_validator("error_code")
    @classmethod
    def _code(cls, value: str) -> str:
        if value not in ERRORS:
            raise ValueError(f"must be one of {', '.join(ERRORS)}")
        return value

    def wait_s(self, recorded_s: float) -> float:
        """Seconds before the first text of a completion that took `recorded_s`."""
        found = _LATENCY.fullmatch(self.latency)
        if found is None or self.latency == "none":
            return 0.0
        if found["ms"] is not None:
            return float(found["ms"]) / 1000
        return recorded_s * float(found["scale"] or 1)

    def place(self, candidate: int, seed: int | None, completions: int) -> int:
        """Which of so many completions a candidate gets."""
        if self.choose is Choose.CANDIDATE:
            return candidate % completions
        # Not `random`, whose draws for one seed may differ between versions of Python.
        digest = hashlib.sha256(f"{seed or 0}/{candidate}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % completions

    def fails(self, call: int) -> bool:
        """Whether the call of this 1-based number fails."""
        if self.error_every and call % self.error_every == 0:
            return True
        return random.Random(f"{self.seed}/{call}").random() < self.error_rate


def profile_of(text: str, flags: Mapping[str, Any], source: str) -> ReplayProfile:
    """Read a profile from TOML; flags win. Raises ConfigError with every mistake."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problem = Problem("file", f"is not TOML: {error}", "correct the syntax there")
        raise ConfigError(source, (problem,)) from None
    try:
        return ReplayProfile.model_validate({**values, **flags})
    except ValidationError as error:
        raise ConfigError(source, problems_of(error, ReplayProfile)) from None


class ReplayEngine:
    """Serves recorded completions, and recorded critiques and repairs where there are any.

    Which of several is the profile's to say. They are found by the hole, whatever the draft says.
    """

    def __init__(
        self,
        recordings: Mapping[Key, list[Recorded]],
        profile: ReplayProfile,
        *,
        revision: str = "",
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._recordings = recordings
        self._profile = profile
        self._sleep = sleep
        self._calls = count(1)
        self._card = ModelCard(revision)

    @property
    def card(self) -> ModelCard:
        """What is told about the model."""
        return self._card

    async def complete(self, query: Query) -> AsyncGenerator[Piece | End]:
        """Replay a completion as it was recorded: sampling parameters change nothing."""
        profile = self._profile
        if profile.hang:
            await asyncio.Event().wait()
        if profile.fails(next(self._calls)):
            raise Refusal(ERRORS[profile.error_code], "a failure planned by the replay profile")
        recorded = self._find(query)
        await self._sleep(profile.wait_s(recorded.latency_s))
        if recorded.error is not None:
            raise Refusal(recorded.error, "the recorded call failed with this status")
        pieces = _pieces(recorded)
        left = len(recorded.text) if profile.cut_after is None else profile.cut_after
        for index, piece in enumerate(pieces):
            if index and profile.pace_ms:
                await self._sleep(profile.pace_ms / 1000)
            if left < len(piece.text):
                if left:
                    yield Piece(piece.text[:left], piece.logprobs)
                return
            left -= len(piece.text)
            yield piece
        read = len(split(query.prompt)) + len(split(query.suffix))
        yield End(recorded.finish, Usage(read, len(recorded.logprobs) or len(pieces)))

    def _find(self, query: Query) -> Recorded:
        candidate, operation = query.candidate, query.operation
        found = self._recordings.get(key_of(query.prompt, query.suffix, operation))
        if found is None and operation is Operation.CRITIQUE:
            words = "no critique is recorded for this prompt and suffix"
            raise Refusal(grpc.StatusCode.UNIMPLEMENTED, words)
        if found is None and operation is Operation.REPAIR:
            # The recorded model, asked once more.
            candidate += 1
            found = self._recordings.get(key_of(query.prompt, query.suffix))
        if found is None:
            words = "nothing is recorded for this prompt and suffix; record it or correct them"
            raise Refusal(grpc.StatusCode.NOT_FOUND, words)
        return found[self._profile.place(candidate, query.sampling.seed, len(found))]


def _pieces(recorded: Recorded) -> list[Piece]:
    """Cut a recorded text as a stream would; logprobs go with their pieces if the counts agree."""
    texts = split(recorded.text)
    if len(recorded.logprobs) == len(texts):
        pairs = zip(texts, recorded.logprobs, strict=True)
        return [Piece(text, (logprob,)) for text, logprob in pairs]
    return [
        Piece(text, recorded.logprobs if index == 0 else ()) for index, text in enumerate(texts)
    ]
