"""The catalog of sources is complete."""

from hullguard.inventory.source import containerd, engines, places, sbom
from hullguard.inventory.source.catalog import ON_DISK, SOURCES, source_of
from hullguard.inventory.source.catalog import places as on_disk
from hullguard.inventory.source.registry import source as registry


def test_every_source_is_in_the_catalog() -> None:
    written = {
        kind
        for part in (containerd, engines, places, registry, sbom)
        for name, kind in vars(part).items()
        if name.endswith("Source")
    }

    assert written == {type(source_of(kind)) for kind in SOURCES}


def test_every_source_has_the_prefix_of_the_catalog() -> None:
    assert {kind: source.kind for kind in SOURCES if (source := source_of(kind))} == {kind: kind for kind in SOURCES}


def test_every_source_that_recognises_paths_is_asked() -> None:
    asked = {type(place) for place in on_disk()}

    assert asked == {type(source) for kind in SOURCES if hasattr(source := source_of(kind), "recognises")}
    assert [place.kind for place in on_disk()] == list(ON_DISK)
