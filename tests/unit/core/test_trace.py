"""What is kept of a traced request."""

from __future__ import annotations

import hashlib

import pytest

from gateway.core.trace import (
    NO_TEXT,
    Change,
    Stage,
    StageStatus,
    TextPolicy,
    Trace,
    changes_between,
    covered,
    text_record,
)

TEXT = "def f(password='hunter2'):\n" + "    pass\n" * 30
DIGEST = hashlib.sha256(TEXT.encode()).hexdigest()


def stage(number: int, name: str, **fields: object) -> Stage:
    told = tuple(fields.pop("told", {}).items())  # type: ignore[attr-defined]
    return Stage(number, 0, name, StageStatus.OK, 0.0, fields.get("elapsed_s", 1.0), 0.0, told)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("policy", "digest", "chars"),
    [
        (TextPolicy.NONE, "", 0),
        (TextPolicy.HASH, DIGEST, 0),
        (TextPolicy.FIRST, DIGEST, 100),
        (TextPolicy.FULL, DIGEST, len(TEXT)),
    ],
)
def test_a_text_is_kept_by_its_policy(policy: TextPolicy, digest: str, chars: int) -> None:
    """T-12 ✗: the full prompt was stored. T-09 ✗: its hash differed from process to process."""
    kept = text_record(TEXT, policy)
    assert kept.sha256 == digest
    assert "hunter2" not in kept.text
    assert len(kept.text) <= chars + 40
    assert bool(kept.text) is (chars > 0)
    assert (kept is NO_TEXT) is (policy is TextPolicy.NONE)


def test_a_lone_surrogate_has_a_digest_too() -> None:
    assert len(text_record("\ud800", TextPolicy.HASH).sha256) == 64


def test_changes_are_what_really_differs() -> None:
    """V-06 ✗: the diff was a stub that said that nothing had changed."""
    before = {"a": "1", "b": "closed", "gone": "x"}
    after = {"a": "1", "b": "open", "new": "y"}
    assert changes_between(before, after) == (
        Change("b", "closed", "open"),
        Change("gone", "x", ""),
        Change("new", "", "y"),
    )
    assert changes_between(before, dict(before)) == ()


def test_time_covered_counts_what_runs_side_by_side_once() -> None:
    assert covered([(0, 2), (1, 3), (5, 6), (5.5, 5.8)]) == 4
    assert covered([]) == 0


def test_the_slowest_matcher_and_all_of_them_are_told_apart() -> None:
    """T-06 ✗: the total was the maximum or the sum, and left out everything else."""
    stages = (stage(1, "match[a]", elapsed_s=2.0), stage(2, "match[b]", elapsed_s=3.0))
    trace = Trace("t", "r", 0.0, 9.0, StageStatus.OK, stages)
    assert (trace.matchers_longest_s, trace.matchers_total_s, trace.elapsed_s) == (3.0, 5.0, 9.0)


def test_a_stage_has_a_kind_and_what_was_told_of_it() -> None:
    found = stage(1, "attempt[12]", told={"endpoint": "a"})
    assert (found.kind, found.told("endpoint"), found.told("x")) == ("attempt", "a", None)
