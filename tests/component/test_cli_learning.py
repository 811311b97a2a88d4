"""`ensemble outcome`, `tune` and `analyze` against a FeedbackService with a memory of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from ensemble.v1 import feedback_service_pb2 as feedback
from typer.testing import CliRunner, Result

from gateway.cli.exits import Exit
from gateway.cli.main import app
from tests.fakes.feedback_server import (
    DECISION,
    UNSUPPORTED,
    FakeFeedback,
    feedback_on_loopback,
)


def run(target: str, *arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(app, [*arguments, "--target", target], input=stdin)


def rows(printed: str) -> list[str]:
    return [" ".join(line.split()) for line in printed.splitlines()]


@pytest.fixture
def fake() -> Iterator[FakeFeedback]:
    with feedback_on_loopback() as served:
        yield served


def test_an_outcome_is_reported_and_its_quality_said(fake: FakeFeedback) -> None:
    result = run(
        fake.target, "outcome", DECISION, "--compiled", "--tests-passed", "3", "--tests-total", "4",
        "--no-accepted", "--edit-distance", "0.5", "--no-reverted", "--corrected", "quality",
        "--endpoint", "fast",
    )  # fmt: skip
    assert (result.exit_code, result.stdout) == (Exit.OK, "fast: quality 0.75\n")
    assert fake.asked[0].request == feedback.RecordOutcomeRequest(
        decision_id=DECISION,
        endpoint="fast",
        compiled=True,
        tests_passed=3,
        tests_total=4,
        accepted=False,
        edit_distance=0.5,
        reverted=False,
        corrected_endpoint="quality",
    )


def test_what_was_not_given_is_not_reported(fake: FakeFeedback) -> None:
    """O-06 ✗: what was missing counted as correct."""
    result = run(fake.target, "outcome", DECISION, "--no-compiled", "--json")
    assert json.loads(result.stdout) == {"endpoint": "fast"}
    assert fake.asked[0].request == feedback.RecordOutcomeRequest(
        decision_id=DECISION, compiled=False
    )
    assert run(fake.target, "outcome", DECISION, "--compiled").stdout == "fast: quality -\n"


@pytest.mark.parametrize("flags", [(), ("--endpoint", "fast"), ("--corrected", "")])
def test_nothing_to_report_names_the_flags(fake: FakeFeedback, flags: tuple[str, ...]) -> None:
    result = run(fake.target, "outcome", DECISION, *flags)
    assert (result.exit_code, result.stdout, fake.asked) == (Exit.USAGE, "", [])
    for flag in ("--compiled", "--tests-passed", "--tests-total", "--accepted", "--edit-distance",
                 "--reverted", "--quality", "--corrected"):  # fmt: skip
        assert flag in result.stderr


def test_a_zero_is_something_to_report(fake: FakeFeedback) -> None:
    assert run(fake.target, "outcome", DECISION, "--quality", "0").exit_code == Exit.OK
    assert fake.asked[0].request.HasField("quality")


@pytest.mark.parametrize("value", ["-0.1", "1.1", "nan", "good"])
def test_a_quality_is_between_0_and_1(fake: FakeFeedback, value: str) -> None:
    result = run(fake.target, "outcome", DECISION, "--quality", value)
    assert (result.exit_code, fake.asked) == (Exit.USAGE, [])


@pytest.mark.parametrize("words", ["$(touch x); '''", 'a"b', "`id`", "import os"])
def test_an_id_is_taken_as_it_is_from_an_argument_or_standard_input(
    fake: FakeFeedback, words: str
) -> None:
    """O-09 ✗: a wrapper pasted the text into source code and ran it."""
    given = run(fake.target, "outcome", words, "--accepted")
    piped = run(fake.target, "outcome", "-", "--accepted", stdin=f"{words}\n")
    assert {given.exit_code, piped.exit_code} == {Exit.FAILED}
    assert "UNKNOWN_DECISION" in piped.stderr
    assert [asked.request.decision_id for asked in fake.asked] == [words] * 2


def test_a_proposal_says_what_it_rests_on_and_how_to_apply_it(fake: FakeFeedback) -> None:
    result = run(fake.target, "tune", "propose", "--window-h", "2", "--step", "0.1", "--train-head")
    assert result.exit_code == Exit.OK, result.stderr
    printed = rows(result.stdout)
    assert printed[0] == "proposed: version 2"
    assert "keyword 0.85 = - 0.0% 0.0% 43.1% 12" in printed
    assert "knn 0.85 0.75 0.65 96.2% 95.1% 43.1% 2311" in printed
    assert "knn its optimum is 0.20 lower; moved by one step" in printed
    assert "new head trained on 2,311 outcomes; log loss 0.41 held out" in printed
    assert result.stderr == (
        "nothing was changed; to put it in force: "
        f"ensemble tune apply 2 --yes --target {fake.target}\n"
    )
    assert fake.asked[0].request == feedback.ProposeThresholdsRequest(
        window={"seconds": 7200}, step=0.1, train_head=True
    )
    assert fake.in_force == [1]


def test_nothing_is_changed_without_yes(fake: FakeFeedback) -> None:
    run(fake.target, "tune", "propose")
    dry = run(fake.target, "tune", "apply", "2")
    assert fake.in_force == [1]
    done = run(fake.target, "tune", "apply", "2", "--yes")
    assert fake.in_force == [1, 2]
    dry_back = run(fake.target, "tune", "rollback")
    assert fake.in_force == [1, 2]
    back = run(fake.target, "tune", "rollback", "--yes")
    assert fake.in_force == [1]
    assert {one.exit_code for one in (dry, done, dry_back, back)} == {Exit.OK}
    assert dry.stdout == done.stdout
    assert rows(dry.stdout)[0] == "from version 1 to version 2: knn is sure too early"
    assert "knn 0.85 0.80 changes" in rows(dry.stdout)
    assert "head 0.90 0.90" in rows(dry.stdout)
    assert "knn 0.80 0.85 changes" in rows(back.stdout)
    assert dry.stderr == "nothing was changed; add --yes to put version 2 in force\n"
    assert done.stderr == "version 2 is in force\n"
    assert dry_back.stderr == "nothing was changed; add --yes to put version 1 in force\n"
    assert back.stderr == "version 1 is in force\n"


@pytest.mark.parametrize("flags", [(), ("--yes",)])
def test_a_version_in_force_cannot_be_put_in_force_again(
    fake: FakeFeedback, flags: tuple[str, ...]
) -> None:
    result = run(fake.target, "tune", "apply", "1", *flags)
    assert result.stderr == "nothing was changed; version 1 is in force already\n"


def test_defaults_have_no_time_at_which_they_were_made(fake: FakeFeedback) -> None:
    fake.versions[1].ClearField("created_at")
    assert "1 * 0.85 0.70 0.85 0.90 - - as configured" in rows(
        run(fake.target, "tune", "show").stdout
    )


def test_a_change_says_what_becomes_of_the_head(fake: FakeFeedback) -> None:
    run(fake.target, "tune", "propose")
    fake.versions[2].head_observations = 2311
    assert "head trained on none 2311 changes" in rows(
        run(fake.target, "tune", "apply", "2").stdout
    )


def test_the_thresholds_are_shown_with_what_was_before(fake: FakeFeedback) -> None:
    run(fake.target, "tune", "propose")
    run(fake.target, "tune", "apply", "2", "--yes")
    shown = rows(run(fake.target, "tune", "show").stdout)
    assert shown[0] == "version 2 is in force (*)"
    assert shown[4:6] == [
        "2 * 0.85 0.70 0.80 0.90 - 2026-09-21 14:13:20Z knn is sure too early",
        "1 0.85 0.70 0.85 0.90 - 2026-09-21 14:13:20Z as configured",
    ]
    assert "2026-09-21 14:13:20Z apply 2 acme" in shown
    one = rows(run(fake.target, "tune", "show", "1").stdout)
    assert (one[0], one[4:]) == ("version 1, not in force", [shown[5]])


def test_a_version_that_is_not_there_is_a_failure(fake: FakeFeedback) -> None:
    result = run(fake.target, "tune", "apply", "9", "--yes")
    assert (result.exit_code, result.stdout) == (Exit.FAILED, "")
    assert "there is no version 9" in result.stderr
    assert run(fake.target, "tune", "apply", "0").exit_code == Exit.USAGE


def test_experiments_show_their_arms_and_why_they_ended(fake: FakeFeedback) -> None:
    printed = rows(run(fake.target, "tune", "experiments").stdout)
    assert printed[0] == (
        "knn-rollout: stopped (treatment is worse than control by more than 0.05); "
        "10% of traffic, by session"
    )
    assert "control control 1 1000 700 0.720 0.00 -" in printed
    assert "treatment treatment 1 990 0 - 41.30 -" in printed
    assert "dark shadow 1 995 0 - 0.00 83.0%" in printed
    fake.experiments = ()
    none = run(fake.target, "tune", "experiments")
    assert none.stdout == "no experiments are configured\n"


def test_the_analysis_shows_layers_endpoints_and_what_to_do(fake: FakeFeedback) -> None:
    printed = rows(run(fake.target, "analyze", "--window-h", "24").stdout)
    assert printed[:3] == [
        "12,480 decisions, 8,230 with a known outcome: accuracy 87.4%",
        "6.2% corrected, 1.1% needed clarification",
        "thresholds version 3, 8,100 observations learned, 2 events dropped",
    ]
    assert "keyword 12480 3120 25.0% 0.78 0.04 95.5% 2010 3 90" in printed
    assert "head 0 0 0.0% - - - 0 0 0" in printed
    assert "fast 9000 6000 0.710 0.690 0.730" in printed
    assert "security-auditor 4 0 - - -" in printed
    assert printed[-2:] == [
        "alert accuracy 87.4% is below 90%",
        "recommended lower the threshold of knn to 0.80",
    ]
    assert fake.asked[0].request.window.seconds == 86_400


def test_recommendations_may_be_left_out(fake: FakeFeedback) -> None:
    plain = run(fake.target, "analyze", "--no-recommendations")
    as_json = run(fake.target, "analyze", "--no-recommendations", "--json")
    assert "recommended" not in plain.stdout
    document = json.loads(as_json.stdout)
    assert (document["recommendations"], len(document["alerts"])) == ([], 1)


@pytest.mark.parametrize("source", ["file", "-"])
def test_a_policy_is_judged_beside_what_was_done(
    fake: FakeFeedback, tmp_path: Path, source: str
) -> None:
    text = 'endpoint = "$(reboot)"\n'
    file = tmp_path / "candidate.toml"
    file.write_text(text, encoding="utf-8")
    policy = str(file) if source == "file" else source
    result = run(fake.target, "analyze", "--policy", policy, "--window-h", "1", stdin=text)
    assert (result.exit_code, result.stderr) == (Exit.OK, "")
    printed = rows(result.stdout)
    assert "doubly_robust 0.734 0.715 0.752 0.712 +0.022" in printed
    assert "effective n 1,204.6 decisions after weighting" in printed
    assert "support 93.0% of the policy's choices have been tried" in printed
    assert printed[-1] == "verdict better than what was done: the interval lies above 0.712"
    assert fake.asked[0].request.policy == text
    assert fake.asked[0].request.window.seconds == 3600


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_log_that_cannot_support_an_answer_has_its_own_exit_code(
    tmp_path: Path, flags: tuple[str, ...]
) -> None:
    file = tmp_path / "candidate.toml"
    file.write_text("x = 1", encoding="utf-8")
    with feedback_on_loopback(FakeFeedback(evaluation=UNSUPPORTED)) as fake:
        result = run(fake.target, "analyze", "--policy", str(file), *flags)
    assert result.exit_code == Exit.PARTIAL
    assert "run an experiment first" in result.stdout
    assert "cannot support an answer" in result.stderr


def test_a_policy_that_cannot_be_read_is_a_usage_error(fake: FakeFeedback, tmp_path: Path) -> None:
    result = run(fake.target, "analyze", "--policy", str(tmp_path / "none.toml"))
    assert (result.exit_code, fake.asked) == (Exit.USAGE, [])


JSON = {
    "endpoint": ("outcome", DECISION, "--accepted"),
    "set": ("tune", "show"),
    "layers": ("tune", "propose"),
    "before": ("tune", "apply", "1"),
    "experiments": ("tune", "experiments"),
    "decisions": ("analyze",),
    "estimates": ("analyze", "--policy", "-"),
}


@pytest.mark.parametrize("key", JSON)
def test_every_command_prints_one_json_document(fake: FakeFeedback, key: str) -> None:
    result = run(fake.target, *JSON[key], "--json", stdin="x = 1")
    assert result.exit_code == Exit.OK, result.stderr
    assert key in json.loads(result.stdout)


@pytest.mark.parametrize("key", JSON)
def test_a_gateway_that_is_not_there_has_its_own_exit_code(key: str) -> None:
    with feedback_on_loopback() as fake:
        gone = fake.target
    result = run(gone, *JSON[key], "--timeout", "5", stdin="x = 1")
    assert (result.exit_code, result.stdout) == (Exit.UNREACHABLE, "")
