"""An image of a registry: its documents by digest, its layers as they download, or not at all when they are known."""

import contextlib
import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from msgspec import Struct

from hullguard.inventory.cache import UNREADABLE
from hullguard.inventory.layer import IndexedLayer, LayerIndex
from hullguard.inventory.limits import Limits
from hullguard.inventory.source.artifacts import refusal
from hullguard.inventory.source.blobs import Blobs, LayerBlob
from hullguard.inventory.source.documents import Descriptor, ImageConfig, OciDocument, refuse_schema_1
from hullguard.inventory.source.engine_json import decode
from hullguard.inventory.source.image import Described, describe
from hullguard.inventory.source.oci import claims_to_attest, is_attestation, manifests_of
from hullguard.inventory.source.platforms import fits, own_platform, preference
from hullguard.inventory.source.reader import LayerReader, check_digest
from hullguard.inventory.source.registry.client import Client
from hullguard.inventory.source.registry.download import Download
from hullguard.inventory.source.registry.reference import Reference, is_digest
from hullguard.model.decoding import from_msgpack
from hullguard.model.errors import Invalid, LimitReached, NotFound
from hullguard.model.image import Platform
from hullguard.model.package import Unknown

_ACCEPTED = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_FOREIGN = ("application/vnd.docker.image.rootfs.foreign.", "application/vnd.oci.image.layer.nondistributable.")
_MAX_NESTING = 4
_MEMO = "stored"
_DIGESTS = {"sha256": 64, "sha512": 128}


class _Memo(Struct, frozen=True):
    """What was computed when a stored layer was read: the next scan needs not download it to know."""

    diff_id: str
    digest: str
    size: int


class Chosen(NamedTuple):
    """The manifest that a name leads to."""

    digest: str
    manifest: OciDocument
    offered: bool = True
    """Whether each index on the way names an image for the platform, or one without a platform."""


class RegistryBlobs:
    """The parts of one image in a registry; documents are fetched once."""

    stopped: LimitReached | None = None

    def __init__(self, client: Client, reference: Reference, limits: Limits) -> None:
        self.reference = reference
        self._client = client
        self._limits = limits
        self._manifests: dict[str, tuple[str, bytes]] = {}
        self._documents: dict[str, bytes] = {}
        self._sizes: dict[str, int] = {}
        self._foreign: set[str] = set()

    def manifest(self, wanted: str) -> tuple[str, bytes]:
        """A manifest or an index, by tag or digest, with the digest that was computed of it."""
        if wanted not in self._manifests:
            by_digest = ":" in wanted
            algorithm = checkable(wanted) if by_digest else "sha256"
            content, said = self._fetch(f"manifests/{wanted}")
            digest = f"{algorithm}:{_hash(algorithm, content)}"
            check_digest(f"the manifest of {self.reference}", wanted if by_digest else said, digest)
            self._manifests[wanted] = digest, content
        return self._manifests[wanted]

    def document(self, name: str) -> bytes | None:
        """A blob by its digest; raises Invalid when its bytes are others."""
        algorithm = checkable(name)
        if name not in self._documents:
            content, _ = self._client.document(f"blobs/{name}", self._limits.document_bytes)
            check_digest(f"a document of {self.reference}", name, f"{algorithm}:{_hash(algorithm, content)}")
            self._documents[name] = content
        return self._documents[name]

    def earlier(self, name: str) -> None:
        del name

    def expect(self, layer: Descriptor) -> None:
        """Notes what the manifest says of a layer beside its digest."""
        self._sizes[layer.digest] = layer.size
        if layer.media_type.startswith(_FOREIGN):
            self._foreign.add(layer.digest)

    def layer(self, blob: LayerBlob, reader: LayerReader) -> IndexedLayer:
        known = self._known(blob, reader)
        if known is not None:
            return known
        try:
            return self._downloaded(blob, reader)
        except NotFound:
            if blob.name not in self._foreign:
                raise
            why = "the layer lies outside the registry, at an address that the image names; it was not fetched"
            index = LayerIndex(unknowns=[Unknown(f"layer {blob.name}", why, incomplete=True)])
            return IndexedLayer(index, blob.claimed or "", blob.name, 0)

    def found(self) -> list[IndexedLayer]:
        return []

    def _downloaded(self, blob: LayerBlob, reader: LayerReader) -> IndexedLayer:
        download = Download(self._client, blob.name, self._sizes.get(blob.name, 0))
        with contextlib.closing(download):
            layer = reader.read(download, f"layer {blob.name}", claimed=blob.claimed, digest=blob.digest)
        if reader.cache is not None and layer.stopped is None:
            memo = msgspec.msgpack.encode(_Memo(layer.diff_id, layer.digest, layer.size))
            reader.cache.put(blob.name, _MEMO, LayerIndex(note=memo))
        return layer

    def _known(self, blob: LayerBlob, reader: LayerReader) -> IndexedLayer | None:
        """The layer without a download: its digest was seen before, with bytes that gave this diff id."""
        stored = reader.cache.get(blob.name, _MEMO) if reader.cache else None
        if reader.cache is None or stored is None:
            return None
        try:
            memo = from_msgpack(stored.note, _Memo)
        except UNREADABLE:
            return None
        if memo.diff_id != blob.claimed:
            return None  # the configuration lies, which reading the layer will say
        index = reader.cache.get(memo.diff_id, reader.signature)
        return None if index is None else IndexedLayer(index, memo.diff_id, memo.digest, memo.size)

    def tagged(self, tag: str) -> str:
        """The digest of what a tag names now, for which most registries need not send it."""
        try:
            said = self._client.headers(f"manifests/{tag}", ", ".join(_ACCEPTED)).get("Docker-Content-Digest", "")
        except NotFound:
            said = ""  # who it is that says so, the registry or a proxy, is told by words, and HEAD brings none
        return said if is_digest(said) else self.manifest(tag)[0]

    def _fetch(self, path: str) -> tuple[bytes, str | None]:
        content, headers = self._client.document(path, self._limits.document_bytes, ", ".join(_ACCEPTED))
        said = headers.get("Docker-Content-Digest")
        return content, said if said and said.startswith("sha256:") else None


