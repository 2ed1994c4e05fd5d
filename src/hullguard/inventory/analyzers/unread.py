"""Packages of managers that are not read here: that they are there is said, once for each kind."""

from typing import NamedTuple

from hullguard.inventory.analyzers.analyzer import Analyzer, Context, Files, Findings


class _Kind(NamedTuple):
    name: str
    paths: str


# What a distribution's own package brought of them lies in /usr/lib or /usr/share.
_KINDS = (
    _Kind("R", r"(?!usr/lib/|usr/share/)(?:.*/)?site-library/[^/]+/DESCRIPTION"),
    _Kind("Erlang and Elixir", r"(?!usr/lib/|usr/share/)(?:.*/)?lib/[^/]+-\d[^/]*/ebin/[^/]+\.app"),
    _Kind("Lua", r"(?!usr/lib/|usr/share/)(?:.*/)?[^/]+\.rockspec"),
    _Kind("Yarn in its archives", r"(?:.*/)?\.pnp\.c?js"),
    _Kind("Nix", r"nix/var/nix/db/db\.sqlite"),
    _Kind("Gentoo", r"var/db/pkg/[^/]+/[^/]+/CONTENTS"),
)


class UnreadAnalyzer(Analyzer):
    """Names no package; one that is looked for in vain is better than one that nobody missed."""

    name, version = "unread", 1
    paths = "|".join(kind.paths for kind in _KINDS)

    def condense(self, path: str, content: bytes) -> bytes:
        del path, content
        return b""

    def analyze(self, files: Files, context: Context) -> Findings:
        findings = Findings(room=context.room)
        for kind in _KINDS:
            places = sorted(path for path, _ in files.matching(kind.paths))
            if places:
                why = (
                    f"packages of this kind are not read; there are {len(places)} signs of them, {places[0]} the first"
                )
                findings.say(f"packages of {kind.name}", why)
        return findings
