"""Which words a request has, and which phrases are found among them: X-04."""

from __future__ import annotations

import pytest

from gateway.core.constraint import Constraint, FillConstraint, ForbiddenText
from gateway.core.hole import Hole, HoleOrigin, HoleSpec
from gateway.routing.matchers.phrases import PhraseTable, Span, longest, phrase_words
from gateway.routing.matchers.tokens import words_of
from gateway.routing.matchers.wording import (
    MOST_CHARS,
    MOST_RULE_CHARS,
    request_text,
    words_of_request,
)


def found(text: str, *phrases: str) -> set[str]:
    return {span.phrase for span in PhraseTable(phrases).find(words_of(text))}


def test_words_are_casefolded_and_parted_by_everything_else() -> None:
    assert words_of("Fix it, NOW: ci/cd & C++!").parts == ("fix", "it", "now", "ci", "cd", "c")


def test_identifiers_are_words_in_parts_and_in_one() -> None:
    words = words_of("call parse_json_schema on HTTPServer of GraphQL __init__ ___")
    assert words.parts == (
        *("call", "parse", "json", "schema", "on", "http", "server", "of", "graph", "ql", "init"),
    )
    assert words.whole == (
        *("call", "parsejsonschema", "on", "httpserver", "of", "graphql", "init"),
    )


def test_numbers_stay_in_their_word() -> None:
    assert words_of("utf8 v2Parser 1st 42").parts == ("utf8", "v2", "parser", "1st", "42")


def test_other_scripts_have_words_too() -> None:
    assert words_of("Напиши Тесты für Größe").parts == ("напиши", "тесты", "für", "grösse")
    assert words_of("编写测试 now").parts == ("编", "写", "测", "试", "now")
    assert found("编写测试代码", "测试") == {"测试"}


def test_composed_and_decomposed_letters_are_the_same() -> None:
    assert words_of("cafe\u0301") == words_of("caf\u00e9")


@pytest.mark.parametrize(
    ("text", "phrase"),
    [("the latest build", "test"), ("adjust it", "just"), ("contests", "test"), ("tests", "test")],
)
def test_a_phrase_is_never_found_within_a_word(text: str, phrase: str) -> None:
    """Regression of X-04: substrings matched, so that `latest` was about tests."""
    assert phrase in text
    assert found(text, phrase) == set()


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("a JSON schema", "json schema"),
        ("parse_json_schema(x)", "json schema"),
        ("parseJsonSchema(x)", "json_schema"),
        ("JSON-Schema", "JsonSchema"),
        ("a GraphQL query", "graphql"),
        ("a graphql query", "GraphQL"),
        ("write GraphQL tests", "graphql tests"),
        ("write graphql tests", "GraphQL tests"),
        ("test_json", "test"),
        ("ci/cd now", "CI CD"),
    ],
)
def test_a_phrase_is_found_however_it_is_written(text: str, phrase: str) -> None:
    assert found(text, phrase) == {phrase}


def test_a_phrase_needs_all_its_words_in_order() -> None:
    assert found("schema of json", "json schema") == set()
    assert found("a json", "json schema") == set()


def test_a_phrase_without_a_word_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'\+\+' has no letter or digit"):
        PhraseTable(["++"])
    with pytest.raises(ValueError, match="never be found"):
        phrase_words("")


def test_the_longest_phrase_hides_those_within_it() -> None:
    spans = PhraseTable(["unit test", "test", "test case"]).find(words_of("unit test case, a test"))
    assert set(longest(spans)) == {
        Span("unit test", 0, 2),
        Span("test case", 1, 3),
        Span("test", 4, 5),
    }
    assert longest([]) == []
    assert longest([Span("a", 0, 1)]) == [Span("a", 0, 1)]


def test_an_intent_is_all_that_counts_when_it_is_given() -> None:
    hole = Hole(
        "# draw a circle\nx = 1\n",
        suffix="# the suffix never counts",
        spec=HoleSpec(origin=HoleOrigin(intent="Add a test")),
    )
    assert words_of_request(hole).parts == ("add", "a", "test")


