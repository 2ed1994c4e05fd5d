"""The part of ``config`` that reads accounts: who needs no password, who else is root, who shares a number."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import ClassVar

from hullguard.inventory import bounds
from hullguard.inventory.content.image_checks import ALIKE, OTHER_ROOT, PASSWORDLESS
from hullguard.inventory.content.inspector import Inspector
from hullguard.model.content import Misconfiguration
from hullguard.model.package import Unknown

_PASSWD, _SHADOW, _GROUP = "etc/passwd", "etc/shadow", "etc/group"
_NAMED, _LONGEST = 5, 40
_NO_ENTRY = ("#", "+", "-")
"""A comment, and what other sources of accounts add or take away (nsswitch.conf(5), ``compat``)."""


class AccountInspector(Inspector):
    name: ClassVar[str] = "config"

    @property
    def version(self) -> str:
        return "1"

    def wants(self, path: str, size: int, mode: int, head: bytes) -> bool:
        del size, mode, head
        return path in (_PASSWD, _SHADOW, _GROUP)

    def inspect(self, path: str, size: int, mode: int, chunks: Iterator[bytes]) -> Iterable[Misconfiguration | Unknown]:
        del mode
        content = bytearray()
        for chunk in chunks:
            content += chunk[: bounds.ACCOUNTS_BYTES - len(content)]
            if len(content) >= bounds.ACCOUNTS_BYTES:
                break
        if size > bounds.ACCOUNTS_BYTES:
            why = f"of its {size} bytes accounts were looked for in the first {bounds.ACCOUNTS_BYTES}"
            yield Unknown(path, why, incomplete=True)
        lines = bytes(content).decode("utf-8", "backslashreplace").split("\n")
        entries = [line.split(":") for line in lines if ":" in line and not line.startswith(_NO_ENTRY)]
        if path != _GROUP and (open_to_all := _listed(one[0] for one in entries if not one[1])):
            yield PASSWORDLESS.failed(f"/{path}: no password is asked of {open_to_all}", path=path)
        if path != _SHADOW:
            yield from _alike(path, [(one[0], one[2].strip()) for one in entries if len(one) > 2])


def _alike(path: str, entries: list[tuple[str, str]]) -> Iterator[Misconfiguration]:
    """By names and numbers. A number is one whatever zeros stand before it."""
    by_number: defaultdict[str, list[str]] = defaultdict(list)
    names: defaultdict[str, int] = defaultdict(int)
    for name, number in entries:
        names[name] += 1
        if number.isascii() and number.isdigit() and name not in by_number[number.lstrip("0")]:
            by_number[number.lstrip("0")].append(name)
    roots = by_number.pop("", [])
    if path == _PASSWD and (others := _listed(name for name in roots if name != "root")):
        yield OTHER_ROOT.failed(f"/{path}: {others} have the number of root", path=path)
    if shared := _listed(name for found in by_number.values() if len(found) > 1 for name in found):
        yield ALIKE.failed(f"/{path}: {shared} share their number", path=path)
    if again := _listed(name for name, count in names.items() if count > 1):
        yield ALIKE.failed(f"/{path}: {again} stand there more than once", path=path)


def _listed(names: Iterable[str]) -> str:
    """Some of them and how many more; empty for none."""
    every = sorted(set(names))
    shown = [repr(name[:_LONGEST]) for name in every[:_NAMED]]
    return ", ".join([*shown, "…"] if len(every) > len(shown) else shown)