def describe_registry(blobs: Blobs, platform: str | None, limits: Limits) -> Described:
    """The image that a name in a registry means: of an index the one for the platform."""
    if not isinstance(blobs, RegistryBlobs):
        raise TypeError(blobs)
    digest, manifest, fitting = chosen(blobs, blobs.reference.wanted, platform)
    if manifest.config is None:
        raise Invalid(f"{blobs.reference} is no image: its manifest names no configuration", "image.no-config")
    if (refused := refusal(str(blobs.reference), manifest)) is not None:
        raise refused
    config = blobs.document(manifest.config.digest) or b""
    offered = decode(config, ImageConfig, "the image's configuration").platform
    if platform is not None and not fits(offered, platform):
        raise NotFound(f"{blobs.reference} is for {offered}, not for {platform}", "image.no-platform")
    layers = manifest.layers or []
    for layer in layers:
        checkable(layer.digest)
        blobs.expect(layer)
    # A layer is hashed once while it streams by, with SHA-256; one named by SHA-512 is still checked by its diff id.
    stored = [(layer.digest, layer.digest if layer.digest.startswith("sha256:") else None) for layer in layers]
    described = describe(config, stored, limits.layers)
    described.digest = digest
    described.tags = (str(blobs.reference),) if blobs.reference.tag else ()
    if not fitting or not fits(offered, platform or own_platform()):
        why = f"the registry offers no image for this machine's platform; {offered} was read"
        described.unknowns = (Unknown(own_platform(), why),)
    return described


def checkable(digest: str) -> str:
    """The algorithm of a digest; raises Invalid for what is none, which would also be no path to ask for."""
    algorithm, _, hexadecimal = digest.partition(":")
    if len(hexadecimal) != _DIGESTS.get(algorithm, -1) or not set(hexadecimal) <= set("0123456789abcdef"):
        raise Invalid(f"{digest[:100]!r} is no digest that can be checked", "image.bad-digest")
    return algorithm


def chosen(blobs: RegistryBlobs, wanted: str, platform: str | None, nesting: int = 0) -> Chosen:
    """The manifest that a tag or a digest leads to for a platform; raises NotFound where an index offers none."""
    digest, content = blobs.manifest(wanted)
    refuse_schema_1(content, str(blobs.reference))
    document = decode(content, OciDocument, f"the manifest of {blobs.reference}")
    if document.manifests is None:
        return Chosen(digest, document)
    if nesting >= _MAX_NESTING:
        raise Invalid("the OCI index is nested too deeply", "image.nesting")
    manifests = manifests_of(document, f"the index of {blobs.reference}")
    descriptor, fitting = _for_platform(blobs.reference, manifests, platform)
    checkable(descriptor.digest)  # a tag in its place would be a manifest that nobody vouches for
    found = chosen(blobs, descriptor.digest, platform, nesting + 1)
    return found._replace(offered=found.offered and fitting)


def _for_platform(reference: Reference, manifests: list[Descriptor], platform: str | None) -> tuple[Descriptor, bool]:
    """What is taken of an index, and whether it may be for the platform by what the index says."""
    offered = [each for each in manifests if not is_attestation(each)]
    # What may be an attestation as well is taken where there is nothing else.
    offered = [each for each in offered if each.platform or not claims_to_attest(each)] or offered
    if not offered:
        raise NotFound(f"the index of {reference} names no image", "image.none")
    wanted = platform or own_platform()
    fitting = [each for each in offered if each.platform is not None and fits(_platform(each), wanted)]
    if fitting:
        return min(fitting, key=lambda each: preference(_platform(each), wanted)), True
    # Of one that names none its configuration will tell; engines take it only where no other fits.
    silent = [each for each in offered if each.platform is None]
    if silent or platform is None:
        return (silent or offered)[0], bool(silent)
    names = ", ".join(sorted({str(_platform(each)) or "unknown" for each in offered}))
    raise NotFound(f"{reference} has no image for {platform}; it has {names}", "image.no-platform")


def _platform(descriptor: Descriptor) -> Platform:
    named = descriptor.platform
    return Platform(named.os, named.architecture, named.variant or None) if named else Platform("", "")


def _hash(algorithm: str, content: bytes) -> str:
    return hashlib.new(algorithm, content).hexdigest()


@contextlib.contextmanager
def opened_image(reference: Reference, client: Client, limits: Limits) -> Iterator[RegistryBlobs]:
    """The blobs of an image for as long as the connections are kept."""
    try:
        yield RegistryBlobs(client, reference, limits)
    finally:
        client.close()
