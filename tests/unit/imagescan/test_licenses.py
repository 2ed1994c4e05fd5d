import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.imagescan.license_table import ALIASES, CATEGORIES
from hullguard.imagescan.licenses import (
    NETWORK,
    PERMISSIVE,
    PROPRIETARY,
    STRONG,
    UNKNOWN,
    WEAK,
    category,
    split,
    undeclared,
    uses,
)
from hullguard.model.package import Package, PackageType


def package(name: str, *licenses: str) -> Package:
    return Package(f"pkg:pypi/{name}@1", PackageType.PYPI, name, "1", licenses=licenses)


def test_packages_without_a_licence_are_counted() -> None:
    assert undeclared([package("a", "MIT")]) is None
    unknown = undeclared([package("a", "MIT"), package("b"), package("c")])
    assert unknown is not None
    assert "the licences of 2 of the 3 packages are not known" in unknown.why


@pytest.mark.parametrize(
    ("declared", "names"),
    [
        ("MIT", ("MIT",)),
        ("mit", ("MIT",)),
        ("MIT License", ("MIT",)),
        ("The MIT License", ("MIT",)),
        ("Expat", ("MIT",)),
        ("Apache 2.0", ("Apache-2.0",)),
        ("Apache License 2.0", ("Apache-2.0",)),
        ("Apache License, Version 2.0", ("Apache-2.0",)),
        ("Apache Software License", ("Apache-2.0",)),
        ("License :: OSI Approved :: Apache Software License", ("Apache-2.0",)),
        ("License :: OSI Approved :: BSD License", ("BSD-3-Clause",)),
        ("BSD", ("BSD-3-Clause",)),
        ("BSD-3-clause", ("BSD-3-Clause",)),
        ("GPLv3+", ("GPL-3.0-or-later",)),
        ("GPL-2+", ("GPL-2.0-or-later",)),
        ("GPL-2", ("GPL-2.0-only",)),
        ("GPL-2.0-only", ("GPL-2.0-only",)),
        ("GPL-2.0-or-later", ("GPL-2.0-or-later",)),
        ("GPLv2 or later", ("GPL-2.0-or-later",)),
        ("GNU General Public License v3.0", ("GPL-3.0-only",)),
        ("LGPL-2.1+", ("LGPL-2.1-or-later",)),
        ("LGPLv2+", ("LGPL-2.0-or-later",)),
        ("MIT OR Apache-2.0", ("MIT", "Apache-2.0")),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", ("MIT", "Apache-2.0", "Unicode-3.0")),
        ("GPLv2+ and LGPLv2+ and MIT", ("GPL-2.0-or-later", "LGPL-2.0-or-later", "MIT")),
        ("MIT/Apache-2.0", ("MIT", "Apache-2.0")),
        ("MIT; BSD-2-Clause", ("MIT", "BSD-2-Clause")),
        ("MIT AND MIT", ("MIT",)),
        ("GPL-2.0-only WITH Classpath-exception-2.0", ("GPL-2.0-only WITH Classpath-exception-2.0",)),
        ("Zope Public License", ("ZPL-2.1",)),
        ("The Apache Software License, Version 2.0", ("Apache-2.0",)),
        ("Eclipse Public License - v 2.0", ("EPL-2.0",)),
        ("GNU Lesser General Public License v2 or later (LGPLv2+)", ("LGPL-2.0-or-later",)),
        ("Mozilla Public License 2.0 (MPL 2.0)", ("MPL-2.0",)),
        ("GPL version 2 or later", ("GPL-2.0-or-later",)),
        ("MIT, ISC", ("MIT", "ISC")),
        ("MIT, ISC, and Zlib", ("MIT", "ISC", "Zlib")),
        ("LGPLv3+_or_GPLv2+", ("LGPL-3.0-or-later", "GPL-2.0-or-later")),
        ("GPL-3+-with-bison-exception", ("GPL-3.0-or-later WITH bison-exception",)),
        ("OpenLDAP-2.8", ("OLDAP-2.8",)),
        ("Something Of Our Own 3", ("Something Of Our Own 3",)),
        ("", ()),
        ("()", ()),
    ],
)
def test_declarations_become_identifiers(declared: str, names: tuple[str, ...]) -> None:
    assert split(declared) == names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("MIT", PERMISSIVE),
        ("public-domain", PERMISSIVE),
        ("LGPL-2.1-or-later", WEAK),
        ("MPL-2.0", WEAK),
        ("GPL-3.0-or-later", STRONG),
        ("GPL-2.0-only WITH Classpath-exception-2.0", WEAK),
        ("GPL-2.0-only WITH Linux-syscall-note", STRONG),
        ("AGPL-3.0-only", NETWORK),
        ("SSPL-1.0", NETWORK),
        ("BUSL-1.1", PROPRIETARY),
        ("proprietary", PROPRIETARY),
        ("Something Of Our Own 3", UNKNOWN),
    ],
)
def test_what_a_licence_asks_for(name: str, expected: str) -> None:
    assert category(name) == expected


def test_packages_are_gathered_by_licence_and_what_asks_the_most_comes_first() -> None:
    found = uses(
        [
            package("b", "MIT"),
            package("a", "MIT OR GPL-3.0-or-later"),
            package("c", "AGPL-3.0-only"),
            package("d", "Own"),
            package("e"),
        ]
    )

    assert [(use.license, use.category, use.packages) for use in found] == [
        ("AGPL-3.0-only", NETWORK, ("pkg:pypi/c@1",)),
        ("GPL-3.0-or-later", STRONG, ("pkg:pypi/a@1",)),
        ("Own", UNKNOWN, ("pkg:pypi/d@1",)),
        ("MIT", PERMISSIVE, ("pkg:pypi/a@1", "pkg:pypi/b@1")),
    ]


def test_every_alias_leads_to_a_category() -> None:
    assert {category(spdx) for spdx in ALIASES.values()} == {PERMISSIVE, WEAK, STRONG, NETWORK, PROPRIETARY}
    assert len(CATEGORIES) > 180


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Copyright me. Permission is hereby granted, free of charge, to any person", "MIT"),
        ("Redistribution and use in source and binary forms are permitted. Neither the name of", "BSD-3-Clause"),
        ("Redistribution and use in source and binary forms are permitted.", "BSD-2-Clause"),
    ],
)
def test_a_licence_is_known_by_its_text(text: str, name: str) -> None:
    assert split(text + " and so on" * 30) == (name,)


def test_another_text_is_one_licence_that_nobody_knows() -> None:
    (name,) = split("You may use this and that or nothing, " * 20)

    assert name.startswith("You may use this and that")
    assert category(name) == UNKNOWN


def test_a_declaration_is_bounded() -> None:
    assert len(split(" AND ".join(f"L{number}" for number in range(30)))) == 30
    assert all(len(name) <= 300 for name in split("x" * 100_000))


@given(st.text(max_size=300))
def test_no_text_makes_it_fail_and_names_can_be_printed(text: str) -> None:
    for name in split(text):
        assert name
        assert name.isprintable()
        assert category(name)
