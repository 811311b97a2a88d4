"""Texts to commands, in two languages; each defect of the earlier recogniser has its regression."""

from __future__ import annotations

import pytest

from gateway.config.jobs import recogniser
from gateway.core.control import (
    Command,
    Dial,
    Direction,
    JobKind,
    Recognised,
    Unrecognised,
)
from gateway.routing.control.recognise import Recogniser
from gateway.routing.control.similar import distance, nearest
from gateway.routing.control.words import Language, Spoken, words_of


def heard(text: str) -> Recognised:
    found = recogniser()(text)
    assert isinstance(found, Recognised), found
    return found


def refused(text: str) -> Unrecognised:
    found = recogniser()(text)
    assert isinstance(found, Unrecognised), found
    return found


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("stop", Command.STOP),
        ("Turn off!", Command.STOP),
        ("  halt ", Command.STOP),
        ("cancel", Command.CANCEL),
        ("pause", Command.PAUSE),
        ("suspend", Command.PAUSE),
        ("continue", Command.RESUME),
        ("skip", Command.NEXT),
        ("forward", Command.NEXT),
        ("go back", Command.PREVIOUS),
        ("стоп", Command.STOP),
        ("Отмена", Command.CANCEL),
        ("поставь на паузу", Command.PAUSE),
        ("сними с паузы", Command.RESUME),  # noqa: RUF001 - a Russian word
        ("вперёд", Command.NEXT),
        ("назад", Command.PREVIOUS),
    ],
)
def test_a_bare_command_is_recognised_in_both_languages(text: str, command: Command) -> None:
    found = heard(text)
    assert (found.command, found.kinds, found.confidence) == (command, (), 0.95)
    assert found.method == "exact"


@pytest.mark.parametrize("text", ["cancel", "abort", "отмени", "отменить пакет"])
def test_cancel_is_a_command_of_its_own(text: str) -> None:
    """Q-02: "cancel" stood under stop, so that it was never produced."""
    assert heard(text).command is Command.CANCEL


@pytest.mark.parametrize(
    ("text", "dial", "direction"),
    [
        ("louder", Dial.TEMPERATURE, Direction.UP),
        ("quieter", Dial.TEMPERATURE, Direction.DOWN),
        ("громче", Dial.TEMPERATURE, Direction.UP),
        ("тише", Dial.TEMPERATURE, Direction.DOWN),
        ("volume up", Dial.TEMPERATURE, Direction.UP),
        ("turn the temperature down", Dial.TEMPERATURE, Direction.DOWN),
        ("longer", Dial.VERBOSITY, Direction.UP),
        ("increase the verbosity", Dial.VERBOSITY, Direction.UP),
        ("меньше вариантов", Dial.CANDIDATES, Direction.DOWN),
        ("more candidates please", Dial.CANDIDATES, Direction.UP),
        ("понизь температуру", Dial.TEMPERATURE, Direction.DOWN),
    ],
)
def test_the_direction_of_a_dial_is_kept(text: str, dial: Dial, direction: Direction) -> None:
    """Q-02: louder and quieter lost their direction."""
    found = heard(text)
    assert (found.command, found.dial, found.direction) == (Command.VOLUME, dial, direction)


@pytest.mark.parametrize("text", ["restart", "restart the batch", "перезапусти"])
def test_restart_is_not_resume(text: str) -> None:
    """Q-02: a restart would have gone on."""
    assert refused(text).reason.endswith("is not known")


@pytest.mark.parametrize(
    "text", ["stopwatch", "stopped", "cancellation policy", "nextdoor", "паузака", "backup"]
)
def test_a_phrase_ends_where_a_word_does(text: str) -> None:
    """Q-02: the prefix test was not on word boundaries."""
    assert isinstance(recogniser()(text), Unrecognised)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("stop the batch", (JobKind.BATCH,)),
        ("cancel my pipeline, please", (JobKind.PIPELINE,)),
        ("останови пакет", (JobKind.BATCH,)),
        ("приостанови этот конвейер", (JobKind.PIPELINE,)),
        ("stop the batch and the pipeline"[:14], (JobKind.BATCH,)),
        ("pause the maintenance run", (JobKind.MAINTENANCE,)),
    ],
)
def test_an_object_makes_a_command_specific(text: str, kinds: tuple[JobKind, ...]) -> None:
    found = heard(text)
    assert (found.kinds, found.confidence) == (kinds, 0.9)


