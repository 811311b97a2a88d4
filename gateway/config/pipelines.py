"""From checked tables to the definitions that the ensemble runs; the built-in ones among them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import TypeVar

from gateway.config.pipeline_tables import (
    LoopTable,
    ParameterTable,
    PipelineTable,
    SourceTable,
    StepTable,
)
from gateway.config.pipeline_text import condition, parameter, reference
from gateway.core.composition import (
    AS_REQUESTED,
    TAKES,
    Asking,
    Condition,
    Constant,
    Loop,
    Named,
    Parameter,
    PipelineDefinition,
    Rank,
    Reference,
    Scalar,
    Source,
    StepDefinition,
)
from gateway.core.endpoint import Capability

Made = TypeVar("Made")


@cache
def built_in() -> Mapping[str, PipelineTable]:
    """Read the templates that are part of the package, by name (Y-06)."""
    files = resources.files("gateway.config").joinpath("templates").iterdir()
    tables = [
        PipelineTable.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
        for file in sorted(files, key=lambda file: file.name)
    ]
    return {table.name: table for table in tables}


def pipelines_of(own: Sequence[PipelineTable]) -> Mapping[str, PipelineDefinition]:
    """Make the definitions of the built-in pipelines and of checked own ones, by name."""
    tables = {**built_in(), **{table.name: table for table in own}}
    return {name: definition_of(table) for name, table in sorted(tables.items())}


def definition_of(table: PipelineTable) -> PipelineDefinition:
    """Make the definition of one table, in which `config.pipeline_checks` found no mistake."""
    loop = table.loop
    return PipelineDefinition(
        table.name,
        tuple(_step(step, table) for step in table.step),
        table.output,
        table.description,
        tuple(_parameter(name, one) for name, one in sorted(table.parameters.items())),
        None if loop is None else _loop(loop),
    )


def _step(step: StepTable, table: PipelineTable) -> StepDefinition:
    fallback = step.fallback
    constant: Constant | None = None
    if fallback is not None:
        constant = fallback.issues if fallback.text is None else fallback.text
    earlier = earlier_for(step.id, table)
    return StepDefinition(
        step.id,
        step.do,
        tuple(
            (name, tuple(_source(one, earlier) for one in sources))
            for name in TAKES[step.do]
            for sources in (sources_of(step, name),)
            if sources
        ),
        _asking(step),
        step.by or Rank.SCORE,
        tuple(_condition(one) for one in step.when),
        step.on_error,
        "" if fallback is None else fallback.step,
        constant,
    )


def sources_of(step: StepTable, name: str) -> tuple[SourceTable, ...]:
    """Return what a step names as one of its inputs."""
    sources: tuple[SourceTable, ...] = getattr(step, name)
    return sources


def earlier_for(step: str, table: PipelineTable) -> frozenset[str]:
    """Name the steps whose fields are those of the round before, seen from one step.

    In a loop those are the step itself and the ones defined after it; a fallback stands where the
    step stands that it is for.
    """
    loop = () if table.loop is None else table.loop.steps
    place = next(
        (one.id for one in table.step if one.fallback is not None and one.fallback.step == step),
        step,
    )
    if place not in loop:
        return frozenset()
    return frozenset(table.ids[table.ids.index(place) :]).intersection(loop)


def _source(table: SourceTable, earlier: frozenset[str]) -> Source:
    default = table.default
    if isinstance(default, str):
        default = _reference(default, frozenset()) if reference(default) else default
    return Source(_reference(table.source, earlier), default)


def _reference(text: str, earlier: frozenset[str]) -> Reference:
    step, name = _checked(reference, text)
    return Reference(step, name, step in earlier)


def _condition(text: str) -> Condition:
    step, name, negated = _checked(condition, text)
    return Condition(Reference(step, name), negated)


def _checked(read: Callable[[str], Made | None], text: str) -> Made:
    found = read(text)
    if found is None:
        raise ValueError(f"{text!r} was not checked")
    return found


def _asking(step: StepTable) -> Asking:
    asking = Asking(
        step.strategy,
        _option(step.n, int),
        _option(step.temperature, float),
        _option(step.max_tokens, int),
        _option(step.capability, Capability),
        tuple(_option(tag, str) or tag for tag in step.tags),
    )
    return AS_REQUESTED if asking == AS_REQUESTED else asking


def _option(value: Scalar | None, kind: Callable[[Scalar], Made]) -> Made | Named | None:
    if value is None:
        return None
    name = parameter(value)
    return kind(value) if name is None else Named(name)


def _parameter(name: str, table: ParameterTable) -> Parameter:
    return Parameter(
        name,
        table.type,
        table.default,
        0 if table.min is None else table.min,
        0 if table.max is None else table.max,
        table.choices,
    )


def _loop(table: LoopTable) -> Loop:
    rounds = _option(table.rounds, int)
    return Loop(table.steps, rounds or 1, tuple(_condition(one) for one in table.until))
