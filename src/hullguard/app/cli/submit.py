"""``hullguard submit``: what was read here is watched by a platform elsewhere."""

import secrets
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import structs

from hullguard.app.cli import exits
from hullguard.app.cli import scan_options as options
from hullguard.app.cli.declared import Option
from hullguard.app.cli.option_groups import takes
from hullguard.app.cli.output import check_file, coloured, progress_of, width, write
from hullguard.model.errors import HullguardError, Invalid
from hullguard.words import local, say

if TYPE_CHECKING:
    from hullguard.app.remote import Platform
    from hullguard.imagescan.formats.format import Format
    from hullguard.inventory import Limits
    from hullguard.inventory.source.opened import RegistryAccess
    from hullguard.model.inventory import Inventory
    from hullguard.model.report import ScanReport
    from hullguard.model.severity import Severity
    from hullguard.model.submission import Submission

SERVER, TOKEN = "HULLGUARD_SERVER", "HULLGUARD_TOKEN"
_TOKEN_MAX = 4096
_BY_NAME = frozenset({"docker", "podman", "containerd", "registry"})
"""Kinds whose targets are names of images, the same on every machine; others name places on this one."""
_MOST_DAYS = 366


@takes(reading=options.Reading)
def submit(  # noqa: PLR0917 - each parameter is an option
    targets: options.Targets,
    server: Annotated[
        str | None, Option(("--server",), variable=SERVER, help="The platform: https://HOST:PORT.", shows_default=False)
    ] = None,
    token_file: Annotated[
        Path | None,
        Option(
            ("--token-file",),
            help="The file with the API token; else it is taken from HULLGUARD_TOKEN.",
            shows_default=False,
        ),
    ] = None,
    server_ca: Annotated[
        Path | None, Option(("--server-ca",), help="Certificates to trust at the platform.", shows_default=False)
    ] = None,
    name: Annotated[
        str | None,
        Option(
            ("--name",),
            help="What the platform calls it; a later submission of that name takes its place.",
            shows_default=False,
        ),
    ] = None,
    keep: Annotated[int, Option(("--keep",), least=1, help="Days after which the platform forgets it.")] = 90,
    wait: Annotated[bool, Option(("--wait",), help="Wait for what the platform finds, and print it.")] = False,
    fail_on: Annotated[
        str | None,
        Option(
            ("--fail-on",),
            help="Wait, and exit with 1 from this severity on; `unknown` is the lowest.",
            shows_default=False,
        ),
    ] = None,
    scanners: Annotated[
        str, Option(("--scanners",), help="What to print and to judge by, of all that is looked for and submitted.")
    ] = "vuln",
    timeout: Annotated[int, Option(("--timeout",), least=1, help="Wait for at most this many seconds.")] = 600,
    format_: Annotated[
        str, Option(("-f", "--format"), help="Of what the platform finds: as `scan` takes it.")
    ] = "table",
    output: options.OutputFile = None,
    *,
    reading: options.Reading,
) -> int:
    """Have a platform watch images, directories and bills of materials that are read here; the images stay here."""
    from hullguard.app.cli.scan import format_named
    from hullguard.app.cli.scan_job import worst
    from hullguard.imagescan.select import parse_severity
    from hullguard.inventory import recognise

    chosen = format_named(format_)
    bound = None if fail_on is None else parse_severity(fail_on)
    if keep > _MOST_DAYS:
        raise Invalid(f"--keep is at most {_MOST_DAYS} days")
    if name is not None and len(targets) > 1:
        raise Invalid("--name is for one target: each needs a name of its own")
    if output is not None and len(targets) > 1:
        raise Invalid("--output is for one target")
    check_file(output, targets)
    platform = _platform(server, token_file, server_ca)
    for target in targets:
        recognise(target)
    waits = wait or bound is not None
    wanted = options.scanners_of(scanners)
    # Once for all targets: a password stands on standard input once.
    limits, registry = reading.limits(), reading.registry()
    job = _Job(platform, reading, limits, registry, name, keep, timeout, bound, wanted, chosen, output, waits)
    return worst([job.done(target) if len(targets) == 1 else _caught(job, target) for target in targets])


