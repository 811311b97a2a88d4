"""Programs that try to pass without having passed, or to say something in a verdict."""

from __future__ import annotations

import pytest

from gateway.core.running import RunStatus
from gateway.sandbox.report import PASSED as PASS
from tests.fakes.sandboxes import Sandbox, needs_sandbox, programs, statuses

pytestmark = needs_sandbox()

PASSED, FAILED, NOT_RUN = RunStatus.PASSED, RunStatus.FAILED, RunStatus.NOT_RUN
CRASHED = RunStatus.CRASHED

FORGERIES = programs("""\
import os
os._exit(0)
---
import sys
sys.exit(0)
---
raise SystemExit
---
raise KeyboardInterrupt
---
import os
for n in range(256):
    try:
        os.write(n, b'case passed\\n')
    except OSError:
        pass
---
import os
for n in range(256):
    try:
        os.write(n, b'end 0\\n')
    except OSError:
        pass
os._exit(0)
---
import os
for n in range(3, 256):
    try:
        os.write(n, b'end \\xff\\n')
    except OSError:
        pass
---
import os
os.closerange(0, 256)
---
import os
for n in range(3, 16): os.dup2(0, n)
---
print('case passed')
print('passed')
assert False
---
import os, sys
sys.stdout = sys.stderr = None
os.close(1)
raise AssertionError
---
import builtins, os
for name in ('exec', 'compile', 'BaseException', 'AssertionError', 'len', 'isinstance'):
    setattr(builtins, name, lambda *a, **k: None)
os.write = os.read = os.getpid = os._exit = lambda *a: 0
raise ValueError
---
import os
if os.fork(): raise ValueError
---
import os
if os.fork(): os._exit(0)
---
import os
if not os.fork(): os._exit(0)
os.wait()
raise ValueError
---
import os, sys
sys.setprofile(lambda *a: os._exit(0))
print()
---
import signal, os
signal.signal(signal.SIGALRM, lambda *a: os._exit(0))
signal.setitimer(signal.ITIMER_REAL, 0.1)
while True: pass
---
class E(BaseException):
    __class__ = property(lambda self: 1 / 0)
raise E
---
class M(type):
    def __hash__(cls): raise KeyError
class E(Exception, metaclass=M): pass
raise E
---
import os, sys
os.execv(sys.executable, [sys.executable, '-c', ''])
---
assert 0
---
def
""")
UNREADABLE = ["a\0b", "\ud800", "x = '\ud800'"]


async def test_no_case_passes_that_did_not_run_to_its_end() -> None:
    texts = [*FORGERIES, *UNREADABLE]
    report = await Sandbox().run("x = 1", *texts, "assert x == 1")
    ends = dict(zip(texts, report.cases, strict=False))
    assert report.source == PASS
    assert [text for text, end in ends.items() if end.status not in {FAILED, CRASHED}] == []
    assert report.cases[-1] == PASS


@pytest.mark.parametrize("forgery", [*FORGERIES[:9], *FORGERIES[-3:], *UNREADABLE])
async def test_no_source_passes_that_did_not_run_to_its_end(forgery: str) -> None:
    report = await Sandbox().run(forgery, "pass")
    assert report.source.status in {FAILED, CRASHED}
    assert report.cases[0].status is NOT_RUN


async def test_a_source_that_changes_the_language_changes_no_verdict() -> None:
    report = await Sandbox().run(
        "import atexit, builtins, gc, os, sys, threading\n"
        "for name in ('exec', 'compile', 'BaseException', 'type', 'len', 'int'):\n"
        "    setattr(builtins, name, lambda *a, **k: None)\n"
        "os.write = os.read = os.getpid = os._exit = os.fork = os.waitpid = lambda *a: 0\n"
        "sys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)\n"
        "sys.modules.clear()\nsys.setrecursionlimit(60)\ngc.disable()\n"
        "__name__ = 'x'\n",
        "assert False",
        "assert True",
    )
    assert statuses(report) == [PASSED, FAILED, PASSED]


async def test_output_of_any_length_goes_nowhere() -> None:
    report = await Sandbox().run(
        "import sys\nfor _ in range(200): print('x' * 10**6); sys.stderr.write('x' * 10**6)",
        "raise ValueError('secret' * 10**6)",
        "raise type('Secret' * 10**5, (Exception,), {})",
        "raise SyntaxError('secret', ('<case>', 10**9, 1, 'secret', 1, 1))",
        "exec(compile('\\n' * 10**6 + 'raise ValueError', '<case>', 'exec'))",
    )
    assert statuses(report) == [PASSED, *[FAILED] * 4]
    assert [case.reason for case in report.cases] == [
        "ValueError in line 1 of the case",
        "an exception of the program's own in line 1 of the case",
        "SyntaxError in line 1 of the case",
        "ValueError in the case",
    ]