def test_a_blank_intent_counts_as_none() -> None:
    hole = Hole("Draw a circle", spec=HoleSpec(origin=HoleOrigin(intent="  \n")))
    assert words_of_request(hole).parts == ("draw", "a", "circle")


def test_requirements_add_their_names_and_words() -> None:
    hole = Hole(
        "Sort",
        spec=HoleSpec(fill_constraints=(FillConstraint("style", "no recursion"),)),
        constraints=(Constraint("no_eval", ForbiddenText(("eval",))),),
    )
    assert words_of_request(hole).parts == ("sort", "style", "no", "recursion", "no", "eval")


def test_what_is_read_is_bounded() -> None:
    spec = HoleSpec(
        origin=HoleOrigin(intent="first " + "x " * 60_000 + " last"),
        fill_constraints=(FillConstraint("k", "y" * 4096),) * 200,
    )
    text = request_text(Hole("", spec=spec))
    assert text.startswith("first ")
    assert " last\n" in text
    assert len(text) <= MOST_CHARS + MOST_RULE_CHARS + 2


PYTHON = '''\
"""Reads settings."""
import json

def audit(schema):
    # Check "test" values
    return json.dumps(schema)  # as text

def merge_sections(left, right):
    """Merge two sections.

    >>> merge_sections(grammar, regex)
    """
'''


@pytest.mark.parametrize("language", ["", "python", " Python "])
def test_of_code_only_what_is_written_for_people_counts(language: str) -> None:
    parts = set(words_of_request(Hole(PYTHON, spec=HoleSpec(language=language))).parts)
    assert {"reads", "settings", "check", "as", "text", "merge", "sections"} <= parts
    assert not parts & {"json", "dumps", "audit", "schema", "grammar", "regex", "import"}


@pytest.mark.parametrize(
    ("language", "code", "said"),
    [
        ("java", "/* Sorts\n rows */\nint x = 1; // fast\n", {"sorts", "rows", "fast"}),
        ("c", "#include <json.h>\n// adds\nint f() {\n", {"adds"}),
        ("", "#include <json.h>\nint x; /* open", {"open"}),
        ("sql", "SELECT a; -- the oldest\n", {"the", "oldest"}),
        ("python", "y = a // schema\n", set()),
        ("python", "x = 'a#b'\n'''Doc's text", {"doc", "s", "text"}),
        ("rust", "#[test]\nfn grow(x: u8) {\n", {"grow"}),
        ("javascript", "let u = 'https://a.b'; //hm\n", {"hm"}),
    ],
)
def test_comments_are_those_of_the_language(language: str, code: str, said: set[str]) -> None:
    assert set(words_of_request(Hole(code, spec=HoleSpec(language=language))).parts) == said


def test_prose_beside_code_counts() -> None:
    text = "Write a function that sorts rows:\n```\nrows = load(schema)\nif a in b or c:\n```\n"
    parts = words_of_request(Hole(text)).parts
    assert parts == ("write", "a", "function", "that", "sorts", "rows")


def test_prose_counts_whole_even_when_a_language_is_stated() -> None:
    hole = Hole("Write a json parser", spec=HoleSpec(language="python"))
    assert "json" in words_of_request(hole).parts


def test_long_prose_counts_at_both_ends() -> None:
    text = request_text(Hole("first " + "and so on " * 2_000 + " last"))
    assert text.startswith("first")
    assert text.rstrip().endswith("last")
    assert len(text) <= MOST_CHARS + 2


def test_a_cut_within_a_docstring_turns_nothing_inside_out() -> None:
    before = '"""' + "long ago " * 600 + '"""\nregex = 1\n'
    code = f'{before}def area(grammar):\n    """Compute."""\n    return schema\n'
    assert words_of_request(Hole(code, spec=HoleSpec(language="python"))).parts == (
        *("compute", "area"),
    )


def test_a_long_piece_of_code_without_a_definition_is_read_as_it_is() -> None:
    code = "x = 1\n" * 1_000 + "# sum up\n"
    assert words_of_request(Hole(code, spec=HoleSpec(language="python"))).parts == ("sum", "up")
