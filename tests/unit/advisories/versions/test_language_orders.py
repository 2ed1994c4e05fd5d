"""The smaller orders of languages: known sequences, spellings of one version, texts that are no version."""

import itertools

import pytest

from hullguard.advisories.versions.catalog import order_of
from hullguard.advisories.versions.order import Order, UnreadableVersion

ASCENDING = {
    "crates.io": ["0.9.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "1.0.1", "1.10.0"],
    "Hex": ["1.0.0-dev", "1.0.0-rc.1", "1.0.0", "1.2.0"],
    "SwiftURL": ["1.9.9", "2.0.0-beta.1", "2.0.0", "10.0.0"],
    "Pub": ["1.0.0-dev.1", "1.0.0-dev.1+1", "1.0.0", "1.0.0+1", "1.0.0+1.a", "1.0.0+2", "1.0.0+b", "1.0.1"],
    "Julia": ["1.1.1-", "1.1.1", "1.1.10+0", "1.1.10+1", "3.0.15+1", "3.0.15+10"][1:],
    "GitHub Actions": ["1.0.0", "2.289.4", "2.296.2", "v3", "v4.1"],
    "Bitnami": ["11.0.9", "11.0.9.1", "11.0.10", "15.9.0", "16.0.0-beta.1", "16.0.0rc1", "16.0.0", "16.3.0"],
    "Go": [
        "v0.0.0-20190308221718-c2843e01d9a2", "v0.0.0-20200622213623-75b288015ac9", "v0.1.0",
        "v1.2.3-pre.0.20200101000000-abcdefabcdef", "v1.2.3", "v1.2.4-0.20200101000000-abcdefabcdef", "v1.2.4",
        "v2.0.0+incompatible", "v2.8.1+incompatible",
    ],
    "NuGet": ["1.0.0-alpha", "1.0.0-Beta", "1.0.0-rc.1", "1.0.0", "1.0.0.1", "1.0.1", "4.10.0", "4.10.0.2"],
    "Hackage": ["1", "1.0", "1.0.0", "1.0.1", "1.2", "1.10", "2"],
    "CRAN": ["0.9-1", "0.9.2", "1.0", "1.0-0", "1.0-1", "1.0.2", "1.0-10", "1.1"],
    "opam": ["0.9~beta", "0.9", "0.9.1", "0.9.1+dune", "4.02.3", "4.03.0", "4.14.0", "v0.9", "v0.16.0"],
}  # fmt: skip
SAME = {
    "crates.io": [("1.0.0+a", "1.0.0+b"), ("v1.0.0", "1.0.0")],
    "Pub": [("1.0.0", "v1.0.0")],
    "Julia": [("1.2", "1.2.0")],
    "Bitnami": [("1.2", "1.2.0"), ("1.2.0.0", "1.2.0"), ("1.2.3+build", "1.2.3")],
    "Go": [
        ("go1.21.4", "1.21.4"), ("go1.21", "1.21.0"), ("go1.21rc2", "1.21.0-rc.2"), ("1.18beta1", "v1.18.0-beta.1"),
        ("go1.21.4 X:boringcrypto", "1.21.4"), ("go1.21.4-custom", "1.21.4"), ("v2.0.0+incompatible", "2.0.0"),
        ("go1.22.1+auto", "1.22.1"),
    ],
    "NuGet": [("1.0", "1.0.0.0"), ("1.0.0-RC", "1.0.0-rc"), ("1.01.0", "1.1.0"), ("1.0.0+a", "1.0.0")],
    "Hackage": [("1.2-tag", "1.2"), ("1.02", "1.2")],
    "CRAN": [("1.0-1", "1.0.1")],
    "opam": [("1.01", "1.1")],
}  # fmt: skip
UNREADABLE = {
    "crates.io": ["", "1", "1.0", "1.0.0.0", "latest", "1.0.0-", "^1.0.0"],
    "Hex": ["1.0", "1.0.0-"],
    "SwiftURL": ["1.0", "main"],
    "Pub": ["", "any", "1.0.0.0", "1.0.0-"],
    "Julia": ["", "nightly"],
    "Bitnami": ["", "latest", "1.0.0.0.0", "1.0.0x"],
    "Go": ["", "(devel)", "devel +abc", "1", "v1.2.3.4", "gogo1.2", "go1.21.4\n"[:-1] + "x"],
    "NuGet": ["", "1.0.0.0.0", "[1.0,2.0)", "1.*"],
    "Hackage": ["", "1.", "a.b", "1..2"],
    "CRAN": ["", "1.", "1-", "r1"],
    "opam": ["", "1 0", "1/2", "é"],
}


def order(ecosystem: str) -> Order:
    found = order_of(ecosystem)
    assert found is not None
    return found


@pytest.mark.parametrize("ecosystem", sorted(ASCENDING))
def test_every_version_of_a_sequence_comes_before_all_that_follow(ecosystem: str) -> None:
    for low, high in itertools.combinations(ASCENDING[ecosystem], 2):
        assert order(ecosystem).key(low) < order(ecosystem).key(high), (low, high)


@pytest.mark.parametrize(("ecosystem", "one", "other"), [(name, *pair) for name in SAME for pair in SAME[name]])
def test_versions_that_are_one(ecosystem: str, one: str, other: str) -> None:
    assert order(ecosystem).key(one) == order(ecosystem).key(other)


@pytest.mark.parametrize(("ecosystem", "text"), [(name, text) for name in UNREADABLE for text in UNREADABLE[name]])
def test_what_is_no_version_is_said_to_be_none(ecosystem: str, text: str) -> None:
    with pytest.raises(UnreadableVersion):
        order(ecosystem).key(text)


@pytest.mark.parametrize(
    ("installed", "bound", "compared"),
    [
        ("16.3.0-5", "16.3.0", "16.3.0"),
        ("16.3.0-r5", "16.3.0", "16.3.0"),
        ("16.3.0-beta.1", "16.3.0", "16.3.0-beta.1"),
        ("16.3.0-5", "16.3.0-6", "16.3.0-5"),
        ("16.3.0", "16.3.0", "16.3.0"),
    ],
)
def test_the_revision_of_a_bitnami_package_is_no_pre_release(installed: str, bound: str, compared: str) -> None:
    assert order("Bitnami").installed_for(installed, bound) == compared
