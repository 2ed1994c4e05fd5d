"""Names of images as Docker reads them."""

import pytest

from hullguard.inventory.source.registry.reference import parse_reference
from hullguard.model.errors import Invalid

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("alpine", "docker.io/library/alpine:latest"),
        ("alpine:3.18", "docker.io/library/alpine:3.18"),
        ("grafana/grafana", "docker.io/grafana/grafana:latest"),
        ("docker.io/alpine", "docker.io/library/alpine:latest"),
        ("index.docker.io/library/alpine", "docker.io/library/alpine:latest"),
        ("registry-1.docker.io/a/b", "docker.io/a/b:latest"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/app:1", "localhost:5000/app:1"),
        ("[::1]:5000/app", "[::1]:5000/app:latest"),
        ("quay.io/a/b/c:v1.2_3-x", "quay.io/a/b/c:v1.2_3-x"),
        (f"quay.io/a/b@{DIGEST}", f"quay.io/a/b@{DIGEST}"),
        (f"quay.io/a/b:1@{DIGEST}", f"quay.io/a/b:1@{DIGEST}"),
        ("ghcr.io/a__b/c--d.e", "ghcr.io/a__b/c--d.e:latest"),
    ],
)
def test_a_name_is_read_in_full(name: str, whole: str) -> None:
    assert str(parse_reference(name)) == whole


@pytest.mark.parametrize(
    "name",
    ["", "/", "Alpine", "a//b", "a/", "quay.io/", "quay.io/a:", "quay.io/a@sha256:12", "a:b:c", "a b", "quay.io/../a",
     "quay.io/a/..", "-x/a", "a?b", "quay.io:port/a", "user@quay.io/a", "a\n", "x.y/a:" + "t" * 129, "a" * 2000, "é.io/a",
     "[:::::]:5/a"],
)  # fmt: skip
def test_what_names_no_image_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match="no name of an image"):
        parse_reference(name)


def test_a_large_letter_is_explained() -> None:
    with pytest.raises(Invalid, match="small letters"):
        parse_reference("quay.io/App")


def test_the_digest_counts_more_than_the_tag() -> None:
    assert parse_reference(f"quay.io/a:1@{DIGEST}").wanted == DIGEST
    assert parse_reference("quay.io/a:1").wanted == "1"


def test_docker_hub_is_asked_at_its_api() -> None:
    assert parse_reference("alpine").api_host == "registry-1.docker.io"
    assert parse_reference("quay.io/a").api_host == "quay.io"


@pytest.mark.parametrize("host", ["localhost", "localhost:5000", "127.0.0.1:1", "127.8.8.8", "[::1]:5000"])
def test_loopback(host: str) -> None:
    assert parse_reference(f"{host}/a").loopback


@pytest.mark.parametrize("host", ["localhost.example", "10.0.0.1:5000", "127.0.0.1.example", "[fe80::1]:5000"])
def test_not_loopback(host: str) -> None:
    assert not parse_reference(f"{host}/a").loopback
