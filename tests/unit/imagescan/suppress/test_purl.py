"""Package URLs: read as the specification says, compared as a statement means them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.imagescan.suppress.purl import Purl, read


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pkg:deb/debian/zlib1g@1%3A1.2?arch=amd64", Purl("deb", "debian", "zlib1g", "1:1.2", (("arch", "amd64"),))),
        ("pkg:npm/%40babel/core@7.0.0", Purl("npm", "@babel", "core", "7.0.0")),
        ("pkg:npm/@babel/core", Purl("npm", "@babel", "core")),
        ("pkg:pypi/Flask_Login@1.0", Purl("pypi", "", "flask-login", "1.0")),
        ("PKG:NuGet/Newtonsoft.Json", Purl("nuget", "", "newtonsoft.json")),
        ("pkg:golang/github.com/a/b@v1.0.0#sub", Purl("golang", "github.com/a", "b", "v1.0.0")),
        ("pkg:deb/debian/a?b=2&a=1&empty=", Purl("deb", "debian", "a", None, (("a", "1"), ("b", "2")))),
        ("cpe:/a:b", None),
        ("pkg:npm", None),
        ("pkg:npm/", None),
        ("", None),
        ("pkg:npm/" + "a" * 5000, None),
    ],
)
def test_a_package_url_is_read(text: str, expected: Purl | None) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("said", "covers"),
    [
        ("pkg:deb/debian/zlib1g", True),
        ("pkg:deb/debian/zlib1g@1.2", True),
        ("pkg:deb/debian/zlib1g@1.2?arch=amd64", True),
        ("pkg:deb/debian/zlib1g?distro=debian-12", True),
        ("pkg:deb/debian/zlib1g@1.3", False),
        ("pkg:deb/debian/zlib1g@1.2?arch=arm64", False),
        ("pkg:deb/ubuntu/zlib1g", False),
        ("pkg:deb/debian/zlib1", False),
        ("pkg:rpm/debian/zlib1g", False),
    ],
)
def test_what_is_not_said_may_be_anything(said: str, covers: bool) -> None:
    pattern, package = read(said), read("pkg:deb/debian/zlib1g@1.2?arch=amd64&distro=debian-12")

    assert pattern is not None
    assert package is not None
    assert pattern.covers(package) is covers


@given(st.text(max_size=60))
def test_any_text_is_one_or_none(text: str) -> None:
    found = read(f"pkg:{text}")

    assert found is None or found.covers(found)
