"""What a container is and may do, from the OCI runtime specification that its engine wrote before it started.

Every engine hands such a file to its runtime (``config.json`` in the container's bundle), so it is there before the
container's first instruction, and no engine has to be asked. Annotations are those of containerd's CRI plug-in
(pkg/cri/annotations), of CRI-O (pkg/annotations) and of podman (libpod/define/annotations.go).
"""

import ipaddress
import os
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from msgspec import Struct

from hullguard.agent.sensor.builds import builds_image
from hullguard.agent.sensor.documents import UNREADABLE, decoded
from hullguard.model.event import ContainerDetails, Mount, Pod

ROOTS = (
    "/run/containerd/io.containerd.runtime.v2.task/*",
    "/run/docker/containerd/daemon/io.containerd.runtime.v2.task/*",
    "/run/containers/storage/overlay-containers",
    "/var/lib/containers/storage/overlay-containers",
)
"""Where bundles lie unless an engine was told otherwise; below them each container has a directory of its id."""
PROC = Path("/proc")
_LARGEST = 1 << 20
_LONGEST, _MOST = 512, 256
_MOST_PROCESSES = 1 << 15
_KEEPERS = frozenset({b"containerd-shim", b"conmon"})
_PROPAGATION = frozenset({"private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable"})
_ENGINES = re.compile(r"(?:^|[/-])(docker|libpod|crio|cri-containerd)-[0-9a-f]{64}(?:\.scope)?$")
_ENGINE_NAMES = {"docker": "docker", "libpod": "podman", "crio": "cri-o", "cri-containerd": "containerd"}
_MANAGERS = {"libpod": "podman", "cri-o": "cri-o"}


class Description(Struct, frozen=True):
    """A container by its specification; names are empty where it holds none."""

    details: ContainerDetails
    name: str = ""
    image: str = ""
    """As whoever started the container wrote it."""
    bundle: Path = Path()


class _Namespace(Struct):
    type: str = ""
    path: str = ""


class _Mount(Struct):
    destination: str = ""
    type: str = ""
    source: str = ""
    options: list[str] | None = None


class _Device(Struct):
    allow: bool = False
    type: str = ""
    major: int | None = None
    minor: int | None = None
    access: str = ""


class _Resources(Struct):
    devices: list[_Device] | None = None


class _Linux(Struct, rename="camel"):
    namespaces: list[_Namespace] | None = None
    masked_paths: list[str] | None = None
    resources: _Resources | None = None


class _Process(Struct):
    env: list[str] | None = None


class Spec(Struct):
    """Of the specification what is looked at (opencontainers/runtime-spec)."""

    process: _Process | None = None
    annotations: dict[str, str] | None = None
    mounts: list[_Mount] | None = None
    linux: _Linux | None = None


def engine_of(cgroup_name: str) -> str:
    """The engine that a cgroup's name gives away; empty where it gives none (the cgroupfs drivers)."""
    found = _ENGINES.search(cgroup_name)
    return _ENGINE_NAMES[found[1]] if found else ""


def describe(identifier: str, ancestors: Iterable[int], roots: Iterable[str] = ROOTS) -> Description | None:
    """The container's specification as it is found from its runtime, or at the usual places; None where it is not.

    ``ancestors`` are the runtime's processes that are above the container's, by their numbers on the host.
    """
    for bundle in _bundles(identifier, ancestors, roots):
        try:
            with (bundle / "config.json").open("rb") as file:
                written = os.fstat(file.fileno()).st_mtime
                spec = decoded(file, Spec, _LARGEST)
            return described(identifier, bundle, spec, datetime.fromtimestamp(written, UTC))
        except UNREADABLE:
            continue
    return None


def _bundles(identifier: str, ancestors: Iterable[int], roots: Iterable[str]) -> Iterable[Path]:
    for pid in ancestors:
        yield from _told_by(PROC / str(pid), identifier)
    for root in roots:
        place = Path(root)
        parents = place.parent.glob(place.name) if "*" in place.name else (place,)
        for parent in parents:
            for bundle in (parent / identifier, parent / identifier / "userdata"):
                if (bundle / "config.json").exists():
                    yield bundle
    # Whoever came in through the engine has a runtime above that is soon gone; who looks after the container stays.
    for process in islice(PROC.glob("[0-9]*"), _MOST_PROCESSES):
        if _keeper(process):
            yield from _told_by(process, identifier)


def _keeper(process: Path) -> bool:
    try:
        return (process / "comm").read_bytes().strip() in _KEEPERS
    except OSError:
        return False


def _told_by(process: Path, identifier: str) -> Iterable[Path]:
    """The shim of containerd works in the bundle (a pod's in its first container's); conmon is told it with ``-b``."""
    try:
        words = (process / "cmdline").read_bytes()[:_LARGEST].decode("utf-8", "replace").split("\0")
        place = Path(os.readlink(process / "cwd"))  # noqa: PTH115 - a Path would be normalised
    except OSError:
        return
    if "-b" in words[:-1]:
        bundle = Path(words[words.index("-b") + 1])
        if bundle.is_absolute() and identifier in bundle.parts:
            yield bundle
    for bundle in (place, place.parent / identifier):
        if bundle.name == identifier:
            yield bundle


