from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from gateway.core.answer import Answer
from gateway.core.caching import (
    IGNORED_FIELDS,
    KEY_FIELDS,
    CacheOperation,
    as_cached,
    cache_key,
    is_sampled,
    may_be_kept,
    operation_of,
    revision_of,
)
from gateway.core.candidate import (
    NO_USAGE,
    Attempt,
    AttemptStatus,
    Candidate,
    Completion,
    FinishReason,
    Usage,
)
from gateway.core.constraint import Verdict, VerdictStatus
from gateway.core.deadline import Deadline
from gateway.core.endpoint import Endpoint
from gateway.core.exchange import Exchange
from gateway.core.hole import (
    Budget,
    CachePolicy,
    Request,
    RoutingMode,
    Sampling,
    Strategy,
)
from gateway.core.pipeline import PipelineRun
from gateway.core.snapshot import Snapshot
from tests.fakes.stage import DECISION
from tests.fakes.values import make_request

PLAIN = Sampling(temperature=0.0)


def exchange(**named: Any) -> Exchange:
    work = named.pop("work", None)
    return Exchange(make_request(**{"sampling": PLAIN} | named), Deadline(1e9), work=work)


def key(request: Request, operation: CacheOperation = CacheOperation.GENERATE) -> bytes:
    return cache_key(request, operation, b"revision", "1")


def answer(*attempts: Attempt, by: str = "alpha", **named: Any) -> Answer:
    finish = named.pop("finish", FinishReason.STOP)
    completion = Completion("text", finish, usage=named.pop("usage", NO_USAGE))
    chosen = Candidate(0, by, completion, named.pop("verdicts", ()))
    return Answer(chosen, DECISION, attempts, (chosen,), 0.5, decision_id="d")


def test_every_field_of_a_request_is_decided_on() -> None:
    """A field that is added is in the key or not by decision, never by chance."""
    partly = ("budget", "labels")
    names = [field.name for field in fields(Request)]
    assert sorted(names) == sorted((*KEY_FIELDS, *IGNORED_FIELDS, *partly))


@pytest.mark.parametrize(
    ("sampling", "sampled"),
    [
        (Sampling(temperature=0), False),
        (Sampling(temperature=0.0, top_p=0.5), False),
        (Sampling(temperature=0.7, seed=0), False),
        (Sampling(seed=1), False),
        (Sampling(temperature=0.7), True),
        (Sampling(), True),
    ],
)
def test_only_heat_without_a_seed_draws(sampling: Sampling, sampled: bool) -> None:
    assert is_sampled(sampling) is sampled


@pytest.mark.parametrize(
    ("policy", "plain", "drawn"),
    [
        (CachePolicy.DEFAULT, CacheOperation.GENERATE, None),
        (CachePolicy.BYPASS, None, None),
        (CachePolicy.ALLOW_SAMPLED, CacheOperation.GENERATE, CacheOperation.SAMPLED),
        (CachePolicy.REFRESH, CacheOperation.GENERATE, CacheOperation.SAMPLED),
    ],
)
def test_a_draw_is_cached_only_for_who_asks_for_it(
    policy: CachePolicy, plain: CacheOperation | None, drawn: CacheOperation | None
) -> None:
    """H-09."""
    assert operation_of(exchange(cache_policy=policy)) is plain
    assert operation_of(exchange(cache_policy=policy, sampling=Sampling())) is drawn


def test_what_is_done_in_parts_or_found_by_its_job_is_not_cached() -> None:
    assert operation_of(exchange(work=PipelineRun("draft"))) is None
    assert operation_of(exchange(strategy=Strategy.PIPELINE)) is None
    detached = exchange()
    detached.detached = True
    assert operation_of(detached) is None


def test_a_request_that_may_be_in_an_experiment_is_not_cached() -> None:
    assert operation_of(exchange(), experiments=True) is None
    ruled = exchange(routing_mode=RoutingMode.RULES)
    assert operation_of(ruled, experiments=True) is CacheOperation.GENERATE


