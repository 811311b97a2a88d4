"""What the steps of one run of a pipeline have given so far, and what the next one takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.core.candidate import Candidate, Completion
from gateway.core.composition import Condition, Constant, Reference, Source, StepDefinition
from gateway.core.faults import Fault
from gateway.core.value import value


@value
class Made:
    """What a step gave; what is None is missing. `fault` says why a step gave nothing."""

    text: Candidate | None = None
    texts: tuple[Candidate, ...] | None = None
    issues: tuple[str, ...] | None = None
    passed: bool | None = None
    endpoint: str | None = None
    fault: Fault | None = None

    @property
    def nothing(self) -> bool:
        """True when the step gave neither a text nor issues."""
        return self.text is None and self.issues is None

    def candidates(self, name: str) -> tuple[Candidate, ...] | None:
        """Return the field `text` or `texts`; None when it is missing."""
        if name == "texts":
            return self.texts
        return None if self.text is None else (self.text,)

    def words(self, name: str) -> tuple[str, ...] | None:
        """Return the field `issues` or `endpoint`; None when it is missing."""
        if name == "issues":
            return self.issues
        return None if self.endpoint is None else (self.endpoint,)


def written(text: Candidate, texts: tuple[Candidate, ...] = ()) -> Made:
    """What a step gives that ends with a text; `texts` are all that it had to choose from."""
    return Made(text, texts or (text,), endpoint=text.endpoint)


def criticised(issues: tuple[str, ...], endpoint: str = "") -> Made:
    """What a step gives that looked for what is wrong."""
    return Made(issues=issues, passed=not issues, endpoint=endpoint)


def stand_in(constant: Constant) -> Made:
    """Make of a constant what a step would have given; nobody wrote it and no check has seen it."""
    if isinstance(constant, tuple):
        return criticised(constant)
    return written(Candidate(0, "", Completion(constant)))


@value
class Inputs:
    """What one step takes. `origins` names the fields that it came from, such as `draft.text`."""

    texts: tuple[Candidate, ...] = ()
    issues: tuple[str, ...] = ()
    without: frozenset[str] = frozenset()
    origins: tuple[str, ...] = ()

    @property
    def text(self) -> Candidate:
        """The first text; the definition says that there is one."""
        return self.texts[0]


class MissingInputError(Exception):
    """A step cannot begin: what it refers to gave nothing, because of `fault`."""

    def __init__(self, reference: Reference, fault: Fault) -> None:
        super().__init__(f"{reference} is missing")
        self.reference = reference
        self.fault = fault


NOTHING_YET = Made()


@dataclass(slots=True)
class State:
    """The fields of the steps of one run; no two runs share anything (Y-03).

    `made` has what each step gave last. Of a loop's steps it has this round's only: what they gave
    in the round before is in `earlier`.
    """

    made: dict[str, Made] = field(default_factory=dict[str, Made])
    earlier: dict[str, Made] = field(default_factory=dict[str, Made])

    def next_round(self, steps: Iterable[str]) -> None:
        """Begin another round of these steps."""
        self.earlier = {step: self.made.pop(step) for step in steps}

    def inputs(self, step: StepDefinition, *, only: str = "") -> Inputs:
        """Collect what a step takes, or `only` one of it.

        Raises MissingInputError: nothing older stands in (Y-04).
        """
        texts: list[Candidate] = []
        words: dict[str, list[str]] = {"issues": [], "without": []}
        origins: list[str] = []
        for name, sources in step.inputs:
            for source in sources if only in {"", name} else ():
                origin, made = self._follow(source)
                origins.append(origin)
                if name in words:
                    words[name].extend(made.words(source.reference.field) or ())
                else:
                    texts.extend(made.candidates(source.reference.field) or ())
        # A text that no endpoint wrote leaves no endpoint out.
        without = frozenset(filter(None, words["without"]))
        return Inputs(tuple(texts), tuple(words["issues"]), without, tuple(origins))

    def holds(self, condition: Condition) -> bool:
        """Say whether a condition holds. Raises MissingInputError when its flag is missing."""
        made = self._of(condition.reference)
        if made.passed is None:
            raise _missing(condition.reference, made)
        return made.passed is not condition.negated

    def all_hold(self, conditions: Iterable[Condition]) -> bool:
        """Say whether the conditions that end a loop are all known to hold; False for none."""
        flags = [(self._of(one.reference).passed, one.negated) for one in conditions]
        return bool(flags) and all(passed is (not negated) for passed, negated in flags)

    def _of(self, reference: Reference) -> Made:
        made = self.earlier if reference.earlier else self.made
        return made.get(reference.step, NOTHING_YET)

    def _follow(self, source: Source) -> tuple[str, Made]:
        """Find what has the field of a source, or what its default says; name where it is from."""
        reference, default = source.reference, source.default
        made = self._of(reference)
        if getattr(made, reference.field) is not None:
            return f"{reference.step}.{reference.field}", made
        if default is None:
            raise _missing(reference, made)
        if isinstance(default, Reference):
            return self._follow(Source(default))
        return "default", stand_in(default)


def _missing(reference: Reference, made: Made) -> MissingInputError:
    # Whatever may be missing for another reason has a default: `config.pipeline_inputs` sees to it.
    assert made.fault is not None, f"{reference} is missing for no reason"  # noqa: S101
    return MissingInputError(reference, made.fault)
