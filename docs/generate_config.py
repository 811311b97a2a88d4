# noqa: INP001 - a script
"""Write docs/config.md from gateway/config: `python docs/generate_config.py`.

A test regenerates the text and compares it with the file, so a setting cannot be added, renamed or
changed without its documentation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast, get_args

from gateway.config.schema import Settings
from gateway.config.section import Section

PAGE = Path(__file__).with_name("config.md")

HEAD = """\
# Configuration

<!-- Written by docs/generate_config.py from gateway/config. Do not edit. -->

`ensemble serve` reads one TOML file: the one named by `--config` or by the variable
`ENSEMBLE_CONFIG`, else `ensemble/gateway.toml` in `$XDG_CONFIG_HOME` (`~/.config` when that is not
set), else `/etc/ensemble/gateway.toml`. A whole example is
[examples/gateway.toml](examples/gateway.toml).

| command | does |
|---|---|
| `ensemble config check --config FILE` | lists every mistake at once; exit code 3 if any |
| `ensemble config show --config FILE` | prints the effective configuration as JSON |
| `ensemble config schema` | prints the JSON schema, for editors |

Each mistake is reported with its place, why it is one and how to mend it. A key or section that
nobody reads is a mistake, and nothing starts with half a configuration.

## Precedence

From the strongest to the weakest:

1. options of the command line (`--host`, `--port`, `--log-level` of `ensemble serve`);
2. environment variables;
3. the file;
4. the defaults below.

## Environment variables

Every key of a section can be set by `ENSEMBLE_<SECTION>__<KEY>`, with two underscores between
section and key: `ENSEMBLE_SERVER__PORT=50052`, `ENSEMBLE_ROUTER__SECURITY_CHAIN=prefer`,
`ENSEMBLE_ENSEMBLE__BEST_OF_N=3`. Upper and lower case are the same. A variable of this form whose
section or key does not exist is a mistake like one in the file.

The endpoints are a list, so they are set together: `ENSEMBLE_ENDPOINT` holds a JSON array of tables
and replaces all `[[endpoint]]` tables of the file. `ENSEMBLE_<SECTION>` likewise holds a whole
section as a JSON table. A variable whose text is not JSON is a mistake, reported by its name
without the text.

`ENSEMBLE_CONFIG` (the file) and `ENSEMBLE_TARGET` (the address of a running gateway) stand for
options of the command line and are not settings. `.env` files are not read.

## Secrets

A secret never stands in the file. `secret_ref` says where it is:

| reference | meaning |
|---|---|
| `env:NAME` | the value of the environment variable `NAME` |
| `file:/path` | the content of the file, white space at both ends removed |

The secret is sent to its endpoint as `authorization: Bearer ...` and is read once, at the start. A
variable that is not set, or a file that cannot be read or is empty, is a mistake in the
configuration. Anything else in `secret_ref` is refused without being repeated.
"""

RULES: Mapping[str, str] = {
    "grace_outlasts_deadlines": "`drain_grace_s` is at least `default_deadline_s`, so that a "
    "request that was taken can use its whole deadline during a shutdown.",
    "levels_in_order": "`medium` is not above `high`.",
    "bounds_leave_room": "`lowest` is below `highest`.",
    "goes_somewhere": "Each has either `capability` or `endpoint`.",
    "arms_can_be_compared": "Arms have different names; where an arm answers requests, exactly one "
    "is the `control`, which is no `shadow`.",
    "label_is_named": '`label` is given with `unit = "label"`, and only then.',
    "alarms_lie_beyond": "An alarm lies beyond its target, or is the same: it is not above a "
    "least number, and not below a most.",
    "bands_do_not_overlap": "`fast_below` is not above `quality_above`.",
    "window_holds_the_minimum": "`minimum_calls` is not above `window_size` where the window "
    "counts calls, for such a breaker would never open.",
    "fim_can_be_used": '`fim` needs `openai_mode = "completions"`; `fim_template` and `fim_stop` '
    'need `fim = "custom"`, which needs the template with `{prefix}` and `{suffix}` once each.',
    "oip_fits": '`protocol = "oip"` needs a `model`; `[endpoint.oip]` needs that protocol.',
    "health_check_fits": '`health = "http"` needs a `health_path`; `health = "watch"` needs the '
    "native protocol.",
}
"""In words, each check over several keys of one section, by the name of its validator."""

ACROSS = """\

## Checks across sections

- There is at least one `[[endpoint]]`, and no two have the same `name`.
- `ensemble.default_endpoint`, when given, names one of them.
- Each `url` fits its `protocol`: `native` takes `host:port`, `grpc://host:port` (both without TLS)
  or `grpcs://host:port` (TLS), and so does `oip`; `openai` takes `http://` or `https://`, and
  `/chat/completions` or `/completions` is appended to it. User and password in a URL are refused.
