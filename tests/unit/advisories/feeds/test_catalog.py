"""The catalog of feeds is complete, and each kind of file goes to one of them."""

import importlib
import pkgutil

import pytest

from hullguard.advisories import feeds
from hullguard.advisories.feeds.catalog import FEEDS
from hullguard.advisories.feeds.feed import Feed


def test_every_feed_is_in_the_catalog() -> None:
    for module in pkgutil.iter_modules(feeds.__path__):
        importlib.import_module(f"{feeds.__name__}.{module.name}")

    assert set(Feed.__subclasses__()) == {type(feed) for feed in FEEDS}


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b'{"title": "CISA", "catalogVersion": "1"', "kev"),
        (b"#model\ncve,epss,percentile\n", "epss"),
        (b"cve,epss,percentile\r\n", "epss"),
        (b"cve,source,cvss_version,vector,severity\n", "severity"),
        (b'{"id": "GHSA-1"}', "osv"),
        (b'  [\n{"id"', "osv"),
        (b"\x89PNG", None),
        (b"", None),
        (b"id,name\n", None),
    ],
)
def test_a_file_goes_to_the_feed_that_knows_it(head: bytes, name: str | None) -> None:
    assert next((feed.name for feed in FEEDS if feed.recognises(head)), None) == name
