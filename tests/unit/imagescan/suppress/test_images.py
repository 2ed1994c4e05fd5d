"""Which image a statement is about."""

import pytest

from hullguard.imagescan.suppress.images import is_claimed, is_image
from hullguard.imagescan.suppress.purl import Purl, read
from hullguard.model.image import Target

DIGEST = "sha256:" + "ab" * 32
OURS = Target("registry:ghcr.io/team/app:1", "registry", digest=DIGEST, platform="linux/arm64/v8")


def url(text: str) -> Purl:
    found = read(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("pkg:oci/app", True),
        ("pkg:oci/other", False),
        (f"pkg:oci/app@{DIGEST}", True),
        (f"pkg:oci/other@{DIGEST}", True),
        ("pkg:oci/app@sha256:cd", False),
        ("pkg:oci/app?repository_url=ghcr.io/team/app", True),
        ("pkg:oci/app?repository_url=ghcr.io/team", True),
        ("pkg:oci/app?repository_url=https://ghcr.io/team/app/", True),
        ("pkg:oci/app?repository_url=ghcr.io/vendor/app", False),
        ("pkg:oci/app?repository_url=quay.io/team/app", False),
        ("pkg:oci/app?repository_url=%20", False),
        ("pkg:oci/app?repository_url=ghcr.io/team/app&tag=1", True),
        ("pkg:oci/app?repository_url=ghcr.io/team/app&tag=2", False),
        ("pkg:oci/app?arch=arm64", True),
        ("pkg:oci/app?arch=amd64", False),
        ("pkg:docker/team/app?repository_url=ghcr.io", True),
        ("pkg:docker/team/app@1?repository_url=ghcr.io", True),
        ("pkg:docker/team/app@2?repository_url=ghcr.io", False),
        ("pkg:docker/team/app", False),
        ("pkg:docker/app", False),
    ],
)
def test_a_name_counts_as_far_as_it_goes(said: str, *, meant: bool) -> None:
    assert is_image(url(said), OURS) is meant


@pytest.mark.parametrize(
    "said", ["pkg:docker/debian@12", "pkg:oci/debian?repository_url=index.docker.io/library/debian"]
)
def test_docker_hub_has_several_names(said: str) -> None:
    assert is_image(url(said), Target("debian:12", "docker", tags=("debian:12",)))


@pytest.mark.parametrize(
    ("target", "claimed"),
    [
        (Target("docker-archive:a.tar", "docker-archive", tags=("ghcr.io/team/app:1",)), True),
        (Target("oci-dir:a", "oci-dir", tags=("ghcr.io/team/app:1",)), True),
        (Target("dir:ghcr.io/team/app", "dir"), False),
        (Target("container:x", "container", tags=("app",)), False),
        (OURS, False),
    ],
)
def test_what_an_archive_calls_itself_does_not_count(target: Target, *, claimed: bool) -> None:
    said = url("pkg:oci/app?repository_url=ghcr.io/team/app")

    assert is_image(said, target) is (target is OURS)
    assert is_claimed(said, target) is claimed


def test_a_digest_counts_for_an_archive_too() -> None:
    assert is_image(url(f"pkg:oci/app@{DIGEST}"), Target("a.tar", "docker-archive", image_id=DIGEST))
