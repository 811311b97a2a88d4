"""The JSON schema check, draft 2020-12. What it costs is bounded by `keywords`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from gateway.core.constraint import JsonSchema
from gateway.core.value import value
from gateway.validation.finding import (
    PASSED,
    BrokenError,
    Check,
    Finding,
    Fixed,
    bounded,
    failed,
    unchecked,
)
from gateway.validation.json_text import JsonTextError, read_json
from gateway.validation.keywords import (
    MAX_STEPS,
    StepsSpentError,
    first_error,
    pattern_of,
    validator_class,
)
from gateway.validation.regex import RegexError

MAX_SCHEMA = 64 * 1024
"""Longest schema, in characters, that is checked here; a longer one is the endpoint's business."""

SMALL_DOCUMENT = 4 * 1024
"""Characters up to which a fill is validated on the event loop: a keyword takes microseconds."""

FIELD = "json_schema.schema"


@value
class SchemaCheck:
    """The fill is JSON of the schema. `names` are the names that occur in the schema."""

    schema: object
    validator: Any
    names: frozenset[str]

    def find(self, text: str) -> Finding:
        """Parse and validate; the reason names the first place that breaks the schema."""
        try:
            value = read_json(text)
        except JsonTextError as error:
            return failed(f"the fill is not JSON: {error}")
        except (RecursionError, ValueError):
            return unchecked("nested too deeply, or a number too long, to be checked")
        return self.judge(value)

    def judge(self, value: object, max_steps: int = MAX_STEPS) -> Finding:
        """Validate a parsed value."""
        try:
            error = first_error(self.validator, value, max_steps)
        except StepsSpentError:
            return unchecked(f"the check would take more than {max_steps} steps")
        except RecursionError:
            return unchecked("the schema or the fill is nested too deeply to be checked")
        except ArithmeticError:
            return unchecked("a number is too large to be compared with the schema")
        if error is None:
            return PASSED
        if error.validator is None:
            # The library does not say where a schema that is `false` stands.
            return failed("the fill has something where the schema allows nothing")
        return failed(
            f"{self._place(error.absolute_path)} breaks {error.validator!r} of the schema"
        )

    def costly(self, length: int) -> bool:
        """Anything but a small document."""
        return length > SMALL_DOCUMENT

    def _place(self, path: Iterable[str | int]) -> str:
        """Where in the fill; a property whose name does not come from the schema shows as `*`."""
        parts = (
            f"[{part}]" if isinstance(part, int) else f".{part if part in self.names else '*'}"
            for part in path
        )
        return bounded("$" + "".join(parts))


def compile_schema(body: JsonSchema) -> Check:
    """Build the check. Raises BrokenError when the text is no schema of draft 2020-12."""
    if len(body.text) > MAX_SCHEMA:
        return Fixed(unchecked(f"schemas above {MAX_SCHEMA} characters are not checked here"))
    try:
        schema = read_json(body.text)
        return _compile(schema)
    except JsonTextError as error:
        raise BrokenError(FIELD, f"not JSON: {bounded(error)}") from None
    except RecursionError:
        raise BrokenError(FIELD, "nested too deeply; make it flatter") from None
    except BrokenError:
        raise
    except ValueError as error:
        raise BrokenError(FIELD, f"a number is too long: {bounded(error)}") from None


def _compile(schema: Any) -> Check:
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415 - an idle gateway does not load it
    from jsonschema_specifications import REGISTRY  # noqa: PLC0415 - the same
    from referencing.exceptions import Unresolvable  # noqa: PLC0415 - the same
    from referencing.jsonschema import DRAFT202012  # noqa: PLC0415 - the same

    kind = validator_class()
    try:
        # Without formats: the one that matters is `regex`, and RE2 says what an expression is.
        kind.check_schema(schema, format_checker=None)
    except SchemaError as error:
        place = bounded(error.json_path)
        raise BrokenError(
            FIELD, f"not a schema of draft 2020-12 at {place}: {bounded(error.message)}"
        ) from None
    root = DRAFT202012.create_resource(schema)
    # The registry knows the meta-schemas and has no way to fetch anything else.
    try:
        nodes = list(_nodes(REGISTRY.resolver_with_root(root), root))
    except Unresolvable as error:
        raise BrokenError(
            FIELD,
            f"the reference {bounded(error.ref)!r} leads nowhere; put what it names into $defs, "
            "because nothing is downloaded",
        ) from None
    why = _unusable(nodes)
    if why:
        return Fixed(unchecked(why))
    return SchemaCheck(schema, kind(schema, registry=REGISTRY), frozenset(_names(schema)))


def _nodes(resolver: Any, resource: Any) -> Iterator[Mapping[str, Any]]:
    """Every schema inside the schema, with its references followed. Raises Unresolvable."""
    if isinstance(resource.contents, Mapping):
        contents = cast("Mapping[str, Any]", resource.contents)
        for keyword in ("$ref", "$dynamicRef"):
            if keyword in contents:
                resolver.lookup(contents[keyword])
        yield contents
    for part in resource.subresources():
        yield from _nodes(resolver.in_subresource(part), part)


def _unusable(nodes: Iterable[Mapping[str, Any]]) -> str:
    """Say why the schema cannot be checked in bounded time; empty when it can.

    Raises BrokenError for an expression that no dialect knows.
    """
    unevaluated = by_pattern = False
    for node in nodes:
        unevaluated |= "unevaluatedProperties" in node
        by_pattern |= "patternProperties" in node
        sources = [*node.get("patternProperties", ())]
        if "pattern" in node:
            sources.append(node["pattern"])
        for source in sources:
            try:
                pattern_of(source)
            except RegexError as error:
                _refuse_nonsense(source, error)
                return "the schema has an expression that RE2 cannot run, such as look-around"
    if unevaluated and by_pattern:
        return "unevaluatedProperties together with patternProperties is not checked here"
    return ""


def _refuse_nonsense(source: str, why: RegexError) -> None:
    """Raise BrokenError unless another dialect knows the expression; it is never run."""
    try:
        re.compile(source)
    except (re.error, OverflowError, RecursionError):
        raise BrokenError(FIELD, f"has a broken expression: {bounded(why)}") from None


def _names(node: object) -> Iterator[str]:
    """Every name in the schema's text, keywords and properties alike."""
    if isinstance(node, dict):
        for name, item in cast("dict[str, object]", node).items():
            yield name
            yield from _names(item)
    elif isinstance(node, list):
        for item in cast("list[object]", node):
            yield from _names(item)
