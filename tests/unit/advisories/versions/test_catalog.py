"""Every order is listed, and every ecosystem has at most one."""

import importlib
import pkgutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.advisories import versions
from hullguard.advisories.versions.catalog import ORDERS, named, order_of
from hullguard.advisories.versions.order import Order, UnreadableVersion


def test_every_order_is_in_the_catalog() -> None:
    for module in pkgutil.iter_modules(versions.__path__):
        importlib.import_module(f"{versions.__name__}.{module.name}")

    assert set(Order.__subclasses__()) == {type(named(place)) for place in ORDERS}


def test_no_ecosystem_has_two_orders() -> None:
    names = [name for names in ORDERS.values() for name in names]

    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("ecosystem", "name"),
    [
        ("Debian:12", "dpkg"),
        ("Ubuntu:22.04:LTS", "dpkg"),
        ("Alpine:v3.18", "apk"),
        ("Alpaquita:stream", "apk"),
        ("Echo", "dpkg"),
        ("AlmaLinux:9", "rpm"),
        ("Red Hat:enterprise_linux:9::baseos", "rpm"),
        ("openSUSE:Leap 15.6", "rpm"),
        ("PyPI", "PEP 440"),
        ("npm", "semver"),
        ("GitHub Actions", "semver"),
        ("crates.io", "strict semver"),
        ("Hex", "strict semver"),
        ("SwiftURL", "strict semver"),
        ("Pub", "semver with builds"),
        ("Julia", "semver with builds"),
        ("Bitnami", "Bitnami"),
        ("Maven", "Maven"),
        ("Maven:https://repo.example.org", "Maven"),
        ("Go", "Go"),
        ("RubyGems", "gem"),
        ("NuGet", "NuGet"),
        ("Packagist", "Composer"),
        ("Hackage", "PVP"),
        ("GHC", "PVP"),
        ("CRAN", "CRAN"),
        ("opam", "opam"),
    ],
)
def test_the_release_does_not_matter(ecosystem: str, name: str) -> None:
    order = order_of(ecosystem)

    assert order is not None
    assert order.name == name


def test_an_ecosystem_without_an_order_has_none() -> None:
    assert order_of("Erlang") is None
    assert order_of("") is None


@pytest.mark.parametrize("order", [named(place) for place in ORDERS], ids=lambda order: order.name)
@given(text=st.text(max_size=40))
def test_any_text_is_a_version_or_is_said_to_be_none(order: Order, text: str) -> None:
    try:
        key = order.key(text)
    except UnreadableVersion:
        return
    assert key == order.key(text)
