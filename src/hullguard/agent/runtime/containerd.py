"""Images and running containers of containerd, in all its namespaces but Docker's, as its own command ``ctr`` tells.

What ``ctr`` calls an image is a name for a manifest or an index; its id here is, as everywhere, the digest of the
configuration, which the documents in the content store name.
"""

import os
import re
import shutil
import time
from collections import OrderedDict
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from hullguard.agent.runtime.docker import instant
from hullguard.agent.runtime.programs import REFUSED, said
from hullguard.agent.runtime.stock import MOST_IMAGES, MOST_NAMES, Place, Stock
from hullguard.agent.sensor import specs
from hullguard.inventory.source.containerd_socket import containerd_socket
from hullguard.inventory.source.platforms import fits, own_platform, preference
from hullguard.model.decoding import from_json, wrong
from hullguard.model.errors import LimitReached, Unavailable
from hullguard.model.event import ImageRef
from hullguard.model.image import Platform
from hullguard.model.node import Container

T = TypeVar("T")

_DOCKERS: Final = frozenset({"moby"})
"""Namespaces of Docker, which lists what is in them itself."""
_MOST_NAMESPACES: Final = 16
_MOST_CONTAINERS: Final = 4096
_MOST_KNOWN: Final = 2 * MOST_IMAGES
BUDGET_SECONDS: Final = 20.0
"""For questions about single images and containers; the rest are asked about the next time."""
_LOOKS_AGAIN: Final = 60
"""Looks after which it is asked again what had no configuration for this machine."""
_NAMESPACE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,74}[A-Za-z0-9])?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,511}")
_BY_ID = re.compile(r"sha256:[0-9a-f]{64}")
_IMAGE = re.compile(r"(\S+)\s+\S+\s+(sha256:[0-9a-f]{64})\s.*")
_TASK = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,75})\s+[0-9]+\s+([A-Z]+)\s*")
_STATES: Final = {"RUNNING": "running", "PAUSED": "paused"}
_STRANGE: Final = "containerd.answer-strange"
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)


class _Platform(Platform, frozen=True):
    os: str = ""
    architecture: str = ""


class _Descriptor(Struct):
    digest: str = ""
    platform: _Platform | None = None


class _Document(Struct):
    """A manifest, or an index of several."""

    config: _Descriptor | None = None
    manifests: list[_Descriptor] | None = None


class _Info(Struct, rename="pascal"):
    image: str = ""
    labels: dict[str, str] | None = None
    created_at: str = ""
    spec: specs.Spec | None = None


class _OutOfTimeError(Exception):
    """The budget is spent."""


