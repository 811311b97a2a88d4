"""The soak: mixed traffic with faults for a long time; nothing may grow, nothing may be lost.

`python -m tests.soak --seconds 600` runs it against a gateway in a process of its own.
"""
