"""Names of images in registries, as Docker writes them: ``[HOST[:PORT]/]REPOSITORY[:TAG][@DIGEST]``."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from hullguard.model.errors import Invalid

HUB = "docker.io"
_HUB_API = "registry-1.docker.io"
_HUB_NAMES = frozenset({HUB, "index.docker.io", _HUB_API})
_MAX_LENGTH = 1024
_LONGEST_REPOSITORY = 255
_LAST_PORT = 65_535
_HOST = re.compile(r"(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::[0-9]{1,5})?")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


@dataclass(frozen=True, slots=True)
class Reference:
    """One image in one registry."""

    host: str
    """As people write it: ``docker.io`` for Docker Hub."""
    repository: str
    tag: str | None
    digest: str | None

    @property
    def api_host(self) -> str:
        """Where requests go: Docker Hub's API has a name of its own."""
        return _HUB_API if self.host == HUB else self.host

    @property
    def wanted(self) -> str:
        """What a manifest is asked for by; a digest says more than a tag."""
        return self.digest or self.tag or "latest"

    @property
    def loopback(self) -> bool:
        """Whether the registry is on this machine."""
        return is_loopback(hostname(self.host))

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.host}/{self.repository}{tag}" + (f"@{self.digest}" if self.digest else "")


def is_loopback(name: str) -> bool:
    """Whether a host's name means this machine, without asking anyone."""
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def hostname(host: str) -> str:
    """A host without its port and without the brackets of IPv6."""
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


def parse_host(address: str) -> str:
    """A registry's ``HOST[:PORT]`` as people write it, each of Docker Hub's names as the one; raises Invalid."""
    if not _is_host(address):
        sentence = f"{address[:100]!r} is no address of a registry; write HOST or HOST:PORT, without https:// or a path"
        raise Invalid(sentence, "registry.bad-address")
    return HUB if address in _HUB_NAMES else address


def _is_host(text: str) -> bool:
    if not _HOST.fullmatch(text) or (text.startswith("[") and not _is_address(hostname(text))):
        return False
    port = text.removeprefix(f"[{hostname(text)}]").rpartition(":")[2] if ":" in text else ""
    return not port.isdecimal() or int(port) <= _LAST_PORT


def is_repository(name: str) -> bool:
    """Whether a repository can be called so."""
    return len(name) <= _LONGEST_REPOSITORY and _REPOSITORY.fullmatch(name) is not None


def is_tag(name: str) -> bool:
    """Whether a tag can be called so."""
    return _TAG.fullmatch(name) is not None


def is_digest(text: str) -> bool:
    """Whether it is a digest that can be checked."""
    return _DIGEST.fullmatch(text) is not None


def parse_reference(name: str) -> Reference:
    """Raises Invalid when it names no image. A first part with a dot or a port, or ``localhost``, is a registry."""
    if len(name) > _MAX_LENGTH:
        raise _invalid(name[:100], f"it has more than {_MAX_LENGTH} characters")
    rest, at, digest = name.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise _invalid(name, f"{digest!r} is no digest")
    host, slash, path = rest.partition("/")
    if not slash or not (host == "localhost" or set(host) & set(".:[") or host != host.lower()):
        host, path = HUB, rest
    if not _is_host(host):
        raise _invalid(name, f"{host!r} is no registry")
    repository, colon, tag = path.partition(":")
    if colon and not _TAG.fullmatch(tag):
        raise _invalid(name, f"{tag!r} is no tag")
    if not _REPOSITORY.fullmatch(repository):
        hint = "; repositories are written in small letters" if _REPOSITORY.fullmatch(repository.lower()) else ""
        raise _invalid(name, f"{repository!r} is no repository{hint}")
    if host in _HUB_NAMES:
        host = HUB
        repository = repository if "/" in repository else f"library/{repository}"
    return Reference(host, repository, tag or (None if digest else "latest"), digest or None)


def _invalid(name: str, why: str) -> Invalid:
    return Invalid(f"{name!r} is no name of an image in a registry: {why}", "registry.bad-name")


def origin(url: str) -> tuple[str, str]:
    """The scheme and the host of an address: what may be told to it may be told to all that have both."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()
