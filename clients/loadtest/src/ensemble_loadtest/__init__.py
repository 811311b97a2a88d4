"""Open-loop load harness for ensemble-gateway and its peers; see docs/loadtest.md."""

from ensemble_loadtest.address import Address, read_address
from ensemble_loadtest.faults import PlanError, UnreachableError
from ensemble_loadtest.fleet import Result, run
from ensemble_loadtest.plan import Arrivals, Header, Load, Plan, Protocol
from ensemble_loadtest.prompts import Asking, Prompt
from ensemble_loadtest.schedule import Segment
from ensemble_loadtest.slo import Objective

__all__ = [
    "Address",
    "Arrivals",
    "Asking",
    "Header",
    "Load",
    "Objective",
    "Plan",
    "PlanError",
    "Prompt",
    "Protocol",
    "Result",
    "Segment",
    "UnreachableError",
    "read_address",
    "run",
]
