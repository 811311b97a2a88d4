"""JSON schemas: what they find, what they refuse, and what they may cost."""

from __future__ import annotations

import json

import pytest

from gateway.core.constraint import JsonSchema, VerdictStatus
from gateway.validation.finding import BrokenError, Finding
from gateway.validation.schema import MAX_SCHEMA, SchemaCheck, compile_schema

PASSED, FAILED, UNCHECKED = VerdictStatus.PASSED, VerdictStatus.FAILED, VerdictStatus.UNCHECKED

RECORD = {
    "type": "object",
    "properties": {
        "a": {"type": "array", "items": {"type": "integer"}},
        "b": {"$ref": "#/$defs/b"},
    },
    "required": ["a"],
    "patternProperties": {"^p_": {"type": "string", "pattern": "^(x+)+$"}},
    "additionalProperties": False,
    "$defs": {"b": {"enum": ["on", "off"]}},
}


def find(schema: object, text: str) -> Finding:
    return compile_schema(JsonSchema(json.dumps(schema))).find(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": []}',
        ' {"a": [1, 2.0], "b": "on"}\n',
        '{"a": [], "p_1": "xxx", "p_2": "x"}',
    ],
)
def test_json_of_the_schema_passes(text: str) -> None:
    assert find(RECORD, text).status is PASSED


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{}", "$ breaks 'required' of the schema"),
        ("[]", "$ breaks 'type' of the schema"),
        ('{"a": [1, "zq"]}', "$.a[1] breaks 'type' of the schema"),
        ('{"a": [], "b": "zq"}', "$.b breaks 'enum' of the schema"),
        ('{"a": [], "zq": 1}', "$ breaks 'additionalProperties' of the schema"),
        ('{"a": [], "p_zq": "zq"}', "$.* breaks 'pattern' of the schema"),
        ('{"a": [], "p_zq": 1}', "$.* breaks 'type' of the schema"),
        ('{"a": [], "p_\\ud800": "\\ud800"}', "$.* breaks 'pattern' of the schema"),
        ("zq = 1", "the fill is not JSON: Expecting value (line 1, column 1)"),
        ('{"a": []\n zq}', "the fill is not JSON: Expecting ',' delimiter (line 2, column 2)"),
        ('{"a": [NaN]}', "the fill is not JSON: NaN is no JSON number"),
        ("-Infinity", "the fill is not JSON: -Infinity is no JSON number"),
    ],
)  # fmt: skip
def test_the_reason_names_the_place_and_quotes_nothing(text: str, reason: str) -> None:
    finding = find(RECORD, text)
    assert finding.status is FAILED
    assert finding.reason == reason


def test_additional_properties_may_have_a_schema_of_their_own() -> None:
    schema = {"additionalProperties": {"type": "integer"}}
    assert find(schema, '{"k": 1}').status is PASSED
    assert find(schema, '{"zq": "a"}').reason == "$.* breaks 'type' of the schema"
    assert find(schema, "3").status is PASSED


def test_keywords_about_other_types_do_not_apply() -> None:
    schema = {"pattern": "a", "patternProperties": {"a": False}, "uniqueItems": True}
    assert find(schema, "1").status is PASSED


def test_something_where_nothing_is_allowed_fails() -> None:
    finding = find({"properties": {"a": False}}, '{"a": 1}')
    assert finding.reason == "the fill has something where the schema allows nothing"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("{", "not JSON: Expecting property name"),
        ('{"minimum": NaN}', "NaN is no JSON number"),
        ("[" * 10_000, "nested too deeply"),
        ('{"not":' * 900 + "{}" + "}" * 900, "nested too deeply"),
        ('{"minimum": ' + "9" * 5000 + "}", "a number is too long"),
        ("5", "not a schema of draft 2020-12 at $"),
        ('{"type": "strin"}', "not a schema of draft 2020-12 at $.type: 'strin'"),
        ('{"properties": {"a": {"required": "b"}}}', "at $.properties.a.required"),
        ('{"$ref": "#/nope"}', "'/nope' leads nowhere"),
        ('{"items": {"$ref": "http://localhost:1/x"}}', "nothing is downloaded"),
        ('{"pattern": "("}', "broken expression"),
        ('{"patternProperties": {"(": {}}}', "broken expression"),
    ],
)
def test_a_broken_schema_is_refused_with_words(text: str, words: str) -> None:
    with pytest.raises(BrokenError) as caught:
        compile_schema(JsonSchema(text))
    assert caught.value.field == "json_schema.schema"
    assert words in caught.value.description
    assert len(caught.value.description) < 600


def test_a_property_called_pattern_or_ref_is_only_a_name() -> None:
    schema = {
        "properties": {"pattern": {"type": "string"}, "$ref": {"type": "string"}},
        "const": {"pattern": "(", "$ref": "#/nope"},
    }
    assert find(schema, '{"pattern": "(", "$ref": "#/nope"}').status is PASSED


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"pattern": "(?=a)"}, "look-around"),
        ({"patternProperties": {"^a": {}}, "unevaluatedProperties": False}, "not checked here"),
        ({"description": "x" * MAX_SCHEMA}, "characters are not checked"),
    ],
)
def test_what_cannot_be_checked_cheaply_is_unchecked(schema: object, words: str) -> None:
    finding = find(schema, "{}")
    assert finding.status is UNCHECKED
    assert words in finding.reason


def test_nested_references_end_after_a_bounded_number_of_steps() -> None:
    levels = {f"d{i}": {"allOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(40)}
    schema = {"$defs": {**levels, "d40": True}, "$ref": "#/$defs/d0"}
    check = compile_schema(JsonSchema(json.dumps(schema)))
    assert isinstance(check, SchemaCheck)
    finding = check.judge(1, max_steps=2_000)
    assert finding.status is UNCHECKED
    assert "steps" in finding.reason


def test_comparing_many_objects_with_each_other_ends_after_a_bounded_number_of_steps() -> None:
    assert find({"uniqueItems": True}, json.dumps([{}] * 5000)).status is UNCHECKED
    assert find({"uniqueItems": True}, json.dumps([[1], [2]])).status is PASSED
    assert find({"uniqueItems": True}, "[1, 2, 1]").status is FAILED


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5000])
def test_a_fill_beyond_the_parser_is_unchecked(text: str) -> None:
    assert find({}, text).status is UNCHECKED


def test_a_schema_that_refers_to_itself_only_is_unchecked() -> None:
    assert "nested too deeply" in find({"$ref": "#"}, "1").reason


def test_a_number_too_large_to_divide_is_unchecked() -> None:
    assert "too large" in find({"multipleOf": 0.1}, "1" + "0" * 400).reason


def test_a_large_document_is_costly() -> None:
    check = compile_schema(JsonSchema("{}"))
    assert not check.costly(1000)
    assert check.costly(10_000)
