"""What holds for every fill and every score."""

from __future__ import annotations

import json
import math

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core.candidate import Candidate, Completion
from gateway.core.constraint import (
    Constraint,
    ForbiddenText,
    Grammar,
    JsonSchema,
    Regex,
    Verdict,
    VerdictStatus,
)
from gateway.core.hole import Hole, HoleSpec
from gateway.ensemble.judge import agreement, best, legacy_speed, score
from gateway.validation.cache import canonical_text
from gateway.validation.compile import compile_checks

MARK = "zqxjkv"

# A busy machine is no failure of the product.
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

CHECKS = compile_checks(
    Hole(
        "def f(a):\n    ",
        "\n    return a\n",
        HoleSpec(language="python"),
        (
            Constraint(
                "schema",
                JsonSchema(
                    '{"type": "object", "additionalProperties": {"type": "integer"},'
                    ' "patternProperties": {"^x": {"enum": [1]}}}'
                ),
            ),
            Constraint("regex", Regex("[a-z]+")),
            Constraint("forbidden", ForbiddenText(("eval(", "  "))),
            Constraint("grammar", Grammar(text='start: ("{" | /[a-z]/ | ":")+\n%ignore " "')),
        ),
    )
)

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=4)
    ),
    max_leaves=12,
)
ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True)
CODE = st.text(st.sampled_from("\n\t {}[]()'\"\\:=+-.,#0aé€\0")) | st.text(max_size=40)
PIECES = st.lists(
    st.sampled_from([MARK, f"'{MARK}'", f'"{MARK}"', *"():={} \n", "if "])
    | st.text(max_size=3),
    max_size=12,
)  # fmt: skip
VERDICTS = st.lists(
    st.builds(
        Verdict, st.sampled_from(["non_empty", "a"]), st.sampled_from(VerdictStatus), st.just(""),
        st.booleans(),
    ),
    max_size=6,
)  # fmt: skip


@CALM
@given(text=CODE)
def test_every_text_gets_one_verdict_a_check_and_unchecked_says_why(text: str) -> None:
    verdicts = CHECKS.run(text)
    assert [v.constraint for v in verdicts] == [
        "non_empty", "syntax", "schema", "regex", "forbidden", "grammar",
    ]  # fmt: skip
    assert all(v.reason or v.status is VerdictStatus.PASSED for v in verdicts)
    assert CHECKS.run(text) == verdicts


@CALM
@given(pieces=PIECES)
def test_no_reason_quotes_the_fill(pieces: list[str]) -> None:
    for text in ("".join(pieces), json.dumps({"".join(pieces): "".join(pieces)})):
        for verdict in CHECKS.run(text):
            assert MARK not in verdict.reason


def shuffled(value: object) -> object:
    """The same JSON value with the names of every object in reverse order."""
    if isinstance(value, dict):
        return {name: shuffled(value[name]) for name in reversed(list(value))}
    if isinstance(value, list):
        return [shuffled(item) for item in value]
    return value


@CALM
@given(value=JSON_VALUES)
def test_the_order_of_names_does_not_change_the_key(value: object) -> None:
    one = JsonSchema(json.dumps(value))
    two = JsonSchema(json.dumps(shuffled(value), indent=2))
    assert canonical_text(one) == canonical_text(two)


@CALM
@given(one=JSON_VALUES, two=JSON_VALUES)
def test_different_schemas_have_different_keys(one: object, two: object) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True)
    keys = {canonical_text(JsonSchema(json.dumps(value))) for value in (one, two)}
    assert (len(keys) == 1) == same


@CALM
@given(
    logprobs=st.lists(ANY_FLOAT, max_size=6), verdicts=VERDICTS, share=st.none() | ANY_FLOAT
)  # fmt: skip
def test_a_confidence_is_a_number_from_0_to_1(
    logprobs: list[float], verdicts: list[Verdict], share: float | None
) -> None:
    found = score(Completion("x", logprobs=tuple(logprobs)), verdicts, share)
    assert 0.0 <= found.value <= 1.0
    inputs = [*logprobs, *(() if share is None else (share,))]
    assert found.finite == all(map(math.isfinite, inputs))


@CALM
@given(us_per_token=ANY_FLOAT, check_us=ANY_FLOAT, tokens=st.integers())
def test_the_speed_formula_is_a_number_from_0_to_1(
    us_per_token: float, check_us: float, tokens: int
) -> None:
    assert 0.0 <= legacy_speed(us_per_token, check_us, tokens).value <= 1.0


@CALM
@given(behaviours=st.lists(st.lists(st.booleans(), max_size=3).map(tuple), max_size=5))
def test_agreement_is_a_share_for_each_behaviour(behaviours: list[tuple[bool, ...]]) -> None:
    shares = agreement(behaviours)
    assert len(shares) == len(behaviours)
    assert all(0.0 <= share <= 1.0 for share in shares)


@CALM
@given(
    entries=st.lists(st.tuples(VERDICTS, ANY_FLOAT), min_size=1, max_size=5),
    data=st.data(),
)
def test_the_best_does_not_depend_on_the_order(
    entries: list[tuple[list[Verdict], float]], data: st.DataObject
) -> None:
    candidates = [
        Candidate(index, "one", Completion("x"), tuple(verdicts), confidence)
        for index, (verdicts, confidence) in enumerate(entries)
    ]
    chosen = best(candidates)
    assert best(data.draw(st.permutations(candidates))) is chosen
    assert chosen.accepted or not any(candidate.accepted for candidate in candidates)
