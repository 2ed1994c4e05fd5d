"""The rules that come with the product, and what a team's own files come to."""

from typing import Final

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from hullguard import detect
from hullguard.model.identity import Permission
from hullguard.model.policy import RulesSpec
from hullguard.model.rule import CheckedRules, RuleInfo


@get("/rules", permission=Permission.POLICIES_READ, sync_to_thread=True)
def list_rules() -> list[RuleInfo]:
    """Every rule that comes with the product; a policy may switch each on and off and say what follows it."""
    return list(detect.pack_info())


@post("/rules/check", permission=Permission.POLICIES_READ, status_code=200, sync_to_thread=True)
def check_rules(data: JSONBody[RulesSpec]) -> CheckedRules:
    """Read rule files as a policy would, and tell every problem with its line and column. Nothing is kept."""
    return detect.checked(data)


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (list_rules, check_rules)
