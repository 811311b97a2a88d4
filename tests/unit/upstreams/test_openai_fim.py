from __future__ import annotations

import pytest

from gateway.upstreams.openai_fim import TEMPLATES, FimStyle, FimTemplate, template_of


def test_every_family_has_a_template_and_the_server_none() -> None:
    named = set(FimStyle) - {FimStyle.SERVER, FimStyle.CUSTOM}
    assert set(TEMPLATES) == named
    assert template_of(FimStyle.SERVER, "") is None


@pytest.mark.parametrize("style", sorted(TEMPLATES))
def test_a_template_holds_both_sides_once(style: FimStyle) -> None:
    template = template_of(style, "")
    assert template is not None
    prompt = template.prompt("BEFORE", "AFTER")
    assert (prompt.count("BEFORE"), prompt.count("AFTER")) == (1, 1)
    assert "{" not in prompt
    assert all(end not in prompt for end in template.stop)


def test_a_template_of_ones_own_comes_with_its_stops() -> None:
    template = template_of(FimStyle.CUSTOM, "<a>{suffix}<b>{prefix}<c>", ("<d>",))
    assert template is not None
    assert template.prompt("x", "y") == "<a>y<b>x<c>"
    assert template.stop == ("<d>",)


def test_placeholders_in_the_code_stay_what_they_are() -> None:
    """They are common in templates of any kind, such as Python's own format strings."""
    template = FimTemplate("<p>{prefix}<s>{suffix}<m>")
    code = "'{suffix}'.format(prefix='{prefix}')"
    assert template.prompt(code, code) == f"<p>{code}<s>{code}<m>"


@pytest.mark.parametrize("text", ["", "{prefix}", "{suffix}", "{prefix}{prefix}{suffix}"])
def test_a_template_without_both_sides_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="once each"):
        template_of(FimStyle.CUSTOM, text)