- Each `secret_ref` can be followed.
- No two `[[topic]]` tables have the same `name`, nor two `[[experiment]]` tables the same `name` or
  `salt`; endpoints that they name are configured, by their group where they have one.
- No `[[pipeline]]` has the name of another or of a built-in one. Each of its references names a
  field that a step gives, no steps wait for each other outside of its loop, every step and every
  parameter is of use, its output always has a text, and some endpoint has what a step asks for.
"""

MANY: Mapping[str, str] = {
    "endpoint": "One table for each endpoint; the order matters for the default only.",
    "pipeline": "One table for each pipeline, beside those that are built in.",
    "topic": "One table for each topic, beside those that are built in; see docs/learning.md.",
    "experiment": "One table for each experiment; see docs/learning.md.",
}
"""What is said of a section that may stand several times."""

NESTED: Mapping[str, Mapping[str, str]] = {
    "pipeline": {
        "[[pipeline.step]]": "StepTable",
        "{ source, default }": "SourceTable",
        "{ step, text, issues }": "FallbackTable",
        "[pipeline.parameters.NAME]": "ParameterTable",
        "[pipeline.loop]": "LoopTable",
    },
    "topic": {"[[topic.keywords]]": "KeywordTable", "[[topic.hints]]": "HintTable"},
    "experiment": {
        "[[experiment.arm]]": "ArmConfig",
        "[experiment.guard_rail]": "GuardRailConfig",
    },
    "dashboard": {"[dashboard.targets]": "TargetsConfig"},
    "endpoint": {"[endpoint.oip]": "OipTensors"},
    "tuner": {"[tuner.accuracy_targets]": "AccuracyTargets"},
}
"""The tables inside of a section, by how they are written."""

WORDS: Mapping[str, str] = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "boolean",
    "object": "table",
}

Schema = Mapping[str, Any]


def render() -> str:
    """Return the text of the page."""
    schema = cast("Schema", Settings.model_json_schema())
    parts = [HEAD]
    for name, field in Settings.model_fields.items():
        property_schema = schema["properties"][name]
        many = property_schema.get("type") == "array"
        reference = property_schema["items"] if many else property_schema
        section = _resolved(reference, schema)
        model = _section_model(field.annotation)
        heading = f"[[{name}]]" if many else f"[{name}]"
        parts.append(f"\n## `{heading}`\n\n{_sentence(section['description'])}\n")
        if many:
            parts.append(f"\n{MANY[name]}\n")
        parts.extend(_table(section, schema))
        for key, nested in NESTED.get(name, {}).items():
            inner = cast("Schema", schema["$defs"][nested])
            parts.append(f"\n### `{key}`\n\n{_sentence(inner['description'])}\n")
            parts.extend(_table(inner, schema))
        rules = model.__pydantic_decorators__.model_validators
        parts.extend(f"\n{RULES[rule]}\n" for rule in rules)
    parts.append(ACROSS)
    return "".join(parts)


def _section_model(annotation: object) -> type[Section]:
    """Find the table that a field holds, alone or in a tuple."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return _section_model(get_args(annotation)[0])


def _table(section: Schema, schema: Schema) -> Iterator[str]:
    yield "\n| key | type | default | meaning |\n|---|---|---|---|\n"
    yield from _rows(section, schema)


def _rows(section: Schema, schema: Schema) -> Iterator[str]:
    required = section.get("required", ())
    for key, property_schema in section["properties"].items():
        default = "required" if key in required else _default(property_schema["default"])
        kind = _kind(property_schema, schema)
        yield f"| `{key}` | {kind} | {default} | {property_schema['description']} |\n"


def _default(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, dict) and value:
        return "that of each key"
    if isinstance(value, list):
        value = sorted(cast("list[str]", value))
    return f"`{json.dumps(value)}`"


def _kind(field: Schema, schema: Schema) -> str:
    """Describe type and range in words."""
    options = [option for option in field.get("anyOf", (field,)) if option.get("type") != "null"]
    if len(options) > 1:
        return " or ".join(dict.fromkeys(_kind(option, schema) for option in options))
    field = _resolved(options[0], schema)
    if "enum" in field:
        return " or ".join(f"`{member}`" for member in field["enum"])
    if field["type"] == "array":
        return f"list of {_kind(field['items'], schema)}"
    if "pattern" in field:
        return f"text like `{field['pattern']}`"
    return " ".join((WORDS[field["type"]], *_range(field))).rstrip()


def _range(field: Schema) -> Iterator[str]:
    limits = {
        "minimum": "from {}",
        "exclusiveMinimum": "above {}",
        "maximum": "to {}",
    }
    for name, words in limits.items():
        if name in field:
            yield words.format(f"{field[name]:,}")


def _resolved(field: Schema, schema: Schema) -> Schema:
    reference = field.get("$ref")
    if reference is None:
        return field
    return cast("Schema", schema["$defs"][reference.rpartition("/")[2]])


def _sentence(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
