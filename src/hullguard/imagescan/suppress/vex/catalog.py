"""Every format of VEX, told apart by what only its documents have."""

import codecs
from typing import Any

import msgspec

from hullguard.imagescan.suppress.rule import Rule
from hullguard.imagescan.suppress.vex import csaf, cyclonedx, openvex
from hullguard.model.decoding import from_json
from hullguard.model.errors import Invalid
from hullguard.model.package import Unknown

_MAX_STATEMENTS = 200_000


class _Head(msgspec.Struct, frozen=True, rename={"context": "@context", "format": "bomFormat"}):
    context: Any = None
    format: Any = None
    document: Any = None


def read(content: bytes, name: str) -> tuple[list[Rule], list[Unknown]]:
    """The statements of a document, and what of it could not be applied; raises Invalid."""
    content = content.removeprefix(codecs.BOM_UTF8)  # programs of Windows put it there
    try:
        head = from_json(content, _Head)
        rules, skipped = _statements(head, content, name)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise Invalid(f"{name}: no VEX document: {cause}", "suppress.invalid-vex") from cause
    if len(rules) > _MAX_STATEMENTS:
        raise Invalid(f"{name}: more than {_MAX_STATEMENTS} statements", "suppress.too-many")
    why = f"{skipped} statements name no product by a package URL that could be compared; they were not applied"
    return rules, [Unknown(name, why)] if skipped else []


def _statements(head: _Head, content: bytes, name: str) -> tuple[list[Rule], int]:
    if isinstance(head.context, str) and "openvex" in head.context:
        return openvex.read(content, name)
    if head.format == "CycloneDX":
        return cyclonedx.read(content, name)
    if isinstance(head.document, dict) and "csaf_version" in head.document:
        return csaf.read(content, name)
    raise Invalid(f"{name}: neither OpenVEX, CSAF nor CycloneDX", "suppress.unknown-vex")
