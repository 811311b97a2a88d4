"""The tables of a pipeline: `[[pipeline]]` in the configuration, and the templates of the house."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from pydantic import BeforeValidator, Field, PlainValidator

from gateway.config.section import Name, Section
from gateway.core.composition import ParameterType, Rank
from gateway.core.hole import Strategy
from gateway.core.pipeline import OnError, StepKind

MOST_STEPS = 32
MOST_SOURCES = 16
MOST_CHARS = 64 * 1024
"""Longest text of a definition, in characters."""

Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Text = Annotated[str, Field(max_length=MOST_CHARS)]
Lines = Annotated[tuple[Text, ...], Field(max_length=MOST_SOURCES)]


def _scalar(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        words = "must be a number, or text such as the `$name` of a parameter"
        raise ValueError(words)  # noqa: TRY004 - what pydantic reports as a mistake
    return value


def _many(value: object) -> list[object]:
    """Take one where several may be."""
    return list(cast("list[object]", value)) if isinstance(value, list | tuple) else [value]


def _sources(value: object) -> list[object]:
    return [{"source": one} if isinstance(one, str) else one for one in _many(value)]


def _default(value: object) -> object:
    lines = _many(value)
    if not all(isinstance(line, str) and len(line) <= MOST_CHARS for line in lines):
        raise ValueError("must be text, a list of texts, or a reference such as `$draft.text`")
    return value if isinstance(value, str) else tuple(lines)


def _fallback(value: object) -> object:
    return {"step": value} if isinstance(value, str) else value


Scalar = Annotated[
    int | float | str, PlainValidator(_scalar, json_schema_input_type=int | float | str)
]
Default = Annotated[
    str | tuple[str, ...], PlainValidator(_default, json_schema_input_type=str | list[str])
]


class SourceTable(Section):
    """Where an input comes from."""

    source: str = Field(description="A field of a step, such as `$draft.text`.")
    default: Default | None = Field(
        default=None, description="What stands in when that step gave nothing."
    )


Sources = Annotated[
    tuple[SourceTable, ...],
    Field(max_length=MOST_SOURCES),
    BeforeValidator(_sources, json_schema_input_type=str | SourceTable | list[str | SourceTable]),
]
Conditions = Annotated[
    tuple[str, ...],
    Field(max_length=MOST_SOURCES),
    BeforeValidator(_many, json_schema_input_type=str | list[str]),
]


class FallbackTable(Section):
    """What stands in for a step that failed: another step, or a constant."""

    step: str = Field(default="", description="Id of the step that is run only then.")
    text: Text | None = Field(default=None, description="The text that stands in.")
    issues: Lines | None = Field(default=None, description="The issues that stand in.")


Fallback = Annotated[
    FallbackTable, BeforeValidator(_fallback, json_schema_input_type=str | FallbackTable)
]


class StepTable(Section):
    """One step of a pipeline."""

    id: Id = Field(description="Unique in its pipeline.")
    do: StepKind = Field(description="What it does.")
    text: Sources = Field(
        default=(), description="critique, repair, validate: the text it is about."
    )
    texts: Sources = Field(default=(), description="select: the texts to choose from.")
    issues: Sources = Field(
        default=(), description="repair: what is to be mended; critique: what is known already."
    )
    without: Sources = Field(
        default=(), description="draft, repair: endpoints to leave out while others are left."
    )
    strategy: Literal[Strategy.SEQUENTIAL, Strategy.BEST_OF_N] | None = Field(
        default=None, description="draft, repair: default: that of the request."
    )
    n: Scalar | None = Field(default=None, description="draft, repair: most candidates, 1..128.")
    temperature: Scalar | None = Field(
        default=None, description="0..2; one that the caller asks for stands over it."
    )
    max_tokens: Scalar | None = Field(
        default=None,
        description="draft, repair: most tokens; what the caller asks for stands over it.",
    )
    capability: str | None = Field(
        default=None, description="Only endpoints with this capability are asked."
    )
    tags: Lines = Field(default=(), description="Only endpoints with all of these are asked.")
    by: Rank | None = Field(
        default=None, description="select: checks alone, or (default) then the confidence: score."
    )
    when: Conditions = Field(
        default=(), description="The step is needed only when all hold, such as `!$check.passed`."
    )
    on_error: OnError = Field(default=OnError.FAIL_FAST, description="What follows its failure.")
    fallback: Fallback | None = Field(
        default=None, description="For on_error = fallback: id of a step, or a constant."
    )


class ParameterTable(Section):
    """A value that whoever runs the pipeline may set; an option names it as `$name`."""

    type: ParameterType = Field(description="What its text is read as.")
    default: Scalar = Field(description="Its value when none is given.")
    min: float | None = Field(
        default=None, allow_inf_nan=False, description="int, float: the least that is allowed."
    )
    max: float | None = Field(
        default=None, allow_inf_nan=False, description="int, float: the most that is allowed."
    )
    choices: Lines = Field(default=(), description="str: all that is allowed.")


class LoopTable(Section):
    """Steps that are repeated together; one of them may refer to itself, or to a later one."""

    steps: tuple[Id, ...] = Field(min_length=1, max_length=MOST_STEPS, description="Their ids.")
    rounds: Scalar = Field(description="Most rounds, 1..16.")
    until: Conditions = Field(
        default=(), description="The loop ends after the round in which all of these hold."
    )


class PipelineTable(Section):
    """A pipeline of steps that feed each other by name."""

    name: Name = Field(description="Unique, also among the built-in pipelines.")
    description: Text = Field(default="", description="What it is for.")
    output: str = Field(description="Id of the step whose text is the answer.")
    step: tuple[StepTable, ...] = Field(max_length=MOST_STEPS, description="The steps.")
    parameters: dict[Id, ParameterTable] = Field(default={}, description="By their names.")
    loop: LoopTable | None = Field(default=None, description="Steps that are repeated.")

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the steps, in their order."""
        return tuple(step.id for step in self.step)
