"""What people say of a registry is judged before it is kept."""

import re
from collections.abc import Callable
from typing import TypeVar

from msgspec import structs

from hullguard.access.registries.vault import Purpose
from hullguard.inventory.source.registry import trust
from hullguard.inventory.source.registry.reference import HUB, hostname, is_repository, is_tag, parse_host
from hullguard.model.errors import Invalid
from hullguard.model.registry import RegistryInput, RegistrySpec
from hullguard.net.allowed import link_local

ANY = "*"
_WILD = re.compile(r"[a-z0-9._/*-]+")
_SCHEME = re.compile(r"(https?)://", re.IGNORECASE)
_PLATFORM = re.compile(r"[a-z0-9]+/[a-z0-9_-]+(?:/[a-z0-9]+)?")
T = TypeVar("T")


def checked(given: RegistryInput) -> RegistrySpec:
    """The spec with names as they are asked for; raises ``Invalid`` naming the field that is wrong."""
    spec = given.spec
    address = _at("$.spec.address", parse_host, _without_scheme(spec))
    if link_local(hostname(address)):
        sentence = f"{address} is an address that only answers this machine; nothing is asked there"
        raise Invalid(sentence, "registry.forbidden-address", field="$.spec.address")
    if spec.ca:
        _at("$.spec.ca", trust.given, spec.ca)
    if spec.ca and spec.insecure:
        raise Invalid(
            "plain HTTP has no certificates; leave out the authority, or switch plain HTTP off",
            "registry.insecure-ca",
            field="$.spec.ca",
        )
    if given.password:
        _check_user(spec)
    repositories = [_repository(name, number, address) for number, name in enumerate(spec.repositories)]
    for number, tag in enumerate(spec.tags):
        if not is_tag(tag.replace(ANY, "x")):
            raise Invalid(f"{tag!r} is no name of a tag", "registry.bad-tag", field=f"$.spec.tags[{number}]")
    for number, platform in enumerate(spec.platforms):
        if not _PLATFORM.fullmatch(platform):
            sentence = f"{platform!r} is no platform; write OS/ARCHITECTURE, for example linux/arm64"
            raise Invalid(sentence, "registry.bad-platform", field=f"$.spec.platforms[{number}]")
    if ":" in spec.username:
        raise Invalid("a registry's user name has no colon", "registry.bad-username", field="$.spec.username")
    return structs.replace(spec, address=address, repositories=repositories)


def check_kept(before: RegistrySpec, after: RegistrySpec) -> None:
    """Raises ``Invalid`` where a password that is kept would go somewhere that it was not given for."""
    _check_user(after)
    fields = ("address", "insecure", "ca")
    changed = [field for field in fields if getattr(before, field) != getattr(after, field)]
    if changed:
        raise Invalid(
            "the password was given for the registry as it was; give it again, or take it away with an empty one, to "
            f"change its {changed[0]}",
            "registry.password-needed",
            field="$.password",
        )


def purpose(tenant: str, registry: str, spec: RegistrySpec) -> Purpose:
    """What the password of a registry is for."""
    return Purpose(tenant, registry, spec.address, spec.insecure, spec.ca)


def _without_scheme(spec: RegistrySpec) -> str:
    """The address, which people copy with its scheme; raises ``Invalid`` where that is not the connection chosen."""
    found = _SCHEME.match(spec.address)
    if found is None:
        return spec.address
    if (found[1].lower() == "http") is not spec.insecure:
        sentence = "the address says http://, which is not encrypted: switch plain HTTP on if that is meant"
        if spec.insecure:
            sentence = "the address says https://, but plain HTTP is switched on: switch it off, or leave out https://"
        code = "registry.plain-and-https" if spec.insecure else "registry.plain-address"
        raise Invalid(sentence, code, field="$.spec.address")
    return spec.address[found.end() :].rstrip("/")


def _check_user(spec: RegistrySpec) -> None:
    if not spec.username:
        raise Invalid("a password needs a user name", "registry.no-username", field="$.spec.username")


def _repository(name: str, number: int, address: str) -> str:
    if not is_repository(name) and not (ANY in name and _WILD.fullmatch(name)):
        raise Invalid(
            f"{name!r} is no name of a repository; write it as after the registry's address, in small letters and "
            "without a tag",
            "registry.bad-repository",
            field=f"$.spec.repositories[{number}]",
        )
    return f"library/{name}" if address == HUB and "/" not in name and ANY not in name else name


def _at(field: str, check: Callable[[str], T], value: str) -> T:
    try:
        return check(value)
    except Invalid as wrong:
        raise Invalid(str(wrong), wrong.code, field=field, **wrong.params) from wrong
