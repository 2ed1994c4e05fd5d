"""Copyright files in free words: what is unmistakable counts, and a licence that is only mentioned does not."""

import pytest

from hullguard.inventory.analyzers.copyright.free_form import licenses

MIT = (
    "Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated "
    'documentation files (the "Software"), to deal in the Software without restriction, including without limitation the '
    "rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit "
    "persons to whom the Software is furnished to do so"
)
NOTICE = (
    ", subject to the following conditions: The above copyright notice and this permission notice (including the next "
    "paragraph) shall be included in all copies or substantial portions of the Software. "
)
AS_IS = 'THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND. '
X11 = "Except as contained in this notice, the name of The Open Group shall not be used in advertising."
BSD = (
    " * Redistribution and use in source and binary forms, with or without\n * modification, are permitted provided that the "
    "following conditions\n * are met:\n"
)
SOURCE = (
    " * 1. Redistributions of source code must retain the above copyright\n *    notice, this list of conditions.\n"
)
BINARY = " * 2. Redistributions in binary form must reproduce the above copyright\n *    notice in the documentation.\n"
ADVERTISED = (
    " * 3. All advertising materials mentioning features or use of this software\n *    must display the following "
    "acknowledgement: a\n"
)
ENDORSED = (
    " * 3. Neither the name of the University nor the names of its contributors\n *    may be used to endorse or promote "
    "products derived from this software\n *    without specific prior written permission.\n"
)
END = " * THIS SOFTWARE IS PROVIDED BY THE REGENTS ``AS IS'' AND ANY WARRANTY IS DISCLAIMED.\n"
FEE = "Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted"
KEPT = ", provided that the above copyright notice and this permission notice appear in all copies."
BOTH = (
    ", provided that the above copyright notice appear in all copies and that both that copyright notice and this "
    "permission notice appear in supporting documentation."
)
SELL = (
    "Permission to use, copy, modify, distribute, and sell this software and its documentation for any purpose is hereby "
    "granted without fee"
)
HPND = (
    "Permission to use, copy, modify, and distribute this software and its documentation for any purpose and without fee is "
    "hereby granted"
)
IN_BRACKETS = (
    "under the terms of the GNU Lesser General Public License (either version 3\nof the License, or, at your option, any "
    "later version)."
)
EITHER = (
    "Alternatively it may be used under the terms of either the GNU General Public License Version 2 or later (the "
    '"GPL"), or the GNU Lesser General Public License Version 2.1 or later'
)
SECONDARY = (
    '"Secondary License" means either the GNU General Public License, Version 2.0, or the GNU Lesser General Public '
    "License, Version 2.1"
)
EITHER_A_OR_B = (
    "under the terms of either: a) the GNU General Public License as published by the Free Software Foundation; either "
    "version 1, or (at your option) any later version, or b) the Artistic License which comes with Perl.\n"
    "See /usr/share/common-licenses/GPL-1 and /usr/share/common-licenses/Artistic"
)
ZLIB = (
    "This software is provided 'as-is', without any express or implied warranty. 1. The origin of this software must not be "
    "misrepresented. 2. Altered source versions must be plainly marked as such."
)


def notice(family: str, version: str, later: str = ", or (at your option) any later version") -> str:
    return (
        f"   This program is free software; you can redistribute it and/or modify it under the\n   terms of the GNU {family} "
        f"Public License as published by the\n   Free Software Foundation; {'either ' * bool(later)}version {version} of the "
        f"License{later}.\n\n   See the GNU {family} Public License for more details.\n"
    )


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (notice("General", "2"), ["GPL-2.0-or-later"]),
        (notice("General", "3", later=""), ["GPL-3.0-only"]),
        (notice("Lesser General", "2.1"), ["LGPL-2.1-or-later"]),
        (notice("Library General", "2"), ["LGPL-2.0-or-later"]),
        (notice("Affero General", "3"), ["AGPL-3.0-or-later"]),
        (notice("General", "2", ", or, at your option, any later version"), ["GPL-2.0-or-later"]),
        (IN_BRACKETS, ["LGPL-3.0-or-later"]),
        ("under the terms of version 2 of the GNU General Public License.", ["GPL-2.0-only"]),
        ("is distributed under the GPL v2 or later", ["GPL-2.0-or-later"]),
        (
            "under the terms of the GNU Free Documentation License, Version 1.3 or any later version",
            ["GFDL-1.3-or-later"],
        ),
        (EITHER, ["GPL-2.0-or-later", "LGPL-2.1-or-later"]),
    ],
)
def test_a_grant_in_gnu_s_usual_words_names_the_version(text: str, named: list[str]) -> None:
    assert licenses(text) == named


