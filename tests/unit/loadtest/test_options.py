from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ensemble_loadtest.address import Address, read_address, tls_context
from ensemble_loadtest.faults import PlanError
from ensemble_loadtest.options import (
    Limits,
    Shape,
    headers_of,
    load_of,
    prompts_of,
    read_text,
    write_text,
)
from ensemble_loadtest.plan import Arrivals, Load, Plan, Protocol
from ensemble_loadtest.prompts import BUILT_IN, Prompt, of_size, read_prompts, summary
from ensemble_loadtest.schedule import Segment, steps
from ensemble_loadtest.slo import Objective

NOTHING: dict[str, Any] = dict.fromkeys(("rate", "ramp", "step", "trace", "workers"))
ADDRESS = Address("127.0.0.1", 1)


def shape(**given: Any) -> Shape:
    return Shape(**{**NOTHING, "speed": 1.0, "arrivals": Arrivals.POISSON, "seed": 0, **given})


def limits(duration: str = "10s") -> Limits:
    return Limits(duration, "0s", "30s", "10ms", 0, 10, 1, 1)


@pytest.mark.parametrize(
    ("given", "segments"),
    [
        ({"rate": "5"}, (Segment(10, 5, 5),)),
        ({"ramp": "1:9"}, (Segment(10, 1, 9),)),
        ({"step": "1,2"}, (Segment(5, 1, 1), Segment(5, 2, 2))),
        ({"workers": 3}, ()),
    ],
)
def test_one_option_says_how_requests_arrive(given: Any, segments: object) -> None:
    load = load_of(shape(**given), limits())
    assert load.segments == segments
    assert load.seconds == 10


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "give one of"),
        ({"rate": "1", "workers": 2}, "--rate and --workers exclude"),
        ({"ramp": "5"}, "--ramp"),
        ({"step": "5,x"}, "--step"),
        ({"trace": Path("nowhere")}, "--trace"),
    ],
)
def test_what_says_it_badly_is_refused(given: Any, words: str) -> None:
    with pytest.raises(PlanError, match=words):
        load_of(shape(**given), limits())


def test_a_trace_is_replayed_faster_and_no_longer_than_asked(tmp_path: Path) -> None:
    file = tmp_path / "trace"
    file.write_text("0\n1\n2\n30\n")
    load = load_of(shape(trace=file, speed=2.0), limits("5s"))
    assert load.trace == (0, 0.5, 1)
    assert load.seconds == 1


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("localhost:5", Address("localhost", 5)),
        ("[::1]:5", Address("::1", 5)),
        ("grpcs://a:5", Address("a", 5, secure=True)),
        ("http://a/v1/", Address("a", 80, path="/v1")),
        ("https://a", Address("a", 443, secure=True)),
    ],
)
def test_a_target_is_an_address(text: str, address: Address) -> None:
    assert read_address(text) == address


@pytest.mark.parametrize("text", ["", "a", "ftp://a:1", "a:b", ":5"])
def test_what_is_no_target_is_refused(text: str) -> None:
    with pytest.raises(PlanError, match="--target"):
        read_address(text)


def test_an_address_is_written_as_http_does() -> None:
    assert Address("::1", 5).authority == "[::1]:5"


def test_a_file_without_certificates_is_refused(tmp_path: Path) -> None:
    secure = Address("a", 1, secure=True)
    assert tls_context(ADDRESS, None, http2=True) is None
    assert tls_context(secure, None, http2=True) is not None
    with pytest.raises(PlanError, match="--ca"):
        tls_context(secure, str(tmp_path / "none"), http2=True)


def test_a_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "s3cret")
    headers = headers_of(["x-team: a", "x-key: env:KEY"], "KEY")
    plan = Plan(ADDRESS, Load(workers=1), headers=headers)
    assert list(plan.header_fields()) == [
        ("x-team", "a"), ("x-key", "s3cret"), ("authorization", "Bearer s3cret"),
    ]  # fmt: skip
    assert "s3cret" not in repr(plan)
    assert "s3cret" not in repr(plan.described())
    monkeypatch.delenv("KEY")
    with pytest.raises(PlanError, match="the environment has no KEY"):
        plan.check()
    with pytest.raises(PlanError, match="--header"):
        headers_of(["x"], None)


def test_prompts_come_from_a_file_a_size_or_the_built_in_set(tmp_path: Path) -> None:
    file = tmp_path / "prompts.jsonl"
    file.write_text('{"prompt": "a", "suffix": "b"}\n\n{"prompt": "c", "language": "go"}\n')
    assert prompts_of(file, None) == (Prompt("a", "b"), Prompt("c", language="go"))
    assert prompts_of(None, None) is BUILT_IN
    made = prompts_of(None, 500)
    assert {len(prompt.prompt) for prompt in made} == {500}
    assert len(set(made)) == len(made)
    with pytest.raises(PlanError, match="exclude"):
        prompts_of(file, 500)


@pytest.mark.parametrize("characters", [64, 1000, 5000])
def test_made_prompts_have_the_length_asked_for(characters: int) -> None:
    assert summary(of_size(characters)) == f"64 of {characters} to {characters} characters"


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "no prompt"), ("{", "line 1: no JSON"), ("\n[]", "line 2"), ('{"prompt": 1}', "line 1")],
)
def test_prompts_that_cannot_be_sent_name_their_line(text: str, words: str) -> None:
    with pytest.raises(PlanError, match=words):
        read_prompts("prompts", text)


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"\xff")
    with pytest.raises(PlanError, match="cannot be read"):
        read_text("--x", tmp_path / "bad")
    with pytest.raises(PlanError, match="cannot be written"):
        write_text("--x", tmp_path / "none" / "x", "")


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (Plan(ADDRESS, Load(seconds=0, workers=1)), "--duration"),
        (Plan(ADDRESS, Load(workers=1), warmup_s=10), "--warmup"),
        (Plan(ADDRESS, Load(segments=steps([0], 1))), "no request"),
        (Plan(ADDRESS, Load(workers=1), slo=Objective(ttft_s=1)), "--stream"),
        (Plan(ADDRESS, Load(workers=1), processes=2), "--workers"),
    ],
)
def test_a_plan_that_cannot_be_run_says_why(plan: Plan, words: str) -> None:
    with pytest.raises(PlanError, match=words):
        plan.check()


def test_a_plan_is_described_by_what_was_run() -> None:
    plan = Plan(ADDRESS, Load(segments=(Segment(10, 1, 9),)), Protocol.OIP, stream=True)
    told = plan.described()
    assert told["load"] == "open loop, poisson at 1 → 9/s"
    assert told["protocol"] == "oip"
    assert str(Load(workers=3)) == "closed loop of 3"
    assert str(Load(trace=(0.0, 1.0))) == "replay of 2 arrivals"
    assert plan.cell_s == 1
    assert Plan(ADDRESS, Load(seconds=3600)).cell_s == 12
