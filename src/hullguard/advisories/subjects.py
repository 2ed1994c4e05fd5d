"""What advisories speak of when they speak of an installed package: a source package, its binaries, a module."""

import re

from msgspec import Struct

from hullguard.advisories.names import canonical
from hullguard.advisories.osv import Advisory, Statement
from hullguard.advisories.versions.catalog import order_of
from hullguard.advisories.versions.order import Order
from hullguard.advisories.versions.rpm import RpmOrder
from hullguard.model.package import Package

# Signed kernels are built from source packages of their own, one for each kernel: Ubuntu's ``linux-signed-aws`` is of
# ``linux-aws``, Debian's ``linux-signed-6.1-amd64`` of ``linux-6.1``. Advisories know only the kernel's.
_SIGNED_KERNEL = re.compile(r"linux-signed((?:-[\w.+-]+?)??)(?:-(?:amd64|arm64|armhf|i386|ppc64el|riscv64|s390x))?")
# Their advisories name the binary packages beside the source packages.
_NAME_BINARIES = frozenset({"Red Hat", "AlmaLinux"})
# Without a release only a list of versions means anything there (OSV schema, "Evaluation").
_NEED_RELEASE = frozenset({"Alpine", "Ubuntu"})
_MODULAR = re.compile(r"\.module[+_]")
# Compiled when they are asked for, which few images make happen.
_STREAM = r"\b([A-Za-z][\w.+-]*):([\w.+-]+) (?:security|bug fix|enhancement)\b"
_KERNEL = (
    r"linux-(?:libc-dev|headers|image|modules|kbuild|compiler|source|tools|base|perf|config)\b"
    r"|linux-(?:aws|azure|gcp|generic|virtual|kvm)\b"
    r"|kernel(?:-(?:core|headers|devel|modules|tools|uek|default|source|lt|ml|rt))?\b"
)


class Subject(Struct, frozen=True):
    """A name at a version, as advisories of the ecosystem spell it."""

    ecosystem: str
    name: str
    version: str
    module: str | None = None
    """The rpm module stream; empty for a package of a module whose stream is not known."""
    epochless: bool = False
    """The version is a source rpm's, whose file name has no epoch: every epoch is the same as its own."""


class _WithoutEpoch(RpmOrder):
    """rpm's order for a version that does not tell its epoch."""

    def parse(self, text: str) -> tuple[int, tuple[tuple[int | str, ...], ...], tuple[tuple[int | str, ...], ...]]:
        _, colon, rest = text.partition(":")
        return super().parse(rest if colon else text)


_WITHOUT_EPOCH = _WithoutEpoch()


def subject(package: Package) -> Subject:
    """The source package that a binary package was built from, at the source's version."""
    name = package.source_name or package.name
    version = package.source_version or package.version
    if package.ecosystem.startswith(("Debian", "Ubuntu")) and (signed := _SIGNED_KERNEL.fullmatch(name)):
        # linux-signed-amd64 6.1.115+1 is linux 6.1.115-1, signed.
        base, plus, revision = version.rpartition("+")
        name, version = f"linux{signed[1]}", f"{base}-{revision}" if plus else version
    rpm = isinstance(order_of(package.ecosystem), RpmOrder)
    return Subject(
        package.ecosystem,
        canonical(package.ecosystem, name),
        version,
        _module(package) if rpm else None,
        rpm and package.source_version is not None and ":" not in package.source_version,
    )


def subjects(package: Package) -> tuple[Subject, ...]:
    """All that advisories may speak of; what they say of the last decides over what they say of the first."""
    source = subject(package)
    name = canonical(package.ecosystem, package.name)
    if package.ecosystem.partition(":")[0] not in _NAME_BINARIES or name == source.name:
        return (source,)
    return source, Subject(package.ecosystem, name, package.version, source.module)


def order_for(about: Subject) -> Order | None:
    """How versions compare with this one."""
    return _WITHOUT_EPOCH if about.epochless else order_of(about.ecosystem)


def addresses(about: Subject, advisory: Advisory, statement: Statement) -> bool:
    """Whether a statement speaks of this build at all: a module's packages have numbers of their own."""
    if not isinstance(order_of(about.ecosystem), RpmOrder):
        return True
    bounds = [
        bound
        for candidate in statement.ranges
        for event in candidate.events
        for bound in (event.introduced, event.fixed, event.last_affected)
        if bound is not None and bound != "0"
    ]
    if not bounds:
        return True
    if any(_MODULAR.search(bound) for bound in bounds) is not (about.module is not None):
        return False
    return not about.module or _same_stream(about.module, advisory.summary)


def comparable(about: Subject, statement: Statement) -> Statement:
    """The statement without what cannot be compared: ranges, where the release of the distribution is not known."""
    if about.ecosystem in _NEED_RELEASE:
        return Statement([], statement.versions, statement.severity, statement.urgency, statement.status)
    return statement


def is_kernel(package: Package) -> bool:
    """Whether the package is a part of a kernel that a container can carry but never boot."""
    source = package.source_name or ""
    built = source == "linux" or source.startswith(("linux-signed", "linux-meta")) or source == "kernel"
    return built or (re.match(_KERNEL, package.name) is not None and package.type in ("deb", "rpm"))


def _module(package: Package) -> str | None:
    if package.module:
        return package.module
    return "" if _MODULAR.search(package.version) else None


def _same_stream(module: str, summary: str) -> bool:
    """An advisory says in its summary which stream it is for; where it does not, it may be this one."""
    name, _, rest = module.partition(":")
    stream = rest.partition(":")[0]
    said = [found[2] for found in re.finditer(_STREAM, summary) if found[1] == name]
    return not said or not stream or stream in said
