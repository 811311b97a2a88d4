"""Prompts that fill in the middle, for servers whose completions know no `suffix`.

vLLM and llama.cpp's own server refuse the field; the model itself was trained to read both sides
between special tokens. The tokens below are those of the models' own documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from gateway.core.value import value

PREFIX, SUFFIX = "{prefix}", "{suffix}"


class FimStyle(StrEnum):
    """How an endpoint asked through completions is told of the text after the hole.

    `server`: by the field `suffix`. `custom`: by a template of the configuration. The others are
    families of models: `starcoder` is StarCoder 2, too, and Granite; `qwen` is Qwen2.5-Coder and
    later ones.
    """

    SERVER = "server"
    STARCODER = "starcoder"
    CODELLAMA = "codellama"
    QWEN = "qwen"
    DEEPSEEK = "deepseek"
    CODEGEMMA = "codegemma"
    CODESTRAL = "codestral"
    CUSTOM = "custom"


@value
class FimTemplate:
    """A template with `{prefix}` and `{suffix}` once each, in the order the model wants.

    `stop`: texts that end a fill and may come out as text. Raises ValueError for any other text.
    """

    text: str
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.text.count(PREFIX) != 1 or self.text.count(SUFFIX) != 1:
            raise ValueError("must hold {prefix} and {suffix}, once each")

    def prompt(self, prefix: str, suffix: str) -> str:
        """Write the prompt; a placeholder within the code stays what it is."""
        filled = {PREFIX: prefix, SUFFIX: suffix}
        first, second = sorted(filled, key=self.text.index)
        before, _, rest = self.text.partition(first)
        between, _, after = rest.partition(second)
        return f"{before}{filled[first]}{between}{filled[second]}{after}"


TEMPLATES: Mapping[FimStyle, FimTemplate] = {
    FimStyle.STARCODER: FimTemplate(
        "<fim_prefix>{prefix}<fim_suffix>{suffix}<fim_middle>", ("<|endoftext|>", "<file_sep>")
    ),
    # The end of a fill is an ordinary token here, not the one that ends a text.
    FimStyle.CODELLAMA: FimTemplate("<PRE> {prefix} <SUF>{suffix} <MID>", ("<EOT>",)),
    FimStyle.QWEN: FimTemplate(
        "<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>",
        ("<|endoftext|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>"),
    ),
    FimStyle.DEEPSEEK: FimTemplate(
        "<\uff5cfim\u2581begin\uff5c>{prefix}<\uff5cfim\u2581hole\uff5c>{suffix}"
        "<\uff5cfim\u2581end\uff5c>",
        ("<|EOT|>",),
    ),
    FimStyle.CODEGEMMA: FimTemplate(
        "<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>", ("<|file_separator|>",)
    ),
    FimStyle.CODESTRAL: FimTemplate("[SUFFIX]{suffix}[PREFIX]{prefix}"),
}


def template_of(style: FimStyle, custom: str, stop: tuple[str, ...] = ()) -> FimTemplate | None:
    """Return the template of a style, None for `server`. Raises ValueError.

    `custom` and `stop` are used with the style of that name, which needs the first.
    """
    if style is FimStyle.CUSTOM:
        return FimTemplate(custom, stop)
    return TEMPLATES.get(style)
