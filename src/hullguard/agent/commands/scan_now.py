"""Take the inventory of local images anew and send it."""

from hullguard.agent.commands.interface import Parts, Progress, Result
from hullguard.agent.runtime.docker import LocalImage, image_name
from hullguard.model.command import Command, CommandKind
from hullguard.model.errors import HullguardError, NotFound, Unavailable


class ScanNow:
    """Parameter ``image``: an id or a name; without it, every image.

    Everything is read and sent anew in any case; with the parameter ``again`` the platform takes it in the place of
    what it has, which otherwise stays.
    """

    kind = CommandKind.SCAN_NOW

    async def run(self, command: Command, parts: Parts, progress: Progress) -> Result:
        """The result counts images read and images that could not be."""
        wanted = str(command.parameters.get("image", ""))
        docker = await parts.looked()
        known = parts.engines.known(docker.images if docker else None)
        images = _chosen([each.image for each in known.values()], wanted)
        failures: list[str] = []
        for position, image in enumerate(images):
            name = image.names[0] if image.names else image.id
            progress(100 * position // len(images), name)
            try:
                await parts.images.report(image.id)
            except HullguardError as bad:
                failures.append(f"{name}: {bad}")
        if failures and len(failures) == len(images):
            raise Unavailable(f"No image could be read; the first said: {failures[0]}"[:1000], "scan.nothing-read")
        result: dict[str, str | int] = {"images": len(images) - len(failures), "failed": len(failures)}
        if failures:
            result["first_failure"] = failures[0][:500]
        return result


def _chosen(images: list[LocalImage], wanted: str) -> list[LocalImage]:
    if not wanted:
        return images
    found = [image for image in images if wanted == image.id or {wanted, image_name(wanted)} & set(image.names)]
    if not found:
        raise NotFound(f"No image {wanted!r} is on this node.", "scan.no-image", image=wanted[:200])
    return found