def described(identifier: str, bundle: Path, spec: Spec, written: datetime | None) -> Description:
    """What a specification says; ``written`` is when it was made."""
    notes = {key: value[:_LONGEST] for key, value in (spec.annotations or {}).items()}
    linux = spec.linux or _Linux()
    sandbox = notes.get("io.kubernetes.cri.sandbox-id") or notes.get("io.kubernetes.cri-o.SandboxID") or identifier
    details = ContainerDetails(
        engine=_engine(notes, bundle),
        privileged=_privileged(notes, linux),
        mounts=tuple(_mount(each) for each in (spec.mounts or [])[:_MOST] if _is_given(each, {identifier, sandbox})),
        started=written,
        address=notes.get("io.kubernetes.cri-o.IP.0"),
        host_pid=_shared(linux, "pid", "pid"),
        host_network=_shared(linux, "network", "net"),
        host_ipc=_shared(linux, "ipc", "ipc"),
        builds_image=builds_image(identifier, [each.source for each in (spec.mounts or [])[:_MOST]]),
        pod=pod(notes),
        kubernetes=_kubernetes(spec.process.env or [] if spec.process else []),
    )
    name = notes.get("io.kubernetes.cri.container-name") or notes.get("io.kubernetes.container.name", "")
    image = notes.get("io.kubernetes.cri.image-name") or notes.get("io.kubernetes.cri-o.ImageName", "")
    return Description(details, name, image, bundle)


def pod(notes: Mapping[str, str]) -> Pod | None:
    """The pod, by a specification's annotations or a container's labels."""
    name = notes.get("io.kubernetes.cri.sandbox-name") or notes.get("io.kubernetes.pod.name")
    if not name:
        return None
    return Pod(
        name=name,
        namespace=notes.get("io.kubernetes.cri.sandbox-namespace") or notes.get("io.kubernetes.pod.namespace", ""),
        uid=notes.get("io.kubernetes.cri.sandbox-uid") or notes.get("io.kubernetes.pod.uid", ""),
        sandbox=notes.get("io.kubernetes.cri.sandbox-id")
        or notes.get("io.kubernetes.cri-o.SandboxID")
        or notes.get("io.kubernetes.sandbox.id", ""),
        address=notes.get("io.kubernetes.cri-o.IP.0", ""),
    )


def _engine(notes: Mapping[str, str], bundle: Path) -> str:
    manager = _MANAGERS.get(notes.get("io.container.manager", ""))
    if manager:
        return manager
    if "io.containerd.runtime.v2.task" not in bundle.parts:
        return ""
    return "docker" if bundle.parent.name == "moby" else "containerd"


def _privileged(notes: Mapping[str, str], linux: _Linux) -> bool:
    """No specification says so but podman's; what the word means is that all devices are open and nothing is hidden."""
    if notes.get("io.podman.annotations.privileged", "").upper() == "TRUE":
        return True
    devices = linux.resources.devices or [] if linux.resources else []
    opened = any(
        each.allow and each.type in {"", "a"} and each.major in {None, -1} and each.minor in {None, -1}
        for each in devices
    )
    return opened and not linux.masked_paths


def _kubernetes(environment: Iterable[str]) -> str | None:
    """By the variable that the kubelet gives every container. Of the specification, so no program can change it."""
    for variable in environment:
        if variable.startswith("KUBERNETES_SERVICE_HOST="):
            try:
                return str(ipaddress.ip_address(variable.partition("=")[2]))
            except ValueError:
                return None
    return None


def _shared(linux: _Linux, kind: str, file: str) -> bool | None:
    """A container without a namespace of its own is in the host's, and so is one that was put there by path.

    None where a path leads nowhere any more, or the host's own cannot be read.
    """
    given = next((each for each in linux.namespaces or [] if each.type == kind), None)
    if given is None:
        return True
    if not given.path:
        return False
    try:
        return Path(given.path).stat().st_ino == (PROC / "1" / "ns" / file).stat().st_ino
    except OSError:
        return None


def _is_given(mount: _Mount, own: set[str]) -> bool:
    """Whether somebody gave it to the container; each engine brings files of its own, named by the container's id."""
    binds = mount.type == "bind" or {"bind", "rbind"} & set(mount.options or ())
    return bool(binds) and not own & set(Path(mount.source).parts)


def _mount(mount: _Mount) -> Mount:
    options = mount.options or []
    writable = "ro" not in options
    return Mount(
        mount.source[:_LONGEST],
        mount.destination[:_LONGEST],
        "" if writable else "ro",
        writable,
        next((each for each in options if each in _PROPAGATION), ""),
    )
