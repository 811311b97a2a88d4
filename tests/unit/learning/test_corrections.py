from __future__ import annotations

from gateway.core.feedback import OutcomeReport, Reviewed
from gateway.learning.corrections import Correction, FailedMatch, corrections, failed_matches
from tests.fakes.logged import event


def corrected(number: int, to: str, task: str = "write", chosen: str = "weak") -> Reviewed:
    return Reviewed(
        event(chosen, decision_id=f"d{number}", task=task, decided_by="knn", confidence=0.5),
        {chosen: OutcomeReport(f"d{number}", chosen, corrected_endpoint=to)},
    )


def test_a_decision_that_was_corrected_is_a_failed_match() -> None:
    rows = [corrected(1, "strong"), Reviewed(event()), corrected(2, "")]
    assert failed_matches(rows) == (FailedMatch("d1", "write", "knn", 0.5, "weak", "strong"),)


def test_a_correction_to_what_was_chosen_says_that_it_was_right() -> None:
    assert failed_matches([corrected(1, "weak")]) == ()


def test_reports_of_several_answers_that_name_the_same_endpoint_count_once() -> None:
    reports = {name: OutcomeReport("d", name, corrected_endpoint="best") for name in "ab"}
    assert len(failed_matches([Reviewed(event(), reports)])) == 1


def test_three_corrections_of_a_task_to_one_endpoint_are_proposed() -> None:
    """X-21."""
    rows = [corrected(number, "strong") for number in range(3)]
    assert corrections(failed_matches(rows[:2])) == ()
    assert corrections(failed_matches(rows)) == (Correction("write", "strong", 3),)


def test_corrections_of_other_tasks_or_to_other_endpoints_are_counted_apart() -> None:
    rows = [
        *(corrected(number, "strong") for number in range(2)),
        corrected(2, "best"),
        corrected(3, "strong", "review"),
        *(corrected(number, "strong", "") for number in range(4, 8)),
    ]
    assert corrections(failed_matches(rows)) == ()
    assert corrections(failed_matches(rows), 1) == (
        Correction("write", "strong", 2),
        Correction("review", "strong", 1),
        Correction("write", "best", 1),
    )
