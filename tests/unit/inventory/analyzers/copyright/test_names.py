"""Debian's names of licences become SPDX expressions; what is no name is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.licenses import canonicalize_license_expression

from hullguard.imagescan.licenses import category
from hullguard.inventory.analyzers.copyright.names import expression, identifier, known


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("GPL-2", "GPL-2.0-only"),
        ("GPL-2+", "GPL-2.0-or-later"),
        ("GPL-2.0+", "GPL-2.0-or-later"),
        ("GPLv3+", "GPL-3.0-or-later"),
        ("GPL v2 or later", "GPL-2.0-or-later"),
        ("GPL-3.0-or-later", "GPL-3.0-or-later"),
        ("LGPL-2.1", "LGPL-2.1-only"),
        ("LGPL-2", "LGPL-2.0-only"),
        ("AGPL-3+", "AGPL-3.0-or-later"),
        ("GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later"),
        ("GFDL-1.2", "GFDL-1.2-only"),
        ("Expat", "MIT"),
        ("MIT license", "MIT"),
        ("X11", "X11"),
        ("BSD-3-clause", "BSD-3-Clause"),
        ("BSD 3 clause", "BSD-3-Clause"),
        ("Apache-2", "Apache-2.0"),
        ("Artistic", "Artistic-1.0-Perl"),
        ("Perl", "GPL-1.0-or-later OR Artistic-1.0-Perl"),
        ("zlib/libpng", "Zlib"),
        ("CC-BY-SA-3.0", "CC-BY-SA-3.0"),
        ("public-domain", "public-domain"),
        ("PD", "public-domain"),
    ],
)
def test_a_name_has_its_identifier(words: str, meant: str) -> None:
    assert expression(words) == known(words) == meant


@pytest.mark.parametrize(
    "words", ["GPL", "LGPL", "GPL-9", "AGPL-2+", "GPL+", "BSD", "Apache", "permissive", "OpenLDAP"]
)
def test_a_name_that_spdx_does_not_have_stays_as_it_is(words: str) -> None:
    assert expression(words) == words
    assert known(words) is None


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("GPL-1+ or Artistic", "GPL-1.0-or-later OR Artistic-1.0-Perl"),
        ("GPL-2+ or Artistic, and Expat", "(GPL-2.0-or-later OR Artistic-1.0-Perl) AND MIT"),
        ("GPL-2+ or Artistic and Expat", "GPL-2.0-or-later OR Artistic-1.0-Perl AND MIT"),
        ("GPL-2, Expat, and ISC", "GPL-2.0-only AND MIT AND ISC"),
        ("Expat, or GPL-2, and ISC", "(MIT OR GPL-2.0-only) AND ISC"),
        ("Perl and Expat", "(GPL-1.0-or-later OR Artistic-1.0-Perl) AND MIT"),
        ("LGPLv3+_or_GPLv2+", "LGPL-3.0-or-later OR GPL-2.0-or-later"),
        ("GPL-2+-or-X11", "GPL-2.0-or-later OR X11"),
        ("MIT OR Apache-2.0", "MIT OR Apache-2.0"),
        ("Expat or MIT", "MIT"),
        ("BSD-3-clause and Custom-regex", "BSD-3-Clause AND Custom-regex"),
    ],
)
def test_words_between_names_bind_as_the_format_says(words: str, meant: str) -> None:
    assert expression(words) == meant


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("GPL-2+ with Autoconf exception", "GPL-2.0-or-later WITH Autoconf-exception-2.0"),
        ("GPL-3+ with Autoconf exception", "GPL-3.0-or-later WITH Autoconf-exception-3.0"),
        ("GPL-2+ with Libtool exception", "GPL-2.0-or-later WITH Libtool-exception"),
        ("GPL-3+-WITH-BISON-EXCEPTION", "GPL-3.0-or-later WITH Bison-exception-2.2"),
        ("GPL-2+-libtool-exception", "GPL-2.0-or-later WITH Libtool-exception"),
        ("Apache-2.0 with LLVM exception", "Apache-2.0 WITH LLVM-exception"),
        ("GPL-2+ with OpenSSL exception", "GPL-2.0-or-later WITH OpenSSL exception"),
        ("GPL-2+ with Font exception, and Expat", "GPL-2.0-or-later WITH Font-exception-2.0 AND MIT"),
    ],
)
def test_an_exception_stays_with_its_licence(words: str, meant: str) -> None:
    assert expression(words) == meant


@pytest.mark.parametrize(
    "words",
    [
        "",
        "none",
        "see below",
        "or",
        "GPL-2+ or",
        "and MIT",
        "Permission to use, copy, modify, and distribute this software and its",
        "By obtaining, using, and/or copying this software and/or its",
        "The main library is licensed under GNU Lesser",
        "(GPL-2+)",
        "MIT " + "and MIT " * 100,
        "MIT\x00",
    ],
)
def test_what_is_no_name_is_none(words: str) -> None:
    assert expression(words) is None


def test_what_the_exceptions_and_the_names_without_invariants_ask_for_is_known() -> None:
    assert category("GFDL-1.3-no-invariants-or-later") == "weak copyleft"
    assert category("GPL-3.0-or-later WITH GCC-exception-3.1") == "weak copyleft"


@given(st.text(max_size=400))
def test_any_text_is_an_expression_or_none(words: str) -> None:
    found = expression(words)

    assert found is None or (found and found.isprintable())
    assert (spdx := known(words)) is None or spdx == found


@given(st.from_regex(r"[A-Za-z0-9.+-]{1,30}", fullmatch=True))
def test_an_identifier_is_spdx_s_or_the_name(name: str) -> None:
    found = identifier(name)

    assert found.lower() == name.lower() or canonicalize_license_expression(found.replace("public-domain", "MIT"))
