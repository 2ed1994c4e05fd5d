"""Look again: read the containers anew, put the kernel's filters in place anew, check that the sensor works."""

from hullguard.agent.commands.interface import Parts, Progress, Result
from hullguard.model.command import Command, CommandKind


class DetectNow:
    """No parameters."""

    kind = CommandKind.DETECT_NOW

    async def run(self, command: Command, parts: Parts, progress: Progress) -> Result:  # noqa: ARG002 - it has none
        """The result says what is watched, and with what."""
        docker = await parts.looked()
        containers = (*(docker.containers if docker else ()), *parts.engines.containers)
        progress(50, "sensor")
        health = await parts.protection.check()
        parts.uplink.beat_now()
        result: dict[str, str | int] = {
            "containers": len(containers),
            "running": sum(container.state == "running" for container in containers),
            "sensor": str(health.state),
            "lost": sum(health.lost.values()),
        }
        if health.reasons:
            result["reason"] = health.reasons[0].message[:500]
        return result
