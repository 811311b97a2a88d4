"""Answers that do not come, come too slowly, break off or are no answers."""

from __future__ import annotations

from tests.conformance.rig import Scenario
from tests.conformance.scenarios.plain import INVISIBLE, Bars, Traffic, plain
from tests.conformance.servers.rules import Act, Rule

STALL = "[timeouts]\nfirst_text_s = 0.3\nbetween_texts_s = 0.3\n"
STALLED = Bars(failover_ms=400.0)
UNARY = Traffic(only="whole")
STREAMED = Traffic(only="streamed")
CUT_SHORT = "LiteLLM #40404, Portkey #1797"
NO_FALLBACK = "LiteLLM #29808, Bifrost #5395"
LATE = "openai-python #3828, LiteLLM #7303, Reflexio PR #176"
APART_S = 0.005
"""Together with the text before it a fault reaches the reader otherwise than by itself."""

STALLING = "TensorZero #6328, LiteLLM #40404"


def _of_kinds(
    name: str, source: str, purpose: str, *rules: Rule, kinds: tuple[str, ...]
) -> list[Scenario]:
    return [plain(name, source, purpose, *rules, kind=kind) for kind in kinds]


def _broken(act: Act, name: str, purpose: str, kinds: tuple[str, ...]) -> list[Scenario]:
    """Break off before anything was said, and after three of eight lines."""
    before = _of_kinds(f"{name}-at-once", CUT_SHORT, purpose, Rule(act), kinds=kinds)
    words = f"{purpose}, after text was sent"
    after = [
        plain(f"{name}-mid-stream", CUT_SHORT, words, Rule(act, after=3, times=1),
              Rule(act, after=3, times=1, gap_s=APART_S), kind=kind, traffic=STREAMED, cycle=True)
        for kind in kinds
    ]  # fmt: skip
    return [*before, *after]


SCENARIOS: tuple[Scenario, ...] = (
    plain("healthy", "", "nothing fails", Rule(), bars=INVISIBLE),
    plain("healthy", "", "nothing fails", Rule(), kind="openai", bars=INVISIBLE),
    plain("healthy", "", "nothing fails", Rule(), kind="frames", bars=INVISIBLE),
    plain(
        "hang-before-headers", LATE, "the endpoint takes the request and says nothing",
        Rule(Act.HANG), settings=STALL, bars=STALLED, timeout_s=0.3,
    ),
    plain(
        "hang-before-headers", LATE, "the endpoint takes the request and says nothing",
        Rule(Act.HANG), kind="openai", settings=STALL, bars=STALLED, timeout_s=0.3,
    ),
    plain(
        "hang-deadline-only", LATE, "no timeout is set: the caller's deadline alone is split",
        Rule(Act.HANG), traffic=Traffic(10, deadline_s=2.0), bars=Bars(failover_ms=1900.0),
    ),
    plain(
        "hang-mid-stream", STALLING, "three lines, then silence",
        Rule(Act.HANG, after=3), settings=STALL, traffic=STREAMED, bars=STALLED,
    ),
    plain(
        "hang-mid-stream", STALLING, "three lines, then silence",
        Rule(Act.HANG, after=3), kind="openai", settings=STALL, traffic=STREAMED, bars=STALLED,
    ),
    plain(
        "slow-drip", STALLING, "a line each 150 ms where the attempt has 0.6 s",
        Rule(gap_s=0.15), settings=STALL, traffic=STREAMED, bars=Bars(failover_ms=700.0),
        timeout_s=0.6,
    ),
    plain(
        "slow-drip", STALLING, "a line each 150 ms where the attempt has 0.6 s",
        Rule(gap_s=0.15), kind="openai", settings=STALL, traffic=STREAMED,
        bars=Bars(failover_ms=700.0), timeout_s=0.6,
    ),
    *_broken(Act.CUT, "cut-in-frame", "the connection ends within a frame", ("frames", "openai")),
    *_broken(Act.RESET, "reset", "RST of the stream, or of the connection", ("frames", "openai")),
    *_broken(Act.BAD_FRAME, "bad-frame", "bytes that are no frame", ("frames", "openai")),
    *_broken(Act.MALFORMED, "malformed", "bytes that are no message",
             ("grpc", "frames", "openai")),
    *_broken(Act.END, "no-end-marker", "a clean end without the end marker",
             ("grpc", "frames", "openai")),
    *_of_kinds("wrong-content-type", NO_FALLBACK, "a captive portal's HTML, with status 200",
               Rule(Act.WRONG_TYPE), kinds=("frames", "openai")),
    plain(
        "error-mid-stream", NO_FALLBACK, "an error status after three lines",
        Rule(Act.STATUS, after=3, status="INTERNAL"), traffic=STREAMED,
    ),
    plain(
        "error-mid-stream", NO_FALLBACK, "an error event after three lines",
        Rule(Act.STATUS, after=3, status="INTERNAL"), kind="openai", traffic=STREAMED,
    ),
    plain(
        "goaway-in-order", "SGLang PR #15585", "a server ends a connection each 10 calls, in order",
        Rule(times=9, gap_s=0.005), Rule(Act.DRAIN, after=2, times=1, gap_s=0.005), kind="frames",
        bars=Bars(wasted=2, opens=False), cycle=True,
    ),
    plain(
        "goaway", "SGLang PR #15585", "now and then GOAWAY and the end of the connection",
        Rule(times=4), Rule(Act.GOAWAY, times=1), Rule(times=4), Rule(Act.GOAWAY, times=1),
        Rule(times=12), Rule(Act.GOAWAY, times=1), Rule(), kind="frames",
        bars=Bars(wasted=2, opens=False),
    ),
)  # fmt: skip
