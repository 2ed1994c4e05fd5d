"""Replace this agent: fetch, verify, stage, and let the launcher try it.

Success is not ours to report: the new version does, when it has a session; or the old one, when it was rolled back.
"""

import asyncio
import re
import shutil
from pathlib import Path

from hullguard import __version__
from hullguard.agent import identity
from hullguard.agent.commands.interface import Parts, Progress, Result
from hullguard.agent.update import switch
from hullguard.agent.update.download import fetch, require_free
from hullguard.model.command import Command, CommandKind
from hullguard.model.errors import Conflict, Invalid

HEALTH_SECONDS = 60
_SHA256 = re.compile(r"[0-9a-f]{64}")
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+!_-]{0,63}")


class UpdateAgent:
    """Parameters: ``sha256`` of the bundle; ``health_seconds``, how long the new version has to report."""

    kind = CommandKind.UPDATE_AGENT

    async def run(self, command: Command, parts: Parts, progress: Progress) -> Result | None:
        """None: the outcome comes after the switch."""
        sha256 = str(command.parameters.get("sha256", ""))
        seconds = command.parameters.get("health_seconds", HEALTH_SECONDS)
        if not _SHA256.fullmatch(sha256):
            raise Invalid("The parameter sha256 must name the bundle by 64 hexadecimal digits.", "command.parameter")
        if not isinstance(seconds, int) or not 1 <= seconds <= 3600:
            raise Invalid("The parameter health_seconds must be from 1 to 3600.", "command.parameter")
        if switch.read(parts.state) is not None:
            raise Conflict("Another update is under way.", "update.busy")
        archive = parts.state.work / "bundle"
        unpacked = parts.state.versions / ".staging"
        try:
            await fetch(
                parts.uplink, sha256, archive, lambda done, size: progress(70 * done // size, "downloading the bundle")
            )
            progress(75, "verifying the bundle")
            key = bytes.fromhex(identity.load(parts.state).release_key)
            version = await asyncio.to_thread(_unpack, archive, unpacked, key)
            progress(95, f"switching to version {version}")
            previous = switch.running(parts.state)
            switch.stage(parts.state, unpacked, switch.Switch(command.id, version, previous, __version__, seconds))
        finally:
            archive.unlink(missing_ok=True)
            shutil.rmtree(unpacked, ignore_errors=True)
        parts.restart()
        return None


def _unpack(archive: Path, unpacked: Path, key: bytes) -> str:
    """Verify, then write; only a newer version gets this far."""
    from hullguard.wire import bundle

    manifest = bundle.verify(archive, key, __version__)
    if not _VERSION.fullmatch(manifest.version):
        raise Invalid(f"The bundle's version {manifest.version!r} is no name for a directory.", "bundle.version-unsafe")
    require_free(archive.parent, sum(file.size for file in manifest.files.values()))
    shutil.rmtree(unpacked, ignore_errors=True)
    unpacked.mkdir(mode=0o700)
    bundle.unpack(archive, unpacked, key, __version__)
    if not (unpacked / "hullguard" / "agent" / "child.py").is_file():
        raise Invalid("The bundle holds no agent.", "bundle.no-agent")
    return manifest.version
