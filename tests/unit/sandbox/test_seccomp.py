"""The filter is run here as the kernel would run it."""

from __future__ import annotations

import platform
import struct

import pytest

from gateway.sandbox.seccomp import ARCHITECTURES, filter_for

ALLOWED, NOT_PERMITTED, UNKNOWN = 0x7FFF0000, 0x00050000 | 1, 0x00050000 | 38


def verdict(program: bytes, number: int, audit: int, argument: int = 0) -> int:
    data = struct.pack("=IIQQ", number, audit, 0, argument)
    instructions = list(struct.iter_unpack("=HBBI", program))
    at, value = 0, 0
    while True:
        code, if_true, if_false, operand = instructions[at]
        at += 1
        if code == 0x06:
            return operand
        if code == 0x20:
            (value,) = struct.unpack_from("=I", data, operand)
        else:
            holds = {0x15: value == operand, 0x35: value >= operand, 0x45: bool(value & operand)}
            at += if_true if holds[code] else if_false


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_what_is_listed_is_refused_and_nothing_else(machine: str) -> None:
    of, program = ARCHITECTURES[machine], filter_for(machine)
    refused = set(of.refused.values())
    for number in range(500):
        wanted = NOT_PERMITTED if number in refused else ALLOWED
        if number == of.clone3:
            wanted = UNKNOWN
        assert verdict(program, number, of.audit) == wanted, number


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_processes_and_threads_may_be_made_but_no_namespaces(machine: str) -> None:
    of, program = ARCHITECTURES[machine], filter_for(machine)
    fork, thread = 0x01200011, 0x003D0F00
    assert verdict(program, of.clone, of.audit, fork) == ALLOWED
    assert verdict(program, of.clone, of.audit, thread) == ALLOWED
    for flag in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
        assert verdict(program, of.clone, of.audit, flag | 17) == NOT_PERMITTED


def test_there_is_no_other_way_to_a_system_call() -> None:
    of, program = ARCHITECTURES["x86_64"], filter_for("x86_64")
    i386 = 0x40000003
    assert verdict(program, 1, i386) == UNKNOWN
    assert verdict(program, 0x40000000 | 1, of.audit) == UNKNOWN


def test_an_unknown_machine_has_no_filter() -> None:
    assert filter_for("vax") == b""


def test_this_machine_has_one() -> None:
    if platform.machine() not in {"x86_64", "aarch64"}:
        pytest.skip("no filter is written for this machine")
    assert filter_for(platform.machine())
