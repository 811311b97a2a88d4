"""What may be wrong with the references of a pipeline: found when it is loaded."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.pipeline_tables import SourceTable, StepTable
from gateway.config.pipeline_text import condition, reference
from gateway.config.pipeline_view import View, one_of
from gateway.config.pipelines import earlier_for, sources_of
from gateway.config.problems import Problem
from gateway.core.composition import GIVES, TAKES, FieldKind, Takes

INPUTS = ("text", "texts", "issues", "without")
FLAGS = frozenset({FieldKind.FLAG})
TEXTS = frozenset({FieldKind.TEXT, FieldKind.TEXTS})
HOW = "write `$step.field`, such as `$draft.text`"


def input_problems(view: View) -> Iterator[Problem]:
    """Find what is wrong with the inputs and conditions of all steps."""
    for step in view.table.step:
        for name in INPUTS:
            yield from _of_input(view, step, name)
        for text in step.when:
            yield from _of_when(view, step, text)


def _of_input(view: View, step: StepTable, name: str) -> Iterator[Problem]:
    at = f"{view.at(step)}.{name}"
    takes, sources = TAKES[step.do].get(name), sources_of(step, name)
    if takes is None:
        if sources:
            takes_words = ", ".join(TAKES[step.do])
            yield Problem(at, f"a {step.do} step does not take it", f"it takes {takes_words}")
        return
    if takes.required and not sources:
        yield Problem(at, f"a {step.do} step needs it", HOW)
    if len(sources) > 1 and not takes.several:
        yield Problem(at, f"a {step.do} step takes one", "name one source")
    for place, source in enumerate(sources):
        path = at if len(sources) == 1 else f"{at}[{place}]"
        yield from _of_source(view, step, path, source, takes)


def _of_source(
    view: View, step: StepTable, at: str, source: SourceTable, takes: Takes
) -> Iterator[Problem]:
    earlier = earlier_for(step.id, view.table)
    parsed = reference(source.source)
    wrong = reference_problem(view, at, source.source, parsed, takes.kinds)
    if wrong is not None:
        yield wrong
    elif parsed is not None and source.default is None:
        if parsed[0] in earlier:
            why = "the first round has none before it"
            yield Problem(at, why, "add a default for it: { source = ..., default = ... }")
        elif view.may_give_nothing(parsed[0]):
            why = f"step {parsed[0]!r} gives nothing when it is not needed"
            yield Problem(at, why, "add a default for then: { source = ..., default = ... }")
    yield from _of_default(view, f"{at}.default", source, takes.kinds, earlier)


def _of_default(
    view: View, at: str, source: SourceTable, kinds: frozenset[FieldKind], earlier: frozenset[str]
) -> Iterator[Problem]:
    default = source.default
    if isinstance(default, str) and default.startswith("$"):
        parsed = reference(default)
        wrong = reference_problem(view, at, default, parsed, kinds)
        if wrong is not None:
            yield wrong
        elif parsed is not None and (parsed[0] in earlier or view.may_give_nothing(parsed[0])):
            yield Problem(at, f"{default} may be missing too", "name what is always there")
    elif default is not None and isinstance(default, str) is not (kinds <= TEXTS):
        mend = "write a text" if kinds <= TEXTS else "write a list, [] for none"
        yield Problem(at, "is not what the input takes", mend)
    elif default and FieldKind.ENDPOINT in kinds:
        yield Problem(at, "an endpoint is left out by reference only", "write [] for none")


def reference_problem(
    view: View,
    at: str,
    text: str,
    parsed: tuple[str, str] | tuple[str, str, bool] | None,
    kinds: frozenset[FieldKind],
) -> Problem | None:
    """Find what is wrong with one reference, read as `parsed`, to a field of these kinds."""
    if parsed is None:
        return Problem(at, f"{text!r} is no reference", HOW)
    step, name = parsed[0], parsed[1]
    if step not in view.steps:
        known = (one for one in view.steps if one not in view.owners)
        return Problem(at, f"there is no step {step!r}", one_of(known))
    if step in view.owners:
        owner = view.owners[step]
        why = f"step {step!r} is run in the place of {owner!r} only"
        return Problem(at, why, f"refer to `${owner}.{name}`")
    given = GIVES[view.steps[step].do]
    fitting = [one for one, kind in given.items() if kind in kinds]
    if name not in given:
        mend = one_of(f"${step}.{one}" for one in fitting or given)
        return Problem(at, f"a {view.steps[step].do} step gives no {name!r}", mend)
    if name not in fitting:
        wanted = " or ".join(sorted(kinds))
        mend = one_of(f"${step}.{one}" for one in fitting) if fitting else "name another step"
        return Problem(at, f"{text} is {given[name]}, not {wanted}", mend)
    return None


def _of_when(view: View, step: StepTable, text: str) -> Iterator[Problem]:
    at = f"{view.at(step)}.when"
    parsed = condition(text)
    wrong = reference_problem(view, at, text, parsed, FLAGS)
    if wrong is not None:
        yield wrong
    elif parsed is not None and (
        parsed[0] in earlier_for(step.id, view.table) or view.may_give_nothing(parsed[0])
    ):
        why = f"whether {text} is not always known"
        yield Problem(at, why, "refer to a step that always ends before this one")
