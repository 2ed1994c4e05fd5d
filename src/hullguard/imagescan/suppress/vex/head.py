"""What a VEX document says of itself: by its id a newer one of the same takes its place."""

import hashlib
from datetime import datetime
from typing import Any

from msgspec import Struct

from hullguard.imagescan.suppress.rule import instant
from hullguard.model.decoding import from_json
from hullguard.model.exception import VexFormat, VexHead

_MAX_TEXT = 500


class _OpenVex(Struct, frozen=True, rename={"id": "@id"}):
    """OpenVEX 0.2.0, "Document"."""

    id: Any = ""
    author: Any = ""
    timestamp: Any = ""
    last_updated: Any = ""
    version: Any = ""


class _Publisher(Struct, frozen=True):
    name: Any = ""


class _Tracking(Struct, frozen=True):
    id: Any = ""
    current_release_date: Any = ""
    version: Any = ""


class _CsafHead(Struct, frozen=True):
    publisher: _Publisher = _Publisher()
    tracking: _Tracking = _Tracking()


class _Csaf(Struct, frozen=True):
    """CSAF 2.0, section 3.2.1."""

    document: _CsafHead = _CsafHead()


class _Supplier(Struct, frozen=True):
    name: Any = ""


class _Metadata(Struct, frozen=True):
    timestamp: Any = ""
    supplier: _Supplier | None = None
    manufacture: _Supplier | None = None


class _CycloneDx(Struct, frozen=True, rename="camel"):
    """CycloneDX 1.4 and later: a serial number stays over the versions of a document."""

    serial_number: Any = ""
    version: Any = ""
    metadata: _Metadata | None = None


def openvex(content: bytes) -> VexHead:
    """Of an OpenVEX document."""
    said = from_json(content, _OpenVex)
    at = said.last_updated or said.timestamp
    return _head(content, VexFormat.OPENVEX, identity=said.id, author=said.author, at=at, revision=said.version)


def csaf(content: bytes) -> VexHead:
    """Of a CSAF document."""
    said = from_json(content, _Csaf).document
    tracking = said.tracking
    at, author = tracking.current_release_date, said.publisher.name
    return _head(content, VexFormat.CSAF, identity=tracking.id, author=author, at=at, revision=tracking.version)


def cyclonedx(content: bytes) -> VexHead:
    """Of a CycloneDX document."""
    said = from_json(content, _CycloneDx)
    metadata = said.metadata or _Metadata()
    author = next((each.name for each in (metadata.supplier, metadata.manufacture) if each is not None), "")
    of = {"identity": said.serial_number, "author": author, "at": metadata.timestamp, "revision": said.version}
    return _head(content, VexFormat.CYCLONEDX, **of)


def _head(content: bytes, kind: VexFormat, *, identity: Any, author: Any, at: Any, revision: Any) -> VexHead:
    when = instant(at) if isinstance(at, str) else ""
    return VexHead(
        document=_text(identity) or f"sha256:{hashlib.sha256(content).hexdigest()}",
        format=kind,
        author=_text(author),
        issued=datetime.fromisoformat(when) if when else None,
        revision=_text(revision)[:64],
    )


def _text(said: Any) -> str:
    """One line for people; a number is its digits, anything else nothing."""
    if isinstance(said, bool) or not isinstance(said, str | int):
        return ""
    return " ".join("".join(each if each.isprintable() else " " for each in str(said)[:_MAX_TEXT]).split())
