from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from gateway.config.problems import ConfigError
from gateway.core.candidate import FinishReason
from gateway.core.hole import Sampling
from gateway.core.ports import Draft, Operation
from gateway.modelserver.engine import End, Piece, Query, Refusal
from gateway.modelserver.recordings import Key, Recorded, load, read, revision_of
from gateway.modelserver.replay import ReplayEngine, ReplayProfile, profile_of

TEXT = "return a + b\n"
ROW = {"prompt": "p", "suffix": "s", "completions": [{"text": TEXT, "latency_s": 2.0}]}


def rows(*items: object, names: Mapping[str, str] | None = None) -> dict[Key, list[Recorded]]:
    return read([json.dumps(item) for item in items], names or {}, "test.jsonl")


class Slept:
    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def engine(recordings: dict[Key, list[Recorded]], **profile: object) -> tuple[ReplayEngine, Slept]:
    slept = Slept()
    settings = ReplayProfile.model_validate(profile)
    return ReplayEngine(recordings, settings, sleep=slept), slept


async def said(engine: ReplayEngine, query: Query) -> list[Piece | End]:
    return [item async for item in engine.complete(query)]


def text_of(items: list[Piece | End]) -> str:
    return "".join(item.text for item in items if isinstance(item, Piece))


QUERY = Query("p", "s")


async def test_a_recording_comes_back_byte_for_byte() -> None:
    items = await said(engine(rows(ROW))[0], QUERY)
    assert text_of(items) == TEXT
    end = items[-1]
    assert isinstance(end, End)
    assert end.finish is FinishReason.STOP
    assert end.usage.completion_tokens == len(items) - 1


async def test_an_unknown_prompt_is_not_found_and_not_quoted() -> None:
    with pytest.raises(Refusal) as caught:
        await said(engine(rows(ROW))[0], Query("secret prompt", "s"))
    assert caught.value.code is grpc.StatusCode.NOT_FOUND
    assert "secret" not in caught.value.message


async def test_prompt_and_suffix_do_not_run_together() -> None:
    with pytest.raises(Refusal):
        await said(engine(rows({"prompt": "ab", "suffix": "", "text": "x"}))[0], Query("a", "b"))


async def test_the_candidate_chooses_among_several() -> None:
    row = {"prompt": "p", "completions": [{"text": "a"}, {"text": "b"}, {"text": "c"}]}
    made, _ = engine(rows(row))
    texts = [text_of(await said(made, Query("p", candidate=number))) for number in range(4)]
    assert texts == ["a", "b", "c", "a"]


THREE = {"prompt": "p", "completions": [{"text": "a"}, {"text": "b"}, {"text": "c"}]}


async def drawn(made: ReplayEngine, candidate: int, seed: int | None) -> str:
    query = Query("p", sampling=Sampling(seed=seed), candidate=candidate)
    return text_of(await said(made, query))


async def test_a_seed_draws_the_same_completion_every_time_and_in_every_process() -> None:
    """The draws are written down: another hash would change every recorded evaluation."""
    made, _ = engine(rows(THREE), choose="seed")
    by_seed = [await drawn(made, 0, seed) for seed in range(12)]
    assert "".join(by_seed) == "cbababcabbbc"
    assert by_seed == [await drawn(made, 0, seed) for seed in range(12)]


async def test_candidates_of_one_seed_are_drawn_anew() -> None:
    made, _ = engine(rows(THREE), choose="seed")
    texts = [await drawn(made, candidate, 7) for candidate in range(12)]
    assert set(texts) == {"a", "b", "c"}
    assert texts != ["a", "b", "c"] * 4


async def test_a_request_without_a_seed_draws_as_with_seed_0() -> None:
    made, _ = engine(rows(THREE), choose="seed")
    assert [await drawn(made, n, None) for n in range(9)] == [
        await drawn(made, n, 0) for n in range(9)
    ]


async def test_seeds_draw_evenly() -> None:
    profile = ReplayProfile.model_validate({"choose": "seed"})
    counts = Counter(profile.place(0, seed, 10) for seed in range(5000))
    assert set(counts) == set(range(10))
    assert all(400 < count < 600 for count in counts.values())


async def test_the_seed_changes_nothing_unless_the_profile_says_so() -> None:
    made, _ = engine(rows(THREE))
    assert {await drawn(made, 1, seed) for seed in range(9)} == {"b"}


