"""Learning that is over by its terms becomes a list for people to review."""

from hullguard import audit
from hullguard.storage.stores import Profiles
from hullguard.worker.context import Context


class FinishLearning:
    """Look which profiles have been learned for their time, or have seen nothing new for long enough."""

    kind = "finish-learning"
    every_seconds = 60
    lease_seconds = 60.0

    async def run(self, context: Context, key: str) -> None:  # noqa: ARG002 - there is only one
        async with context.storage.transaction(context.scope) as tx:
            over = await Profiles(tx).finish_learning()
            for profile in over:
                details = {"repository": profile.repository, "entries": str(profile.entries)}
                await audit.record(tx, "system", "profile.review", f"profile:{profile.id}", details=details)
        for profile in over:
            await context.announce("profile", profile.id)
