"""Everything that may be wrong with the pipelines of a configuration, found when it is loaded."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.pipeline_graph import (
    cycle_problems,
    fallback_problems,
    loop_problems,
    output_problems,
    unused_problems,
)
from gateway.config.pipeline_inputs import input_problems
from gateway.config.pipeline_options import option_problems
from gateway.config.pipeline_tables import PipelineTable
from gateway.config.pipeline_text import parameter
from gateway.config.pipeline_view import View
from gateway.config.pipelines import built_in
from gateway.config.problems import Problem
from gateway.config.schema import EndpointConfig, Settings


def pipeline_problems(settings: Settings) -> list[Problem]:
    """Find every mistake in the pipelines of a configuration."""
    problems: list[Problem] = []
    names: set[str] = set()
    for place, table in enumerate(settings.pipeline):
        path = f"pipeline[{place}]"
        if table.name in built_in():
            why = f"{table.name!r} is a built-in pipeline, which stays as it is"
            problems.append(Problem(f"{path}.name", why, "choose another name"))
        elif table.name in names:
            why = f"{table.name!r} is used twice"
            problems.append(Problem(f"{path}.name", why, "give each its own name"))
        names.add(table.name)
        problems += table_problems(path, table)
        problems += _unmet(View(path, table), settings.endpoint)
    return problems


def table_problems(path: str, table: PipelineTable) -> list[Problem]:
    """Find every mistake in one pipeline that can be seen without the endpoints.

    What is of no use is told only of a table without other mistakes: a reference that is misspelt
    would make it seem so.
    """
    view = View(path, table)
    problems = [
        *_duplicates(view),
        *input_problems(view),
        *option_problems(view),
        *fallback_problems(view),
        *loop_problems(view),
        *output_problems(view),
        *cycle_problems(view),
    ]
    return problems or list(unused_problems(view))


def _duplicates(view: View) -> Iterator[Problem]:
    for place, step in enumerate(view.table.step):
        if step.id in view.table.ids[:place]:
            why = f"{step.id!r} is used twice"
            yield Problem(f"{view.at(step)}.id", why, "give each step its own id")


def _unmet(view: View, endpoints: tuple[EndpointConfig, ...]) -> Iterator[Problem]:
    """Find steps for which no endpoint could ever be asked."""
    for step in view.table.step:
        tags = frozenset(tag for tag in step.tags if parameter(tag) is None)
        capability = None if parameter(step.capability) else step.capability
        fitting = (
            tags <= endpoint.tags and capability in {None, *endpoint.capabilities}
            for endpoint in endpoints
        )
        if endpoints and not any(fitting):
            wants = ", ".join((*sorted(tags), *filter(None, (capability,))))
            why = f"no endpoint has {wants}"
            yield Problem(view.at(step), why, "ask for less, or give it to an endpoint")
