"""The tools of `ensemble mcp`, asked by the SDK's own client, against a gateway over sockets."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from ensemble.v1 import admin_service_pb2 as admin
from ensemble.v1 import gateway_service_pb2 as pb
from jsonschema import Draft202012Validator
from mcp import MCPError

from gateway.cli.mcp_server import telling_routes
from gateway.cli.mcp_server.exports import ExportDirectory
from tests.fakes.gateway_server import DETAIL, FakeGateway, fails, says, waits
from tests.fakes.mcp_asking import Asker, asking, text_of
from tests.fakes.script import Script
from tests.fakes.traced import Traced

TOOLS = {
    "get_telemetry",
    "recent_traces",
    "get_trace",
    "export_telemetry",
    "explain_route",
    "generate",
    "list_endpoints",
}
NOBODY = "127.0.0.1:1"
"""A port that nobody listens on."""

MARK = "Zq7Xw9Kv3"
SECRETS = (
    f"Authorization: Bearer {MARK}abcdef",
    f"sk-{MARK}0123",
    f"password='{MARK} and more'",
    f"https://ann:{MARK}@host/path",
    f"-----BEGIN EC PRIVATE KEY-----\n{MARK}\n-----END EC PRIVATE KEY-----",
)


@pytest.fixture
async def served() -> AsyncIterator[Traced]:
    async with Traced(learning={"builtin_topics": True}) as gateway:
        yield gateway


async def test_each_tool_has_closed_schemas_and_says_what_it_does_to_the_world() -> None:
    """K-02: a schema for every argument; nothing that writes or spends is called safe."""
    async with asking(NOBODY) as ask:
        tools = {tool.name: tool for tool in (await ask.client.list_tools()).tools}
    assert set(tools) == TOOLS
    for tool in tools.values():
        Draft202012Validator.check_schema(tool.input_schema)
        Draft202012Validator.check_schema(tool.output_schema)
        assert tool.input_schema["additionalProperties"] is False
        for name, argument in tool.input_schema["properties"].items():
            assert argument["description"], name
            assert bounded(argument), name
    hints = {
        name: (one.read_only_hint, one.destructive_hint, one.idempotent_hint, one.open_world_hint)
        for name, tool in tools.items()
        if (one := tool.annotations)
    }
    assert hints.pop("export_telemetry") == (False, False, False, False)
    assert hints.pop("generate") == (False, False, False, True)
    assert set(hints.values()) == {(True, False, True, False)}
    assert "path" not in tools["export_telemetry"].input_schema["properties"]


def bounded(argument: dict[str, Any]) -> bool:
    """Whether a schema lets through no text, list or number without end."""
    match argument.get("type"):
        case "string":
            return "maxLength" in argument or "enum" in argument
        case "integer" | "number":
            return {"minimum", "maximum"} <= argument.keys()
        case "array":
            return "maxItems" in argument and bounded(argument["items"])
        case None:
            return all(map(bounded, argument["anyOf"]))
        case kind:
            return kind in {"boolean", "null"}


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_fill_leaves_a_trace_that_is_listed_shown_and_counted(
    served: Traced, mode: str
) -> None:
    async with asking(served.door.target, mode=mode) as ask:
        fill = await ask.answer("generate", prompt="x = ", max_tokens=8, trace=True)
        assert fill["text"] == Script().text
        assert (fill["endpoint"], fill["text_cut"]) == ("a", False)
        assert fill["confidence_method"].startswith("validators")
        assert {one["constraint"]: one["status"] for one in fill["verdicts"]}
        (attempt,) = fill["attempts"]
        assert (attempt["endpoint"], attempt["status"]) == ("a", "ok")
        (listed,) = (await ask.answer("recent_traces", status="ok", endpoint="a"))["traces"]
        assert listed["trace_id"] == fill["trace_id"]
        shown = await ask.answer("get_trace", id=fill["request_id"])
        assert {"route", "attempt[0]", "validate"} <= {one["name"] for one in shown["stages"]}
        told = next(one for one in shown["stages"] if one["name"] == "try")
        assert told["attributes"]["completion_tokens"] == "3"
        telemetry = await ask.answer("get_telemetry")
    assert telemetry["since_start"]["requests"] == 1
    assert telemetry["traced"]["requests"] == 1
    assert "request" in {one["name"] for one in telemetry["traced"]["operations"]}
    assert {one["name"] for one in telemetry["traced"]["models"]} == {"a"}
    assert "keyword" in {one["name"] for one in telemetry["traced"]["matchers"]}


async def test_a_route_is_explained_and_nobody_is_asked(served: Traced) -> None:
    async with asking(served.door.target) as ask:
        route = await ask.answer("explain_route", prompt="def f():\n    return ", kind="block")
    assert (route["primary"], route["fallbacks"]) == ("a", ["b"])
    assert route["why"].startswith("a won by the rule")
    layers = {layer["layer"]: layer["status"] for layer in route["learned"]["layers"]}
    assert layers["keyword"] == "declined"
    assert route["learned"]["features"]
    assert {one["endpoint"] for one in route["learned"]["scores"]} <= {"a", "b"}
    assert served.asked() == [0, 0]


async def test_every_field_of_a_hole_arrives() -> None:
    answer = says(pb.GenerateResponse(text="x"))
    with FakeGateway(Generate=answer) as gateway:
        async with asking(gateway.target) as ask:
            await ask.answer(
                "generate",
                prompt="p",
                suffix="s",
                language="python",
                kind="block",
                expected_type="int",
                regex=".",
                json_schema="{}",
                forbidden_text=["a", "b"],
                objective="fastest",
                routing_mode="rules",
                task="sorting",
                max_tokens=5,
                temperature=0.5,
                seed=7,
                n=3,
                trace=True,
            )
        request = gateway.seen[0].request
    assert (request.prompt, request.suffix, request.hole.language) == ("p", "s", "python")
    assert (request.hole.kind, request.hole.expected_type) == (3, "int")
    names = [constraint.name for constraint in request.constraints]
    assert names == ["regex", "json_schema", "forbidden_text"]
    assert (request.objective, request.routing_mode) == (2, 2)
    assert request.labels == {"task": "sorting"}
    sampling = request.sampling
    assert (sampling.max_tokens, sampling.temperature, sampling.seed) == (5, 0.5, 7)
    assert (request.n, request.strategy) == (3, pb.STRATEGY_BEST_OF_N)
    assert request.trace


async def test_endpoints_are_listed_as_they_are_now(served: Traced) -> None:
    async with asking(served.door.target) as ask:
        found = await ask.answer("list_endpoints")
    assert [one["name"] for one in found["endpoints"]] == ["a", "b"]
    assert found["endpoints"][0]["capabilities"] == ["fast_inference"]
    assert (found["endpoints"][0]["breaker"], found["omitted"]) == ("closed", 0)


async def test_traces_are_exported_under_names_made_here(served: Traced, tmp_path: Path) -> None:
    """K-02: no argument says where; a cell that is a formula elsewhere is none."""
    await served.generate("=1+1", trace=True)
    await served.generate("x = ", trace=True)
    with ExportDirectory(tmp_path) as exports:
        async with asking(served.door.target, exports) as ask:
            rows = await ask.answer("export_telemetry", format="csv")
            lines = await ask.answer("export_telemetry", format="json")
            refused = await ask.error("export_telemetry", format="csv", path="/tmp/x")
    assert refused["fields"][0]["field"] == "path"
    assert (rows["traces"], lines["traces"]) == (2, 2)
    assert {one.name for one in tmp_path.iterdir()} == {rows["file"], lines["file"]}
    written = (tmp_path / rows["file"]).read_bytes()
    assert len(written) == rows["bytes"]
    _, first, _ = csv.reader(written.decode().splitlines())
    assert first[2] == "'=1+1"
    assert len((tmp_path / lines["file"]).read_text().splitlines()) == 2


async def test_an_export_without_a_directory_is_refused(served: Traced) -> None:
    async with asking(served.door.target) as ask:
        error = await ask.error("export_telemetry", format="json")
    assert (error["code"], error["reason"]) == ("FAILED_PRECONDITION", "EXPORT_OFF")
    assert "--export-dir" in error["message"]


async def test_an_export_that_is_too_large_leaves_nothing(
    served: Traced, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await served.generate(trace=True)
    monkeypatch.setattr("gateway.cli.mcp_server.work.MOST_BYTES", 100)
    with ExportDirectory(tmp_path) as exports:
        async with asking(served.door.target, exports) as ask:
            error = await ask.error("export_telemetry", format="json")
    assert error["reason"] == "EXPORT_TOO_LARGE"
    assert list(tmp_path.iterdir()) == []


async def test_a_gateway_without_traces_still_counts() -> None:
    """K-01: what is not there is said in words."""
    async with Traced(trace={"enabled": False}) as served, asking(served.door.target) as ask:
        found = await ask.answer("get_telemetry")
        error = await ask.error("recent_traces")
    assert found["traced"] is None
    assert "trace.enabled" in found["note"]
    assert "trace.enabled" in error["message"]


async def test_a_failed_fill_says_why_by_attempt() -> None:
    with FakeGateway(Generate=fails(grpc.StatusCode.ABORTED, "all failed", DETAIL)) as gateway:
        async with asking(gateway.target) as ask:
            error = await ask.error("generate", prompt="x = ")
    assert (error["code"], error["reason"]) == ("ABORTED", "ALL_ENDPOINTS_FAILED")
    assert (error["retry_after_s"], error["request_id"]) == (0.25, "r-1")
    (attempt,) = error["attempts"]
    assert (attempt["endpoint"], attempt["status"]) == ("fast", "timeout")
    assert attempt["reason"] == "UPSTREAM_TIMEOUT"


async def test_a_fill_that_breaks_a_requirement_says_which(served: Traced) -> None:
    async with asking(served.door.target) as ask:
        error = await ask.error("generate", prompt="x = ", regex="never", trace=True)
        shown = await ask.answer("get_trace", id=error["trace_id"])
        (listed,) = (await ask.answer("recent_traces", status="failed"))["traces"]
    assert error["reason"] == "ALL_CANDIDATES_REJECTED"
    assert ("regex", "failed") in {(one["constraint"], one["status"]) for one in error["verdicts"]}
    assert shown["failure"]["reason"] == listed["failure"]["reason"] == "ALL_CANDIDATES_REJECTED"


async def test_no_planted_secret_comes_out_of_any_tool(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """V-08: keys, tokens and passwords of prompts, in answers, errors, files and logs.

    What a model writes is its own, and returned as it is.
    """
    caplog.set_level("DEBUG")
    async with Traced(Script((f"password = {MARK}",)), Script(), trace={"text": "full"}) as served:
        with ExportDirectory(tmp_path) as exports:
            async with asking(served.door.target, exports) as ask:
                said = [text for secret in SECRETS async for text in told(ask, secret)]
                fill = await ask.answer("generate", prompt="x = ")
    written = [one.read_text() for one in tmp_path.iterdir()]
    assert len(said) == 12 * len(SECRETS)
    assert len(written) == 2 * len(SECRETS)
    assert [text for text in (*said, *written, caplog.text) if MARK in text] == []
    assert fill["text"] == f"password = {MARK}"


async def told(ask: Asker, secret: str) -> AsyncIterator[str]:
    """What each tool says of a request that is full of a secret; of a fill, all but its text."""
    hole = {"prompt": f"{secret}\nx = ", "suffix": secret, "expected_type": secret}
    filled = await ask.answer("generate", **hole, task=secret[:100], trace=True)
    del filled["text"]
    yield json.dumps(filled)
    for tool, given in (
        ("generate", {**hole, "regex": f"({secret}"}),
        ("generate", {**hole, "regex": "never"}),
        ("generate", {**hole, "kind": secret}),
        ("explain_route", {**hole, "forbidden_text": [secret]}),
        ("get_trace", {"id": filled["trace_id"]}),
        ("get_trace", {"id": secret}),
        ("recent_traces", {"count": 5}),
        ("recent_traces", {"endpoint": secret}),
        ("get_telemetry", {secret: 1}),
        ("export_telemetry", {"format": "csv"}),
        ("export_telemetry", {"format": "json"}),
    ):
        yield text_of(await ask.raw(tool, **given))


async def test_passwords_in_addresses_of_endpoints_are_redacted() -> None:
    url = f"https://ann:{MARK}@model.example/v1"
    listed = says(admin.ListEndpointsResponse(endpoints=[admin.Endpoint(name="a", url=url)]))
    with FakeGateway(ListEndpoints=listed) as gateway:
        async with asking(gateway.target) as ask:
            (only,) = (await ask.answer("list_endpoints"))["endpoints"]
    assert only["url"] == "https://[redacted]@model.example/v1"


async def test_what_the_gateway_refuses_names_the_argument(served: Traced) -> None:
    async with asking(served.door.target) as ask:
        error = await ask.error("explain_route", prompt="x = ", regex="(")
    assert error["code"] == "INVALID_ARGUMENT"
    assert error["fields"][0]["field"] == "regex"


async def test_a_tool_that_is_not_there_is_an_error_of_the_protocol() -> None:
    async with asking(NOBODY) as ask:
        with pytest.raises(MCPError, match="no such tool; there are get_telemetry"):
            await ask.raw("drop_tables")


async def test_a_gateway_that_is_not_there_is_said_to_be_so() -> None:
    async with asking(NOBODY) as ask:
        error = await ask.error("list_endpoints")
    assert (error["code"], error["reason"]) == ("UNAVAILABLE", "GATEWAY_UNREACHABLE")
    assert "--target" in error["message"]


async def test_a_call_ends_at_its_deadline() -> None:
    with FakeGateway(Route=waits) as gateway:
        async with asking(gateway.target, timeout_s=0.2) as ask:
            error = await ask.error("explain_route", prompt="x")
    assert (error["code"], error["reason"]) == ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")
    assert "--timeout" in error["message"]


async def test_several_rpcs_of_one_call_have_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.cli.mcp_server.tool.GRACE_S", -0.1)
    with FakeGateway(Route=waits) as gateway:
        async with asking(gateway.target, timeout_s=0.2) as ask:
            error = await ask.error("explain_route", prompt="x")
    assert error["reason"] == "DEADLINE_EXCEEDED"


async def test_a_call_that_is_given_up_is_given_up_at_the_gateway() -> None:
    with FakeGateway(Generate=waits, Route=says(pb.RouteResponse())) as gateway:
        async with asking(gateway.target) as ask:
            call = asyncio.ensure_future(ask.raw("generate", prompt="x"))
            await asyncio.to_thread(gateway.arrived.wait, 10)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            assert await asyncio.to_thread(gateway.seen[0].ended.wait, 10)
            await ask.answer("explain_route", prompt="x")


async def test_more_calls_than_may_run_are_refused() -> None:
    with FakeGateway(Generate=waits, Route=says(pb.RouteResponse())) as gateway:
        async with asking(gateway.target, most_calls=1) as ask:
            call = asyncio.ensure_future(ask.raw("generate", prompt="x"))
            await asyncio.to_thread(gateway.arrived.wait, 10)
            error = await ask.error("explain_route", prompt="x")
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
    assert error["reason"] == "BUSY"


async def test_a_bug_is_an_answer_without_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("words of the prompt")

    monkeypatch.setattr("gateway.cli.mcp_server.work.route_of", broken)
    with FakeGateway(Route=says(pb.RouteResponse())) as gateway:
        async with asking(gateway.target) as ask:
            result = await ask.raw("explain_route", prompt="x")
    assert json.loads(text_of(result))["error"]["reason"] == "INTERNAL"
    assert "words of the prompt" not in text_of(result)


async def test_a_very_long_fill_is_cut_and_says_so() -> None:
    long = "x" * (telling_routes.MOST_FILL + 1)
    with FakeGateway(Generate=says(pb.GenerateResponse(text=long))) as gateway:
        async with asking(gateway.target) as ask:
            fill = await ask.answer("generate", prompt="x")
    assert (len(fill["text"]), fill["text_chars"], fill["text_cut"]) == (
        telling_routes.MOST_FILL,
        telling_routes.MOST_FILL + 1,
        True,
    )
