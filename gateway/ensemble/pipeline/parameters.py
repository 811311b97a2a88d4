"""The parameters of a run of a pipeline: texts of a caller, read as what the definition says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.core.composition import Named, Parameter, ParameterType, PipelineDefinition, Scalar
from gateway.core.faults import Fault, FieldViolation, Kind, Origin, Reason

Values = Mapping[str, Scalar]
"""The parameters of one run by their names."""


def bind(definition: PipelineDefinition, given: Iterable[tuple[str, str]]) -> Values:
    """Return the value of each parameter: the one given, or its default.

    Raises Fault(INVALID) with a violation for each unknown name and each bad value.
    """
    known = {parameter.name: parameter for parameter in definition.parameters}
    values = {name: parameter.default for name, parameter in known.items()}
    wrong: list[FieldViolation] = []
    for name, text in given:
        parameter = known.get(name)
        value = None if parameter is None else _read(parameter, text)
        if value is None:
            words = _unknown(definition) if parameter is None else f"must be {wanted(parameter)}"
            wrong.append(FieldViolation(f"parameters[{name}]", words))
        else:
            values[name] = value
    if wrong:
        words = "; ".join(f"{one.field}: {one.description}" for one in wrong)
        raise Fault(
            Kind.INVALID, Origin.CALLER, Reason.INVALID_FIELD, words, violations=tuple(wrong)
        )
    return values


def wanted(parameter: Parameter) -> str:
    """Say in words what a parameter may be."""
    if parameter.type is ParameterType.STR:
        return f"one of {', '.join(parameter.choices)}"
    kind = "a whole number" if parameter.type is ParameterType.INT else "a number"
    return f"{kind} from {parameter.least:g} to {parameter.most:g}"


def _unknown(definition: PipelineDefinition) -> str:
    names = ", ".join(parameter.name for parameter in definition.parameters) or "none"
    return f"is no parameter of the pipeline {definition.name!r}, which has {names}; leave it out"


def _read(parameter: Parameter, text: str) -> Scalar | None:
    """Read a value; None when it is not of the type, or out of its bounds."""
    if parameter.type is ParameterType.STR:
        return text if text in parameter.choices else None
    try:
        number = int(text) if parameter.type is ParameterType.INT else float(text)
    except ValueError:
        return None
    # What is not finite is never within.
    return number if parameter.least <= number <= parameter.most else None


def text_of(option: str | Named, values: Values) -> str:
    """Return the text of an option, its parameter's where it names one."""
    return str(values[option.parameter]) if isinstance(option, Named) else option


def whole(option: int | Named | None, values: Values) -> int | None:
    """Return the whole number of an option; None when it is not set."""
    return int(values[option.parameter]) if isinstance(option, Named) else option


def number(option: float | Named | None, values: Values) -> float | None:
    """Return the number of an option; None when it is not set."""
    return float(values[option.parameter]) if isinstance(option, Named) else option