def test_the_time_that_a_request_may_take_is_no_part_of_its_key() -> None:
    plain = key(make_request())
    assert key(make_request(budget=Budget(max_wall_s=3.0))) == plain
    limited = make_request(budget=Budget(max_attempts=2))
    assert key(limited) == key(replace(limited, budget=Budget(max_attempts=2, max_wall_s=3.0)))
    assert key(limited) != plain


def test_of_the_labels_only_the_kind_of_task_is_a_part_of_the_key() -> None:
    plain = key(make_request())
    assert key(make_request(labels=(("team", "a"),))) == plain
    assert key(make_request(labels=(("task", ""),))) == plain
    assert key(make_request(labels=(("task", "sort"), ("team", "a")))) != plain


def test_what_the_gateway_is_and_does_is_a_part_of_the_key() -> None:
    request = make_request()
    keys = {
        cache_key(request, operation, revision, template)
        for operation in CacheOperation
        for revision in (b"", b"a")
        for template in ("1", "2")
    }
    assert len(keys) == 8
    assert {len(one) for one in keys} == {32}


def test_a_key_is_the_same_in_every_process() -> None:
    """Pinned: a change of what a key is made of must change KEY_VERSION."""
    request = make_request("def f():\n", sampling=PLAIN, tenant="acme")
    found = cache_key(request, CacheOperation.GENERATE, b"revision", "2").hex()
    assert found == "49e698232431819c22e2718c41bd32754adc8e70cb89a578578bf1c85b7ea1a3"


def test_a_change_of_a_model_or_of_the_configuration_is_another_revision() -> None:
    alpha = Endpoint("alpha", model="m-1")
    snapshot = Snapshot.of((alpha,))
    revision = revision_of(snapshot, "{}")
    assert revision_of(Snapshot.of((Endpoint("alpha", model="m-1"),), version=7), "{}") == revision
    assert revision_of(Snapshot.of((replace(alpha, model="m-2"),)), "{}") != revision
    assert revision_of(snapshot.with_drained("alpha", drained=True), "{}") != revision
    assert revision_of(snapshot, "{ }") != revision


FAILED = Attempt("alpha", 1, AttemptStatus.FAILED)
REJECTED = Attempt("alpha", 1, AttemptStatus.REJECTED)


@pytest.mark.parametrize(
    ("found", "good"),
    [
        (answer(), True),
        (answer(verdicts=(Verdict("c", VerdictStatus.UNCHECKED, required=True),)), True),
        (answer(verdicts=(Verdict("c", VerdictStatus.PASSED),)), True),
        (answer(verdicts=(Verdict("c", VerdictStatus.FAILED),)), False),
        (answer(finish=FinishReason.LENGTH), True),
        (answer(finish=FinishReason.CONTENT_FILTER), False),
        (answer(FAILED), True),
        (answer(FAILED, by="beta"), False),
        (answer(replace(FAILED, status=AttemptStatus.SKIPPED), by="beta"), False),
        (answer(replace(FAILED, status=AttemptStatus.TIMEOUT), by="beta"), False),
        (answer(REJECTED, by="beta"), True),
        (answer(FAILED, by="alpha-2"), True),
        (replace(answer(), partial=True), False),
        (replace(answer(), steered=True), False),
    ],
)
def test_what_may_be_kept(found: Answer, good: bool) -> None:
    assert may_be_kept(found, lambda name: name.partition("-")[0]) is good


def test_another_caller_pays_nothing_and_has_no_decision_to_report_on() -> None:
    """H-10: billed zero and marked with its age; its candidates keep the usage they took."""
    used = Usage(30, 10)
    paid = Attempt("alpha", 1, AttemptStatus.OK, usage=used, cost_micros=7)
    first = answer(FAILED, paid, usage=used)
    assert (first.usage, first.cost_micros) == (used, 7)
    made = as_cached(first, 3.0, 0.1)
    assert made.usage == NO_USAGE
    assert [one.completion.usage for one in (made.chosen, *made.candidates)] == [used, used]
    assert (made.attempts, made.cost_micros, made.decision_id) == ((), 0, "")
    assert (made.cache_age_s, made.elapsed_s) == (3.0, 0.1)
    assert made.chosen.completion.text == "text"