REVIEWED = {"prompt": "p", "operation": "critique", "text": "line 1: odd"}
REPAIRED = {"prompt": "p", "operation": "repair", "text": "mended"}


def drafted(operation: Operation, prompt: str = "p", candidate: int = 0) -> Query:
    return Query(prompt, candidate=candidate, operation=operation, draft=Draft("a"))


async def test_a_row_answers_the_operation_that_it_was_recorded_for() -> None:
    made, _ = engine(rows(THREE, REVIEWED, REPAIRED))
    assert text_of(await said(made, Query("p"))) == "a"
    assert text_of(await said(made, drafted(Operation.CRITIQUE))) == "line 1: odd"
    assert text_of(await said(made, drafted(Operation.REPAIR))) == "mended"


async def test_a_recorded_model_that_is_to_repair_gives_the_next_of_what_it_gave() -> None:
    made, _ = engine(rows(THREE))
    texts = [text_of(await said(made, drafted(Operation.REPAIR, candidate=n))) for n in range(3)]
    assert texts == ["b", "c", "a"]


async def test_a_repair_by_the_seed_is_the_draw_of_the_next_candidate() -> None:
    made, _ = engine(rows(THREE), choose="seed")
    query = replace(drafted(Operation.REPAIR, candidate=3), sampling=Sampling(seed=5))
    assert text_of(await said(made, query)) == await drawn(made, 4, 5)


@pytest.mark.parametrize("prompt", ["p", "never recorded"])
async def test_a_critique_that_was_not_recorded_is_not_offered(prompt: str) -> None:
    with pytest.raises(Refusal) as caught:
        await said(engine(rows(THREE))[0], drafted(Operation.CRITIQUE, prompt))
    assert caught.value.code is grpc.StatusCode.UNIMPLEMENTED


async def test_a_repair_of_what_was_never_recorded_is_not_found() -> None:
    with pytest.raises(Refusal) as caught:
        await said(engine(rows(THREE))[0], drafted(Operation.REPAIR, "never recorded"))
    assert caught.value.code is grpc.StatusCode.NOT_FOUND


async def test_a_planned_failure_comes_before_any_operation() -> None:
    made, _ = engine(rows(THREE), error_rate=1.0, error_code="UNAVAILABLE")
    with pytest.raises(Refusal) as caught:
        await said(made, drafted(Operation.CRITIQUE))
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("latency", "seconds"),
    [("none", 0.0), ("recorded", 2.0), ("recorded*0.25", 0.5), ("30ms", 0.03)],
)
async def test_latency(latency: str, seconds: float) -> None:
    made, slept = engine(rows(ROW), latency=latency)
    await said(made, QUERY)
    assert slept.seconds == [seconds]


async def test_pace_is_kept_between_pieces() -> None:
    made, slept = engine(rows(ROW), latency="none", pace_ms=5.0)
    items = await said(made, QUERY)
    assert slept.seconds == [0.0] + [0.005] * (len(items) - 2)


@pytest.mark.parametrize("cut", range(len(TEXT)))
async def test_a_cut_completion_has_no_end(cut: int) -> None:
    items = await said(engine(rows(ROW), cut_after=cut)[0], QUERY)
    assert text_of(items) == TEXT[:cut]
    assert not any(isinstance(item, End) for item in items)


async def test_a_completion_shorter_than_the_cut_is_whole() -> None:
    items = await said(engine(rows(ROW), cut_after=100)[0], QUERY)
    assert text_of(items) == TEXT
    assert isinstance(items[-1], End)


async def test_every_kth_call_fails_with_the_configured_status() -> None:
    made, _ = engine(rows(ROW), error_every=3, error_code="RESOURCE_EXHAUSTED")
    results: list[grpc.StatusCode | None] = []
    for _ in range(6):
        try:
            await said(made, QUERY)
            results.append(None)
        except Refusal as refusal:
            results.append(refusal.code)
    failed = grpc.StatusCode.RESOURCE_EXHAUSTED
    assert results == [None, None, failed, None, None, failed]


def test_the_error_rate_is_met_and_repeats_with_the_seed() -> None:
    first = ReplayProfile(error_rate=0.3, seed=1)
    fails = [first.fails(call) for call in range(1, 2001)]
    assert 0.25 < sum(fails) / 2000 < 0.35
    assert fails == [ReplayProfile(error_rate=0.3, seed=1).fails(call) for call in range(1, 2001)]
    assert fails != [ReplayProfile(error_rate=0.3, seed=2).fails(call) for call in range(1, 2001)]
    assert all(ReplayProfile(error_rate=1.0).fails(call) for call in range(1, 50))
    assert not any(ReplayProfile().fails(call) for call in range(1, 50))


