"""Void's packages."""

import pytest
from tests.support.images import Entry, file
from tests.support.inventories import Found

OS = file("etc/os-release", 'NAME="Void"\nID="void"\n')
PLACE = "var/db/xbps/pkgdb-0.38.plist"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0">\n<dict>\n'
TAIL = "</dict>\n</plist>\n"


def entry(name: str, pkgver: str, state: str = "installed", license_: str = "MIT") -> str:
    return f"""\t<key>{name}</key>
\t<dict>
\t\t<key>architecture</key>
\t\t<string>x86_64</string>
\t\t<key>installed_size</key>
\t\t<integer>566717</integer>
\t\t<key>license</key>
\t\t<string>{license_}</string>
\t\t<key>automatic-install</key>
\t\t<true/>
\t\t<key>pkgver</key>
\t\t<string>{pkgver}</string>
\t\t<key>run_depends</key>
\t\t<array>
\t\t\t<string>glibc&gt;=2.39_1</string>
\t\t</array>
\t\t<key>state</key>
\t\t<string>{state}</string>
\t</dict>
"""


def database(*entries: str) -> Entry:
    alternatives = "\t<key>_XBPS_ALTERNATIVES_</key>\n\t<dict><key>vi</key><array><string>vim</string></array></dict>\n"
    return file(PLACE, HEAD + alternatives + "".join(entries) + TAIL)


def test_a_dictionary_is_a_package() -> None:
    found = Found([OS, database(entry("openssl", "openssl-3.1.5_1", license_="Apache-2.0 &amp; MIT"))])
    (package,) = found.packages

    assert (package.name, package.version, package.arch, package.ecosystem) == ("openssl", "3.1.5_1", "x86_64", "")
    assert package.purl == "pkg:xbps/void/openssl@3.1.5_1?arch=x86_64&distro=void"
    assert package.licenses == ("Apache-2.0 & MIT",)
    assert [one.what for one in found.unknowns if one.what != "operating system"] == []


def test_names_may_hold_dashes() -> None:
    assert Found([database(entry("libgcc-devel", "libgcc-devel-13.2.0_2"))]).names == ["libgcc-devel"]


@pytest.mark.parametrize(("state", "names"), [("unpacked", ["a"]), ("not-installed", []), ("half-removed", [])])
def test_the_state_decides(state: str, names: list[str]) -> None:
    found = Found([database(entry("a", "a-1_1", state), entry("b", "b-1_1"))])

    assert found.names == [*names, "b"]
    assert ("a" in [one.what for one in found.unknowns]) == (state == "half-removed")


@pytest.mark.parametrize("pkgver", ["", "a", "-1", "a-"])
def test_an_entry_without_name_or_version_is_told(pkgver: str) -> None:
    found = Found([database(entry("a", pkgver))])

    assert found.names == []
    assert ("a", f"{PLACE}: an entry lacks its name or its version", True) in [
        (one.what, one.why, one.incomplete) for one in found.unknowns
    ]


@pytest.mark.parametrize(
    ("inner", "why"),
    [
        ("<dict></dict>", "lacks its name or its version"),
        ("<dict/>", "lacks its name or its version"),
        ("<dict><key>pkgver</key><string>a-1_1</string></dict>", "does not say whether it is installed"),
    ],
)
def test_an_entry_without_what_it_must_have_is_missing(inner: str, why: str) -> None:
    # Story: an empty one was passed over without a word, one without a state was called half installed.
    found = Found([database(f"<key>a</key>{inner}", entry("b", "b-1_1"))])

    assert found.names == ["b"]
    assert ("a", f"{PLACE}: an entry {why}", True) in [(one.what, one.why, one.incomplete) for one in found.unknowns]


def test_alternatives_are_no_packages() -> None:
    alternatives = "<key>_XBPS_ALTERNATIVES_</key><dict><key>vi</key><array><string>vim</string></array></dict>"

    found = Found([database(alternatives, entry("b", "b-1_1"))])

    assert (found.names, [one.what for one in found.unknowns if one.incomplete]) == (["b"], [])


@pytest.mark.parametrize("content", ["", "text", HEAD, HEAD + entry("a", "a-1_1")])
def test_a_list_that_ends_early_is_incomplete(content: str) -> None:
    found = Found([file(PLACE, content)])

    assert ("it ends before its end; packages may be missing", True) in [
        (one.why, one.incomplete) for one in found.unknowns if one.what == PLACE
    ]


def test_an_empty_list_is_told() -> None:
    assert PLACE in [one.what for one in Found([file(PLACE, HEAD + TAIL)]).unknowns]


def test_the_layer_is_the_one_since_which_it_is_there() -> None:
    found = Found(
        [database(entry("a", "a-1_1"), entry("b", "b-1_1"))],
        [database(entry("a", "a-1_1"), entry("b", "b-2_1"))],
    )

    assert {package.name: package.layer for package in found.packages} == {"a": "layer0", "b": "layer1"}


def test_a_list_without_end_is_read_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hullguard.inventory.bounds.DATABASE_LINES", 100)
    found = Found([database(*(entry(f"p{number}", f"p{number}-1_1") for number in range(10)))])

    assert 0 < len(found.packages) < 10
    assert any(one.incomplete and one.what == PLACE for one in found.unknowns)
