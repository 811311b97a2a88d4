"""What each tool takes: closed schemas with bounds, checked here whatever the client checked."""

from __future__ import annotations

from typing import Annotated, Literal

from ensemble.v1.hole_pb2 import Constraint, ForbiddenText, JsonSchema, RegexPattern
from ensemble_client import RequestFields
from pydantic import BaseModel, ConfigDict, Field

MOST_TRACES = 100
MOST_PROMPT = 2 * 1024 * 1024
"""Characters; the gateway counts bytes."""

Words = Annotated[str, Field(min_length=1, max_length=256)]


class Arguments(BaseModel):
    """Arguments of a tool. A number in quotes is none; an argument that is not known is refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class NoArguments(Arguments):
    """Of a tool that takes none."""


class RecentTraces(Arguments):
    """Which traces to list."""

    count: int = Field(default=10, ge=1, le=MOST_TRACES, description="How many, newest first.")
    status: Literal["ok", "failed", "cancelled"] | None = Field(
        default=None, description="Only requests that ended so."
    )
    endpoint: Words | None = Field(
        default=None, description="Only those answered by, or failed at, this endpoint."
    )
    slower_ms: float | None = Field(
        default=None, ge=0, le=86_400_000, description="Only those that took so many milliseconds."
    )


class OneTrace(Arguments):
    """Which trace to show."""

    id: Words = Field(description="A trace id, or the id of a request, as recent_traces has them.")


class Export(Arguments):
    """How to write the traces."""

    format: Literal["json", "csv"] = Field(
        description="json: one whole trace a line. csv: one row a trace, without stages."
    )


class Hole(Arguments):
    """A hole in code and what its fill must meet."""

    prompt: str = Field(min_length=1, max_length=MOST_PROMPT, description="Code before the hole.")
    suffix: str = Field(default="", max_length=MOST_PROMPT, description="Code after the hole.")
    language: str = Field(
        default="", max_length=64, description="Language in lower case; has the syntax checked."
    )
    kind: (
        Literal["expression", "statement", "block", "function", "module", "specification"] | None
    ) = Field(default=None, description="Size of the hole.")
    expected_type: str | None = Field(
        default=None, min_length=1, max_length=4096, description="Type that the fill should have."
    )
    regex: str | None = Field(
        default=None,
        min_length=1,
        max_length=65_536,
        description="Expression (RE2) that the whole fill must match.",
    )
    json_schema: str | None = Field(
        default=None,
        min_length=1,
        max_length=262_144,
        description="JSON text of a schema (2020-12) that the fill must satisfy as JSON.",
    )
    forbidden_text: list[Annotated[str, Field(min_length=1, max_length=4096)]] = Field(
        default=[], max_length=64, description="Texts, none of which may be in the fill."
    )
    objective: (
        Literal["balanced", "fastest", "cheapest", "accurate", "complete", "least_load"] | None
    ) = Field(default=None, description="What the choice among capable endpoints optimises.")
    routing_mode: Literal["auto", "rules", "learned"] | None = Field(
        default=None, description="Who decides: the configuration, the rules, or what was learned."
    )
    task: str = Field(
        default="", max_length=128, description="Kind of task, by which routing learns."
    )

    def request_fields(self) -> RequestFields:
        """Write all but the prompt as the client of the gateway takes it."""
        fields = RequestFields(
            suffix=self.suffix, language=self.language, constraints=self._constraints()
        )
        if self.kind:
            fields["kind"] = self.kind
        if self.expected_type:
            fields["expected_type"] = self.expected_type
        if self.objective:
            fields["objective"] = self.objective
        if self.routing_mode:
            fields["routing_mode"] = self.routing_mode
        if self.task:
            fields["task"] = self.task
        return fields

    def _constraints(self) -> list[Constraint]:
        """Each is named like its argument, so that verdicts and errors name that."""
        wanted: list[Constraint] = []
        if self.regex:
            wanted.append(Constraint(name="regex", regex=RegexPattern(pattern=self.regex)))
        if self.json_schema:
            schema = JsonSchema(schema=self.json_schema)
            wanted.append(Constraint(name="json_schema", json_schema=schema))
        if self.forbidden_text:
            texts = ForbiddenText(texts=self.forbidden_text)
            wanted.append(Constraint(name="forbidden_text", forbidden_text=texts))
        return wanted


class FillHole(Hole):
    """A hole to fill, and how to draw its fill."""

    max_tokens: int | None = Field(
        default=None, ge=1, le=1_048_576, description="Most tokens of the fill."
    )
    temperature: float | None = Field(
        default=None, ge=0, le=2, description="0 draws the likeliest tokens."
    )
    seed: int | None = Field(default=None, ge=0, le=2**64 - 1, description="Seed of the draw.")
    n: int | None = Field(
        default=None, ge=1, le=16, description="Most candidates to choose from; each costs."
    )
    trace: bool = Field(default=False, description="Keep a trace, which get_trace then shows.")

    def request_fields(self) -> RequestFields:
        """Add how to draw."""
        fields = super().request_fields()
        fields["trace"] = self.trace
        if self.max_tokens is not None:
            fields["max_tokens"] = self.max_tokens
        if self.temperature is not None:
            fields["temperature"] = self.temperature
        if self.seed is not None:
            fields["seed"] = self.seed
        if self.n is not None:
            fields["n"], fields["strategy"] = self.n, "best_of_n"
        return fields
