"""The topics that are known without configuration, and where topics go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.core.endpoint import Capability, Endpoint
from gateway.core.topics import Keyword, Topic

STRONG = 0.88
"""Weight of a word that hardly means anything else: alone it passes the keyword layer's 0.85."""

WEAK = 0.65
"""Weight of a word with other meanings: two of a topic reach 0.8775, so that every topic can win.

One group of an earlier router had 0.82 for any number of words and never won (L-04).
"""


def _keywords(strong: str, weak: str) -> tuple[Keyword, ...]:
    """Read phrases that are parted by commas."""
    weighed = ((strong, STRONG), (weak, WEAK))
    return tuple(
        Keyword(phrase.strip(), weight)
        for phrases, weight in weighed
        for phrase in phrases.split(",")
    )


BUILTIN_TOPICS: tuple[Topic, ...] = (
    Topic(
        "security",
        Capability.SECURITY_AWARE,
        priority=-1,
        keywords=_keywords(
            "vulnerability, vulnerabilities, cve, security, sql injection, xss, csrf, "
            "cross site scripting, path traversal, privilege escalation, penetration test",
            "audit, scan, exploit, secure, authentication, authorization, password, encryption, "
            "encrypt, sanitize, untrusted, attacker, injection",
        ),
        boosters=("credentials", "token", "permission", "login"),
        description="code that an attacker may reach: authentication, secrets, untrusted input",
        shapes=("security",),
    ),
    Topic(
        "constrained",
        Capability.CONSTRAINED_GENERATION,
        keywords=_keywords(
            "json schema, context free grammar, ebnf, gbnf, regular expression, "
            "structured output, constrained decoding",
            "grammar, schema, json, regex, format, conform, yaml, xml",
        ),
        boosters=("strict", "exactly", "valid", "parse"),
        description="text that must keep to a schema, a grammar or a pattern",
        shapes=("grammar", "json_schema", "regex_constraint", "many_constraints"),
    ),
    Topic(
        "fast",
        Capability.FAST_INFERENCE,
        keywords=_keywords(
            "autocomplete, boilerplate, one liner, rename, getter, setter",
            "complete, completion, stub, placeholder, quick, quickly, typo, snippet, trivial",
        ),
        boosters=("short", "small", "line"),
        description="a short completion, a stub, a rename or other boilerplate",
        shapes=("expression", "import_block"),
    ),
    Topic(
        "quality",
        Capability.HIGH_QUALITY,
        keywords=_keywords(
            "refactor, refactoring, algorithm, architecture, time complexity, "
            "dynamic programming, race condition, thread safe, deadlock",
            "design, optimize, optimise, redesign, concurrent, concurrency, performance, "
            "efficient, invariant, numerically, edge cases",
        ),
        boosters=("large", "correct", "robust", "complex"),
        description="a design, an algorithm, a refactoring: code that has to be thought through",
    ),
    Topic(
        "docs",
        Capability.FAST_INFERENCE,
        keywords=_keywords(
            "docstring, docstrings, readme, changelog, release notes, api documentation, javadoc",
            "document, documentation, docs, describe, explain, comment, comments, tutorial",
        ),
        boosters=("parameters", "usage", "summary"),
        description="documentation of code that is there: a docstring, a comment, a readme",
    ),
    Topic(
        "tests",
        Capability.HIGH_QUALITY,
        keywords=_keywords(
            "unit test, unit tests, integration test, integration tests, test case, test cases, "
            "pytest, unittest, junit, test coverage, property based test, regression test",
            "test, tests, testing, mock, fixture, assertion, assertions, coverage",
        ),
        boosters=("edge cases", "corner cases", "expected"),
        negatives=("test data", "test environment", "test server"),
        description="tests of code that is there: cases, fixtures, assertions",
        shapes=("test_function",),
    ),
)
"""One for each sort of endpoint, by the words of L-03, with documentation and tests.

Of security and another topic that match equally well security is meant, as among the rules. What
documents code is short and follows from it, so a fast endpoint serves; a test has to think of what
the code does not.
"""


def reach(topics: Sequence[Topic], endpoints: Sequence[Endpoint]) -> Mapping[str, str]:
    """Say where each topic goes among the endpoints that may be called, by the topic's name.

    `endpoints` are in the router's order. A topic goes to its own endpoint when that may be called,
    else to the first with its capability. One that can go nowhere is left out.
    """
    names = {endpoint.name for endpoint in endpoints}
    first: dict[Capability, str] = {}
    for endpoint in endpoints:
        for capability in endpoint.capabilities:
            first.setdefault(capability, endpoint.name)
    found: dict[str, str] = {}
    for topic in topics:
        if topic.endpoint in names:
            found[topic.name] = topic.endpoint
        elif topic.capability is not None and topic.capability in first:
            found[topic.name] = first[topic.capability]
    return found