class Containerd:
    """The one that answers at ``containerd_socket()``."""

    name = "containerd"

    def __init__(self) -> None:
        self._version = ""
        self._ids: OrderedDict[str, str] = OrderedDict()
        """The image's id by the digest of what a name stands for; empty where it has none for this machine."""
        self._infos: dict[tuple[str, str], _Info] = {}
        self._until = 0.0
        self._looks = 0

    def here(self) -> bool:
        return bool(os.environ.get("CONTAINERD_ADDRESS")) or containerd_socket().exists()

    async def stock(self) -> Stock:
        self._until = time.monotonic() + BUDGET_SECONDS
        self._looks += 1
        if self._looks % _LOOKS_AGAIN == 0:  # what was not pulled may be there now
            self._ids = OrderedDict((digest, image) for digest, image in self._ids.items() if image)
        namespaces = await self._namespaces()
        if not self._version:
            self._version = _server_version(await self._ask("version"))
        images: dict[str, tuple[str, ...]] = {}
        places: dict[str, Place] = {}
        containers: list[Container] = []
        left_out, whole = 0, True
        for namespace in namespaces[:_MOST_NAMESPACES]:
            listed, odd = _listed(await self._ask("-n", namespace, "images", "list"))
            left_out += odd
            known: dict[str, str] = {}
            for name, digest in listed.items():
                try:
                    identity = await self._id(namespace, digest)
                except _OutOfTimeError:
                    whole = False
                    continue
                if not identity or (identity not in images and len(images) >= MOST_IMAGES):
                    left_out += not _BY_ID.fullmatch(name)
                    continue
                known[name] = identity
                shown = () if _BY_ID.fullmatch(name) else (name,)
                images[identity] = tuple(dict.fromkeys((*images.get(identity, ()), *shown)))[:MOST_NAMES]
                if identity not in places or _BY_ID.fullmatch(places[identity].target.removeprefix("containerd:")):
                    places[identity] = self._place(namespace, name)
            containers += await self._running(namespace, known)
        left_out += sum(1 for _ in namespaces[_MOST_NAMESPACES:])
        return Stock(f"containerd {self._version}".rstrip(), images, places, tuple(containers), left_out, whole)

    def _place(self, namespace: str, name: str) -> Place:
        variables = {"CONTAINERD_NAMESPACE": namespace, "CONTAINERD_ADDRESS": str(containerd_socket())}
        return Place(f"containerd:{name}", variables)

    async def _namespaces(self) -> list[str]:
        told = (await self._ask("namespaces", "list", "-q")).decode("utf-8", "replace").split()
        return sorted(name for name in told if _NAMESPACE.fullmatch(name) and name not in _DOCKERS)

    async def _id(self, namespace: str, digest: str) -> str:
        """Raises _OutOfTimeError where it was not asked for yet and there is no time for it now."""
        known = self._ids.get(digest)
        if known is not None:
            self._ids.move_to_end(digest)
            return known
        if time.monotonic() > self._until:
            raise _OutOfTimeError
        found = await self._configuration(namespace, digest, depth=2)
        self._ids[digest] = found
        if len(self._ids) > _MOST_KNOWN:
            self._ids.popitem(last=False)
        return found

    async def _configuration(self, namespace: str, digest: str, depth: int) -> str:
        """The digest of the configuration for this machine; empty where there is none, or it was not pulled."""
        try:
            content = await self._ask("-n", namespace, "content", "get", digest)
            document = _decoded(content, _Document)
        except LimitReached:
            return ""
        except Unavailable as no:
            if no.code not in {REFUSED, _STRANGE}:
                raise
            return ""
        if document.config is not None:
            return document.config.digest if _BY_ID.fullmatch(document.config.digest) else ""
        chosen = _for_this_machine(document.manifests or [])
        return await self._configuration(namespace, chosen, depth - 1) if chosen and depth else ""

    async def _running(self, namespace: str, images: dict[str, str]) -> list[Container]:
        found = []
        tasks = (await self._ask("-n", namespace, "tasks", "list")).decode("utf-8", "replace").splitlines()
        live = [match for match in map(_TASK.fullmatch, tasks) if match and match[2] in _STATES][:_MOST_CONTAINERS]
        for match in live:
            info = await self._info(namespace, match[1])
            image = info and (info.image if _BY_ID.fullmatch(info.image) else images.get(info.image))
            if info is not None and image:
                found.append(_container(match[1], _STATES[match[2]], ImageRef(image, _shown(info)), info))
        names = {match[1] for match in live}
        self._infos = {key: info for key, info in self._infos.items() if key[0] != namespace or key[1] in names}
        return found

    async def _info(self, namespace: str, container: str) -> _Info | None:
        known = self._infos.get((namespace, container))
        if known is None and time.monotonic() <= self._until:
            try:
                content = await self._ask("-n", namespace, "containers", "info", container)
                known = self._infos[namespace, container] = _decoded(content, _Info)
            except (Unavailable, LimitReached):
                return None  # it ended meanwhile
        return known

    async def _ask(self, *words: str) -> bytes:
        program, address = shutil.which("ctr"), str(containerd_socket())
        if program is None:
            sentence = f"containerd answers at {address}, but its command ctr is not installed"
            raise Unavailable(sentence, "containerd.no-ctr")
        return await said(program, "-a", address, "--connect-timeout", "5s", *words)


def _decoded(content: bytes, kind: type[T]) -> T:
    try:
        return from_json(content, kind)
    except _UNREADABLE as bad:
        raise Unavailable(f"ctr's answer has not its form: {wrong(bad)}", _STRANGE) from bad


def _server_version(said_of_both: bytes) -> str:
    """``ctr version`` tells the client's, then the server's."""
    found = re.findall(rb"(?m)^\s+Version:\s+v?([0-9A-Za-z.+~-]{1,32})$", said_of_both)
    return found[-1].decode() if found else ""


def _listed(table: bytes) -> tuple[dict[str, str], int]:
    """What each name stands for; how many lines are not understood, or name what nobody could ask for."""
    found: dict[str, str] = {}
    odd = 0
    for line in table.decode("utf-8", "replace").splitlines()[1:]:
        match = _IMAGE.fullmatch(line)
        if match is None or not _NAME.fullmatch(match[1]):
            odd += 1
        else:
            found[match[1]] = match[2]
    return found, odd


def _for_this_machine(manifests: list[_Descriptor]) -> str | None:
    """The one that is read of such an image: it is known by the id of no other."""
    wanted = own_platform()
    mine = {each.digest: each.platform for each in manifests if each.platform and fits(each.platform, wanted)}
    # What is of no platform may be an attestation, and comes last; an image alone may be so, too.
    silent = (each.digest for each in manifests if each.platform is None)
    chosen = min(mine, key=lambda digest: preference(mine[digest], wanted)) if mine else next(silent, "")
    return chosen if _BY_ID.fullmatch(chosen) else None


def _shown(info: _Info) -> str:
    return "" if _BY_ID.fullmatch(info.image) else info.image[:512]


def _container(identity: str, state: str, image: ImageRef, info: _Info) -> Container:
    labels = info.labels or {}
    names = ("io.kubernetes.container.name", "io.kubernetes.pod.name", "nerdctl/name")
    name = next((labels[label] for label in names if labels.get(label)), identity)
    created = instant(info.created_at)
    details = specs.described(identity, Path(), info.spec, created).details if info.spec is not None else None
    return Container(
        identity,
        name[:512],
        image,
        state,
        created,
        None,
        bool(details and details.privileged),
        bool(details and details.host_network),
        engine="containerd",
    )
