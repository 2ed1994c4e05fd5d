"""Under which names a package's advisories are published.

Some publishers speak of parts of a release, some of a distribution without its release, some of one repository of an
ecosystem (``Packagist:https://packages.drupal.org/8``), of which an installed package does not tell where it came from.
"""

import re
from functools import lru_cache

from hullguard.advisories.versions.catalog import DISTRIBUTIONS

_RED_HAT = "Red Hat:enterprise_linux:"
_SUSE_SERVER = "SUSE:Linux Enterprise Server "
_SUSE_MODULE = "SUSE:Linux Enterprise Module for "
_SUSE_PRODUCTS = (
    "SUSE:Linux Enterprise Server for SAP Applications ",
    _SUSE_SERVER,
    "SUSE:Linux Enterprise Desktop ",
    "SUSE:Linux Enterprise High Performance Computing ",
)
"""What is put together of the same modules; the longer names first."""
_LONG_TERM = ("-LTSS", "-ESPOS")
_UBUNTU = "Ubuntu:"
_UBUNTU_PRO = "Ubuntu:Pro:"
"""Behind it the release stands alone; ``Ubuntu:Pro:FIPS:22.04:LTS`` is of other builds."""


_ROLLING = frozenset({"Arch Linux", "Chainguard", "CleanStart", "Echo", "MinimOS", "Wolfi"})
"""Distributions whose packages are of no release."""


@lru_cache(maxsize=256)
def products(ecosystem: str, known: frozenset[str]) -> tuple[str, ...]:
    """The known ecosystems that a package of this one is looked up in; empty when there is none.

    Red Hat names the repository behind the release (``Red Hat:enterprise_linux:9::baseos``), SUSE the module
    (``SUSE:Linux Enterprise Module for Basesystem 15 SP5``): a package is of one build in all of them. Ubuntu Pro's
    builds are others, put on top of the release's: what lacks them is what the release has.
    """
    found = {name for name in known if _belongs(name, ecosystem)}
    family, colon, _ = ecosystem.partition(":")
    if not colon and family not in DISTRIBUTIONS:
        found |= {name for name in known if name.startswith(f"{family}:")}
    return tuple(sorted(found | ({family, ecosystem} & known)))


def _belongs(name: str, ecosystem: str) -> bool:
    if ecosystem.startswith(_RED_HAT):
        # From the tenth on a release's minor number is named as well.
        return name.startswith((f"{ecosystem}::", f"{ecosystem}."))
    for product in _SUSE_PRODUCTS:
        if ecosystem.startswith(product):
            release = ecosystem.removeprefix(product)
            module = name.startswith(_SUSE_MODULE) and name.endswith(f" {release}")
            return module or name in (f"{_SUSE_SERVER}{release}", *(f"{ecosystem}{term}" for term in _LONG_TERM))
    return ecosystem.startswith(_UBUNTU) and name == f"{_UBUNTU_PRO}{ecosystem.removeprefix(_UBUNTU)}"


def is_ubuntu_pro(name: str) -> bool:
    """Whether an ecosystem is a release of Ubuntu as subscribers have it, who get more fixes, and for longer."""
    return name.startswith(_UBUNTU_PRO)


def beside(ecosystem: str, known: frozenset[str]) -> tuple[str, ...]:
    """The known ecosystems of other products for the same release, whose builds have numbers of their own."""
    if not ecosystem.startswith(_RED_HAT):
        return ()
    release = re.escape(ecosystem.removeprefix(_RED_HAT))
    # ``openshift:4.12::el8``, ``rhel_extras:7``; not ``rhel_eus:8.4::baseos``, which is the release as it was once.
    fits = re.compile(rf"Red Hat:(?!enterprise_linux:)(?:.*:el{release}|rhel_[a-z_]+:{release}(?:::.*)?)").fullmatch
    return tuple(sorted(filter(fits, known)))


def releases(name: str) -> tuple[str, ...]:
    """Under which names packages may be stored that are looked up in this ecosystem; the reverse of ``products``.

    A distribution without a release has none here: it speaks of packages of every release.
    """
    if name.startswith(_RED_HAT):
        release = re.split(r"::|\.", name.removeprefix(_RED_HAT), maxsplit=1)[0]
        return tuple(dict.fromkeys((name, f"{_RED_HAT}{release}")))
    if name.startswith(_SUSE_MODULE):
        # "Basesystem 15 SP5": where the release begins is not marked, so every end of the name may be one.
        words = name.removeprefix(_SUSE_MODULE).split(" ")
        ends = [" ".join(words[start:]) for start in range(1, len(words))]
        return (name, *(f"{product}{end}" for end in ends for product in _SUSE_PRODUCTS))
    for product in _SUSE_PRODUCTS:
        if name.startswith(product):
            release = name.removeprefix(product)
            for term in _LONG_TERM:
                if release.endswith(term):
                    return name, name.removesuffix(term)
            return (name, *(f"{one}{release}" for one in _SUSE_PRODUCTS)) if product == _SUSE_SERVER else (name,)
    if is_ubuntu_pro(name):
        return name, f"{_UBUNTU}{name.removeprefix(_UBUNTU_PRO)}"
    family, colon, _ = name.partition(":")
    return (name, family) if colon and family not in DISTRIBUTIONS else (name,)


def speaks_of_every_release(name: str) -> bool:
    """Whether an ecosystem is a distribution without its release, though its packages always have one."""
    return name in DISTRIBUTIONS - _ROLLING
