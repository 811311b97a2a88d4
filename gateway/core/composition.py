"""Pipelines as they are defined: named steps, where each takes its inputs from, what bounds them.

A definition that was loaded by `config.pipelines` keeps every rule named here; nothing below it
checks them again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType

from gateway.core.endpoint import Capability
from gateway.core.hole import Strategy
from gateway.core.pipeline import OnError, StepKind
from gateway.core.value import value


class FieldKind(StrEnum):
    """What a step may give to others."""

    TEXT = "text"
    TEXTS = "texts"
    ISSUES = "issues"
    ENDPOINT = "endpoint"
    FLAG = "flag"


_WRITTEN = MappingProxyType(
    {"text": FieldKind.TEXT, "texts": FieldKind.TEXTS, "endpoint": FieldKind.ENDPOINT}
)
GIVES: Mapping[StepKind, Mapping[str, FieldKind]] = MappingProxyType(
    {
        StepKind.DRAFT: _WRITTEN,
        StepKind.REPAIR: _WRITTEN,
        StepKind.SELECT: _WRITTEN,
        StepKind.CRITIQUE: MappingProxyType(
            {
                "issues": FieldKind.ISSUES,
                "passed": FieldKind.FLAG,
                "endpoint": FieldKind.ENDPOINT,
            }
        ),
        StepKind.VALIDATE: MappingProxyType(
            {"text": FieldKind.TEXT, "issues": FieldKind.ISSUES, "passed": FieldKind.FLAG}
        ),
    }
)
"""The fields of each kind of step. `passed`: no check failed, or the critic found nothing wrong."""


@value
class Takes:
    """An input: which fields may be its source, whether it must be named, whether by several."""

    kinds: frozenset[FieldKind]
    required: bool = False
    several: bool = False


_TEXT = Takes(frozenset({FieldKind.TEXT}), required=True)
_WITHOUT = Takes(frozenset({FieldKind.ENDPOINT}), several=True)
_ISSUES = frozenset({FieldKind.ISSUES})
TAKES: Mapping[StepKind, Mapping[str, Takes]] = MappingProxyType(
    {
        StepKind.DRAFT: MappingProxyType({"without": _WITHOUT}),
        StepKind.CRITIQUE: MappingProxyType(
            {"text": _TEXT, "issues": Takes(_ISSUES, several=True)}
        ),
        StepKind.REPAIR: MappingProxyType(
            {
                "text": _TEXT,
                "issues": Takes(_ISSUES, required=True, several=True),
                "without": _WITHOUT,
            }
        ),
        StepKind.VALIDATE: MappingProxyType({"text": _TEXT}),
        StepKind.SELECT: MappingProxyType(
            {
                "texts": Takes(
                    frozenset({FieldKind.TEXT, FieldKind.TEXTS}), required=True, several=True
                )
            }
        ),
    }
)
"""The inputs of each kind of step (Y-04)."""

CALLING = frozenset({StepKind.DRAFT, StepKind.CRITIQUE, StepKind.REPAIR})
"""Steps that ask an endpoint; only these can fail, and only these may be left out (X-20)."""


class Rank(StrEnum):
    """What a select step goes by.

    CHECKS: what the checks found, then the order in which its sources are named. SCORE: then the
    confidence.
    """

    CHECKS = "checks"
    SCORE = "score"


@value
class Reference:
    """A field of a step, written `$step.field`.

    `earlier` says that the step stands at the same place of a loop or later, so that the field is
    that of the round before.
    """

    step: str
    field: str
    earlier: bool = False

    def __str__(self) -> str:
        return f"${self.step}.{self.field}"


Constant = str | tuple[str, ...]
"""A text, or issues."""


@value
class Source:
    """Where an input comes from; `default` stands in when that step gave nothing."""

    reference: Reference
    default: Reference | Constant | None = None

    def references(self) -> Iterator[Reference]:
        """Yield the reference, and the default's if it is one."""
        yield self.reference
        if isinstance(self.default, Reference):
            yield self.default


@value
class Condition:
    """A flag that must be set or, with `negated`, must not be."""

    reference: Reference
    negated: bool = False

    def __str__(self) -> str:
        return f"!{self.reference}" if self.negated else str(self.reference)


@value
class Named:
    """The parameter that an option takes its value from, written `$name`."""

    parameter: str


Scalar = int | float | str
"""The value of a parameter."""


@value
class Asking:
    """How a step asks endpoints; None leaves it to the request and the configuration."""

    strategy: Strategy | None = None
    n: int | Named | None = None
    temperature: float | Named | None = None
    max_tokens: int | Named | None = None
    capability: Capability | Named | None = None
    tags: tuple[str | Named, ...] = ()


AS_REQUESTED = Asking()


@value
class StepDefinition:
    """One step. `inputs` has the sources of each input by its name.

    `when` must hold for the step to be needed. `fallback` names the step that is run in the place
    of this one when it fails, and `constant` is what stands in for it then; with FALLBACK exactly
    one of them is set.
    """

    id: str
    kind: StepKind
    inputs: tuple[tuple[str, tuple[Source, ...]], ...] = ()
    asking: Asking = AS_REQUESTED
    rank: Rank = Rank.SCORE
    when: tuple[Condition, ...] = ()
    on_error: OnError = OnError.FAIL_FAST
    fallback: str = ""
    constant: Constant | None = None

    def references(self) -> Iterator[Reference]:
        """Yield every field of other steps that it may read."""
        for _, sources in self.inputs:
            for source in sources:
                yield from source.references()
        for condition in self.when:
            yield condition.reference


@value
class Loop:
    """Steps that are repeated, together, until all of `until` hold or `rounds` are over."""

    steps: tuple[str, ...]
    rounds: int | Named
    until: tuple[Condition, ...] = ()


class ParameterType(StrEnum):
    """What the text of a parameter is read as."""

    INT = "int"
    FLOAT = "float"
    STR = "str"


@value
class Parameter:
    """A value that whoever runs the pipeline may set.

    Numbers are from `least` to `most`, texts one of `choices`.
    """

    name: str
    type: ParameterType
    default: Scalar
    least: float = 0
    most: float = 0
    choices: tuple[str, ...] = ()


@value
class PipelineDefinition:
    """A pipeline. `output` names the step whose text is the answer, never the first by chance."""

    name: str
    steps: tuple[StepDefinition, ...]
    output: str
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    loop: Loop | None = None