@pytest.mark.parametrize(
    "text",
    [
        "compatible with the GNU General Public License, version 2",
        "All Python licenses, unlike the GPL, let you distribute a modified version",
        "a work licensed under version 3 of the GNU Affero General Public License",
        "incorporates the terms and conditions of version 3 of the GNU General Public License",
        SECONDARY,
        "This software is not in the public domain.",
        "The licenses are in /usr/share/common-licenses/ .",
        "License: whatever the authors say",
        "",
    ],
)
def test_a_licence_that_is_only_mentioned_is_none(text: str) -> None:
    assert licenses(text) == []


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("see `/usr/share/common-licenses/Apache-2.0'.", ["Apache-2.0"]),
        ("see /usr/share/common-licenses/Artistic", ["Artistic-1.0-Perl"]),
        ("see /usr/share/common-licenses/BSD.", ["BSD-3-Clause"]),
        ("see /usr/share/common-licenses/CC0-1.0", ["CC0-1.0"]),
        ("under the terms of the GPL; see /usr/share/common-licenses/GPL-3.", ["GPL-3"]),
        ("under the GPL, see /usr/share/common-licenses/GPL", ["GPL"]),
        ("or, if you like, any later version: /usr/share/common-licenses/LGPL-2.1", ["LGPL"]),
        (notice("General", "2") + "The text is in `/usr/share/common-licenses/GPL-3'.", ["GPL-2.0-or-later"]),
    ],
)
def test_where_debian_keeps_a_licence_s_text_says_which_it_is(text: str, named: list[str]) -> None:
    assert licenses(text) == named


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (MIT + NOTICE + AS_IS, ["MIT"]),
        (MIT + NOTICE + AS_IS + X11, ["X11"]),
        (MIT + ". " + AS_IS, ["MIT-0"]),
        (BSD + SOURCE + BINARY + END, ["BSD-2-Clause"]),
        (BSD + SOURCE + BINARY + ENDORSED + END, ["BSD-3-Clause"]),
        (BSD + SOURCE + BINARY + ADVERTISED + ENDORSED + END, ["BSD-4-Clause"]),
        (BSD + SOURCE + END, ["BSD-1-Clause"]),
        (FEE + KEPT, ["ISC"]),
        (FEE + KEPT + " " + X11, ["curl"]),
        (FEE + ". " + AS_IS, ["0BSD"]),
        (FEE.replace("software for", "software and its documentation for").replace("with or ", "and "), []),
        (SELL + BOTH, ["HPND-sell-variant"]),
        (HPND + BOTH, ["HPND"]),
        (ZLIB, ["Zlib"]),
        ("Licensed under the Apache License, Version 2.0", ["Apache-2.0"]),
        ("It is subject to the terms of the Mozilla Public License, v. 2.0.", ["MPL-2.0"]),
        ("Boost Software License - Version 1.0 - August 17th, 2003", ["BSL-1.0"]),
        ("The data are hereby placed in the public domain.", ["public-domain"]),
        ("License: BSD-2-clause\nLicense (manual): GPLv2+", ["BSD-2-Clause"]),
        (MIT + NOTICE + AS_IS + "\n" + BSD + SOURCE + BINARY + END, ["MIT", "BSD-2-Clause"]),
    ],
)
def test_the_text_of_a_known_licence_is_known(text: str, named: list[str]) -> None:
    assert licenses(text) == named


@pytest.mark.parametrize(
    "text",
    [
        MIT + AS_IS,
        BSD + SOURCE + BINARY + ENDORSED.replace("Neither", "Products may not be called a. Neither") + END,
        BSD
        + SOURCE
        + BINARY
        + " * 3. Whoever uses it owes the makers a beer, and says so wherever it is used.\n" * 5
        + END,
        BSD + BINARY + END,
        FEE + ", provided that nobody is harmed by it.",
        "This software is provided 'as-is', without any express or implied warranty.",
    ],
)
def test_a_text_with_other_conditions_is_not_that_licence(text: str) -> None:
    assert licenses(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "you can redistribute it under the same terms as Perl itself",
        EITHER_A_OR_B,
    ],
)
def test_the_terms_of_perl_are_a_choice(text: str) -> None:
    assert licenses(text) == ["GPL-1.0-or-later OR Artistic-1.0-Perl"]


def test_gnu_s_own_text_grants_nothing_by_its_sample() -> None:
    text = (
        "GNU GENERAL PUBLIC LICENSE\n Version 2, June 1991\n ... How to Apply These Terms to Your New Programs\n"
        + notice("General", "2")
    )

    assert licenses(text) == ["GPL-2"]


def test_the_runtime_libraries_of_gcc_have_their_exception() -> None:
    text = notice("General", "3") + "permissions described in the GCC Runtime Library Exception, version 3.1"

    assert licenses(text) == ["GPL-3.0-or-later", "GPL-3.0-or-later WITH GCC-exception-3.1"]