async def test_a_recorded_error_is_raised_again() -> None:
    row = {"prompt": "p", "completions": [{"error": "DEADLINE_EXCEEDED"}]}
    with pytest.raises(Refusal) as caught:
        await said(engine(rows(row))[0], Query("p"))
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_logprobs_go_with_their_pieces_or_with_the_first() -> None:
    pieces = [{"text": "a b", "logprobs": [-1, -2]}, {"text": "a b", "logprobs": [-1, -2, -3]}]
    made, _ = engine(rows({"prompt": "p", "completions": pieces}))
    first = await said(made, Query("p"))
    assert first[:2] == [Piece("a", (-1,)), Piece(" b", (-2,))]
    second = await said(made, Query("p", candidate=1))
    assert second[:2] == [Piece("a", (-1, -2, -3)), Piece(" b")]


def test_field_names_are_mapped_and_rows_of_one_prompt_put_together() -> None:
    names = {"text": "canonical_solution"}
    row = {"prompt": "p", "suffix": "s", "other": 1}
    found = rows(
        {**row, "canonical_solution": "a"}, {**row, "canonical_solution": "b"}, names=names
    )
    assert [[item.text for item in items] for items in found.values()] == [["a", "b"]]


def test_every_mistake_is_told_with_its_line() -> None:
    lines = [
        "not json",
        "[1]",
        json.dumps({"suffix": "s", "completions": []}),
        json.dumps({"prompt": "p", "completions": ["x", {"text": 1, "latency_s": -1}]}),
        json.dumps({"prompt": "p", "text": "x", "error": "BROKEN", "finish_reason": "tired"}),
        json.dumps({"prompt": "p", "text": "x", "logprobs": [1.0]}),
        '{"prompt": "p", "text": "x", "latency_s": NaN}',
        json.dumps({"prompt": "", "text": "secret"}),
        json.dumps({"prompt": "p", "text": "x", "operation": "praise"}),
    ]
    with pytest.raises(ConfigError) as caught:
        read(lines, {}, "test.jsonl")
    paths = [problem.path for problem in caught.value.problems]
    assert paths == [
        "line 1",
        "line 2",
        "line 3 prompt",
        "line 3 completions",
        "line 4 completions[0]",
        "line 4 completions[1] text",
        "line 4 completions[1] latency_s",
        "line 5 completions[0] error",
        "line 5 completions[0] finish_reason",
        "line 6 completions[0] logprobs",
        "line 7 completions[0] latency_s",
        "line 8 prompt",
        "line 9 operation",
    ]
    assert "secret" not in str(caught.value)


def test_an_empty_file_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="no rows"):
        read(["", "  \n"], {}, "test.jsonl")


def test_plain_and_gzipped_files_are_read(tmp_path: Path) -> None:
    text = json.dumps(ROW) + "\n"
    (tmp_path / "a.jsonl").write_text(text)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    assert load(tmp_path / "a.jsonl", {}) == load(tmp_path / "a.jsonl.gz", {})
    assert len(revision_of(tmp_path / "a.jsonl")) == 12


@pytest.mark.parametrize("content", [None, b"\x1f\x8b\x08broken", b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_a_mistake(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / ("a.jsonl.gz" if content and content[:1] == b"\x1f" else "a.jsonl")
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match="cannot be read"):
        load(path, {})


def test_a_profile_is_read_from_toml_and_flags_win() -> None:
    text = 'latency = "20ms"\nerror_rate = 0.5\n'
    profile = profile_of(text, {"error_rate": 0.1}, "profile.toml")
    assert (profile.latency, profile.error_rate) == ("20ms", 0.1)


def test_every_mistake_in_a_profile_is_told() -> None:
    text = (
        'latency = "soon"\nerror_rate = 2\nerror_code = "OK"\ncut_afer = 3\npace_ms = -1\n'
        'choose = "luck"\n'
    )
    with pytest.raises(ConfigError) as caught:
        profile_of(text, {}, "profile.toml")
    paths = {problem.path for problem in caught.value.problems}
    assert paths == {"latency", "error_rate", "error_code", "cut_afer", "pace_ms", "choose"}


def test_a_profile_that_is_not_toml_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="TOML"):
        profile_of("latency =", {}, "profile.toml")
