"""Copyright files with fields: whose licence is which, and what stands in the place of a name."""

import pytest

from hullguard.inventory.analyzers.copyright.machine_readable import is_machine_readable, licenses

HEAD = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: a\n\n"


@pytest.mark.parametrize(
    "head",
    [
        HEAD,
        "Format: http://www.debian.org/doc/packaging-manuals/copyright-format/1.0\n",
        "\nFormat: http://dep.debian.net/deps/dep5\n",
        "Format-Specification: http://svn.debian.org/wsvn/dep/web/deps/dep5.mdwn?rev=174\n",
        "Upstream-Name: a\nUpstream-Contact: b\n c\nFormat: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n",
    ],
)
def test_the_format_says_that_there_are_fields(head: str) -> None:
    assert is_machine_readable(f"{head}Files: *\nLicense: MIT\n")


@pytest.mark.parametrize(
    "text", ["", "This package was debianized by hand.\nLicense: MIT\n", "Format: a tarball\n", "x" * 100_000]
)
def test_other_files_have_none(text: str) -> None:
    assert not is_machine_readable(text)


def test_licences_of_files_and_those_that_stand_alone_count() -> None:
    text = (
        HEAD
        + "Files: *\nCopyright: 2001 the makers\nLicense: GPL-2+\n under these terms\n .\n License: this is text\n\n"
        "Files: lib/*\nLicense: Expat or GPL-1+\n\nlicense : BSD-3-clause\n Redistribution\n"
    )

    assert list(licenses(text)) == ["GPL-2.0-or-later", "MIT OR GPL-1.0-or-later", "BSD-3-Clause"]


def test_a_name_may_stand_on_the_next_line() -> None:
    assert list(licenses(HEAD + "Files: *\nLicense:\n GPL-3+\n")) == ["GPL-3.0-or-later"]
    assert list(licenses(HEAD + "Files: *\nLicense:\tExpat\n")) == ["MIT"]


def test_in_the_place_of_a_name_the_text_of_a_known_licence_counts() -> None:
    text = (
        "License: Permission to use, copy, modify, and distribute this software for any\n purpose with or without fee is "
        "hereby granted, provided that the above\n copyright notice and this permission notice appear in all copies.\n"
    )

    assert list(licenses(HEAD + text)) == ["ISC"]


@pytest.mark.parametrize("field", ["License:", "License: none", "License:\n what the makers say", "License: see below"])
def test_what_names_none_tells_none(field: str) -> None:
    assert list(licenses(f"{HEAD}Files: *\n{field}\n")) == []
