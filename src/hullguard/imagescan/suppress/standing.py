"""The platform's exceptions and VEX documents as rules: they stand for all images, until somebody takes them back."""

import string
from collections.abc import Iterable
from datetime import date

from msgspec import structs

from hullguard.imagescan.suppress import purl, vex
from hullguard.imagescan.suppress.rule import Product, Rule
from hullguard.model.errors import Invalid
from hullguard.model.exception import ExceptionSpec, ExceptionStatus, VexHead
from hullguard.model.report import SuppressedBy

_MAX_NAME = 120


def check(spec: ExceptionSpec) -> None:
    """Raises Invalid with the field that says nothing or contradicts another."""
    if spec.purl is not None and (fault := purl.fault(spec.purl)) is not None:
        raise Invalid(fault, "exception.purl", field="$.spec.purl")
    if spec.justification is not None and spec.status is not ExceptionStatus.NOT_AFFECTED:
        raise Invalid(
            "a justification says why something is not affected; leave it out where the risk is accepted",
            "exception.justification",
            field="$.spec.justification",
        )


def exception_rule(identity: str, spec: ExceptionSpec) -> Rule:
    """An exception as an entry of an ignore file would say it, with the images that it is about."""
    product = None if spec.purl is None else purl.read(spec.purl)
    # As VEX says it; where the risk is accepted, the reason is all there is to say.
    said = spec.status if spec.status is ExceptionStatus.NOT_AFFECTED else None
    return Rule(
        SuppressedBy.EXCEPTION,
        frozenset(spec.vulnerabilities),
        ": ".join(filter(None, (said, spec.justification, spec.reason))),
        f"exception {identity}",
        products=() if product is None else (Product(product),),
        package=spec.package,
        path=spec.path,
        until=spec.expires,
        images=tuple(spec.images),
        image_ids=frozenset(spec.image_ids),
        source=identity,
    )


def document_rules(identity: str, head: VexHead, content: bytes) -> tuple[list[Rule], int]:
    """The statements of a document, and how many could not be applied; raises Invalid."""
    said = vex.statements(content, head.document[:_MAX_NAME])
    rules = [structs.replace(rule, source=identity) for rule in said.rules]
    return rules, said.nameless + len(said.unjustified)


def names_of(rules: Iterable[Rule]) -> tuple[str, ...]:
    """The vulnerabilities that these speak of."""
    return tuple(sorted({name for rule in rules for name in rule.ids}))


def ask_names(rules: Iterable[Rule]) -> bool:
    """Whether it matters to any of them how an image is called."""
    return any(rule.images or any(product.image for product in rule.products) for rule in rules)


# --- the same as a file for the command line

_PLAIN = frozenset(string.printable) - frozenset(string.whitespace) - frozenset('"\\') | {" "}


def ignore_file(found: Iterable[tuple[str, ExceptionSpec]], image: str, today: date) -> str:
    """The exceptions as an ignore file in YAML, one entry for each vulnerability.

    An ignore file does not say for which images it is. It holds what is about every image, and with ``image`` (a name)
    what is about that one; ``left_out`` in its first line says how many are only about others.
    """
    entries: list[str] = []
    others = 0
    for identity, spec in found:
        if not (spec.is_everywhere or (image and spec.is_about(None, (image,)))):
            others += 1
            continue
        for vulnerability in spec.vulnerabilities:
            until = None if spec.expires is None else spec.expires.isoformat()
            said = {"id": vulnerability, "reason": spec.reason, "until": until}
            said |= {"package": spec.package, "purl": spec.purl, "path": spec.path}
            lines = [f"{key}: {_quoted(value)}" for key, value in said.items() if value is not None]
            entries.append(f"# exception {identity}\n- " + "\n  ".join(lines) + "\n")
    about = (f"image={_quoted(image or '*')}", f"day={today.isoformat()}", f"left_out={others}")
    return " ".join(("# exceptions", *about)) + "\n" + ("".join(entries) or "[]\n")


def _quoted(text: str) -> str:
    """A double-quoted scalar of YAML 1.1 (section 5.6): whatever is not plain is escaped."""
    return '"' + "".join(each if each in _PLAIN or each.isalnum() else f"\\U{ord(each):08x}" for each in text) + '"'
