"""Applications in PHP and Ruby that say their version in a file of their own, as nothing else lists them.

The files are those of the projects themselves: ``wp-includes/version.php``, ``core/lib/Drupal.php``, Drupal 7's
``bootstrap.inc``, ``joomla.xml``, ``version.php`` of Nextcloud and Moodle, phpMyAdmin's ``Version.php`` and
GitLab's ``VERSION``. Bitnami's advisories speak of them by these names.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from hullguard.inventory.analyzers.language import Doubt, LanguageAnalyzer, Piece, Unreadable
from hullguard.inventory.analyzers.ownable import WEB_APPLICATION
from hullguard.model.package import PackageType

_LOOKED_INTO = 1 << 16
"""Bytes; Drupal's kernel has the version in the first few thousand."""
_NUMBER = rb"(\d{1,4}(?:\.\d{1,6}){0,5}(?:[-.]?(?:alpha|beta|rc|dev|RC)[-.]?\d{0,3})?)"


class _Application(NamedTuple):
    """Its patterns are compiled when an image has such a file."""

    name: str
    path: str
    says: bytes
    beside: bytes = b""
    """What stands in the file, too, where others have files of this name."""


_APPLICATIONS = (
    _Application("wordpress", r"wp-includes/version\.php", rb"\$wp_version\s{0,8}=\s{0,8}['\"]" + _NUMBER),
    _Application("drupal", r"core/lib/Drupal\.php", rb"\bconst\s{1,8}VERSION\s{0,8}=\s{0,8}['\"]" + _NUMBER),
    _Application(
        "drupal",
        r"includes/bootstrap\.inc",
        rb"\bdefine\('VERSION',\s{0,8}'" + _NUMBER,
        beside=b"DRUPAL_CORE_COMPATIBILITY",
    ),
    _Application(
        "joomla", r"administrator/manifests/files/joomla\.xml", rb"<version>\s{0,8}" + _NUMBER + rb"\s{0,8}</version>"
    ),
    _Application(
        "nextcloud", r"version\.php", rb"\$OC_VersionString\s{0,8}=\s{0,8}['\"]" + _NUMBER, beside=b"nextcloud"
    ),
    _Application("moodle", r"version\.php", rb"\$release\s{0,8}=\s{0,8}['\"]" + _NUMBER, beside=b"MOODLE_INTERNAL"),
    _Application(
        "phpmyadmin", r"libraries/classes/Version\.php", rb"\bconst\s{1,8}VERSION\s{0,8}=\s{0,8}['\"]" + _NUMBER
    ),
    _Application("gitlab", r"gitlab-rails/VERSION", rb"\A" + _NUMBER),
)
_SHARED = ("version.php", "bootstrap.inc")
"""Names that others use as well: of those that say nothing of this kind nothing is told."""


class WebApplicationsAnalyzer(LanguageAnalyzer):
    name, version = "web-applications", 1
    paths = WEB_APPLICATION
    form = "version of a web application"

    def pieces(self, path: str, content: bytes) -> Iterator[Piece | Doubt]:
        begin = content[:_LOOKED_INTO]
        for application in _APPLICATIONS:
            placed = re.fullmatch(rf"(?:.*/)?{application.path}", path, re.DOTALL)
            if placed is None or application.beside not in begin:
                continue
            if said := re.search(application.says, begin):
                yield Piece(PackageType.GENERIC, application.name, said[1].decode())
                return
        if not path.endswith(_SHARED) or path.endswith("wp-includes/version.php"):
            raise Unreadable("it names no version")
