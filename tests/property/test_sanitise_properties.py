"""No planted secret survives, whatever it is planted in."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.sanitise import WORDS, sanitised
from gateway.core.trace import TextPolicy, text_record
from gateway.core.tracing import TraceRecorder

MARK = "Zq7Xw9Kv3"
"""Part of every planted secret; nothing else holds it."""

plain = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8))
around = st.text(max_size=12)
shapes = st.sampled_from(
    [
        f"Bearer {MARK}abcdef",
        f"bearer  {MARK}",
        f"sk-{MARK}0123",
        f"ghp_{MARK}0123",
        f"eyJ{MARK}.abcdef.ghi",
        f"password={MARK}",
        f"api_key: {MARK}",
        f"'client_secret': '{MARK} and more'",
        f"https://ann:{MARK}@host/path",
        f"-----BEGIN EC PRIVATE KEY-----\n{MARK}\n-----END EC PRIVATE KEY-----",
        f"{MARK}{'abcDEF123' * 4}",
    ]
)


@st.composite
def secret_text(draw: st.DrawFn) -> str:
    """A text with a secret in it that can be told by its form."""
    return f"{draw(around)} {draw(shapes)} {draw(around)}"


@st.composite
def secret_key(draw: st.DrawFn) -> str:
    """A key with a word of a secret, in one of the usual spellings."""
    word, other = draw(st.sampled_from(sorted(WORDS))), draw(st.sampled_from(["x", "user", "api"]))
    return draw(
        st.sampled_from(
            [word, word.upper(), f"{other}_{word}", f"{other}-{word}", f"{word}.{other}",
             f"{other}{word.capitalize()}", f"X-{other}-{word.title()}"]
        )
    )  # fmt: skip


def containers(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.lists(children, max_size=4),
        st.lists(children, max_size=4).map(tuple),
        st.dictionaries(st.text(max_size=8), children, max_size=4),
    )


@st.composite
def planted(draw: st.DrawFn) -> Any:
    """A value with a secret somewhere in it: under a key, inside a text, in bytes, in a key."""
    inner = st.one_of(plain, containers(plain))
    value: Any = draw(
        st.one_of(
            secret_text(),
            secret_text().map(lambda text: {text: 1}),
            st.just(f"x{MARK}".encode()),
            st.tuples(secret_key(), containers(st.just(MARK))).map(lambda pair: {pair[0]: pair[1]}),
            secret_key().map(lambda key: {key: MARK}),
        )
    )
    for _ in range(draw(st.integers(0, 3))):
        beside = draw(inner)
        value = draw(
            st.sampled_from([[beside, value], (value, beside), {"metadata": value, "b": beside}])
        )
    return value


@given(planted())
def test_no_planted_secret_survives_in_a_value(value: Any) -> None:
    """V-08: nested, in tuples, in metadata, inside texts, as keys."""
    assert MARK not in json.dumps(sanitised(value), ensure_ascii=False)


@given(planted(), secret_text(), st.sampled_from(TextPolicy))
def test_no_planted_secret_survives_in_a_trace(value: Any, text: str, policy: TextPolicy) -> None:
    trace = TraceRecorder("0" * 32, lambda: 0.0)
    with trace.stage("try") as stage:
        stage.tell(detail=value, message=text)
    assert MARK not in repr(trace.close(1.0))
    assert MARK not in text_record(text, policy, first=40).text


@given(st.recursive(plain | st.binary(), containers, max_leaves=8))
def test_sanitising_never_raises_and_is_json(value: Any) -> None:
    json.dumps(sanitised(value), allow_nan=False)
