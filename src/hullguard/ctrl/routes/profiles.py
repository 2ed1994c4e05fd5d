"""Profiles: what containers of an image do, learned from them and reviewed by people."""

from typing import Annotated, Final

from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from hullguard import detect
from hullguard.ctrl.call import Call
from hullguard.ctrl.listing import Searched
from hullguard.model.errors import Conflict, Invalid
from hullguard.model.identity import Permission
from hullguard.model.page import Page
from hullguard.model.policy import NAME, Simulation
from hullguard.model.profile import Behaviour, LearningTerms, ProfileEntry, ProfileState, ProfileSummary, What
from hullguard.model.rollout import Mode, Rollout
from hullguard.storage import Transaction
from hullguard.storage.stores import EntryFilter, Policies, ProfileFilter, Profiles, Simulations

Comment = Annotated[str, Meta(max_length=500)]


class ProfileQuery(Searched, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which profiles."""

    state: tuple[ProfileState, ...] = ()


class EntryQuery(Searched, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which entries."""

    deed: Behaviour | None = None
    accepted: bool | None = None


class ProfileInput(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose containers to learn, and for how long."""

    repository: Annotated[str, Meta(min_length=1, max_length=256, pattern=r"^[^\s]+$(?!\n)", extra=NAME)]
    """An image's name; a tag or digest is left out."""
    terms: LearningTerms = LearningTerms()


class Move(Struct, frozen=True, forbid_unknown_fields=True):
    """Which state comes next, and why.

    ``terms`` are for learning anew; without, those of before hold. ``rollout`` is for protecting: on which nodes, and
    when it is taken back by itself; without, it is on every node, and taken back.
    """

    state: ProfileState
    comment: Comment = ""
    terms: LearningTerms | None = None
    rollout: Rollout | None = None


class Decision(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether one thing belongs into the profile."""

    deed: Behaviour
    what: What
    accepted: bool


@get("/profiles", permission=Permission.POLICIES_READ)
async def list_profiles(call: NamedDependency[Call], filters: NamedDependency[ProfileQuery]) -> Page[ProfileSummary]:
    """The profiles of images."""
    async with call.reading() as tx:
        return await Profiles(tx).page(filters.to(ProfileFilter), filters.page())


@post("/profiles", permission=Permission.POLICIES_WRITE, refusals=(409,))
async def create_profile(call: NamedDependency[Call], data: JSONBody[ProfileInput]) -> ProfileSummary:
    """Begin to learn what containers of an image do, on every node."""
    repository = detect.repository(data.repository)
    if not repository or data.repository.startswith("sha256:"):
        raise Invalid(
            f"{data.repository!r} is not an image's name: give it as containers are started from it.",
            "profile.repository",
            field="$.repository",
        )
    async with call.changing() as tx:
        made = await Profiles(tx).create(repository, data.terms, call.actor.name)
        await _changed(call, tx, made, "profile.learning")
    return made


@get("/profiles/{profile:str}", permission=Permission.POLICIES_READ)
async def get_profile(call: NamedDependency[Call], profile: FromPath[str]) -> ProfileSummary:
    """One profile; `allowed` says which states may follow."""
    async with call.reading() as tx:
        return await Profiles(tx).get(profile)


@delete("/profiles/{profile:str}", permission=Permission.POLICIES_WRITE)
async def delete_profile(call: NamedDependency[Call], profile: FromPath[str]) -> None:
    """Forget a profile and all that was learned for it."""
    async with call.changing() as tx:
        gone = await Profiles(tx).delete(profile)
        await _changed(call, tx, gone, "profile.delete")


@post("/profiles/{profile:str}/state", permission=Permission.POLICIES_WRITE, status_code=200, refusals=(409,))
async def move_profile(call: NamedDependency[Call], profile: FromPath[str], data: JSONBody[Move]) -> ProfileSummary:
    """End learning, accept the list, protect, or learn anew.

    Protecting needs a policy whose detector `profile.departure` has an action, and comes into force as policies do: on
    some nodes or on all, and taken back by itself where containers fail. Monitoring is its simulation.
    """
    if data.rollout is not None:
        _check(data.rollout, data.state)
    async with call.changing() as tx:
        if data.state is ProfileState.PROTECT:
            await _require_action(tx)
        moved = await Profiles(tx).move(profile, data.state, call.actor.name, data.terms, data.rollout)
        mode = moved.rollout.mode.value if data.state is ProfileState.PROTECT else ""
        await _changed(call, tx, moved, f"profile.{data.state}", comment=data.comment, mode=mode)
    return moved


@get("/profiles/{profile:str}/simulation", permission=Permission.POLICIES_READ)
async def get_profile_simulation(call: NamedDependency[Call], profile: FromPath[str]) -> Simulation:
    """What it would have stopped since containers are judged by its list, under policies with an action for it."""
    async with call.reading() as tx:
        return await Simulations(tx).of_profile(await Profiles(tx).get(profile), detect.DEPARTURE)


@get("/profiles/{profile:str}/entries", permission=Permission.POLICIES_READ)
async def list_profile_entries(
    call: NamedDependency[Call], profile: FromPath[str], filters: NamedDependency[EntryQuery]
) -> Page[ProfileEntry]:
    """What is in a profile, and in how many of its containers each was seen."""
    async with call.reading() as tx:
        return await Profiles(tx).entries(profile, filters.to(EntryFilter), filters.page())


@put("/profiles/{profile:str}/entries", permission=Permission.POLICIES_WRITE, refusals=(409,))
async def decide_profile_entry(
    call: NamedDependency[Call], profile: FromPath[str], data: JSONBody[Decision]
) -> ProfileEntry:
    """Add an entry to a profile, remove one, or put it back. What was removed is remembered as refused."""
    wrong = detect.profile_complaint(data.deed, data.what)
    # Of what was seen nothing has to be in a form that people may write.
    async with call.changing() as tx:
        if wrong is not None and not await Profiles(tx).has(profile, data.deed, data.what):
            raise Invalid(f"{data.what!r} {wrong}.", "profile.entry", field="$.what", what=data.what)
        entry = await Profiles(tx).decide(profile, data.deed, data.what, call.actor.name, accepted=data.accepted)
        details = {"deed": data.deed.value, "what": data.what, "accepted": "yes" if data.accepted else "no"}
        await call.record(tx, "profile.entry", f"profile:{profile}", details=details)
        call.announce(tx, "profile", profile)
        call.wake_all(tx, b"policy")
    return entry


def _check(rollout: Rollout, state: ProfileState) -> None:
    if state is not ProfileState.PROTECT or rollout.mode is Mode.SIMULATE:
        raise Invalid(
            "A rollout is for protecting, as a canary or enforced; to simulate a profile, let it monitor.",
            "profile.rollout",
            field="$.rollout",
        )
    detect.check_rollout(rollout, "$.rollout")


async def _require_action(tx: Transaction) -> None:
    if any(detect.answers(policy) for policy in await Policies(tx).enabled()):
        return
    raise Conflict(
        f"no enabled policy does more than alert when a container departs from its image's profile; give the detector "
        f"{detect.DEPARTURE!r} an action in a policy, simulated at first",
        "profile.no-action",
    )


async def _changed(
    call: Call, tx: Transaction, profile: ProfileSummary, action: str, *, comment: str = "", mode: str = ""
) -> None:
    details = {"repository": profile.repository, "entries": str(profile.entries)}
    details |= {"mode": mode} if mode else {}
    await call.record(tx, action, f"profile:{profile.id}", reason=comment, details=details)
    call.announce(tx, "profile", profile.id)
    call.wake_all(tx, b"policy")


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_profiles,
    create_profile,
    get_profile,
    delete_profile,
    move_profile,
    get_profile_simulation,
    list_profile_entries,
    decide_profile_entry,
)
