from __future__ import annotations

from gateway.core.answer import Answer
from gateway.core.candidate import Attempt, AttemptStatus, Candidate, Completion
from gateway.core.constraint import Verdict, VerdictStatus
from gateway.core.decision import ChainPolicy, RoutingDecision, RoutingReason
from gateway.core.events import AttemptFailed, Delta, Event, Judged, Started, events_of
from gateway.state.event_log import (
    MERGE_AT,
    MOST_CHARS_AHEAD,
    MOST_DELTA_CHARS,
    MOST_EVENTS_AHEAD,
    Cursor,
    EventLog,
)

DECISION = RoutingDecision(
    "alpha", ("beta",), RoutingReason.FAST_MATCH, "", None, 0.1, "v2", ChainPolicy.PREFER
)


def delta(text: str, candidate: int = 0, endpoint: str = "alpha") -> Delta:
    return Delta(text, candidate, endpoint)


def read(log: EventLog, cursor: Cursor, most: int = 10**9) -> list[Event]:
    seen: list[Event] = []
    while len(seen) < most and (event := log.take(cursor)) is not None:
        seen.append(event)
    return seen


def filled(*events: Event) -> EventLog:
    log = EventLog(streamed=True)
    for event in events:
        log.append(event)
    return log


def test_each_reader_gets_every_event_in_order_at_its_own_pace() -> None:
    log = filled(Started(DECISION), delta("a"))
    fast, slow = log.open(), log.open()
    assert read(log, fast) == [Started(DECISION), delta("a")]
    log.append(delta("b"))
    assert read(log, fast) == [delta("b")]
    assert read(log, slow) == [Started(DECISION), delta("a"), delta("b")]
    assert log.take(fast) is None


def test_the_fastest_reader_says_whether_too_much_is_written_ahead() -> None:
    log = filled(*[delta("x")] * (MOST_EVENTS_AHEAD - 1))
    assert not log.ahead  # nobody reads
    fast, slow = log.open(), log.open()
    assert not log.ahead
    log.append(delta("x"))
    assert log.ahead
    log.take(fast)
    assert not log.ahead
    log.close(fast)
    assert log.ahead
    log.close(slow)
    log.close(slow)
    assert not log.ahead


def test_characters_count_as_well_as_events() -> None:
    log = EventLog(streamed=True)
    cursor = log.open()
    log.append(delta("x" * MOST_CHARS_AHEAD))
    assert log.ahead
    log.take(cursor)
    assert not log.ahead


def test_merging_keeps_the_text_and_what_stands_between() -> None:
    failed = AttemptFailed(Attempt("alpha", 1, AttemptStatus.FAILED))
    log = filled(
        delta("a"), delta("b"), failed, delta("c", 1), delta("d", 1), delta("e", 1, "beta")
    )
    log.merge()
    assert read(log, log.open()) == [
        delta("ab"),
        failed,
        delta("cd", 1),
        delta("e", 1, "beta"),
    ]


def test_merging_leaves_every_reader_where_it_was() -> None:
    log = filled(*map(delta, "abcdef"))
    fast, slow, late = log.open(), log.open(), log.open()
    read(log, fast, 4)
    read(log, slow, 2)
    log.merge()
    assert read(log, fast) == [delta("e"), delta("f")]
    assert read(log, slow) == [delta("cd"), delta("e"), delta("f")]
    assert read(log, late) == [delta("ab"), delta("cd"), delta("e"), delta("f")]


def test_merged_texts_stay_small_enough_for_one_message() -> None:
    piece = "x" * (MOST_DELTA_CHARS // 2)
    log = filled(*[delta(piece)] * 3)
    log.merge()
    assert read(log, log.open()) == [delta(piece * 2), delta(piece)]


def test_an_endless_answer_in_small_pieces_takes_little_more_than_its_text() -> None:
    log = EventLog(streamed=True)
    cursor = log.open()
    for _ in range(20 * MERGE_AT):
        log.append(delta("x"))
        log.take(cursor)
    assert len(log._events) < 2 * MERGE_AT
    log.merge()
    # The reader's place stays a border.
    assert log.size < 20 * MERGE_AT + 1000
    events = read(log, log.open())
    assert "".join(event.text for event in events if isinstance(event, Delta)) == "x" * 20 * 1024


def test_an_answer_that_was_not_streamed_is_told_as_a_stream_would() -> None:
    verdict = Verdict("c", VerdictStatus.PASSED)
    chosen = Candidate(2, "beta", Completion("text"), (verdict,))
    answer = Answer(chosen, DECISION, (), (chosen,), 0.1)
    assert events_of(answer) == (Started(DECISION), delta("text", 2, "beta"), Judged(verdict))
    empty = Answer(Candidate(0, "beta", Completion("")), DECISION, (), (), 0.1)
    assert events_of(empty) == (Started(DECISION),)
