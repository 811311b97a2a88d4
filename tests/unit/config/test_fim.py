"""How the text after a hole is told: what a configuration may say of it."""

from __future__ import annotations

import pytest

from gateway.config.load import build
from gateway.config.problems import ConfigError
from gateway.config.values import upstream_options
from gateway.upstreams.openai_fim import TEMPLATES, FimStyle, FimTemplate

OWN = "<a>{suffix}<b>{prefix}"


def options(**fields: object):
    endpoint = {"name": "a", "url": "http://h/v1", "protocol": "openai", **fields}
    settings = build({"endpoint": [endpoint]}, "gateway.toml")
    return upstream_options(settings.endpoint[0], settings)


def test_the_field_of_the_server_is_used_unless_something_else_is_said() -> None:
    assert options(openai_mode="completions").fim is None


def test_a_family_has_its_template_and_a_custom_one_comes_with_its_stops() -> None:
    assert options(openai_mode="completions", fim="qwen").fim is TEMPLATES[FimStyle.QWEN]
    own = options(openai_mode="completions", fim="custom", fim_template=OWN, fim_stop=["<c>"])
    assert own.fim == FimTemplate(OWN, ("<c>",))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"fim": "qwen"}, 'fim needs openai_mode = "completions"'),
        ({"fim_template": OWN}, 'fim_template and fim_stop need fim = "custom"'),
        ({"fim_stop": ["x"], "fim": "qwen"}, 'fim_template and fim_stop need fim = "custom"'),
        ({"fim": "custom"}, "fim_template: must hold {prefix} and {suffix}, once each"),
        ({"fim": "custom", "fim_template": "{prefix}"}, "fim_template: must hold"),
        ({"fim": "gpt"}, "fim"),
    ],
)
def test_what_would_spoil_fills_without_a_word_is_a_mistake(
    fields: dict[str, object], words: str
) -> None:
    mode = "chat" if words.startswith("fim needs") else "completions"
    with pytest.raises(ConfigError) as caught:
        options(openai_mode=mode, **fields)
    assert words in str(caught.value)
