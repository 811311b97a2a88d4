"""Hard filters, and what they say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.chat import Chat, ChatMessage
from gateway.core.decision import Excluded, ExclusionReason
from gateway.core.endpoint import Capability, Endpoint
from gateway.core.hole import Budget, EndpointFilter, Sampling
from gateway.routing.eligible import drained, passes_everywhere, screen, tightest_context
from tests.fakes.fleets import hole, request

EU = Endpoint("eu", tags=frozenset({"eu", "gpu"}))
US = Endpoint("us", tags=frozenset({"us"}))
SMALL = Endpoint("small", max_context=1000)
LARGE = Endpoint("large", max_context=100_000)


def wanting(
    required: str = "", forbidden: str = "", capabilities: frozenset[Capability] = frozenset()
) -> EndpointFilter:
    return EndpointFilter(frozenset(required.split()), frozenset(forbidden.split()), capabilities)


@pytest.mark.parametrize(
    ("wanted", "endpoint", "reason", "detail"),
    [
        (wanting("eu gpu"), US, ExclusionReason.MISSING_TAG, "lacks the required tag 'eu'"),
        (wanting("eu fips"), EU, ExclusionReason.MISSING_TAG, "lacks the required tag 'fips'"),
        (wanting("", "a us"), US, ExclusionReason.FORBIDDEN_TAG, "carries the forbidden tag 'us'"),
        (
            wanting(capabilities=frozenset({Capability.CODE_COMPLETION, Capability.LONG_CONTEXT})),
            EU,
            ExclusionReason.CAPABILITY,
            "lacks the required capability long_context",
        ),
    ],
)
def test_filters_take_endpoints_out_and_say_why(
    wanted: EndpointFilter, endpoint: Endpoint, reason: ExclusionReason, detail: str
) -> None:
    passing, excluded = screen([endpoint], request(endpoint_filter=wanted))
    assert passing == []
    assert excluded == [Excluded(endpoint.name, reason, detail)]


def test_only_endpoints_asked_for_by_name_pass() -> None:
    passing, excluded = screen(
        [EU, US], request(endpoint_filter=EndpointFilter(names=frozenset({"us"})))
    )
    assert passing == [US]
    assert [(one.endpoint, one.reason) for one in excluded] == [("eu", ExclusionReason.NOT_NAMED)]


def test_tools_go_only_to_endpoints_that_are_spoken_to_in_chat() -> None:
    """A caller whose tools are dropped without a word would wait for calls that never come."""
    talks = Endpoint("talks", takes_tools=True)
    chat = Chat((ChatMessage("user", "x"),), tools="[{}]")
    assert not passes_everywhere(request(chat=chat), 0)
    passing, excluded = screen([EU, talks], request(chat=chat))
    assert passing == [talks]
    assert [(one.endpoint, one.reason) for one in excluded] == [("eu", ExclusionReason.NO_TOOLS)]


def test_a_conversation_without_tools_may_go_anywhere() -> None:
    chat = Chat((ChatMessage("user", "x"),))
    assert passes_everywhere(request(chat=chat), 0)
    assert screen([EU], request(chat=chat)) == ([EU], [])


def test_an_endpoint_that_meets_every_filter_passes() -> None:
    wanted = wanting("eu gpu", "us", frozenset({Capability.CODE_COMPLETION}))
    assert screen([EU], request(endpoint_filter=wanted)) == ([EU], [])


def test_order_is_kept_on_both_sides() -> None:
    passing, excluded = screen(
        [US, EU, SMALL, LARGE], request(endpoint_filter=wanting("", "us eu"))
    )
    assert [endpoint.name for endpoint in passing] == ["small", "large"]
    assert [refusal.endpoint for refusal in excluded] == ["us", "eu"]


def test_context_counts_prompt_and_wanted_tokens_together() -> None:
    long = request(hole(prompt="x" * 3000))  # 64 + 1000 tokens to read, 256 to write
    twin = replace(SMALL, name="twin")
    passing, excluded = screen([SMALL, LARGE, twin, EU], long)
    assert [endpoint.name for endpoint in passing] == ["large", "eu"]
    detail = "its context holds 1000 tokens, about 1320 are needed (1064 to read, 256 to write)"
    assert excluded == [
        Excluded("small", ExclusionReason.CONTEXT_LENGTH, detail),
        Excluded("twin", ExclusionReason.CONTEXT_LENGTH, detail),
    ]


def test_context_that_fits_to_the_token_passes() -> None:
    tight = request(hole(prompt="x" * 300), sampling=Sampling(max_tokens=1000 - 164))
    assert screen([SMALL], tight) == ([SMALL], [])
    over = replace(tight, sampling=Sampling(max_tokens=1000 - 163))
    assert screen([SMALL], over)[0] == []
    assert screen([SMALL], replace(over, budget=Budget(max_tokens=100))) == ([SMALL], [])


def test_no_look_at_each_endpoint_when_no_filter_can_apply() -> None:
    assert passes_everywhere(request(), tightest=0)
    assert passes_everywhere(request(), tightest=1000)
    assert not passes_everywhere(request(), tightest=100)
    for wanted in (wanting("a"), wanting("", "a"), wanting("", "", frozenset(Capability))):
        assert not passes_everywhere(request(endpoint_filter=wanted), tightest=0)


def test_the_tightest_context_is_that_of_endpoints_that_state_one() -> None:
    assert tightest_context([EU, LARGE, SMALL]) == 1000
    assert tightest_context([EU, US]) == 0


def test_drained_endpoints_are_listed() -> None:
    assert drained([EU, replace(US, drained=True)]) == (
        Excluded("us", ExclusionReason.DRAINED, "is drained"),
    )
