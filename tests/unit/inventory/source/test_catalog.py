"""The catalog of sources is complete."""

from hullguard.inventory.source import containerd, engines, places, sbom
from hullguard.inventory.source.catalog import SOURCES
from hullguard.inventory.source.registry import source as registry


def test_every_source_is_in_the_catalog() -> None:
    written = {
        kind
        for part in (containerd, engines, places, registry, sbom)
        for name, kind in vars(part).items()
        if name.endswith("Source")
    }

    assert written == {type(source) for source in SOURCES}


def test_every_prefix_is_used_once() -> None:
    assert sorted(source.kind for source in SOURCES) == [
        "container",
        "containerd",
        "dir",
        "docker",
        "docker-archive",
        "oci-archive",
        "oci-dir",
        "podman",
        "registry",
        "sbom",
    ]
