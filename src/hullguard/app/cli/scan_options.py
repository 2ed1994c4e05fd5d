"""The options that commands about images share, and what their words mean."""

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from hullguard.app.cli.declared import Argument, Option
from hullguard.app.settings import default_data_dir
from hullguard.inventory import base_directories
from hullguard.model.errors import Invalid

if TYPE_CHECKING:
    from hullguard.app.cli.scan_job import Job
    from hullguard.inventory import Limits
    from hullguard.inventory.source.opened import RegistryAccess
    from hullguard.model.severity import Severity

TARGET_HELP = (
    "What to read: a path is recognised by its content, any other name is looked for in the engines of this machine and"
    " then in its registry; a prefix says it outright: docker:, podman:, containerd:, container:, registry:,"
    " docker-archive:, oci-archive:, oci-dir:, docker-dir:, dir: or sbom:."
)
Target = Annotated[str, Argument(help=TARGET_HELP)]
Targets = Annotated[list[str], Argument(help=TARGET_HELP)]
Output = Annotated[
    Path | None,
    Option(
        ("-o", "--output"), help="Write to this file; to this directory when there are several.", shows_default=False
    ),
]
OutputFile = Annotated[Path | None, Option(("-o", "--output"), help="Write to this file.", shows_default=False)]

SIZE, FILES, FILE_SIZE, LARGE_FILE_SIZE, UNPACKED_SIZE = "64GiB", 3_000_000, "64MiB", "1GiB", "2GiB"
"""The defaults of ``Limits``, as a person writes them; this one too:"""
SECRET_SECONDS = 600
_MOST_PROCESSES = 4
"""For one image: each takes some 40 MB."""

PASSWORD = "HULLGUARD_REGISTRY_PASSWORD"  # noqa: S105 - the name of a variable
_SIZE = re.compile(r"(\d{1,15})\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)
_POWERS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}


def default_database() -> Path:
    """Where ``db import`` writes and every scan reads unless told otherwise."""
    return default_data_dir() / "advisories.db"


def default_cache() -> Path:
    """Where indexes of layers are kept between scans (XDG base directory specification)."""
    if os.geteuid() == 0 and base_directories.told("XDG_CACHE_HOME") is None:
        return Path("/var/cache/hullguard/layers")
    return base_directories.cache_home() / "hullguard" / "layers"


def parse_size(text: str) -> int:
    """``64GiB``, ``64G`` and plain bytes; units are powers of 1024."""
    match = _SIZE.fullmatch(text.strip())
    if match is None or int(match[1]) == 0:
        raise Invalid(f"{text!r} is no size; write for example 512MiB or 64GiB")
    return int(match[1]) << _POWERS[match[2].lower()]


class Reading(Struct, frozen=True):
    """How images are read: from where, as whom, and how much of them at most."""

    no_cache: Annotated[bool, Option(("--no-cache",), help="Read every layer anew and keep nothing.")] = False
    platform: Annotated[
        str | None, Option(("--platform",), help="OS/ARCH, when there are several.", shows_default=False)
    ] = None
    docker_host: Annotated[
        str | None,
        Option(
            ("--docker-host",),
            variable="DOCKER_HOST",
            help="The engine: unix:///PATH or tcp://HOST:PORT.",
            shows_default=False,
        ),
    ] = None
    username: Annotated[
        str | None,
        Option(
            ("--username",),
            help="For the registry; the password comes from --password-stdin or HULLGUARD_REGISTRY_PASSWORD.",
            shows_default=False,
        ),
    ] = None
    password_stdin: Annotated[bool, Option(("--password-stdin",), help="Read the password from standard input.")] = (
        False
    )
    insecure: Annotated[bool, Option(("--insecure",), help="Ask the registry over plain http.")] = False
    ca_file: Annotated[
        Path | None, Option(("--ca-file",), help="Certificates to trust at the registry.", shows_default=False)
    ] = None
    all_mounts: Annotated[
        bool,
        Option(("--all-mounts",), help="Of a directory, read what other machines and containers mount there, too."),
    ] = False
    max_size: Annotated[str, Option(("--max-size",), help="Stop after this much of uncompressed layers.")] = SIZE
    max_files: Annotated[int, Option(("--max-files",), least=1, help="Stop after this many files.")] = FILES
    max_file_size: Annotated[str, Option(("--max-file-size",), help="Leave out a package database that is larger.")] = (
        FILE_SIZE
    )
    max_large_file_size: Annotated[
        str, Option(("--max-large-file-size",), help="Leave out a Java archive or program that is larger.")
    ] = LARGE_FILE_SIZE
    max_unpacked_size: Annotated[
        str, Option(("--max-unpacked-size",), help="Stop after unpacking this much of archives inside files.")
    ] = UNPACKED_SIZE
    max_secret_time: Annotated[
        int, Option(("--max-secret-time",), least=1, help="Look for secrets for this many seconds of a processor.")
    ] = SECRET_SECONDS

    @property
    def cache(self) -> Path | None:
        """Where indexes of layers are kept, if they are."""
        return None if self.no_cache else default_cache()

    def limits(self) -> "Limits":
        """The bounds of one read."""
        from hullguard.inventory import Limits

        return Limits(
            total_bytes=parse_size(self.max_size),
            entries=self.max_files,
            file_bytes=parse_size(self.max_file_size),
            large_file_bytes=parse_size(self.max_large_file_size),
            unpacked_bytes=parse_size(self.max_unpacked_size),
            secret_seconds=self.max_secret_time,
        )

    def registry(self) -> "RegistryAccess":
        """How registries are reached. A password on the command line would stand in the list of processes."""
        from hullguard.inventory.source.opened import RegistryAccess

        if self.password_stdin and not self.username:
            raise Invalid("--password-stdin needs --username")
        if self.ca_file is not None and not self.ca_file.exists():
            raise Invalid(f"there is no file {self.ca_file}")
        if self.ca_file is not None and not self.ca_file.is_file():
            raise Invalid(f"--ca-file wants a file of certificates in PEM form, which {self.ca_file} is not")
        password = sys.stdin.readline(65536).rstrip("\r\n") if self.password_stdin else os.environ.get(PASSWORD)
        if self.username and not password:
            raise Invalid(f"--username needs a password: from --password-stdin or the variable {PASSWORD}")
        return RegistryAccess(
            username=self.username,
            password=password if self.username else None,
            insecure=self.insecure,
            ca_file=self.ca_file,
        )