@pytest.mark.parametrize("text", ["stop music", "cancel the timer", "выключи свет"])
def test_an_object_that_is_no_job_is_refused_with_the_command_it_nearly_was(text: str) -> None:
    found = refused(text)
    assert "is not known" in found.reason


@pytest.mark.parametrize(
    "text", ["don't stop", "do not cancel the batch", "не останови", "never stop"]
)
def test_a_command_that_is_negated_is_not_followed(text: str) -> None:
    assert refused(text).reason == "it says not to"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it has no words"),
        ("!?", "it has no words"),
        ("stop " * 17, "it has more than 16 words"),
        ("the batch", "it names no command"),
        ("stop cancel", "it names several commands"),
        ("volume", "it does not say whether up or down"),
        ("volume up down", "it does not say whether up or down"),
        ("more verbosity and heat".replace(" and", ""), "it names several dials"),
        ("stop up", "only a dial goes up or down"),
        (
            "stop job-a-1 job-a-2",
            "it names several jobs; use `all`, or one command for each",
        ),
    ],
)
def test_a_text_that_says_too_little_or_too_much_is_refused(text: str, reason: str) -> None:
    assert refused(text).reason == reason


def test_a_text_may_name_a_job_or_all_of_a_kind() -> None:
    assert heard("stop job-0af3-00000012").job == "job-0af3-00000012"
    found = heard("cancel all batches")
    assert (found.every, found.kinds) == (True, (JobKind.BATCH,))
    assert heard("останови все").every


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("resme", Command.RESUME),
        ("cancle", Command.CANCEL),
        ("stop the bacth", Command.STOP),
        ("продолжы", Command.RESUME),
        ("останвоить", Command.STOP),
    ],
)
def test_a_mistyped_word_is_recognised_with_less_confidence(text: str, command: Command) -> None:
    """Q-03: what is not exact is compared, and what is like nothing is refused."""
    found = heard(text)
    assert (found.command, found.method) == (command, "similarity")
    assert 0.6 <= found.confidence <= 0.8


def test_too_many_mistyped_words_are_refused() -> None:
    found = refused("cancle the bacth pipelnie")
    assert found.reason == "too many of its words are mistyped"
    assert found.would_be is Command.CANCEL


def test_short_words_are_never_mended_into_others() -> None:
    assert refused("step").reason == "'step' is not known"
    assert refused("stoq").reason == "'stoq' is not known"


def test_a_mistyped_word_between_two_meanings_is_neither() -> None:
    known = {"hotter": 1, "hotted": 2, "bold": 3}
    assert nearest("hotten", known) is None
    assert nearest("hotten", {"hotter": 1, "hotted": 1}) == "hotted"
    assert nearest("hxxxxn", known) is None


@pytest.mark.parametrize(
    ("one", "other", "steps"),
    [("", "", 0), ("abc", "abc", 0), ("abc", "acb", 1), ("abc", "ab", 1), ("ab", "xaby", 2)],
)
def test_distance_counts_letters_left_out_added_changed_and_swapped(
    one: str, other: str, steps: int
) -> None:
    assert distance(one, other) == distance(other, one) == steps


def test_a_phrase_that_means_two_things_is_a_load_error() -> None:
    language = Language(
        "x",
        ((("stop",), Spoken(Command.STOP)), (("stop",), Spoken(Command.CANCEL))),
        (),
        (),
        (),
        (),
        (),
        (),
    )
    with pytest.raises(ValueError, match="'stop' means both"):
        Recogniser([language])


def test_a_recogniser_without_words_knows_none() -> None:
    empty = Recogniser([])
    assert isinstance(empty("stop"), Unrecognised)


def test_words_are_cut_the_same_whatever_the_case_the_apostrophe_or_the_letter() -> None:
    assert words_of("Don\N{RIGHT SINGLE QUOTATION MARK}t, ВПЕРЁД job-1a-2!") == (
        "dont",
        "вперед",
        "job-1a-2",
    )
    assert words_of("\N{FULLWIDTH LATIN SMALL LETTER S}top") == ("stop",)
