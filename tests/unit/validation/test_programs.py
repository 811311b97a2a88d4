from __future__ import annotations

import asyncio

import pytest

from gateway.core.constraint import Constraint, Regex, UnitTests, Verdict, VerdictStatus
from gateway.core.faults import Fault, Kind, Reason
from gateway.core.hole import Hole, HoleSpec
from gateway.core.running import Program, RunResult, RunStatus
from gateway.validation.checks import Found
from gateway.validation.compile import compile_checks
from gateway.validation.examples import MAX_EXAMPLES, example_cases
from gateway.validation.late import Tools
from tests.fakes.executors import OK, ScriptedExecutor, failing, not_run, says

PYTHON = HoleSpec(language="python")


def unit_tests(code="", entry_point="", *cases: str) -> Constraint:
    return Constraint("tests", UnitTests(code, entry_point, cases))


def check(
    executor: ScriptedExecutor, *constraints: Constraint, text: str = "x", hole: Hole | None = None
) -> Found:
    hole = hole or Hole("def f(x):\n    return ", "\n", PYTHON, constraints)
    checks = compile_checks(hole, tools=Tools(executor))
    return asyncio.run(checks.finish(text, checks.run(text), 3.0))


def verdict(found: Found, name: str = "tests") -> Verdict:
    return next(one for one in found.verdicts if one.constraint == name)


def test_the_program_is_the_code_with_the_fill_and_the_test_code_after_it() -> None:
    executor = says(OK, [OK, OK])
    found = check(
        executor, unit_tests("assert f(1) == 1", "", "assert f(2) == 2", "assert f(3) == 3")
    )
    source = "def f(x):\n    return x\n\nassert f(1) == 1\n"
    cases = ("assert f(2) == 2", "assert f(3) == 3")
    assert executor.programs == [Program("python", source, cases)]
    assert verdict(found).status is VerdictStatus.PASSED
    assert found.behaviour == (True, True)


@pytest.mark.parametrize(
    ("code", "ends"),
    [
        ("def check(f):\n    assert f(1) == 1", "\ncheck(f)\n"),
        ("def check(f):\n    assert f(1) == 1\n\ncheck(f)", "\ncheck(f)\n"),
        ("assert f(1) == 1", "assert f(1) == 1\n"),
    ],
)
def test_a_check_function_that_is_only_defined_is_called(code: str, ends: str) -> None:
    executor = says()
    check(executor, unit_tests(code, "f"))
    assert executor.programs[0].source.endswith(ends)
    assert executor.programs[0].source.count("\ncheck(f)") == ends.count("\ncheck(f)")


def test_the_reason_counts_the_failed_cases_and_tells_of_the_first() -> None:
    found = check(
        says(OK, [OK, failing("TypeError"), failing("AssertionError")]), unit_tests("", "", *"abc")
    )
    assert verdict(found).status is VerdictStatus.FAILED
    assert verdict(found).reason == "2 of 3 cases fail; cases[1] fails: TypeError"
    assert found.behaviour == (True, False, False)


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (failing("NameError in line 2"), "the program fails: NameError in line 2"),
        (RunResult(RunStatus.TIMEOUT), "the program does not end in its time"),
        (RunResult(RunStatus.CRASHED, "signal 11"), "the program crashes: signal 11"),
    ],
)
def test_a_program_that_does_not_run_to_its_end_fails_every_case(
    result: RunResult, words: str
) -> None:
    found = check(says(result, [not_run(), not_run()]), unit_tests("", "", "a", "b"))
    assert verdict(found).status is VerdictStatus.FAILED
    assert verdict(found).reason == words
    assert found.behaviour == (False, False)


def test_what_was_not_run_is_unchecked_and_shows_no_behaviour() -> None:
    """HS-12 ✗: a fill about which nobody knows anything passed validation."""
    found = check(says(not_run("bwrap is missing"), [not_run()]), unit_tests("", "", "a"))
    assert verdict(found) == Verdict(
        "tests", VerdictStatus.UNCHECKED, "bwrap is missing", required=True
    )
    assert found.behaviour == ()
    found = check(says(not_run(""), [not_run()]), unit_tests("", "", "a"))
    assert verdict(found).reason == "the program was not run"
    found = check(says(OK, [OK, not_run("the time is over")]), unit_tests("", "", "a", "b"))
    assert verdict(found).status is VerdictStatus.UNCHECKED
    assert verdict(found).reason == "1 of 2 cases: the time is over"
    assert found.behaviour == ()


def test_a_failed_case_counts_even_beside_one_that_was_not_run() -> None:
    found = check(says(OK, [failing(), not_run()]), unit_tests("", "", "a", "b"))
    assert verdict(found).status is VerdictStatus.FAILED


