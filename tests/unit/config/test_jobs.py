"""Settings of jobs, and the manifests and words that come with the product."""

from __future__ import annotations

import re

import pytest

from gateway.config.jobs import JobsConfig, language_of, manifests_of
from gateway.config.load import build
from gateway.config.problems import ConfigError
from gateway.core.control import Command, JobKind
from tests.house.sources import ROOT

LANGUAGE = """
[commands]
stop = ["stop"]
[volume]
[directions]
[dials]
[kinds]
[words]
"""


def test_every_key_is_read_somewhere() -> None:
    """Q-12: all keys but one were read by nobody."""
    sources = [
        path.read_text(encoding="utf-8")
        for path in (ROOT / "gateway").rglob("*.py")
        if "/build/" not in str(path)
    ]
    for key in JobsConfig.model_fields:
        readers = sum(bool(re.search(rf"(config|self)\.{key}\b", text)) for text in sources)
        assert readers, f"jobs.{key} is read by nobody"


def test_every_kind_has_a_manifest_and_every_command_a_kind_that_supports_it() -> None:
    manifests = manifests_of(JobsConfig())
    assert set(manifests) == set(JobKind)
    assert {kind: one.priority for kind, one in manifests.items()} == {
        JobKind.INTERACTIVE: 90,
        JobKind.PIPELINE: 70,
        JobKind.BATCH: 60,
        JobKind.MAINTENANCE: 50,
        JobKind.OTHER: 40,
    }
    for command in Command:
        assert any(command in one.commands for one in manifests.values())


def test_the_documented_kinds_are_those_of_the_manifests() -> None:
    """Q-10: who supports what is read in one place, and the table for people says the same."""
    rows = re.findall(
        r"^\| (\w+) \| .* \| (\d+) \| (.*) \|$",
        (ROOT / "docs" / "jobs.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    manifests = manifests_of(JobsConfig())
    assert {JobKind(kind): int(priority) for kind, priority, _ in rows} == {
        kind: one.priority for kind, one in manifests.items()
    }
    for kind, _, words in rows:
        named = {Command(word) for word in re.findall(r"\w+", words) if word in set(Command)}
        able = set(Command) - named if words.startswith("all") else named
        assert manifests[JobKind(kind)].commands == able, kind


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[timers]\npriority = 1\ncommands = ["stop"]', "timers is no kind of job"),
        ('[batch]\npriority = 1\ncommands = ["dance"]', "batch: "),
        ('[batch]\npriority = 101\ncommands = ["stop"]', "batch: "),
        ('[batch]\npriority = 1\ncommands = ["stop"]', "no manifest of: interactive"),
    ],
)
def test_an_unknown_command_or_kind_in_a_manifest_is_a_load_error(text: str, words: str) -> None:
    """Q-05, Q-19: a domain was written in two ways; unknown commands went unnoticed."""
    with pytest.raises(ValueError, match=re.escape(words)):
        manifests_of(JobsConfig(), text)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (LANGUAGE.replace("stop =", "dance ="), "x: "),
        (LANGUAGE.replace("[volume]", '[volume]\nsideways = ["left"]'), "volume.sideways"),
        (LANGUAGE.replace("[volume]", '[volume]\nheat_up = ["hot"]'), "volume.heat_up"),
    ],
)
def test_words_for_what_does_not_exist_are_a_load_error(wrong: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        language_of("x", wrong)


def test_a_language_may_lack_words() -> None:
    assert language_of("x", LANGUAGE).every == ()


def test_priorities_are_overridden_within_their_bounds() -> None:
    endpoint = [{"name": "a", "url": "127.0.0.1:1"}]
    settings = build({"jobs": {"priority": {"batch": 95}}, "endpoint": endpoint}, "test")
    assert manifests_of(settings.jobs)[JobKind.BATCH].priority == 95
    with pytest.raises(ConfigError, match="batch must be from 0 to 100"):
        build({"jobs": {"priority": {"batch": 101}}}, "test")
    with pytest.raises(ConfigError):
        build({"jobs": {"priority": {"timers": 5}}}, "test")


def test_the_limits_of_the_registry_are_those_of_the_configuration() -> None:
    limits = JobsConfig(max_live=1, recent=2, failed=3, kept_s=4, kept_bytes=5).limits
    assert (limits.live, limits.recent, limits.failed) == (1, 2, 3)
    assert (limits.kept_s, limits.kept_bytes) == (4, 5)
