"""The options that commands about images share, and what their words mean."""

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hullguard.app.settings import default_data_dir
from hullguard.model.errors import Invalid

if TYPE_CHECKING:
    from hullguard.inventory import Limits
    from hullguard.inventory.source.opened import RegistryAccess

TARGET_HELP = (
    "What to read: a path is recognised by its content, any other name is looked for in the engines of this machine and"
    " then in its registry; a prefix says it outright: docker:, podman:, containerd:, container:, registry:,"
    " docker-archive:, oci-archive:, oci-dir:, dir: or sbom:."
)
Target = Annotated[str, typer.Argument(help=TARGET_HELP, show_default=False)]
Targets = Annotated[list[str], typer.Argument(help=TARGET_HELP, show_default=False)]
Output = Annotated[
    Path | None,
    typer.Option(
        "-o", "--output", help="Write to this file; to this directory when there are several.", show_default=False
    ),
]
Database = Annotated[Path | None, typer.Option("--db", help="The advisory database.", show_default=False)]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Read every layer anew and keep nothing.")]
PlatformOption = Annotated[
    str | None, typer.Option("--platform", help="OS/ARCH, when there are several.", show_default=False)
]
DockerHost = Annotated[
    str | None,
    typer.Option(
        "--docker-host", envvar="DOCKER_HOST", help="The engine: unix:///PATH or tcp://HOST:PORT.", show_default=False
    ),
]
Username = Annotated[
    str | None,
    typer.Option(
        "--username",
        help="For the registry; the password comes from --password-stdin or HULLGUARD_REGISTRY_PASSWORD.",
        show_default=False,
    ),
]
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
Insecure = Annotated[bool, typer.Option("--insecure", help="Ask the registry over plain http.")]
CaFile = Annotated[
    Path | None, typer.Option("--ca-file", help="Certificates to trust at the registry.", show_default=False)
]
IgnoreFile = Annotated[
    Path | None,
    typer.Option("--ignore-file", help="What does not count here, with a reason and a last day.", show_default=False),
]
Vex = Annotated[
    list[Path] | None,
    typer.Option(
        "--vex", help="A VEX document: OpenVEX, CSAF or CycloneDX. May be given many times.", show_default=False
    ),
]
MaxSize = Annotated[str, typer.Option("--max-size", help="Stop after this much of uncompressed layers.")]
MaxFiles = Annotated[int, typer.Option("--max-files", min=1, help="Stop after this many files.")]
MaxFileSize = Annotated[str, typer.Option("--max-file-size", help="Leave out a package database that is larger.")]
MaxLargeFileSize = Annotated[
    str, typer.Option("--max-large-file-size", help="Leave out a Java archive or program that is larger.")
]
MaxUnpackedSize = Annotated[
    str, typer.Option("--max-unpacked-size", help="Stop after unpacking this much of archives inside files.")
]

SIZE, FILES, FILE_SIZE, LARGE_FILE_SIZE, UNPACKED_SIZE = "64GiB", 3_000_000, "64MiB", "1GiB", "2GiB"
"""The defaults of ``Limits``, as a person writes them."""

PASSWORD = "HULLGUARD_REGISTRY_PASSWORD"  # noqa: S105 - the name of a variable
_SIZE = re.compile(r"(\d{1,15})\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)
_POWERS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}


def default_database() -> Path:
    """Where ``db import`` writes and every scan reads unless told otherwise."""
    return default_data_dir() / "advisories.db"


def default_cache() -> Path:
    """Where indexes of layers are kept between scans (XDG base directory specification)."""
    if os.geteuid() == 0 and "XDG_CACHE_HOME" not in os.environ:
        return Path("/var/cache/hullguard/layers")
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "hullguard" / "layers"


def parse_size(text: str) -> int:
    """``64GiB``, ``64G`` and plain bytes; units are powers of 1024."""
    match = _SIZE.fullmatch(text.strip())
    if match is None or int(match[1]) == 0:
        raise Invalid(f"{text!r} is no size; write for example 512MiB or 64GiB")
    return int(match[1]) << _POWERS[match[2].lower()]


def limits_of(size: str, files: int, file_size: str, large_file_size: str, unpacked_size: str) -> "Limits":
    """The bounds of one read."""
    from hullguard.inventory import Limits

    return Limits(
        total_bytes=parse_size(size),
        entries=files,
        file_bytes=parse_size(file_size),
        large_file_bytes=parse_size(large_file_size),
        unpacked_bytes=parse_size(unpacked_size),
    )


def registry_of(
    username: str | None, *, password_stdin: bool, insecure: bool, ca_file: Path | None
) -> "RegistryAccess":
    """How registries are reached. A password on the command line would stand in the list of processes."""
    from hullguard.inventory.source.opened import RegistryAccess

    if password_stdin and not username:
        raise Invalid("--password-stdin needs --username")
    if ca_file is not None and not ca_file.is_file():
        raise Invalid(f"there is no file {ca_file}")
    password = sys.stdin.readline(65536).rstrip("\r\n") if password_stdin else os.environ.get(PASSWORD)
    if username and not password:
        raise Invalid(f"--username needs a password: from --password-stdin or the variable {PASSWORD}")
    return RegistryAccess(
        username=username, password=password if username else None, insecure=insecure, ca_file=ca_file
    )


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
