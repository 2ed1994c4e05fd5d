"""Policies: versioned, and never changed from a version that is no longer the last."""

from typing import Annotated, Final

from litestar import Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from hullguard import detect
from hullguard.ctrl.call import Call
from hullguard.ctrl.listing import Paged, Searched
from hullguard.ctrl.versions import if_match, tagged
from hullguard.model.errors import Invalid
from hullguard.model.identity import Permission
from hullguard.model.page import Page
from hullguard.model.policy import Policy, PolicySpec, Simulation
from hullguard.storage import Transaction
from hullguard.storage.stores import Policies, Simulations


class PolicyInput(Struct, frozen=True, forbid_unknown_fields=True):
    """A policy's content and why it is so."""

    spec: PolicySpec
    comment: Annotated[str, Meta(max_length=500)] = ""


class RollBack(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a policy is rolled back."""

    comment: Annotated[str, Meta(max_length=500)] = ""


@get("/policies", permission=Permission.POLICIES_READ)
async def list_policies(call: NamedDependency[Call], filters: NamedDependency[Searched]) -> Page[Policy]:
    """The policies, each at its present version."""
    async with call.reading() as tx:
        return await Policies(tx).page(filters.page())


@post("/policies", permission=Permission.POLICIES_WRITE, versioned=True, refusals=(409,))
async def create_policy(call: NamedDependency[Call], data: JSONBody[PolicyInput]) -> Response[Policy]:
    """Create a policy. A parameter that no detector has is refused by name."""
    _check(data.spec)
    async with call.changing() as tx:
        made = await Policies(tx).create(data.spec, call.actor.name, data.comment)
        await _changed(call, tx, made.id, "policy.create", version=made.version, comment=data.comment)
    return tagged(made, 201)


@get("/policies/{policy:str}", permission=Permission.POLICIES_READ, versioned=True)
async def get_policy(call: NamedDependency[Call], policy: FromPath[str]) -> Response[Policy]:
    """One policy; its ETag is what a change must send as If-Match."""
    async with call.reading() as tx:
        return tagged(await Policies(tx).get(policy))


@put("/policies/{policy:str}", permission=Permission.POLICIES_WRITE, versioned=True, if_match=True, refusals=(409,))
async def update_policy(
    call: NamedDependency[Call], policy: FromPath[str], data: JSONBody[PolicyInput]
) -> Response[Policy]:
    """Make a new version. 412 if somebody else made one since it was read."""
    expected = if_match(call.request, "policy")
    _check(data.spec)
    async with call.changing() as tx:
        made = await Policies(tx).update(policy, data.spec, call.actor.name, data.comment, expected_version=expected)
        await _changed(call, tx, policy, "policy.update", version=made.version, comment=data.comment)
    return tagged(made)


@delete("/policies/{policy:str}", permission=Permission.POLICIES_WRITE, if_match=True, refusals=(409,))
async def delete_policy(call: NamedDependency[Call], policy: FromPath[str]) -> None:
    """Delete a policy. The built-in one can only be changed."""
    expected = if_match(call.request, "policy")
    async with call.changing() as tx:
        await Policies(tx).delete(policy, expected)
        await _changed(call, tx, policy, "policy.delete", version=expected)


@post(
    "/policies/{policy:str}/roll-back",
    permission=Permission.POLICIES_WRITE,
    status_code=200,
    versioned=True,
    if_match=True,
    refusals=(409,),
)
async def roll_back_policy(
    call: NamedDependency[Call], policy: FromPath[str], data: JSONBody[RollBack]
) -> Response[Policy]:
    """Make a new version with the content of the one before the present. 409 at the first version."""
    expected = if_match(call.request, "policy")
    async with call.changing() as tx:
        made = await Policies(tx).roll_back(policy, call.actor.name, data.comment, expected_version=expected)
        await _changed(call, tx, policy, "policy.roll-back", version=made.version, comment=data.comment)
    return tagged(made)


@get("/policies/{policy:str}/simulation", permission=Permission.POLICIES_READ)
async def get_policy_simulation(call: NamedDependency[Call], policy: FromPath[str]) -> Simulation:
    """What the policy would have stopped where it is simulated, since it was given its detectors and binding."""
    async with call.reading() as tx:
        return await Simulations(tx).of(policy)


@get("/policies/{policy:str}/versions", permission=Permission.POLICIES_READ)
async def list_policy_versions(
    call: NamedDependency[Call], policy: FromPath[str], filters: NamedDependency[Paged]
) -> Page[Policy]:
    """Every version of a policy, newest first."""
    async with call.reading() as tx:
        return await Policies(tx).versions(policy, filters.page())


@get("/policies/{policy:str}/versions/{version:int}", permission=Permission.POLICIES_READ)
async def get_policy_version(call: NamedDependency[Call], policy: FromPath[str], version: FromPath[int]) -> Policy:
    """One version of a policy."""
    async with call.reading() as tx:
        return await Policies(tx).version(policy, version)


def _check(spec: PolicySpec) -> None:
    """Ask the detectors whether they understand it; their ``$`` is the body's ``$.spec``."""
    try:
        detect.check(spec)
    except Invalid as wrong:
        if wrong.field is None or wrong.field.startswith("$.spec"):
            raise
        raise Invalid(str(wrong), wrong.code, field=wrong.field.replace("$", "$.spec", 1), **wrong.params) from wrong


async def _changed(call: Call, tx: Transaction, policy: str, action: str, *, version: int, comment: str = "") -> None:
    await call.record(tx, action, f"policy:{policy}", reason=comment, details={"version": str(version)})
    call.announce(tx, "policy", policy)
    call.wake_all(tx, b"policy")


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_policies,
    create_policy,
    get_policy,
    update_policy,
    delete_policy,
    roll_back_policy,
    get_policy_simulation,
    list_policy_versions,
    get_policy_version,
)
