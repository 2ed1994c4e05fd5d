"""What people tell things apart by is looked at wherever it stands in a body."""

import json
from typing import Any

import pytest

from hullguard.ctrl.decoding import decode_body
from hullguard.ctrl.routes.enrolment_tokens import EnrolmentTokenInput
from hullguard.ctrl.routes.exceptions import ExceptionInput
from hullguard.ctrl.routes.policies import PolicyInput
from hullguard.ctrl.routes.profiles import ProfileInput
from hullguard.ctrl.routes.tokens import TokenInput
from hullguard.model.errors import Invalid
from hullguard.model.registry import RegistryInput

REGISTRY = {"name": "Harbor", "address": "registry.test", "repositories": ["*"]}
EXCEPTION = {"vulnerabilities": ["CVE-2026-1"], "reason": "because"}
POLICY = {"name": "Servers"}


@pytest.mark.parametrize(
    ("kind", "body", "field"),
    [
        (TokenInput, {"name": "ci ", "role": "viewer", "days": 1}, "$.name"),
        (EnrolmentTokenInput, {"name": "a\u3164", "cluster": "c"}, "$.name"),
        (RegistryInput, {"spec": {**REGISTRY, "name": "Har\u3164bor"}}, "$.spec.name"),
        (RegistryInput, {"spec": {**REGISTRY, "username": "a\u00a0b"}}, "$.spec.username"),
        (ExceptionInput, {"spec": {**EXCEPTION, "reason": "x\u202ey"}}, "$.spec.reason"),
        (ExceptionInput, {"spec": {**EXCEPTION, "images": ["a", "b\u200b"]}}, "$.spec.images[1]"),
        (PolicyInput, {"spec": {**POLICY, "name": "Servers "}}, "$.spec.name"),
        (PolicyInput, {"spec": {**POLICY, "binding": {"images": ["a\u2066"]}}}, "$.spec.binding.images[0]"),
        (ProfileInput, {"repository": "nginx\u3164"}, "$.repository"),
    ],
)
def test_what_looks_like_something_else_is_refused_by_its_field(kind: Any, body: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        decode_body(json.dumps(body).encode(), kind)
    assert (refused.value.field, refused.value.code) == (field, "name-unclear")
    assert str(refused.value).isprintable()


def test_what_people_write_is_taken() -> None:
    for kind, body in (
        (TokenInput, {"name": "\u6784\u5efa ci (1)", "role": "viewer", "days": 1}),
        (RegistryInput, {"spec": {**REGISTRY, "username": ""}}),
        (ExceptionInput, {"spec": {**EXCEPTION, "reason": "\u26a0\ufe0f pas utilis\u00e9\u00a0!", "package": None}}),
    ):
        decode_body(json.dumps(body).encode(), kind)