def test_without_a_sandbox_unit_tests_are_unchecked() -> None:
    checks = compile_checks(Hole("x", "", PYTHON, (unit_tests("assert True"),)))
    assert not checks.late
    assert verdict(Found(checks.run("x"))).status is VerdictStatus.UNCHECKED


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (UnitTests(), "constraints[0].unit_tests.code"),
        (UnitTests("def check(f): ...", "not a name"), "constraints[0].unit_tests.entry_point"),
    ],
)
def test_tests_that_cannot_be_run_are_refused_by_field(body: UnitTests, path: str) -> None:
    hole = Hole("x", "", PYTHON, (Constraint("t", body),))
    with pytest.raises(Fault) as caught:
        compile_checks(hole, tools=Tools(says()))
    assert (caught.value.kind, caught.value.reason) == (Kind.INVALID, Reason.BROKEN_CONSTRAINT)
    assert caught.value.violations[0].field == path


def test_a_text_that_is_refused_already_costs_no_run() -> None:
    executor = says()
    found = check(executor, Constraint("digits", Regex("[0-9]+")), unit_tests("assert f"), text="x")
    assert verdict(found).status is VerdictStatus.UNCHECKED
    assert verdict(found).reason == "not run, because another check failed"
    found = check(executor, unit_tests("assert f"), text="(")
    assert verdict(found, "syntax").status is VerdictStatus.FAILED
    assert executor.programs == []


def test_an_advisory_check_that_fails_leaves_the_tests_to_be_run() -> None:
    executor = says()
    digits = Constraint("digits", Regex("[0-9]+"), required=False)
    assert verdict(check(executor, digits, unit_tests("assert f"))).status is VerdictStatus.PASSED


def test_the_verdicts_keep_the_order_of_priority() -> None:
    digits = Constraint("digits", Regex("x"), priority=-1)
    found = check(says(), digits, unit_tests("assert f"))
    names = [one.constraint for one in found.verdicts]
    assert names == ["non_empty", "syntax", "tests", "digits"]


EXAMPLES = '''def add(a, b):
    """Add.

    >>> add(1, 2)
    3
    >>> total = add(1, 2)
    >>> total
    3
    >>> add(1, "x")
    Traceback (most recent call last):
    TypeError: no
    >>> print("shown")
    shown
    """
    return '''


def test_the_examples_in_the_code_are_advisory_cases() -> None:
    executor = says(OK, [OK, OK, failing()])
    found = check(executor, hole=Hole(EXAMPLES, "\n", PYTHON), text="a + b")
    examples = verdict(found, "hole.examples")
    assert (examples.status, examples.required) == (VerdictStatus.FAILED, False)
    assert len(executor.programs[0].cases) == 3
    assert found.behaviour == (True, True, False)


def test_examples_are_run_only_where_they_are_wanted_and_can_be() -> None:
    for tools in (Tools(), Tools(says(), examples=False)):
        assert not compile_checks(Hole(EXAMPLES, "", PYTHON), tools=tools).late
    other = HoleSpec(language="go")
    assert not compile_checks(Hole(EXAMPLES, "", other), tools=Tools(says())).late
    assert not compile_checks(Hole("x = ", "", PYTHON), tools=Tools(says())).late


def works(case: str, **names: object) -> bool:
    try:
        exec(case, dict(names))
    except AssertionError:
        return False
    return True


def test_an_example_holds_as_it_is_written_or_by_value() -> None:
    """Run here, because the cases of this test are its own."""
    first, second, third = example_cases(EXAMPLES)
    add = lambda a, b: a + b  # noqa: E731 - the shortest right function
    assert works(first, add=add)
    assert works(second, add=add)
    assert not works(first, add=lambda a, b: a - b)
    assert works(third, add=add)
    assert not works(third.replace("print", "repr"), add=add)
    assert works(example_cases(">>> {1: 2, 3: 4}\n{3: 4, 1: 2}\n")[0])
    assert works(example_cases(">>> object\n<class 'object'>\n")[0])
    assert not works(example_cases(">>> object\n<class 'int'>\n")[0])


def test_code_that_doctest_cannot_read_has_no_examples() -> None:
    assert example_cases("    >>> f(1)\n  2\n") == ()
    assert example_cases(">>> f(\n1\n") == ()
    assert example_cases("no examples") == ()
    assert example_cases(">>> import this\nThe Zen of Python\n") == ()
    assert len(example_cases(">>> f(1)\n1\n" * 100)) == MAX_EXAMPLES
