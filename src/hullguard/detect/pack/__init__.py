"""Hullguard's own rules, on by default: the files beside this one, each one theme, ``base.yaml`` what they share."""

import functools
from importlib import resources

from hullguard.detect.rules.reading import RuleFile
from hullguard.detect.rules.ruleset import RuleSet


def pack_files() -> tuple[RuleFile, ...]:
    """The pack's files by name."""
    files = [file for file in resources.files(__name__).iterdir() if file.name.endswith(".yaml")]
    return tuple(RuleFile(f"pack/{file.name}", file.read_bytes()) for file in sorted(files, key=lambda one: one.name))


@functools.cache
def load_pack() -> RuleSet:
    """The pack, compiled once for the process."""
    return RuleSet.load(pack_files())
