"""What a check finds, somebody else finds too: each validator against an oracle of its own."""

from __future__ import annotations

import ast
import json
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core.constraint import ForbiddenText, Grammar, JsonSchema, Regex, VerdictStatus
from gateway.validation.examples import example_cases
from gateway.validation.forbidden import NonEmpty, compile_forbidden
from gateway.validation.grammar import compile_grammar
from gateway.validation.regex import compile_regex
from gateway.validation.schema import compile_schema
from gateway.validation.syntax import PythonSyntax

PASSED, FAILED = VerdictStatus.PASSED, VerdictStatus.FAILED

# A busy machine is no failure of the product.
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

ANY_TEXT = st.text(st.characters(), max_size=40) | st.text(
    st.characters(categories=("Cs", "Cc", "Lo")), max_size=8
)
"""Lone surrogates and NUL included: what arbitrary bytes may become on their way here."""

LETTERS = st.text("abc", max_size=6)
EXPRESSIONS = st.recursive(
    st.sampled_from(["a", "b", "(?:ab)", "[ab]", "[^a]", "."]),
    lambda inner: st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("(?:{}|{})".format, inner, inner),
        st.builds("(?:{}){}".format, inner, st.sampled_from(["*", "+", "?", "{2}", "{0,2}"])),
    ),
    max_leaves=6,
)


def verdict_of(*, holds: bool) -> VerdictStatus:
    return PASSED if holds else FAILED


@CALM
@given(text=ANY_TEXT)
def test_a_text_is_there_when_a_character_of_it_can_be_seen(text: str) -> None:
    seen = any(not character.isspace() for character in text)
    assert NonEmpty().find(text).status is verdict_of(holds=seen)


@CALM
@given(
    texts=st.lists(st.text("ab.", min_size=1, max_size=3), min_size=1, max_size=4),
    fill=st.text("ab.", max_size=8) | ANY_TEXT,
)
def test_a_fill_passes_when_no_forbidden_text_is_found_by_searching(
    texts: list[str], fill: str
) -> None:
    occurs = re.search("|".join(map(re.escape, texts)), fill) is not None
    check = compile_forbidden(ForbiddenText(tuple(texts)))
    assert check.find(fill).status is verdict_of(holds=not occurs)


@CALM
@given(pattern=EXPRESSIONS, texts=st.lists(LETTERS, min_size=1, max_size=12), odd=ANY_TEXT)
def test_an_expression_means_what_it_means_to_python(
    pattern: str, texts: list[str], odd: str
) -> None:
    check = compile_regex(Regex(pattern))
    for text in texts:
        matches = re.fullmatch(pattern, text) is not None
        assert check.find(text).status is verdict_of(holds=matches), text
    assert check.find(odd).status in {PASSED, FAILED}


# Pairs of the same language, in Lark's notation and as an expression of Python.
REGULAR = st.recursive(
    st.sampled_from([('"a"', "a"), ('"ab"', "(?:ab)"), ("/[ab]/", "[ab]"), ("/[^a]/", "[^a]")]),
    lambda inner: st.one_of(
        st.builds(lambda x, y: (f"{x[0]} {y[0]}", f"{x[1]}{y[1]}"), inner, inner),
        st.builds(lambda x, y: (f"({x[0]} | {y[0]})", f"(?:{x[1]}|{y[1]})"), inner, inner),
        st.builds(
            lambda x, sign: (f"({x[0]}){sign}", f"(?:{x[1]}){sign}"),
            inner,
            st.sampled_from(["*", "+", "?"]),
        ),
    ),
    max_leaves=5,
)


@CALM
@given(pair=REGULAR, texts=st.lists(LETTERS, min_size=1, max_size=8), odd=ANY_TEXT)
def test_a_grammar_means_the_same_as_an_expression(
    pair: tuple[str, str], texts: list[str], odd: str
) -> None:
    check = compile_grammar(Grammar(text=f"start: {pair[0]}"))
    for text in texts:
        matches = re.fullmatch(pair[1], text) is not None
        assert check.find(text).status is verdict_of(holds=matches), text
    assert check.find(odd).status in VerdictStatus


