"""What docs/traces.md shows is so: the example is a trace of today, its stages are explained."""

from __future__ import annotations

import json
import re
from typing import Any

from ensemble.v1 import trace_pb2
from google.protobuf.json_format import MessageToDict, ParseDict

from tests.fakes.script import Script
from tests.fakes.traced import Traced
from tests.house.sources import ROOT

PAGE = ROOT / "docs" / "traces.md"
EXAMPLE = ROOT / "docs" / "examples" / "trace.json"
STAGES = ("admit", "cache_lookup", "cache_wait", "cache_store", "spec_analysis", "route", "match",
          "cascade", "attempt", "try", "validate", "score", "aggregate", "part",
          "step")  # fmt: skip


def shape(trace: trace_pb2.Trace) -> Any:
    """What stays the same from run to run: fields, stages and what each of them tells."""
    document = MessageToDict(trace, preserving_proto_field_name=True)
    stages = [(one["name"], sorted(one.get("attributes", {}))) for one in document.pop("stages")]
    return sorted(document), stages


async def test_the_example_is_a_trace_as_it_is_today() -> None:
    example = ParseDict(json.loads(EXAMPLE.read_text(encoding="utf-8")), trace_pb2.Trace())
    async with Traced(Script(("return 2 * x\n",)), Script()) as served:
        prompt = "def double(x):\n    "
        asked = await served.trace(prompt, hole={"language": "python"}, routing_mode=2)
    today = asked.trace
    today.ClearField("changes")
    example.ClearField("changes")
    assert shape(today) == shape(example)


def test_every_stage_is_explained() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("## What is in it")[2]
    explained = set(re.findall(r"`([a-z_]+)(?:\[[a-z]+\])?`", table.partition("\n\nTimes")[0]))
    assert set(STAGES) <= explained
