"""What may be wrong with the options and the parameters of a pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.config.pipeline_tables import ParameterTable, StepTable
from gateway.config.pipeline_text import parameter
from gateway.config.pipeline_view import View, one_of
from gateway.config.problems import Problem
from gateway.core.composition import CALLING, ParameterType, Scalar
from gateway.core.endpoint import Capability
from gateway.core.hole import Strategy
from gateway.core.pipeline import OnError, StepKind
from gateway.core.value import value
from gateway.ensemble.filler import MAX_N, MAX_TEMPERATURE

MOST_ROUNDS = 16
MOST_TOKENS = 1_000_000
WRITING = frozenset({StepKind.DRAFT, StepKind.REPAIR})
NUMBERS = frozenset({ParameterType.INT, ParameterType.FLOAT})


@value
class Range:
    """What an option that is a number may be."""

    type: ParameterType
    least: float
    most: float

    def holds(self, number: object) -> bool:
        """Say whether a number is of the type and within the bounds."""
        if not isinstance(number, int) and not (
            self.type is ParameterType.FLOAT and isinstance(number, float)
        ):
            return False
        # False for what is not finite, too.
        return self.least <= number <= self.most

    def __str__(self) -> str:
        kind = "a whole number" if self.type is ParameterType.INT else "a number"
        return f"{kind} from {self.least:g} to {self.most:g}"


ROUNDS = Range(ParameterType.INT, 1, MOST_ROUNDS)
RANGES = {
    "n": Range(ParameterType.INT, 1, MAX_N),
    "temperature": Range(ParameterType.FLOAT, 0, MAX_TEMPERATURE),
    "max_tokens": Range(ParameterType.INT, 1, MOST_TOKENS),
}
FITTING = {
    **dict.fromkeys(("temperature", "capability", "tags", "when"), CALLING),
    **dict.fromkeys(("strategy", "n", "max_tokens"), WRITING),
    "by": frozenset({StepKind.SELECT}),
}
"""The kinds of steps that each option is for. A check has no `when`: none is left out (X-20)."""


def option_problems(view: View) -> Iterator[Problem]:
    """Find what is wrong with the options of all steps, the rounds and the parameters."""
    for step in view.table.step:
        yield from _of_step(view, step)
    if view.table.loop is not None:
        rounds = view.table.loop.rounds
        yield from _of_number(view, f"{view.path}.loop.rounds", rounds, ROUNDS)
    used = set(_used(view))
    for name, table in view.table.parameters.items():
        at = f"{view.path}.parameters.{name}"
        yield from _of_parameter(at, table)
        if name not in used:
            yield Problem(at, "no option takes it", f'write "${name}" as an option, or remove it')


def _of_step(view: View, step: StepTable) -> Iterator[Problem]:
    at = view.at(step)
    for name, kinds in FITTING.items():
        if getattr(step, name) not in {None, ()} and step.do not in kinds:
            yield Problem(f"{at}.{name}", f"a {step.do} step has no such option", "remove it")
    if step.on_error is not OnError.FAIL_FAST and step.do not in CALLING:
        yield Problem(
            f"{at}.on_error", f"a {step.do} step asks nobody: it cannot fail", "remove it"
        )
    for name, range_ in RANGES.items():
        yield from _of_number(view, f"{at}.{name}", getattr(step, name), range_)
    if step.strategy is Strategy.SEQUENTIAL and step.n is not None:
        yield Problem(f"{at}.n", "is for best_of_n", "remove it, or change strategy")
    if step.capability is not None:
        yield from _of_text(view, f"{at}.capability", step.capability, frozenset(Capability))
    for tag in step.tags:
        yield from _of_text(view, f"{at}.tags", tag, None)


def _of_number(view: View, at: str, option: Scalar | None, range_: Range) -> Iterator[Problem]:
    name = parameter(option)
    if name is None:
        if option is not None and not range_.holds(option):
            yield Problem(at, f"must be {range_}", 'change it, or name a parameter: "$name"')
        return
    table = view.table.parameters.get(name)
    if table is None or table.type not in NUMBERS:
        yield _unknown(view, at, name, NUMBERS)
    elif not all(range_.holds(bound) for bound in _bounds(table, range_)):
        why = f"takes {range_}, and the parameter {name!r} may be something else"
        yield Problem(at, why, f"mend type, min or max of {view.path}.parameters.{name}")


def _bounds(table: ParameterTable, range_: Range) -> Iterator[object]:
    """Yield the least and the most of a parameter, of the type that its values have."""
    for bound in (table.min, table.max):
        whole = table.type is ParameterType.INT and bound is not None
        yield range_.least if bound is None else int(bound) if whole else bound


def _of_text(view: View, at: str, option: str, allowed: frozenset[str] | None) -> Iterator[Problem]:
    name = parameter(option)
    if name is None:
        if allowed is not None and option not in allowed:
            yield Problem(at, f"{option!r} is none", one_of(sorted(allowed)))
        return
    table = view.table.parameters.get(name)
    if table is None or table.type is not ParameterType.STR:
        yield _unknown(view, at, name, frozenset({ParameterType.STR}))
    elif allowed is not None and not allowed.issuperset(table.choices):
        where = f"{view.path}.parameters.{name}.choices"
        yield Problem(at, f"{where} has others than it takes", one_of(sorted(allowed)))


def _unknown(view: View, at: str, name: str, types: frozenset[ParameterType]) -> Problem:
    fitting = [one for one, table in view.table.parameters.items() if table.type in types]
    mend = one_of(f"${one}" for one in fitting) if fitting else "write the value itself"
    return Problem(at, f"there is no parameter {name!r} that fits", mend)


def _used(view: View) -> Iterator[str]:
    """Yield the names of the parameters that options name."""
    loop = view.table.loop
    options: Iterable[object] = [None if loop is None else loop.rounds]
    for step in view.table.step:
        options = [*options, step.n, step.temperature, step.max_tokens, step.capability, *step.tags]
    for option in options:
        name = parameter(option)
        if name is not None:
            yield name


def _of_parameter(at: str, table: ParameterTable) -> Iterator[Problem]:
    if table.type is ParameterType.STR:
        if table.min is not None or table.max is not None:
            yield Problem(at, "a str has no min and no max", "remove them, and give choices")
        if table.default not in table.choices:
            yield Problem(f"{at}.default", "is none of the choices", "add it to the choices")
        return
    if table.choices:
        yield Problem(f"{at}.choices", f"is for str, not for {table.type}", "give min and max")
    if table.min is None or table.max is None:
        yield Problem(at, f"has no bounds; an {table.type} needs both", "give min and max")
    elif not Range(table.type, table.min, table.max).holds(table.default):
        range_ = Range(table.type, table.min, table.max)
        yield Problem(f"{at}.default", f"must be {range_}", "change it, min or max")
