"""What is suspicious, and which policy decides so: detectors, their engine, the plan for the kernel's filters. Pure."""

from hullguard.detect.default import default_policies, default_policy
from hullguard.detect.denial import Denial, DenyRule, denial, denies
from hullguard.detect.detectors.catalog import catalog_info
from hullguard.detect.detectors.departure import DEPARTURE
from hullguard.detect.engine import OF_NO_PROCESS, Engine
from hullguard.detect.plan import KernelPlan, SlotPlan, plan
from hullguard.detect.policy_check import check, check_rollout
from hullguard.detect.profiles import complaint as profile_complaint
from hullguard.detect.profiles import repository
from hullguard.detect.replay import Past, replay
from hullguard.detect.rollout import (
    PROFILE_ROLLED_BACK,
    ROLLED_BACK,
    acts,
    answers,
    enforced,
    in_force,
    reaches,
    simulated,
)
from hullguard.detect.rule_info import checked, pack_info
from hullguard.detect.rulebook import known_settings

__all__ = [
    "DEPARTURE",
    "OF_NO_PROCESS",
    "PROFILE_ROLLED_BACK",
    "ROLLED_BACK",
    "Denial",
    "DenyRule",
    "Engine",
    "KernelPlan",
    "Past",
    "SlotPlan",
    "acts",
    "answers",
    "catalog_info",
    "check",
    "check_rollout",
    "checked",
    "default_policies",
    "default_policy",
    "denial",
    "denies",
    "enforced",
    "in_force",
    "known_settings",
    "pack_info",
    "plan",
    "profile_complaint",
    "reaches",
    "replay",
    "repository",
    "simulated",
]
