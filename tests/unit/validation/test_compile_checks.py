"""From a hole to its checks: names, order, what is refused, what is left unchecked."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from gateway.core.constraint import (
    Constraint,
    ConstraintBody,
    FillConstraint,
    ForbiddenText,
    Grammar,
    JsonSchema,
    Regex,
    TokenMask,
    TypeGoal,
    UnitTests,
    VerdictStatus,
)
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.hole import Hole, HoleSpec
from gateway.core.running import TypeReport
from gateway.validation.compile import compile_checks
from gateway.validation.late import Tools

PASSED, FAILED, UNCHECKED = VerdictStatus.PASSED, VerdictStatus.FAILED, VerdictStatus.UNCHECKED


def hole_of(*bodies: ConstraintBody, spec: HoleSpec | None = None) -> Hole:
    constraints = tuple(Constraint(f"c{index}", body) for index, body in enumerate(bodies))
    return Hole("x = ", constraints=constraints, spec=spec or HoleSpec())


def fault_of(hole: Hole) -> Fault:
    with pytest.raises(Fault) as caught:
        compile_checks(hole)
    assert caught.value.origin is Origin.CALLER
    return caught.value


def test_a_bare_hole_is_only_checked_to_be_filled() -> None:
    (verdict,) = compile_checks(Hole("x = ")).run("1")
    assert (verdict.constraint, verdict.status, verdict.required) == ("non_empty", PASSED, False)


@pytest.mark.parametrize("language", ["python", "Python", "py", "python3"])
def test_python_is_parsed(language: str) -> None:
    checks = compile_checks(Hole("x = ", spec=HoleSpec(language=language)))
    assert [v.status for v in checks.run("1")] == [PASSED, PASSED]
    verdict = checks.run("= 1")[1]
    assert (verdict.constraint, verdict.status, verdict.required) == ("syntax", FAILED, False)


def test_other_languages_are_unchecked_with_the_reason() -> None:
    verdict = compile_checks(Hole("x", spec=HoleSpec(language="cobol"))).run("1")[1]
    assert (verdict.constraint, verdict.status) == ("syntax", UNCHECKED)
    assert "no parser" in verdict.reason


def test_the_hole_s_own_requirements_come_before_the_constraints() -> None:
    spec = HoleSpec(
        language="python",
        expected_type="int",
        json_schema=JsonSchema('{"type": "integer"}'),
        grammar=Grammar(text="start: /[0-9]+/"),
        grammar_ref="numbers",
        fill_constraints=(FillConstraint("pure"), FillConstraint("short")),
    )
    verdicts = compile_checks(hole_of(Regex("[0-9]"), spec=spec)).run("12")
    assert [(v.constraint, v.status, v.required) for v in verdicts] == [
        ("non_empty", PASSED, False),
        ("syntax", PASSED, False),
        ("hole.json_schema", PASSED, True),
        ("hole.grammar", PASSED, True),
        ("hole.expected_type", UNCHECKED, False),
        ("hole.grammar_ref", UNCHECKED, False),
        ("hole.fill_constraints[0]", UNCHECKED, False),
        ("hole.fill_constraints[1]", UNCHECKED, False),
        ("c0", FAILED, True),
    ]
    assert all(v.reason for v in verdicts if v.status is not PASSED)


def test_higher_priority_comes_first_and_ties_keep_their_order() -> None:
    constraints = tuple(
        Constraint(name, Regex("a"), priority)
        for name, priority in (("low", -1), ("one", 0), ("high", 5), ("two", 0))
    )
    verdicts = compile_checks(Hole("x", constraints=constraints)).run("a")
    assert [v.constraint for v in verdicts[1:]] == ["high", "one", "two", "low"]


def test_an_advisory_constraint_is_checked_and_refuses_nothing() -> None:
    constraint = Constraint("style", Regex("a"), required=False)
    verdict = compile_checks(Hole("x", constraints=(constraint,))).run("b")[1]
    assert verdict.status is FAILED
    assert not verdict.refuses


@pytest.mark.parametrize("body", [TokenMask((1,), (2,)), TypeGoal("int"), UnitTests("assert f()")])
def test_what_nobody_here_can_check_is_unchecked_and_never_passed(body: ConstraintBody) -> None:
    verdict = compile_checks(hole_of(body)).run("1")[1]
    assert verdict.status is UNCHECKED
    assert verdict.reason


def test_every_kind_really_checks() -> None:
    """HS-12: the defective rule called every fill valid."""
    bodies = (
        JsonSchema('{"type": "integer"}'),
        Grammar(text='start: "1"'),
        Regex("1"),
        ForbiddenText(("zq",)),
    )
    checks = compile_checks(hole_of(*bodies))
    assert [v.status for v in checks.run("1")[1:]] == [PASSED] * 4
    assert [v.status for v in checks.run("zq")[1:]] == [FAILED] * 4


def test_all_broken_constraints_are_named_at_once() -> None:
    spec = HoleSpec(json_schema=JsonSchema("{"), grammar=Grammar(text="start: ("))
    fault = fault_of(
        hole_of(
            JsonSchema('{"type": 1}'),
            Grammar(text="nope"),
            Regex("("),
            Regex("a", "q"),
            ForbiddenText(()),
            Regex("fine"),
            spec=spec,
        )
    )
    assert (fault.kind, fault.reason) == (Kind.INVALID, Reason.BROKEN_CONSTRAINT)
    assert [violation.field for violation in fault.violations] == [
        "hole.json_schema.schema",
        "hole.grammar.text",
        "constraints[0].json_schema.schema",
        "constraints[1].grammar.text",
        "constraints[2].regex.pattern",
        "constraints[3].regex.flags",
        "constraints[4].forbidden_text.texts",
    ]
    assert "and 4 more" in fault.message


def test_a_message_about_few_constraints_is_whole() -> None:
    fault = fault_of(hole_of(Regex("(")))
    assert fault.message == f"constraints[0].regex.pattern: {fault.violations[0].description}"


def test_names_used_twice_are_refused() -> None:
    """HS-14: same-named constraints overwrote each other."""
    constraints = tuple(Constraint(name, Regex("a")) for name in ("a", "b", "a", "a"))
    fault = fault_of(Hole("x", constraints=constraints))
    assert (fault.kind, fault.reason) == (Kind.INVALID, Reason.DUPLICATE_CONSTRAINT)
    assert [violation.field for violation in fault.violations] == [
        "constraints[2].name",
        "constraints[3].name",
    ]
    assert "constraints[0]" in fault.violations[0].description


@pytest.mark.parametrize("name", ["syntax", "non_empty", "hole.json_schema", "hole.x"])
def test_names_of_built_in_checks_are_taken(name: str) -> None:
    fault = fault_of(Hole("x", constraints=(Constraint(name, Regex("a")),)))
    assert fault.reason is Reason.DUPLICATE_CONSTRAINT


def test_broken_and_duplicate_constraints_are_named_together() -> None:
    constraints = (Constraint("a", Regex("a")), Constraint("a", Regex("(")))
    fault = fault_of(Hole("x", constraints=constraints))
    assert fault.reason is Reason.BROKEN_CONSTRAINT
    assert {violation.field for violation in fault.violations} == {
        "constraints[1].regex.pattern",
        "constraints[1].name",
    }


def test_a_request_is_costly_when_one_of_its_checks_is() -> None:
    checks = compile_checks(hole_of(Regex("a"), Grammar(text='start: "a"')))
    assert not checks.costly("a")
    assert checks.costly("a" * 1000)
    assert not compile_checks(Hole("x")).costly("a" * 10**6)


def test_the_libraries_are_loaded_with_the_first_constraint_that_needs_them() -> None:
    code = (
        "import sys; from gateway.validation.compile import compile_checks;"
        "from gateway.core.hole import Hole; compile_checks(Hole('x')).run('1');"
        "print(sorted({'lark', 're2', 'jsonschema', 'referencing'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.strip() == "[]"


def test_a_beginning_is_hopeless_when_one_check_says_so() -> None:
    banned = Constraint("no_eval", ForbiddenText(("eval(",)), required=True)
    checks = compile_checks(
        Hole("def f():\n", spec=HoleSpec(language="python"), constraints=(banned,))
    )
    assert checks.hopeless("    return )\n")
    assert checks.hopeless("    eval(1)\n")
    assert not checks.hopeless("    return 1\n")


class Checker:
    """A type checker that finds nothing wrong, and remembers what it was shown."""

    def __init__(self) -> None:
        self.sources: list[str] = []

    async def check(self, source: str, language: str, timeout_s: float) -> TypeReport:
        self.sources.append(source)
        return TypeReport()


def test_types_are_checked_where_a_type_checker_is_at_hand() -> None:
    checker = Checker()
    spec = HoleSpec(language="python", expected_type="int")
    hole = Hole("x = ", "\n", spec, (Constraint("goal", TypeGoal("int")),))
    checks = compile_checks(hole, tools=Tools(types=checker))
    found = asyncio.run(checks.finish("1", checks.run("1"), 5.0))
    verdicts = {one.constraint: (one.status, one.required) for one in found.verdicts}
    assert verdicts["hole.expected_type"] == (PASSED, False)
    assert verdicts["goal"] == (PASSED, True)
    assert all("int" in source for source in checker.sources)
