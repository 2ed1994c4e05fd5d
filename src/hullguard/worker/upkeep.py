"""What time brings about: old rows lose their use."""

from hullguard.storage import retention
from hullguard.worker.context import Context


class Sweep:
    """Remove what is past its use: ended sessions, old idempotency keys, finished jobs."""

    kind = "sweep"
    every_seconds = 3600
    lease_seconds = 300.0

    async def run(self, context: Context, key: str) -> None:  # noqa: ARG002 - there is only one
        async with context.storage.transaction(context.scope) as tx:
            await retention.sweep(tx)
