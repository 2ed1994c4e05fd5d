"""Paths that name a package of their own unless an OS package lists them: it is reported once, as the OS package."""

from hullguard.inventory.analyzers.analyzer import METADATA, NODE_PACKAGE

# Letters of more than two cases are spelled out, so that ``Endings`` can tell other names apart.
JAVA_ARCHIVE = r".*\.(?:(?i:[jwepn]ar)|[sSkK][aA][rR]|[hHjJ][pP][iI]|[lL][pP][kK][gG])"
GEM_SPECIFICATION = r"(?:.*/)?specifications/(?:default/)?[^/]+\.gemspec"
COMPOSER_INSTALLED = r"(?:.*/)?composer/installed\.json"
DOTNET_DEPENDENCIES = r"(?:.*/)?[^/]+\.deps\.json"
CONDA_RECORD = r"(?:.*/)?conda-meta/[^/]+\.json"
JAVA_RELEASE = r"(?:.*/)?[^/]*(?i:java|jdk|jre|jvm)[^/]*/(?:jre/)?release"

# Programs that can say their own version: commands, and what lies without a suffix beside them.
_PROGRAM = r"(?:.*/)?s?bin/[^/]+|(?!etc/|usr/share/|usr/include/|var/)(?:.*/)?[^/.]+"
_LIBRARY = r"(?:.*/)?lib(?:crypto|ssl|python|php|ruby|node|mariadb|perl)[^/]*\.so[^/]*"

OWNABLE = "|".join(
    f"(?:{pattern})"
    for pattern in (
        METADATA,
        NODE_PACKAGE,
        JAVA_ARCHIVE,
        GEM_SPECIFICATION,
        COMPOSER_INSTALLED,
        DOTNET_DEPENDENCIES,
        CONDA_RECORD,
        JAVA_RELEASE,
        _PROGRAM,
        _LIBRARY,
    )
)
