"""OS packages that show that somebody else than the distribution built them, and are judged by its advisories anyway.

``provenance`` asks whether something shows that the distribution built a package; that nothing does is no sign of
somebody else yet: one in eleven of Debian 12's packages has a private address for its maintainer. Here something has to
show somebody else: a version, an address or a vendor.
"""

import re
from collections.abc import Iterable

from hullguard.inventory.analyzers.analyzer import Findings
from hullguard.inventory.analyzers.provenance import from_origin, maintained, marked, named, vendors_of
from hullguard.inventory.distributions import Distribution

_MAKERS = frozenset({"debian", "ubuntu"})
_WORDS = {
    "debian": frozenset((
        "deb", "bpo", "nmu", "dfsg", "exp", "really", "git", "svn", "cvs", "bzr", "pre", "alpha", "beta", "debian",
        "cross", "etch", "lenny", "squeeze", "wheezy",
    )),
}  # fmt: skip
_WORDS["ubuntu"] = _WORDS["debian"] | {
    "ubuntu", "build", "esm", "fips", "cloud", "hwe", "willsync", "maysync", "fakesync",
}  # fmt: skip
"""The words in a distribution's revisions: of Debian 12's 66,480 packages one has another (decision 0037)."""
_WORD = re.compile(r"[a-z]{3,}")
# Where a version without a revision says who built it: 1:10.11.5+maria~deb12.
_SUFFIX = re.compile(r"[+~].*", re.DOTALL)
# NGINX Packaging <nginx-packaging@f5.com>: an address of a firm, where Debian's maintainers have people's.
_OF_FIRMS = re.compile(
    r"(?:^|[<\s])(?:[a-z0-9.-]+[-+])?(?:support|contact|packag(?:es|ing|ers)|hello|info|builds?|releases?|dev)@",
    re.IGNORECASE,
)
_OF_UBUNTU = re.compile(r"[@.](?:ubuntu|canonical)\.com>?[,\s]*\Z", re.IGNORECASE)


def packed(
    distribution: Distribution | None, version: str, maintainer: str | None, sellers: Iterable[str | None]
) -> bool:
    """Whether a package of dpkg shows that somebody else built it; ``sellers`` are its Origin and its Vendor."""
    if distribution is None or distribution.id not in _MAKERS:
        return False
    if marked(version) or not all(from_origin(distribution, seller) for seller in sellers):
        return True
    if not maintainer or (distribution.id == "ubuntu" and _OF_UBUNTU.search(maintainer)):
        return False
    own = maintained(distribution, maintainer, version)
    upstream, _, revision = version.rpartition("-")
    if not upstream:
        suffix = _SUFFIX.search(version)
        revision = suffix[0] if suffix is not None and not own else ""
    if not _WORDS[distribution.id].issuperset(_WORD.findall(revision.lower())):
        return True
    return not own and ("@" not in maintainer or _OF_FIRMS.search(maintainer) is not None)


def sold(distribution: Distribution | None, vendor: str | None) -> bool:
    """Whether an rpm package names a vendor, who is not the distribution's."""
    known = vendors_of(distribution)
    return bool(vendor and known) and not (vendor or "").startswith(known)


def tell(findings: Findings, distribution: Distribution | None, names: Iterable[str]) -> None:
    """Says once of packages that others built by whose advisories they are judged."""
    others = set(names)
    # That nobody's advisories speak of a distribution's packages is said elsewhere.
    if not others or distribution is None or not distribution.ecosystem:
        return
    why = (
        f"nothing shows that {distribution.id} built them: they are judged by its advisories, "
        "and the versions in those may not be theirs"
    )
    findings.say(named(others), why)
