"""What may be wrong with a pipeline as a whole: its fallbacks, its loop, its order, its output."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from gateway.config.pipeline_inputs import FLAGS, reference_problem
from gateway.config.pipeline_tables import FallbackTable, StepTable
from gateway.config.pipeline_text import condition, reference
from gateway.config.pipeline_view import View, one_of
from gateway.config.pipelines import earlier_for, sources_of
from gateway.config.problems import Problem
from gateway.core.composition import GIVES, TAKES
from gateway.core.pipeline import OnError, StepKind

LOOP = "the loop"


def fallback_problems(view: View) -> Iterator[Problem]:
    """Find fallbacks that could not stand in for their step (Y-02)."""
    for step in view.table.step:
        at = f"{view.at(step)}.fallback"
        if (step.fallback is not None) is not (step.on_error is OnError.FALLBACK):
            mend = 'give both on_error = "fallback" and fallback, or none of them'
            yield Problem(at, "does not agree with on_error", mend)
        elif step.fallback is not None:
            yield from _of_fallback(view, at, step, step.fallback)


def _of_fallback(
    view: View, at: str, step: StepTable, fallback: FallbackTable
) -> Iterator[Problem]:
    constants = [one for one in ("text", "issues") if getattr(fallback, one) is not None]
    if bool(fallback.step) + len(constants) != 1:
        yield Problem(at, "must be one thing", "give the id of a step, or a text, or issues")
        return
    if constants:
        if constants[0] not in GIVES[step.do]:
            wanted = "issues" if step.do is StepKind.CRITIQUE else "text"
            yield Problem(at, f"cannot stand in for a {step.do} step", f"give {wanted}")
        return
    other = view.steps.get(fallback.step)
    if other is None:
        why, mend = f"there is no step {fallback.step!r}", one_of(view.steps)
        yield Problem(at, why, mend)
    elif other.id == step.id or view.owners[other.id] != step.id:
        yield Problem(at, f"step {other.id!r} cannot stand in here too", "give it one of its own")
    elif GIVES[other.do] != GIVES[step.do]:
        why = f"a {other.do} step does not give what a {step.do} step gives"
        yield Problem(at, why, "name a step that does")
    else:
        yield from _of_stand_in(view, other)


def _of_stand_in(view: View, step: StepTable) -> Iterator[Problem]:
    at = view.at(step)
    if step.when or step.on_error is OnError.FALLBACK:
        why = "a fallback is always needed, and has none of its own"
        yield Problem(at, why, 'remove when, and on_error = "fallback"')
    if step.id in view.looped:
        why = f"{step.id!r} is a fallback: it runs wherever its step does"
        yield Problem(f"{view.path}.loop.steps", why, "remove it there")


def loop_problems(view: View) -> Iterator[Problem]:
    """Find what is wrong with the loop."""
    loop = view.table.loop
    if loop is None:
        return
    at = f"{view.path}.loop"
    for step in dict.fromkeys(loop.steps):
        if step not in view.steps:
            yield Problem(f"{at}.steps", f"there is no step {step!r}", one_of(view.steps))
    if len(view.looped) != len(loop.steps):
        yield Problem(f"{at}.steps", "names a step twice", "name each once")
    for text in loop.until:
        parsed = condition(text)
        wrong = reference_problem(view, f"{at}.until", text, parsed, FLAGS)
        if wrong is not None:
            yield wrong
        elif parsed is not None and parsed[0] not in view.looped:
            why = f"{text} does not change from round to round"
            yield Problem(f"{at}.until", why, one_of(sorted(view.looped)))


def output_problems(view: View) -> Iterator[Problem]:
    """Find an output without a text (Y-05)."""
    at, output = f"{view.path}.output", view.table.output
    step = view.steps.get(output)
    texts = [one.id for one in view.table.step if "text" in GIVES[one.do]]
    mend = one_of(one for one in texts if one not in view.owners)
    if step is None:
        yield Problem(at, f"there is no step {output!r}", mend)
    elif output not in texts:
        yield Problem(at, f"a {step.do} step gives no text", mend)
    elif output in view.owners:
        yield Problem(at, f"step {output!r} is run in the place of another only", mend)
    elif view.may_give_nothing(output):
        why = f"step {output!r} gives no text when it is not needed"
        yield Problem(at, why, "let a select step choose, with a default")


def cycle_problems(view: View) -> Iterator[Problem]:
    """Find steps that would wait for each other for good; the loop counts as one of them."""
    graph: dict[str, set[str]] = {}
    for step in view.steps:
        place = view.owners.get(step, step)
        earlier = earlier_for(step, view.table)
        needs = _read_by(view, step) - earlier - (view.looped if place in view.looped else set())
        unit = LOOP if place in view.looped else place
        graph.setdefault(unit, set()).update(
            LOOP if one in view.looped else one for one in needs if one in view.steps
        )
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        cycle = " -> ".join(reversed(error.args[1]))
        why = f"steps wait for each other: {cycle}"
        yield Problem(f"{view.path}.step", why, "take one of the references out, or make a loop")


def unused_problems(view: View) -> Iterator[Problem]:
    """Find steps that would be done, and paid for, in vain."""
    loop = view.table.loop
    used: set[str] = set()
    found = {view.table.output}
    while found:
        used |= found
        led = {one for step in found for one in _led_to(view, step)}
        if loop is not None and found & view.looped:
            led |= {parsed[0] for text in loop.until if (parsed := condition(text))}
        found = led - used
    for step in view.table.step:
        if step.id not in used:
            why = f"nothing that leads to the output {view.table.output!r} uses it"
            yield Problem(view.at(step), why, "refer to it, or remove it")


def _led_to(view: View, step: str) -> set[str]:
    table = view.steps[step]
    stand_in = {table.fallback.step} if table.fallback and table.fallback.step else set[str]()
    return _read_by(view, step) | stand_in


def _read_by(view: View, step: str) -> set[str]:
    """Name the steps that one reads, or may read."""
    table = view.steps[step]
    sources = [one for name in TAKES[table.do] for one in sources_of(table, name)]
    texts = [one.source for one in sources]
    texts += [one.default for one in sources if isinstance(one.default, str)]
    references = [reference(text) for text in texts]
    flags = [condition(text) for text in table.when]
    return {one[0] for one in (*references, *flags) if one is not None}
