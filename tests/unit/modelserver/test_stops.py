from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.modelserver.engine import Piece
from gateway.modelserver.stops import StopFilter

TEXT = st.text(alphabet="ab\n", max_size=6)


@given(st.lists(TEXT, max_size=8), st.lists(TEXT.filter(bool), max_size=3))
def test_text_ends_before_the_first_stop_string_however_it_is_cut(
    texts: list[str], stops: list[str]
) -> None:
    stop_filter = StopFilter(tuple(stops))
    out: list[str] = []
    for text in texts:
        out.extend(piece.text for piece in stop_filter.feed(Piece(text, (-1.0,))))
    out.extend(piece.text for piece in stop_filter.flush())
    whole = "".join(texts)
    places = [whole.find(stop) for stop in stops if stop in whole]
    assert stop_filter.met == bool(places)
    said = "".join(out)
    if places:
        assert whole.startswith(said)
        assert not any(stop in said for stop in stops)
        assert len(said) <= max(places)
    else:
        assert said == whole


def test_a_piece_is_held_only_while_it_may_begin_a_stop_string() -> None:
    stop_filter = StopFilter(("\n\n",))
    assert stop_filter.feed(Piece("a")) == [Piece("a")]
    assert stop_filter.feed(Piece("\n")) == []
    assert stop_filter.feed(Piece("b")) == [Piece("\n"), Piece("b")]
    assert stop_filter.feed(Piece("c\n")) == []
    assert stop_filter.feed(Piece("\nd")) == [Piece("c")]
    assert stop_filter.met
    assert stop_filter.feed(Piece("e")) == []
    assert stop_filter.flush() == []
