"""What conda installed into an environment."""

import json

import pytest
from tests.support.images import file
from tests.support.inventories import Found

RECORD = {
    "build": "h7f8727e_0",
    "channel": "https://conda.example.org/main/linux-64",
    "depends": ["ca-certificates"],
    "files": ["bin/openssl"],
    "license": "OpenSSL",
    "name": "openssl",
    "version": "1.1.1n",
}


@pytest.mark.parametrize("path", ["opt/conda/conda-meta/openssl-1.1.1n-h7f8727e_0.json", "conda-meta/openssl.json"])
def test_a_record_names_a_package(path: str) -> None:
    package = Found([file(path, json.dumps(RECORD))]).named("openssl")

    assert (package.version, package.ecosystem, package.licenses) == ("1.1.1n", "", ("OpenSSL",))
    assert package.purl == "pkg:conda/openssl@1.1.1n"


def test_the_history_is_no_record() -> None:
    assert Found([file("opt/conda/conda-meta/history", "==> 2022-04-01 <==\n")]).names == []


@pytest.mark.parametrize("content", [b"", b"[]", b'{"name": "a"}', b'{"name": 1, "version": "1"}'])
def test_a_record_that_cannot_be_read_is_told(content: bytes) -> None:
    found = Found([file("conda-meta/a.json", content)])

    assert found.names == []
    assert ("conda-meta/a.json", "is no readable record of a conda package") in [
        (u.what, u.why) for u in found.unknowns
    ]
