"""OCI layouts (image-spec 1.1): ``index.json`` leads to a manifest, that to configuration and layers, all by digest."""

import base64
import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from hullguard.inventory.limits import Limits
from hullguard.inventory.source.artifacts import refusal
from hullguard.inventory.source.blobs import Blobs
from hullguard.inventory.source.documents import Descriptor, ImageConfig, OciDocument
from hullguard.inventory.source.engine_json import decode
from hullguard.inventory.source.image import Described, describe
from hullguard.inventory.source.platforms import fits, own_platform, preference
from hullguard.inventory.source.reader import check_digest
from hullguard.model.errors import Invalid, NotFound
from hullguard.model.image import Platform
from hullguard.model.package import Unknown

INDEX = "index.json"
_REF_NAME = "org.opencontainers.image.ref.name"
_IMAGE_NAME = "io.containerd.image.name"
_ATTESTATION = "vnd.docker.reference.type"
_MAX_NESTING = 8
_NAMED = 5
OTHERS = "there are several images; this one was not read; name it behind a colon, as in docker-archive:FILE:NAME"
MAX_MANIFESTS = 10_000
"""Of an index; the largest that registries hold name a few dozen, with as many attestations."""


class _Offered(NamedTuple):
    """An image of a layout."""

    descriptor: Descriptor
    manifest: OciDocument
    platform: Platform


def describe_oci(blobs: Blobs, platform: str | None, limits: Limits, image: str | None = None) -> Described:
    """The image of a layout, or the one called ``image``, that fits the platform asked for, else this machine's.

    Where none fits it is the first. Of several that fit the others are told: nobody knows what is in them.
    """
    offered = _offered(blobs)
    if not offered:
        raise NotFound("the OCI layout names no image", "image.none")
    if image is not None:
        known = [name for each in offered for name in _tags(each.descriptor)]
        offered = [each for each in offered if image in (*_tags(each.descriptor), each.descriptor.digest)]
        if not offered:
            raise absent("the OCI layout", image, known)
    wanted = platform or own_platform()
    # An engine that looks at no types would run what the index offers for the platform.
    claiming = [each for each in offered if each.descriptor.platform and fits(each.platform, wanted)]
    offered = _images(offered)
    fitting = _fitting(offered, wanted)
    if not fitting and platform is not None:
        names = ", ".join(sorted({str(image.platform) or "unknown" for image in offered}))
        raise NotFound(f"the OCI layout holds no image for {platform}; it holds {names}", "image.no-platform")
    taken = (fitting or offered)[0]
    descriptor, manifest, _ = taken
    config = _blob(blobs, manifest.config) if manifest.config else b""
    # A layer is hashed once while it streams by, with SHA-256; one named by SHA-512 is still checked by its diff id.
    stored = [
        (_place(layer.digest), layer.digest if layer.digest.startswith("sha256:") else None)
        for layer in manifest.layers or []
    ]
    described = describe(config, stored, limits.layers)
    described.digest = descriptor.digest
    described.tags = _tags(descriptor)
    if not fitting:
        read = str(described.platform) or "one for no platform"
        why = f"the OCI layout holds no image for this machine's platform that can be read; {read} was read"
        described.unknowns = (Unknown(wanted, why),)
    rivals = [each for each in (*fitting, *claiming) if not _another_variant(each, taken, wanted)]
    others = {each.descriptor.digest: each.descriptor for each in rivals}
    others.pop(descriptor.digest, None)
    if others:
        names = ", ".join("".join(_tags(other)) or digest for digest, other in others.items())
        described.unknowns += (Unknown(names, OTHERS, incomplete=True),)
    return described


def absent(where: str, image: str, names: Sequence[str]) -> NotFound:
    """That no image there is called so, and how those are called that are there."""
    known = ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
    return NotFound(f"{where} holds no image called {image!r}; it holds {known or 'none with a name'}", "image.no-name")


def configurations(blobs: Blobs, wanted: str | None = None) -> set[str]:
    """The digests of the images' configurations: for a platform, if there are images for it, else of all."""
    offered = _images(_offered(blobs))
    fitting = _fitting(offered, wanted) if wanted is not None else offered
    if wanted is not None:
        fitting = [each for each in fitting if not _another_variant(each, fitting[0], wanted)]
    return {image.manifest.config.digest for image in fitting or offered if image.manifest.config is not None}


def _fitting(offered: list[_Offered], wanted: str) -> list[_Offered]:
    """The images for a platform, the one first that an engine would take.

    What the index says of a platform goes before what only a configuration says, as with the engines.
    """
    fitting = [image for image in offered if fits(image.platform, wanted)]
    return sorted(fitting, key=lambda image: (image.descriptor.platform is None, preference(image.platform, wanted)))


def _another_variant(image: _Offered, taken: _Offered, wanted: str) -> bool:
    """Whether it is of the same name for other processors, so that an engine never runs it where it runs the other."""
    worse = preference(image.platform, wanted) > preference(taken.platform, wanted)
    return worse and _tags(image.descriptor) == _tags(taken.descriptor)


def _offered(blobs: Blobs) -> list[_Offered]:
    content = blobs.document(INDEX)
    if content is None:
        raise Invalid("there is no index.json, so it is no OCI layout", "image.no-index")
    search = _Search(blobs)
    offered = [
        _Offered(descriptor, manifest, search.platform(descriptor, manifest))
        for descriptor, manifest in search.below(content, 0)
    ]
    return [image for image in offered if not (claims_to_attest(image.descriptor) and nowhere(image.platform))]