@dataclass(frozen=True)
class _Job:
    """What is done with each target."""

    platform: "Platform"
    reading: options.Reading
    limits: "Limits"
    registry: "RegistryAccess"
    name: str | None
    keep: int
    timeout: int
    bound: "Severity | None"
    scanners: frozenset[str]
    format: "Format"
    output: Path | None
    waits: bool

    def done(self, target: str) -> int:
        """The exit code."""
        inventory = self._read(target)
        made = self._sent(target, inventory)
        said = say("{name} is submitted: {address}", name=made.name, address=f"{self.platform.url}/images/{made.image}")
        if not made.kept:
            exits.remark(_left_out(made))
        if not self.waits:
            write(f"{said}\n".encode(), None)
            return exits.whole(inventory)
        exits.remark(said)
        return self._judged(target, made)

    def _read(self, target: str) -> "Inventory":
        from hullguard.inventory import LayerCache, read
        from hullguard.inventory.content.catalog import INSPECTORS

        reading = self.reading
        with progress_of(say("Reading {target}", target=target)) as progress:
            return read(
                target,
                limits=self.limits,
                cache=LayerCache(reading.cache) if reading.cache else None,
                docker_host=reading.docker_host,
                platform=reading.platform,
                progress=progress,
                scanners=frozenset(INSPECTORS),
                registry=self.registry,
                all_mounts=reading.all_mounts,
                licenses=True,
                processes=options.layer_processes(),
            )

    def _sent(self, target: str, inventory: "Inventory") -> "Submission":
        from hullguard.wire.submission import Looked, Sent, pack

        looked = () if inventory.target.kind == "sbom" else tuple(Looked)
        host = socket.gethostname() or "?"
        body = pack(Sent(self.name or _name(target, inventory, host), host, inventory, looked, self.keep))
        with progress_of(say("Submitting {target}", target=target), len(body)) as progress:

            def sent(count: int) -> None:
                if progress is not None:
                    progress(target, count)

            return self.platform.submit(body, secrets.token_hex(16), sent)

    def _judged(self, target: str, made: "Submission") -> int:
        from hullguard.app.cli.scan_job import judged
        from hullguard.imagescan.formats.format import Page

        with progress_of(say("Waiting for what the platform finds")):
            report = _asked_for(self.platform.report(made.id, self.timeout), self.scanners)
        page = Page() if self.output else Page(width(), coloured())
        write(self.format.render(report, page), self.output)
        if "vuln" in self.scanners and report.advisories.built is None:
            exits.remark(
                say("the platform has no advisories, so nobody knows what is wrong with {name}", name=made.name)
            )
            return exits.OUTSIDE_FAILED
        outcome = judged(self.bound, target, report)
        if outcome.said:
            exits.remark(outcome.said)
        return outcome.code


def _left_out(made: "Submission") -> str:
    """Why what was submitted is not what the platform tells of the image."""
    if made.seen:
        return say(
            "the platform knows the image {image} from a node or a registry already, and keeps to what that has read "
            "of it; what is submitted as {name} changes nothing there",
            image=made.image,
            name=made.name,
        )
    return say(
        "the platform keeps to what was submitted of the image {image} before, which was read more completely; what is "
        "submitted as {name} changes nothing there",
        image=made.image,
        name=made.name,
    )


def _asked_for(report: "ScanReport", scanners: frozenset[str]) -> "ScanReport":
    """The platform's report as `scan` would have made it with these scanners."""
    from hullguard.model.report import Asked

    kept = {"vulnerabilities": "vuln", "suppressed": "vuln", "secrets": "secret", "malware": "malware"}
    kept |= {"config": "config", "licenses": "license"}
    left = {field: () for field, scanner in kept.items() if scanner not in scanners}
    return structs.replace(report, asked=Asked(tuple(sorted(scanners))), **left)


def _caught(job: _Job, target: str) -> int:
    """One that fails does not stop the others."""
    try:
        return job.done(target)
    except HullguardError as error:
        exits.remark(f"{target}: {local(str(error))}")
        return exits.exit_code(error)


def _platform(server: str | None, token_file: Path | None, ca_file: Path | None) -> "Platform":
    from hullguard.app.remote import Platform

    if not server:
        raise Invalid(f"--server is missing: the address of the platform, also from {SERVER}")
    if ca_file is not None and not ca_file.is_file():
        raise Invalid(f"there is no file {ca_file}")
    return Platform(server, _token(token_file), ca_file, waits=_waits)


def _waits(why: HullguardError, seconds: float) -> None:
    exits.remark(say("{why}; it is asked again in {count} s", why=local(str(why)), count=max(1, round(seconds))))


def _token(file: Path | None) -> str:
    """From a file or the environment: on the command line it would stand in the list of processes."""
    import os

    if file is None:
        text = os.environ.get(TOKEN, "")
        if not text:
            raise Invalid(f"--token-file is missing: the file with an API token, which may also stand in {TOKEN}")
    else:
        try:
            with file.open("rb") as opened:
                text = opened.read(_TOKEN_MAX + 1).decode("ascii", "replace")
        except FileNotFoundError as cause:
            raise Invalid(f"there is no file {file}") from cause
    token = text.strip()
    if not token.isascii() or not token.isprintable() or not token or len(token) > _TOKEN_MAX:
        raise Invalid("what was given as an API token is none; it begins with hgt_", "platform.token")
    return token


def _name(target: str, inventory: "Inventory", host: str) -> str:
    """The image's own name; of what has none the place where it lies, which is one only with its machine."""
    about = inventory.target
    if about.image_id and about.tags:
        return about.tags[0]
    kind, colon, rest = target.partition(":")
    place = rest if colon and kind == about.kind else target
    if about.kind in _BY_NAME or about.kind == "container":
        return place if about.kind in _BY_NAME else f"{host}:{place}"
    return f"{host}:{Path(place).absolute()}"
