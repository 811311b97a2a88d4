"""An answer leaves without secrets and with bounds, in the shape that it had."""

from __future__ import annotations

from ensemble.v1 import trace_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.cli.mcp_server.bounds import FEW_CHARS, MOST_CHARS, bounded, first
from gateway.cli.mcp_server.plain import at, word
from gateway.cli.mcp_server.telling import trace_of


def test_texts_are_redacted_wherever_they_stand() -> None:
    """V-08: in lists, in maps, under keys of secrets, in keys."""
    found = bounded(
        {
            "url": "grpc://ann:hunter2@host:1",
            "list": ["Bearer abcdefgh", {"deep": "sk-0123456789abc"}],
            "attributes": {"api_key": "plain", "prompt_tokens": "12", "password=x1y2z3": 1},
        }
    )
    assert found == {
        "url": "grpc://[redacted]@host:1",
        "list": ["[redacted]", {"deep": "[redacted]"}],
        "attributes": {"api_key": "[redacted]", "prompt_tokens": "12", "password=[redacted]": 1},
    }


def test_what_is_redacted_already_stays_as_it_is() -> None:
    assert bounded({"text": "key=[redacted] b"}) == {"text": "key=[redacted] b"}


def test_a_long_text_is_cut_and_says_so() -> None:
    (kept,) = bounded({"text": "x" * 9999}).values()
    assert kept == "x" * MOST_CHARS + "... [9999 characters]"


def test_behind_the_bound_of_an_answer_texts_are_cut_to_a_few_characters() -> None:
    found = bounded({"a": "x" * 100, "b": "y" * 100, "c": "short", "d": 5}, most=50)
    assert found == {
        "a": "x" * 100,
        "b": "y" * FEW_CHARS + "... [100 characters]",
        "c": "short",
        "d": 5,
    }


def test_the_rest_of_a_list_is_counted() -> None:
    assert first([1, 2, 3], 2) == ([1, 2], 1)
    assert first([1, 2]) == ([1, 2], 0)


def test_members_of_enums_are_words_even_when_they_are_new() -> None:
    assert word(trace_pb2.StageStatus, "STAGE_STATUS", trace_pb2.STAGE_STATUS_OK) == "ok"
    assert not word(trace_pb2.StageStatus, "STAGE_STATUS", 0)
    assert word(trace_pb2.StageStatus, "STAGE_STATUS", 99) == "number_99"


def test_a_moment_that_is_not_set_is_empty() -> None:
    assert not at(Timestamp())
    assert at(Timestamp(seconds=1)) == "1970-01-01T00:00:01.000+00:00"


def test_lists_and_maps_of_an_answer_are_bounded() -> None:
    stages = [trace_pb2.Stage(attributes={str(n): "x" for n in range(300)})] * 300
    found = trace_of(trace_pb2.Trace(stages=stages, dropped_stages=5))
    assert (len(found.stages), found.omitted_stages) == (200, 105)
    assert len(found.stages[0].attributes) == 200