def _images(offered: list[_Offered]) -> list[_Offered]:
    """Those of them that are images, for charts and signatures may lie beside them. Raises Invalid where none is."""
    refused = [refusal("".join(_tags(each.descriptor)) or each.descriptor.digest, each.manifest) for each in offered]
    images = [each for each, why in zip(offered, refused, strict=True) if why is None]
    if not images and refused and refused[0] is not None:
        raise refused[0]
    return images


class _Search:
    """The way from an index to the images below it; each document is read once, in however many places it stands."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._entered = set[str]()
        self._documents: dict[str, OciDocument] = {}
        self._platforms: dict[str, Platform] = {}

    def below(self, content: bytes, nesting: int) -> list[tuple[Descriptor, OciDocument]]:
        """Every image below an index. One index is looked into once: five levels of fifty would be millions."""
        found: list[tuple[Descriptor, OciDocument]] = []
        for descriptor in manifests_of(decode(content, OciDocument, "an OCI index"), "the OCI index"):
            if is_attestation(descriptor) or descriptor.digest in self._entered:
                continue
            manifest = self._document(descriptor)
            if manifest is None:
                continue  # a layout may hold only some platforms of the index that it was copied from
            if manifest.manifests is not None:
                if nesting >= _MAX_NESTING:
                    raise Invalid("the OCI index is nested too deeply", "image.nesting")
                self._entered.add(descriptor.digest)
                nested = self.below(_blob(self._blobs, descriptor), nesting + 1)
                found += [(_named(descriptor, child), child_manifest) for child, child_manifest in nested]
            elif manifest.config is not None:
                found.append((descriptor, manifest))
            if len(found) > MAX_MANIFESTS:
                raise _too_many("the OCI layout")
        return found

    def platform(self, descriptor: Descriptor, manifest: OciDocument) -> Platform:
        """As the index says, else as the configuration does."""
        if descriptor.platform is not None:
            named = descriptor.platform
            return Platform(named.os, named.architecture, named.variant or None)
        if manifest.config is None or refusal("", manifest) is not None:
            return Platform("", "")
        known = self._platforms.get(manifest.config.digest)
        if known is None:
            config = decode(_blob(self._blobs, manifest.config), ImageConfig, "the image's configuration")
            known = self._platforms[manifest.config.digest] = config.platform
        return known

    def _document(self, descriptor: Descriptor) -> OciDocument | None:
        if descriptor.digest not in self._documents:
            try:
                content = _blob(self._blobs, descriptor)
            except NotFound:
                return None  # another descriptor may have it inlined
            self._documents[descriptor.digest] = decode(content, OciDocument, f"manifest {descriptor.digest}")
        return self._documents[descriptor.digest]


def manifests_of(document: OciDocument, what: str) -> list[Descriptor]:
    """What an index names; raises Invalid for more than is looked at, and for what is a manifest as well."""
    found = document.manifests or []
    if len(found) > MAX_MANIFESTS:
        raise _too_many(what)
    # Readers differ in what they take it for (CVE-2021-41190).
    if document.manifests is not None and (document.config is not None or document.layers):
        raise Invalid(f"{what} is an index and a manifest at once", "image.ambiguous")
    return found


def is_attestation(descriptor: Descriptor) -> bool:
    """Whether it is no image but says something of one, and names no platform; one that has a platform is an image."""
    named = descriptor.platform
    return named is not None and nowhere(Platform(named.os, named.architecture)) and claims_to_attest(descriptor)


def claims_to_attest(descriptor: Descriptor) -> bool:
    """Whether its annotations call it an attestation: its platform must tell whether that is so."""
    return _ATTESTATION in (descriptor.annotations or {})


def nowhere(platform: Platform) -> bool:
    """What is written for the platform of what runs on none."""
    return platform.os.lower() in ("", "unknown")


def _too_many(what: str) -> Invalid:
    return Invalid(f"{what} names more than {MAX_MANIFESTS} images", "image.too-many-images")


def _named(parent: Descriptor, child: Descriptor) -> Descriptor:
    """The name stands on the outermost descriptor, the platform on the innermost."""
    annotations = {**(parent.annotations or {}), **(child.annotations or {})}
    return replace(child, annotations=annotations)


def _blob(blobs: Blobs, descriptor: Descriptor) -> bytes:
    content = blobs.document(_place(descriptor.digest))
    if content is None and descriptor.data is not None:
        content = _inlined(descriptor)
    if content is None:
        raise NotFound(f"the OCI layout lacks the document {descriptor.digest}", "image.blob-missing")
    algorithm = descriptor.digest.partition(":")[0]
    computed = f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"
    check_digest("a document of the OCI layout", descriptor.digest, computed)
    return content


def _inlined(descriptor: Descriptor) -> bytes:
    """The content that a descriptor has with it (image-spec, "Descriptors"), bounded as the document around it is."""
    try:
        return base64.b64decode(descriptor.data or "", validate=True)
    except ValueError as cause:
        sentence = f"the data that stands with {descriptor.digest} is not in base64, and there is no such document"
        raise Invalid(sentence, "image.bad-data") from cause


def _place(digest: str) -> str:
    algorithm, _, hexadecimal = digest.partition(":")
    sizes = {"sha256": 64, "sha512": 128}
    if len(hexadecimal) != sizes.get(algorithm, -1) or not set(hexadecimal) <= set("0123456789abcdef"):
        raise Invalid(f"{digest[:100]!r} is no digest that can be checked", "image.bad-digest")
    return f"blobs/{algorithm}/{hexadecimal}"


def _tags(descriptor: Descriptor) -> tuple[str, ...]:
    annotations = descriptor.annotations or {}
    name = annotations.get(_IMAGE_NAME) or annotations.get(_REF_NAME)
    return (name,) if name else ()
