"""What is suspicious, and which policy decides so: detectors, their engine, the plan for the kernel's filters. Pure."""

from hullguard.detect.default import default_policies, default_policy
from hullguard.detect.denial import Denial, DenyRule, denial, denies
from hullguard.detect.detectors.catalog import catalog_info
from hullguard.detect.engine import Engine
from hullguard.detect.plan import KernelPlan, SlotPlan, plan
from hullguard.detect.policy_check import check

__all__ = [
    "Denial",
    "DenyRule",
    "Engine",
    "KernelPlan",
    "SlotPlan",
    "catalog_info",
    "check",
    "default_policies",
    "default_policy",
    "denial",
    "denies",
    "plan",
]
