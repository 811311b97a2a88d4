"""Whatever is asked: counts in their bounds, no planted secret out, no file elsewhere."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.cli.mcp_server.arguments import MOST_TRACES, Export, RecentTraces
from gateway.cli.mcp_server.bounds import MOST_CHARS, bounded
from gateway.cli.mcp_server.exports import ENDINGS, ExportDirectory
from gateway.cli.mcp_server.refusals import Refusal, read
from tests.property.test_sanitise_properties import MARK, secret_key, secret_text

anything = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.lists(st.none())
)


@settings(deadline=None)
@given(st.one_of(anything, st.integers(-2, MOST_TRACES + 2)))
def test_a_count_is_taken_in_its_bounds_and_refused_outside(count: object) -> None:
    """K-02: the lower bound too."""
    fits = isinstance(count, int) and not isinstance(count, bool) and 1 <= count <= MOST_TRACES
    try:
        taken = read(RecentTraces, {"count": count})
    except Refusal as refusal:
        assert not fits
        assert [one.field for one in refusal.failure.fields] == ["count"]
    else:
        assert fits
        assert taken.count == count


@settings(deadline=None)
@given(anything)
def test_only_formats_that_are_known_are_taken(form: object) -> None:
    try:
        assert read(Export, {"format": form}).format in ENDINGS
    except Refusal:
        assert form not in list(ENDINGS)


def documents(texts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    inner = st.one_of(texts, st.integers(), st.none())
    return st.recursive(
        inner,
        lambda children: st.one_of(
            st.lists(children, max_size=3), st.dictionaries(st.text(max_size=8), children)
        ),
        max_leaves=6,
    )


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(st.text(max_size=8), documents(secret_text())),
    st.dictionaries(secret_key(), st.just(MARK)),
    st.integers(0, 200),
)
def test_no_planted_secret_leaves_in_an_answer(
    document: dict[str, Any], keyed: dict[str, Any], most: int
) -> None:
    """V-08: however much of the answer's room is used up."""
    assert MARK not in json.dumps(bounded({**document, "attributes": keyed}, most))


long_texts = st.tuples(st.text(max_size=8), st.integers(0, 500)).map(lambda two: two[0] * two[1])


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(st.text(max_size=8), documents(long_texts)),
    st.integers(0, 5000),
)
def test_an_answer_is_bounded_and_keeps_its_shape(document: dict[str, Any], most: int) -> None:
    kept = bounded(document, most)
    assert shape(kept) == shape(document)
    texts = list(texts_of(kept))
    assert max(map(len, texts), default=0) <= MOST_CHARS + 40
    assert sum(map(len, texts)) <= most + MOST_CHARS + 40 + 80 * len(texts)


def shape(value: Any) -> Any:
    match value:
        case dict():
            return [shape(item) for item in value.values()]
        case list():
            return [shape(item) for item in value]
        case str():
            return str
        case _:
            return value


def texts_of(value: Any) -> Any:
    match value:
        case str():
            yield value
        case dict():
            for item in value.values():
                yield from texts_of(item)
        case list():
            for item in value:
                yield from texts_of(item)


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=50), st.sampled_from(sorted(ENDINGS)), st.integers(0, 2**32 - 1))
def test_an_export_is_one_new_file_of_the_directory(text: str, form: str, number: int) -> None:
    with TemporaryDirectory() as folder, ExportDirectory(Path(folder)) as exports:
        name, size = exports.write(text, form, datetime.now(UTC), f"{number:08x}")
        (only,) = Path(folder).iterdir()
        assert (only.name, only.read_bytes()) == (name, text.encode())
        assert size == len(text.encode())
        assert bounded({"file": name}) == {"file": name}