SCHEMAS = st.recursive(
    st.sampled_from(
        [{"type": "integer"}, {"type": "string"}, {"type": "null"}, {"type": "boolean"}]
    )
    | st.builds(lambda low: {"type": "integer", "minimum": low}, st.integers(-3, 3))
    | st.builds(lambda most: {"type": "string", "maxLength": most}, st.integers(0, 2))
    | st.builds(lambda values: {"enum": values}, st.lists(st.integers(0, 3), min_size=1)),
    lambda inner: st.one_of(
        st.builds(lambda item: {"type": "array", "items": item}, inner),
        st.builds(
            lambda of, need: {
                "type": "object",
                "properties": of,
                "required": sorted(need),
                "additionalProperties": False,
            },
            st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
            st.sets(st.sampled_from("ab")),
        ),
    ),
    max_leaves=5,
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-4, 4) | st.text("xy", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=6,
)
TYPES = {"string": str, "null": type(None), "boolean": bool, "array": list, "object": dict}


def meets(schema: dict, value: object) -> bool:
    """The keywords above, read from the specification and not from the library."""
    if "enum" in schema:
        return any(type(value) is type(one) and value == one for one in schema["enum"])
    if schema["type"] == "integer":
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and value >= schema.get("minimum", value)
    if not isinstance(value, TYPES[schema["type"]]):
        return False
    if schema["type"] == "string":
        return len(value) <= schema.get("maxLength", len(value))
    if schema["type"] == "array":
        return all(meets(schema["items"], one) for one in value)
    if schema["type"] == "object":
        known = schema["properties"]
        return set(schema["required"]) <= value.keys() <= known.keys() and all(
            meets(known[name], one) for name, one in value.items()
        )
    return True


@CALM
@given(schema=SCHEMAS, value=VALUES, odd=ANY_TEXT)
def test_a_schema_means_what_the_specification_says(schema: dict, value: object, odd: str) -> None:
    check = compile_schema(JsonSchema(json.dumps(schema)))
    assert check.find(json.dumps(value)).status is verdict_of(holds=meets(schema, value))
    assert check.find(odd).status in VerdictStatus


CODE = st.text(st.sampled_from("\n\t ()[]:=+-,x1'#"), max_size=12) | ANY_TEXT


# Each begins at the margin: no block is lost in front, which the check would put back.
AT_THE_MARGIN = st.tuples(
    st.sampled_from(["x = ", "def f(a):\n    ", "f(", "if x:\n    y\n"]),
    st.sampled_from(["", "\n", ")\n", "\n    return a\n"]),
) | st.tuples(st.just(""), st.sampled_from(["", "\n", "y = 1\n"]))


@CALM
@given(around=AT_THE_MARGIN, fill=CODE)
def test_python_that_passes_is_read_by_pythons_own_parser(
    around: tuple[str, str], fill: str
) -> None:
    prompt, suffix = around
    if PythonSyntax(prompt, suffix).find(fill).status is PASSED:
        ast.parse(prompt + fill + suffix)


NUMBERS = st.integers(-99, 99)


@CALM
@given(left=NUMBERS, right=NUMBERS, shown=NUMBERS | st.none())
def test_an_example_holds_exactly_when_what_it_shows_is_the_value(
    left: int, right: int, shown: int | None
) -> None:
    """Run here, because the code is this test's own."""
    value = left + right if shown is None else shown
    (case,) = example_cases(f">>> {left} + {right}\n{value}\n")
    try:
        exec(case, {})
    except AssertionError:
        assert value != left + right
    else:
        assert value == left + right


@CALM
@given(code=ANY_TEXT | st.text(">. \n1+f('\"", max_size=40))
def test_examples_are_taken_from_any_text_without_a_crash(code: str) -> None:
    assert isinstance(example_cases(code), tuple)
