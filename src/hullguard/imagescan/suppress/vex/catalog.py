"""Every format of VEX, told apart by what only its documents have."""

import codecs
from typing import Any

import msgspec

from hullguard.imagescan.suppress.rule import Rule, Statements
from hullguard.imagescan.suppress.vex import csaf, cyclonedx, head, openvex
from hullguard.model.decoding import from_json, wrong
from hullguard.model.errors import Invalid
from hullguard.model.exception import VexFormat, VexHead
from hullguard.model.package import Unknown

_MAX_STATEMENTS = 200_000
_NAMED = 5


class _Head(msgspec.Struct, frozen=True, rename={"context": "@context", "format": "bomFormat"}):
    context: Any = None
    format: Any = None
    document: Any = None


_READ = {VexFormat.OPENVEX: openvex.read, VexFormat.CYCLONEDX: cyclonedx.read, VexFormat.CSAF: csaf.read}
_HEAD = {VexFormat.OPENVEX: head.openvex, VexFormat.CYCLONEDX: head.cyclonedx, VexFormat.CSAF: head.csaf}


def read(content: bytes, name: str) -> tuple[list[Rule], list[Unknown]]:
    """The statements of a document, and what of it could not be applied; raises Invalid."""
    said = statements(content, name)
    unknowns: list[Unknown] = []
    if skipped := said.nameless:
        why = f"{skipped} statements name no product by a package URL that could be compared; they were not applied"
        unknowns.append(Unknown(name, why))
    if unjustified := said.unjustified:
        numbers = ", ".join(map(str, unjustified[:_NAMED])) + (", …" if len(unjustified) > _NAMED else "")
        why = (
            f"{len(unjustified)} statements say not_affected without a justification or an impact statement, one of "
            f"which OpenVEX requires; they were not applied (by number: {numbers})"
        )
        unknowns.append(Unknown(name, why))
    return said.rules, unknowns


def statements(content: bytes, name: str) -> Statements:
    """The same, with what could not be applied counted."""
    content = content.removeprefix(codecs.BOM_UTF8)  # programs of Windows put it there
    try:
        said = _READ[_format(content, name)](content, name)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise Invalid(f"{name}: no VEX document: {wrong(cause)}", "suppress.invalid-vex") from cause
    if len(said.rules) > _MAX_STATEMENTS:
        raise Invalid(f"{name}: more than {_MAX_STATEMENTS} statements", "suppress.too-many")
    return said


def describe(content: bytes, name: str) -> VexHead:
    """Which document it is; raises Invalid."""
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        return _HEAD[_format(content, name)](content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise Invalid(f"{name}: no VEX document: {wrong(cause)}", "suppress.invalid-vex") from cause


def _format(content: bytes, name: str) -> VexFormat:
    said = from_json(content, _Head)
    if isinstance(said.context, str) and "openvex" in said.context:
        return VexFormat.OPENVEX
    if said.format == "CycloneDX":
        return VexFormat.CYCLONEDX
    if isinstance(said.document, dict) and "csaf_version" in said.document:
        return VexFormat.CSAF
    raise Invalid(f"{name}: neither OpenVEX, CSAF nor CycloneDX", "suppress.unknown-vex")