class Counting(Struct, frozen=True):
    """By which advisories an image is judged, and which findings count."""

    db: Annotated[Path | None, Option(("--db",), help="The advisory database.", shows_default=False)] = None
    severity: Annotated[str, Option(("--severity",), help="Only these, for example critical,high.")] = ""
    ignore_unfixed: Annotated[bool, Option(("--ignore-unfixed",), help="Only what an update fixes.")] = False
    ignore_file: Annotated[
        Path | None,
        Option(("--ignore-file",), help="What does not count here, with a reason and a last day.", shows_default=False),
    ] = None
    vex: Annotated[
        list[Path] | None,
        Option(
            ("--vex",), help="A VEX document: OpenVEX, CSAF or CycloneDX. May be given many times.", shows_default=False
        ),
    ] = None


class Malware(Struct, frozen=True):
    """What else than the bundled rules and digests tells malware."""

    malware_rules: Annotated[
        Path | None,
        Option(
            ("--malware-rules",),
            help="A file or directory of YARA-X rules of your own.",
            shows_default=False,
        ),
    ] = None
    malware_hashes: Annotated[
        Path | None,
        Option(
            ("--malware-hashes",),
            help="A file of SHA-256 digests of malware.",
            shows_default=False,
        ),
    ] = None

    def apply(self, scanners: frozenset[str]) -> None:
        """Have every process that reads for this command know them."""
        from hullguard.inventory.content.malware.inspector import HASHES_VARIABLE, RULES_VARIABLE

        if (self.malware_rules or self.malware_hashes) and "malware" not in scanners:
            raise Invalid("--malware-rules and --malware-hashes need malware among --scanners")
        for variable, path in ((RULES_VARIABLE, self.malware_rules), (HASHES_VARIABLE, self.malware_hashes)):
            if path is not None:
                os.environ[variable] = str(path)


def job_of(reading: Reading, counting: Counting, scanners: frozenset[str], bound: "Severity | None" = None) -> "Job":
    """What is asked about each image; a rule that is wrong is said before the work, and once."""
    from hullguard.app.cli.scan_job import Job
    from hullguard.imagescan.select import parse_severities

    job = Job(
        database=counting.db or default_database(),
        scanners=scanners,
        limits=reading.limits(),
        registry=reading.registry(),
        cache=reading.cache,
        docker_host=reading.docker_host,
        platform=reading.platform,
        all_mounts=reading.all_mounts,
        severities=parse_severities(counting.severity),
        fixable_only=counting.ignore_unfixed,
        bound=bound,
        ignore_file=counting.ignore_file,
        vex_files=tuple(counting.vex or ()),
        processes=layer_processes(),
    )
    if job.ignore_file or job.vex_files:
        from hullguard.imagescan.suppress import load

        load(job.ignore_file, job.vex_files)
    return job


def layer_processes(jobs: int = 1) -> int:
    """How many processes may read the layers of one image, while so many images are read."""
    return max(1, min(_MOST_PROCESSES, len(os.sched_getaffinity(0)) // jobs))


def scanners_of(text: str) -> frozenset[str]:
    """``vuln,secret``; raises Invalid naming the word that nothing answers to."""
    from hullguard.inventory.content.catalog import INSPECTORS

    known = ("vuln", *sorted(INSPECTORS), "license")
    words = frozenset(word.strip().lower() for word in text.split(",") if word.strip())
    if strange := sorted(words.difference(known)):
        raise Invalid(f"there is no scanner {strange[0]!r}; choose among {', '.join(known)}")
    if not words:
        raise Invalid(f"--scanners names none; choose among {', '.join(known)}")
    return words
