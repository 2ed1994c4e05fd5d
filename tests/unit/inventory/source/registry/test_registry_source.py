"""Images of a registry that behaves, and of registries that do not."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.drip import dripping
from tests.support.images import (
    DEBIAN_12,
    Image,
    compressed,
    digest_of,
    dpkg_entry,
    dpkg_status,
    file,
    layer,
    node_package,
)
from tests.support.registry import INDEX, MANIFEST, Asked, FakeRegistry, Reply, certificate, fake_registry

from hullguard.inventory import LayerCache, Limits, read
from hullguard.inventory.source.opened import RegistryAccess
from hullguard.inventory.source.platforms import own_platform
from hullguard.inventory.source.registry import client, trust
from hullguard.model.errors import Denied, HullguardError, Invalid, NotFound, Unauthenticated, Unavailable
from hullguard.net import pace

IMAGE = Image(
    layers=[
        layer(file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("libc6", "2.36-9", source="glibc"))),
        layer(node_package("lodash", "4.17.4")),
    ],
    compression="gzip",
)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
BLOBS = [digest_of(compressed(one, "gzip")) for one in IMAGE.layers]


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with fake_registry() as fake:
        yield fake


@pytest.fixture(autouse=True)
def naps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[float]:
    """Nobody sleeps; how long they would have."""
    slept: list[float] = []
    monkeypatch.setattr(client.time, "sleep", slept.append)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in (
        "DOCKER_CONFIG",
        "XDG_RUNTIME_DIR",
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "no_proxy",
        "NO_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)
    return slept


def purls(fake: FakeRegistry, name: str = "app:1", **options: Any) -> list[str]:
    return [package.purl for package in read(f"registry:{fake.host}/{name}", **options).packages]


def reference_purls(tmp_path: Path) -> list[str]:
    archive = IMAGE.docker_archive(tmp_path / "reference.tar")
    return [package.purl for package in read(f"docker-archive:{archive}").packages]


class TestAnImage:
    def test_by_tag(self, registry: FakeRegistry, tmp_path: Path) -> None:
        digest = registry.put(IMAGE)

        found = read(f"registry:{registry.host}/app:1")

        assert [package.purl for package in found.packages] == reference_purls(tmp_path)
        assert (found.target.kind, found.target.digest, found.target.image_id) == ("registry", digest, IMAGE.image_id)
        assert found.target.tags == (f"{registry.host}/app:1",)
        assert [fact.digest for fact in found.layers] == BLOBS
        assert found.complete

    def test_by_digest(self, registry: FakeRegistry) -> None:
        digest = registry.put(IMAGE)

        assert len(purls(registry, f"app@{digest}")) == 2
        assert not [path for path in registry.paths() if path.endswith("/1")]

    def test_what_the_cache_knows_is_not_downloaded(self, registry: FakeRegistry, tmp_path: Path) -> None:
        registry.put(IMAGE)
        cache = LayerCache(tmp_path / "cache")
        first = read(f"registry:{registry.host}/app:1", cache=cache)
        registry.asked.clear()

        second = read(f"registry:{registry.host}/app:1", cache=cache)

        assert second == first
        assert not [path for path in registry.paths() if path.rpartition("/")[2] in BLOBS]

    def test_a_configuration_that_lies_is_found_although_all_is_cached(
        self, registry: FakeRegistry, tmp_path: Path
    ) -> None:
        registry.put(IMAGE)
        cache = LayerCache(tmp_path / "cache")
        read(f"registry:{registry.host}/app:1", cache=cache)
        diff_ids = [digest_of(one) for one in IMAGE.layers]
        registry.put(Image(IMAGE.layers, compression="gzip", diff_ids=diff_ids[::-1]), tag="2")

        with pytest.raises(Invalid, match="not what its digest says"):
            read(f"registry:{registry.host}/app:2", cache=cache)


class TestPlatforms:
    @pytest.fixture
    def index(self, registry: FakeRegistry) -> str:
        arm = Image([layer(node_package("arm", "1.0"))], architecture="arm64", compression="gzip")
        amd = Image([layer(node_package("amd", "1.0"))], architecture="amd64", compression="gzip")
        manifests = [
            {
                "mediaType": MANIFEST,
                "digest": "sha256:" + "0" * 64,
                "size": 1,
                "annotations": {"vnd.docker.reference.type": "x"},
            }
        ]
        for image in (arm, amd):
            platform = {"os": "linux", "architecture": image.architecture}
            manifests.append(
                {"mediaType": MANIFEST, "digest": registry.put(image, tag="x"), "size": 1, "platform": platform}
            )
        body = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).encode()
        registry.answers["/v2/app/manifests/1"] = Reply(body, headers={"Content-Type": INDEX})
        return digest_of(body)

    @pytest.mark.parametrize("architecture", ["amd64", "arm64"])
    def test_the_one_that_is_asked_for(self, registry: FakeRegistry, index: str, architecture: str) -> None:
        assert purls(registry, platform=f"linux/{architecture}") == [f"pkg:npm/{architecture[:3]}@1.0"]

    def test_of_several_variants_the_one_that_an_engine_takes(self, registry: FakeRegistry) -> None:
        # Story: an index of v5, v6 and v7 was read as v5, the first of them, while Docker runs v7.
        manifests = []
        for variant in ("v5", "v6", "v7"):
            arm = Image([layer(node_package(variant, "1.0"))], architecture="arm", variant=variant, compression="gzip")
            described = {"mediaType": MANIFEST, "digest": registry.put(arm, tag="x"), "size": 1}
            manifests.append({**described, "platform": arm.platform})
        body = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).encode()
        registry.answers["/v2/app/manifests/1"] = Reply(body, headers={"Content-Type": INDEX})

        assert purls(registry, platform="linux/arm") == ["pkg:npm/v7@1.0"]
        assert purls(registry, platform="linux/arm/v6") == ["pkg:npm/v6@1.0"]

    def test_one_that_is_not_there(self, registry: FakeRegistry, index: str) -> None:
        with pytest.raises(NotFound, match="no image for linux/s390x; it has linux/amd64, linux/arm64"):
            purls(registry, platform="linux/s390x")

    def test_a_single_image_for_another_platform(self, registry: FakeRegistry) -> None:
        registry.put(IMAGE)

        with pytest.raises(NotFound, match="is for linux/amd64, not for linux/arm64"):
            purls(registry, platform="linux/arm64")

    def test_that_it_was_read_is_said(self, registry: FakeRegistry) -> None:
        registry.put(Image(IMAGE.layers, architecture="s390x", compression="gzip"))

        said = {one.what: one.why for one in read(f"registry:{registry.host}/app:1").unknowns}

        assert said[own_platform()] == "the registry offers no image for this machine's platform; linux/s390x was read"

    @pytest.mark.parametrize(
        ("others", "fits"),
        [
            (None, {"os": "linux", "architecture": "amd64"}),
            ({"os": "linux", "architecture": "s390x"}, {"os": "linux", "architecture": "x86_64"}),
            ({"os": "linux", "architecture": "s390x"}, {"os": "", "architecture": "AMD64"}),
            ({"os": "linux", "architecture": "s390x"}, None),
        ],
        ids=["no platform first", "x86_64", "no system", "no platform last"],
    )
    def test_an_image_that_fits_comes_before_those_that_may(
        self, registry: FakeRegistry, others: dict[str, str] | None, fits: dict[str, str] | None
    ) -> None:
        other = {"digest": registry.put(Image([layer(node_package("other", "1"))]), tag="x"), "platform": others}
        right = {"digest": registry.put(Image([layer(node_package("right", "1"))]), tag="y"), "platform": fits}
        registry.answers["/v2/app/manifests/1"] = Reply(
            json.dumps({"schemaVersion": 2, "manifests": [other, right]}).encode(), headers={"Content-Type": INDEX}
        )

        assert purls(registry, platform="linux/amd64") == ["pkg:npm/right@1"]

    def test_that_the_index_offered_none_is_said_whatever_the_configuration_says(self, registry: FakeRegistry) -> None:
        here = Image(IMAGE.layers, architecture=own_platform().partition("/")[2], compression="gzip")
        other = {"digest": registry.put(here, tag="x"), "platform": {"os": "linux", "architecture": "s390x"}}
        registry.answers["/v2/app/manifests/1"] = Reply(
            json.dumps({"schemaVersion": 2, "manifests": [other]}).encode(), headers={"Content-Type": INDEX}
        )

        assert own_platform() in [one.what for one in read(f"registry:{registry.host}/app:1").unknowns]

    def test_an_image_that_claims_to_attest_is_read_where_there_is_nothing_else(self, registry: FakeRegistry) -> None:
        claims = {"digest": registry.put(IMAGE, tag="x"), "annotations": {"vnd.docker.reference.type": "x"}}
        registry.answers["/v2/app/manifests/1"] = Reply(
            json.dumps({"schemaVersion": 2, "manifests": [claims]}).encode(), headers={"Content-Type": INDEX}
        )

        assert "pkg:npm/lodash@4.17.4" in purls(registry)

    def test_an_index_that_holds_itself_ends(self, registry: FakeRegistry) -> None:
        def nested(asked: Asked) -> Reply:
            inner = {"schemaVersion": 2, "manifests": [{"digest": "sha256:" + "a" * 64}]}
            return Reply(json.dumps(inner).encode())

        registry.answers["/v2/app/manifests/1"] = nested
        registry.answers["/v2/app/manifests/sha256:" + "a" * 64] = nested

        with pytest.raises(Invalid, match="not what its digest says"):
            purls(registry)

    @pytest.mark.parametrize("digest", ["1", "../../../x", "sha256:" + "A" * 64, "md5:" + "a" * 32])
    def test_an_index_may_only_name_digests(self, registry: FakeRegistry, digest: str) -> None:
        registry.answers["/v2/app/manifests/1"] = Reply(
            json.dumps({"schemaVersion": 2, "manifests": [{"digest": digest}]}).encode()
        )

        with pytest.raises(Invalid, match="is no digest"):
            purls(registry)


class TestBadDocuments:
    @pytest.mark.parametrize(
        ("body", "sentence"),
        [
            (b'{"schemaVersion": 1, "fsLayers": []}', "schema 1"),
            (b"[]", "not what it should be"),
            (b"{}", "names no configuration"),
            (b'{"schemaVersion": 2, "manifests": []}', None),
            (
                b'{"schemaVersion": 2, "config": {"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": "x"}}',
                "no container image",
            ),
            (b'{"schemaVersion": 2, "config": {"digest": "../x"}}', "is no digest"),
            (b"[" * 100_000, "not what it should be"),
        ],
    )
    def test_a_manifest_that_is_none(self, registry: FakeRegistry, body: bytes, sentence: str | None) -> None:
        registry.answers["/v2/app/manifests/1"] = Reply(body)

        with pytest.raises(HullguardError, match=sentence):
            purls(registry)

    def test_a_huge_manifest_is_not_read(self, registry: FakeRegistry) -> None:
        registry.answers["/v2/app/manifests/1"] = Reply(b" " * 3_000_000)

        with pytest.raises(Invalid, match="more than the 1000000 bytes"):
            purls(registry, limits=Limits(document_bytes=1_000_000))

    def test_a_manifest_under_a_wrong_digest(self, registry: FakeRegistry) -> None:
        registry.put(IMAGE)
        wrong = "sha256:" + "1" * 64
        registry.answers[f"/v2/app/manifests/{wrong}"] = Reply(registry.manifest(IMAGE))

        with pytest.raises(Invalid, match="not what its digest says"):
            purls(registry, f"app@{wrong}")

    def test_a_header_that_contradicts_the_manifest(self, registry: FakeRegistry) -> None:
        registry.put(IMAGE)
        registry.answers["/v2/app/manifests/1"] = Reply(
            registry.manifest(IMAGE), headers={"Docker-Content-Digest": "sha256:" + "1" * 64}
        )

        with pytest.raises(Invalid, match="not what its digest says"):
            purls(registry)

    def test_a_configuration_under_a_wrong_digest(self, registry: FakeRegistry) -> None:
        registry.put(IMAGE)
        registry.answers[f"/v2/app/blobs/{IMAGE.image_id}"] = Reply(b"{}")

        with pytest.raises(Invalid, match="not what its digest says"):
            purls(registry)

    @pytest.mark.parametrize("other", [compressed(layer(file("x", b"y")), "gzip"), b"\0" * 2000])
    def test_a_layer_under_a_wrong_digest(self, registry: FakeRegistry, other: bytes) -> None:
        registry.put(IMAGE)
        size = len(compressed(IMAGE.layers[1], "gzip"))
        registry.answers[f"/v2/app/blobs/{BLOBS[1]}"] = Reply(other[:size].ljust(size, b"\0"))

        with pytest.raises(Invalid):
            purls(registry)

    def test_a_layer_that_does_not_end_where_it_says(self, registry: FakeRegistry) -> None:
        registry.put(IMAGE)
        blob = compressed(IMAGE.layers[1], "gzip")
        registry.answers[f"/v2/app/blobs/{BLOBS[1]}"] = Reply(blob + b"\0" * 10_000)

        with pytest.raises(Invalid, match="larger than"):
            purls(registry)

    def test_a_layer_from_outside_that_the_registry_has_is_read(self, registry: FakeRegistry) -> None:
        registry.put(IMAGE)
        registry.answers["/v2/app/manifests/1"] = Reply(registry.manifest(IMAGE, FOREIGN))

        assert "pkg:npm/lodash@4.17.4" in purls(registry)

    def test_a_layer_from_outside_is_said_to_be_unread(self, registry: FakeRegistry) -> None:
        registry.put(IMAGE)
        registry.answers["/v2/app/manifests/1"] = Reply(registry.manifest(IMAGE, FOREIGN))
        for digest in BLOBS:
            registry.answers[f"/v2/app/blobs/{digest}"] = Reply(b"", 404)

        found = read(f"registry:{registry.host}/app:1")

        assert found.packages == ()
        assert not found.complete
        assert {unknown.what for unknown in found.unknowns} >= {f"layer {digest}" for digest in BLOBS}


class TestSlowRegistries:
    """One that sends something now and then would hold a scan for ever."""

    @pytest.mark.parametrize("part", ["manifests/1", f"blobs/{BLOBS[1]}"])
    def test_a_trickle_is_given_up(self, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
        monkeypatch.setattr(pace, "WINDOW_SECONDS", 0.5)
        registry.put(IMAGE)
        registry.answers[f"/v2/app/{part}"] = Reply(b"{" * 1000, trickle=True)

        with pytest.raises(Unavailable, match="fewer than 16384 bytes a second"):
            purls(registry)

    def test_headers_that_do_not_end_are_given_up(
        self, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pace, "HEAD_SECONDS", 0.3)
        registry.put(IMAGE)
        registry.answers["/v2/app/manifests/1"] = Reply(
            headers={f"X-{number}": "1" for number in range(90)}, trickle=True
        )

        with pytest.raises(Unavailable, match=r"did not end its headers within 0.3 s"):
            purls(registry)

    @pytest.mark.parametrize(
        ("first", "piece", "why"),
        [
            (b"", b"HTTP/1.1 100 Continue\r\n\r\n", "did not end its headers within 0.3 s"),
            (CHUNKED, b"0", "sent no whole piece of its answer within 0.3 s"),
            (CHUNKED + b"2\r\n{}\r\n0\r\n", b"X: y\r\n" * 10_000, "sends headers or lines of chunks without end"),
        ],
    )
    def test_an_answer_that_does_not_end_is_given_up(
        self, monkeypatch: pytest.MonkeyPatch, first: bytes, piece: bytes, why: str
    ) -> None:
        for bound in ("HEAD_SECONDS", "WINDOW_SECONDS"):
            monkeypatch.setattr(pace, bound, 30.0 if why.endswith("without end") else 0.3)

        with dripping(first, piece) as host, pytest.raises(Unavailable, match=f"the server {host} {why}"):
            read(f"registry:{host}/app:1", registry=RegistryAccess(insecure=True))

    @pytest.mark.parametrize("form", ["Content-Length: 4000", "Transfer-Encoding: chunked"])
    @pytest.mark.parametrize(("status", "error"), [(403, Denied), (404, NotFound), (400, Unavailable)])
    def test_the_words_of_a_refusal_are_not_waited_for(
        self, monkeypatch: pytest.MonkeyPatch, form: str, status: int, error: type[HullguardError]
    ) -> None:
        monkeypatch.setattr(pace, "WORDS_SECONDS", 0.3)
        first = f"HTTP/1.1 {status} No\r\n{form}\r\n\r\n".encode()

        with dripping(first, b"0") as host, pytest.raises(error, match=f"{status}"):
            read(f"registry:{host}/app:1", registry=RegistryAccess(insecure=True))

    def test_nor_are_those_of_a_token_server(self, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pace, "WORDS_SECONDS", 0.3)
        registry.put(IMAGE)

        with dripping(b"HTTP/1.1 400 No\r\nContent-Length: 4000\r\n\r\n", b" ") as tokens:
            challenge = {"WWW-Authenticate": f'Bearer realm="http://{tokens}/token",service="x"'}
            registry.answers["/v2/app/manifests/1"] = Reply(b"", 401, challenge)
            with pytest.raises(Unauthenticated, match="its token server says 400"):
                purls(registry)


class TestBrokenConnections:
    def test_a_layer_is_taken_up_where_it_broke(self, registry: FakeRegistry, naps: list[float]) -> None:
        registry.put(IMAGE)
        blob = compressed(IMAGE.layers[0], "gzip")
        length = {"Content-Length": str(len(blob))}
        rest = Reply(blob[100:], 206, {"Content-Range": f"bytes 100-{len(blob) - 1}/{len(blob)}"})
        registry.answers[f"/v2/app/blobs/{BLOBS[0]}"] = [Reply(blob, headers=length, cut=100), rest]

        assert len(purls(registry)) == 2
        assert [asked.headers.get("range") for asked in registry.asked if asked.path.endswith(BLOBS[0])] == [
            None,
            "bytes=100-",
        ]
        assert len(naps) == 1

    def test_a_registry_without_ranges_sends_it_again(self, registry: FakeRegistry) -> None:
        registry.put(IMAGE)
        blob = compressed(IMAGE.layers[0], "gzip")
        registry.answers[f"/v2/app/blobs/{BLOBS[0]}"] = [Reply(blob, cut=100), Reply(blob)]

        assert len(purls(registry)) == 2

    def test_a_part_that_was_not_asked_for(self, registry: FakeRegistry) -> None:
        registry.put(IMAGE)
        blob = compressed(IMAGE.layers[0], "gzip")
        wrong = Reply(blob[50:], 206, {"Content-Range": f"bytes 50-{len(blob) - 1}/{len(blob)}"})
        registry.answers[f"/v2/app/blobs/{BLOBS[0]}"] = [Reply(blob, cut=100), wrong]

        with pytest.raises(Invalid, match="not asked for"):
            purls(registry)

    def test_one_that_always_breaks_is_given_up(self, registry: FakeRegistry) -> None:
        registry.put(IMAGE)
        blob = compressed(IMAGE.layers[0], "gzip")
        registry.answers[f"/v2/app/blobs/{BLOBS[0]}"] = Reply(blob, cut=100)

        with pytest.raises(Unavailable, match="stopped sending"):
            purls(registry)

    def test_a_body_that_is_shorter_than_the_manifest_says(self, registry: FakeRegistry) -> None:
        registry.put(IMAGE)
        registry.answers[f"/v2/app/blobs/{BLOBS[0]}"] = Reply(b"short")

        with pytest.raises(Unavailable, match="stopped sending"):
            purls(registry)

    def test_a_manifest_that_breaks_off_is_asked_for_again(self, registry: FakeRegistry) -> None:
        registry.put(IMAGE)
        whole = registry.answers["/v2/app/manifests/1"]
        assert isinstance(whole, Reply)
        registry.answers["/v2/app/manifests/1"] = [Reply(whole.body, cut=10), whole]

        assert len(purls(registry)) == 2


class TestPatience:
    def test_it_waits_as_long_as_it_is_told(self, registry: FakeRegistry, naps: list[float]) -> None:
        registry.put(IMAGE)
        good = registry.answers["/v2/app/manifests/1"]
        assert isinstance(good, Reply)
        registry.answers["/v2/app/manifests/1"] = [
            Reply(status=429, headers={"Retry-After": "7"}),
            Reply(status=503),
            good,
        ]

        assert len(purls(registry)) == 2
        assert naps[0] == 7.0
        assert len(naps) == 2

    @pytest.mark.parametrize("after", ["86400", "Fri, 31 Dec 2999 23:59:59 GMT"])
    def test_it_does_not_wait_for_a_day(self, registry: FakeRegistry, naps: list[float], after: str) -> None:
        registry.answers["/v2/app/manifests/1"] = Reply(status=429, headers={"Retry-After": after})

        with pytest.raises(Unavailable, match="asks to wait") as caught:
            purls(registry)
        assert caught.value.code == "registry.busy"
        assert naps == []

    @pytest.mark.parametrize("after", ["", "soon", "-1", "1e999"])
    def test_it_gives_up_in_the_end(self, registry: FakeRegistry, naps: list[float], after: str) -> None:
        registry.answers["/v2/app/manifests/1"] = Reply(status=503, headers={"Retry-After": after})

        with pytest.raises(Unavailable, match="refused: 503"):
            purls(registry)
        assert len(naps) == 5

    def test_nobody_there(self) -> None:
        with fake_registry() as gone:
            host = gone.host

        with pytest.raises(Unavailable, match="cannot be reached"):
            read(f"registry:{host}/app")


class TestRefusals:
    @pytest.mark.parametrize(
        ("status", "kind"), [(403, Denied), (404, NotFound), (400, Unavailable), (401, Unauthenticated)]
    )
    def test_each_has_its_nature_and_the_registrys_word(
        self, registry: FakeRegistry, status: int, kind: type[HullguardError]
    ) -> None:
        body = b'{"errors": [{"code": "X", "message": "because of the tests"}]}'
        registry.answers["/v2/app/manifests/1"] = Reply(body, status)

        with pytest.raises(kind) as caught:
            purls(registry)
        assert registry.host in str(caught.value)
        assert "because of the tests" in str(caught.value) or status == 401

    @pytest.mark.parametrize("name", ["Bad", "x:y:z", "app@sha256:1"])
    def test_a_bad_name(self, registry: FakeRegistry, name: str) -> None:
        with pytest.raises(Invalid, match="no name of an image"):
            purls(registry, name)


class TestSigningIn:
    def guarded(self, registry: FakeRegistry, header: str, admits: str) -> None:
        """Every answer needs an Authorization header."""
        registry.put(IMAGE)
        for path, answer in list(registry.answers.items()):

            def guard(asked: Asked, answer: Any = answer) -> Reply:
                if asked.headers.get("authorization") != admits:
                    return Reply(b"{}", 401, {"WWW-Authenticate": header})
                return answer if isinstance(answer, Reply) else answer(asked)

            registry.answers[path] = guard

    def test_anonymously_with_a_token(self, registry: FakeRegistry) -> None:
        self.guarded(
            registry,
            f'Bearer realm="http://{registry.host}/token",service="s",scope="repository:app:pull"',
            "Bearer abc",
        )
        registry.answers["/token"] = Reply(b'{"token": "abc"}')

        assert len(purls(registry)) == 2
        (token,) = [asked for asked in registry.asked if asked.path.startswith("/token")]
        assert token.path == "/token?service=s&scope=repository%3Aapp%3Apull"
        assert "authorization" not in token.headers

    def test_with_a_name_for_the_token(self, registry: FakeRegistry) -> None:
        self.guarded(registry, f'Bearer realm="http://{registry.host}/token?x=1",service="s"', "Bearer abc")
        registry.answers["/token"] = lambda asked: Reply(
            b'{"token": "abc"}', 200 if asked.headers.get("authorization") == "Basic bWU6c2VjcmV0" else 401
        )

        assert len(purls(registry, registry=RegistryAccess("me", "secret"))) == 2
        with pytest.raises(Unauthenticated, match="wrong password"):
            purls(registry, registry=RegistryAccess("me", "wrong"))

    def test_with_an_identity_token(self, registry: FakeRegistry, tmp_path: Path) -> None:
        self.guarded(registry, f'Bearer realm="http://{registry.host}/token",service="s"', "Bearer abc")
        registry.answers["/token"] = lambda asked: Reply(
            b'{"access_token": "abc"}', 200 if asked.method == "POST" else 401
        )
        config = tmp_path / "config.json"
        config.write_text(json.dumps({"auths": {registry.host: {"identitytoken": "refresh"}}}))

        assert len(purls(registry, registry=RegistryAccess(docker_config=config))) == 2
        (token,) = [asked for asked in registry.asked if asked.path == "/token"]
        assert b"grant_type=refresh_token" in token.body
        assert b"refresh_token=refresh" in token.body

    def test_with_basic(self, registry: FakeRegistry) -> None:
        self.guarded(registry, 'Basic realm="x"', "Basic bWU6c2VjcmV0")

        assert len(purls(registry, registry=RegistryAccess("me", "secret"))) == 2
        for access in (RegistryAccess(), RegistryAccess("me", "wrong")):
            with pytest.raises(Unauthenticated, match="does not admit you"):
                purls(registry, registry=access)

    def test_a_token_that_ran_out_is_renewed(self, registry: FakeRegistry) -> None:
        registry.put(IMAGE)
        tokens = iter(("first", "second"))
        registry.answers["/token"] = lambda _: Reply(json.dumps({"token": next(tokens)}).encode())
        for path, answer in list(registry.answers.items()):
            admits = "Bearer first" if "manifests" in path else "Bearer second"

            def guard(asked: Asked, answer: Any = answer, admits: str = admits) -> Reply:
                if asked.headers.get("authorization") != admits:
                    return Reply(
                        status=401, headers={"WWW-Authenticate": f'Bearer realm="http://{registry.host}/token"'}
                    )
                return answer if isinstance(answer, Reply) else answer(asked)

            if path != "/token":
                registry.answers[path] = guard

        assert len(purls(registry)) == 2

    @pytest.mark.parametrize("status", [401, 403])
    @pytest.mark.parametrize("part", ["configuration", "layer"])
    def test_a_refusal_that_passes_ends_no_scan(self, registry: FakeRegistry, part: str, status: int) -> None:
        registry.put(IMAGE)
        path = f"/v2/app/blobs/{digest_of(IMAGE.config) if part == 'configuration' else BLOBS[0]}"
        usual, refusals = registry.answers[path], [Reply(b"{}", status)] * 2

        def answer(asked: Asked) -> Reply:
            if refusals:
                return refusals.pop()
            return usual if isinstance(usual, Reply) else usual(asked)  # type: ignore[operator]

        registry.answers[path] = answer

        assert len(purls(registry)) == 2
        refusals += [Reply(b"{}", status)] * 9
        with pytest.raises((Denied, Unauthenticated)):
            purls(registry)
        assert len(refusals) == 6

    def test_credentials_do_not_go_to_a_foreign_realm_in_the_clear(self, registry: FakeRegistry) -> None:
        registry.put(IMAGE)
        header = 'Bearer realm="http://tokens.invalid/token",service="s"'
        registry.answers["/v2/app/manifests/1"] = Reply(status=401, headers={"WWW-Authenticate": header})

        with pytest.raises(Unavailable, match="unencrypted"):
            purls(registry, registry=RegistryAccess("me", "secret"))

    @pytest.mark.parametrize("realm", ["", "ftp://x/y", "file:///etc/passwd", "nonsense"])
    def test_a_realm_that_is_no_address(self, registry: FakeRegistry, realm: str) -> None:
        registry.answers["/v2/app/manifests/1"] = Reply(
            status=401, headers={"WWW-Authenticate": f'Bearer realm="{realm}"'}
        )

        with pytest.raises(Unavailable, match="no place for its tokens"):
            purls(registry)


class TestRedirects:
    def test_the_authorization_stays_with_the_registry(self, registry: FakeRegistry) -> None:
        TestSigningIn().guarded(registry, 'Basic realm="x"', "Basic bWU6c2VjcmV0")
        with fake_registry() as storage:
            for blob, content in zip(BLOBS, IMAGE.layers, strict=True):
                storage.answers[f"/{blob}"] = Reply(compressed(content, "gzip"))
                registry.answers[f"/v2/app/blobs/{blob}"] = Reply(
                    status=307, headers={"Location": f"http://{storage.host}/{blob}"}
                )

            assert len(purls(registry, registry=RegistryAccess("me", "secret"))) == 2

            assert len(storage.asked) == 2
            assert not [asked for asked in storage.asked if "authorization" in asked.headers]

    @pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://x/y", "gopher://x"])
    def test_only_to_the_web(self, registry: FakeRegistry, location: str) -> None:
        registry.answers["/v2/app/manifests/1"] = Reply(status=302, headers={"Location": location})

        with pytest.raises(Unavailable, match="leads from"):
            purls(registry)

    @pytest.mark.parametrize(
        ("status", "headers"),
        [
            (302, {"Location": "//[/"}),
            (307, {"Location": "http://[::1/x"}),
            (401, {"WWW-Authenticate": 'Bearer realm="http://["'}),
        ],
    )
    def test_to_what_is_no_address(self, registry: FakeRegistry, status: int, headers: dict[str, str]) -> None:
        registry.answers["/v2/app/manifests/1"] = Reply(status=status, headers=headers)

        with pytest.raises(Unavailable, match="leads to no address"):
            purls(registry)

    def test_not_without_end(self, registry: FakeRegistry) -> None:
        registry.answers["/v2/app/manifests/1"] = Reply(status=302, headers={"Location": "/v2/app/manifests/1"})

        with pytest.raises(Unavailable, match="without end"):
            purls(registry)
        assert len([path for path in registry.paths() if path.endswith("/1")]) == 6


class TestTheWay:
    def test_through_a_proxy(self, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
        registry.put(IMAGE)
        registry.answers.update(
            {f"http://images.invalid{path}": answer for path, answer in list(registry.answers.items())}
        )
        monkeypatch.setenv("http_proxy", f"http://user:pw@{registry.host}")

        assert (
            len(
                [
                    package.purl
                    for package in read(
                        "registry:images.invalid/app:1", registry=RegistryAccess(insecure=True)
                    ).packages
                ]
            )
            == 2
        )
        assert registry.asked[0].headers["proxy-authorization"] == "Basic dXNlcjpwdw=="

    def test_no_proxy_is_honoured(self, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
        registry.put(IMAGE)
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        assert len(purls(registry)) == 2  # what is on this machine needs no proxy

        monkeypatch.setenv("http_proxy", f"http://{registry.host}")
        monkeypatch.setenv("no_proxy", "images.invalid")
        registry.asked.clear()
        with pytest.raises(Unavailable, match="cannot be reached"):
            read("registry:images.invalid/app:1", registry=RegistryAccess(insecure=True))
        assert registry.asked == []

    def test_a_certificate_must_be_trusted(self, tmp_path: Path) -> None:
        context, ca_file = certificate(tmp_path)
        with fake_registry(context) as registry:
            registry.put(IMAGE)

            assert len(purls(registry, registry=RegistryAccess(ca_file=ca_file))) == 2
            with pytest.raises(Unavailable, match=r"certificate verify failed.*--ca-file"):
                purls(registry, registry=RegistryAccess("me", "secret"))
        assert not [asked for asked in registry.asked if "authorization" in asked.headers]

    def test_plain_http_is_for_the_loopback_or_on_request(self, naps: list[float]) -> None:
        with pytest.raises(
            Unavailable, match=r"registry\.invalid cannot be reached: Failed to resolve 'registry\.invalid'"
        ):
            read("registry:registry.invalid/app")

    @pytest.mark.parametrize(
        ("name", "why"),
        [("absent", "No such file or directory"), ("empty", "no certificate in PEM form"), ("", "Is a directory")],
    )
    def test_certificates_must_be_there(self, tmp_path: Path, name: str, why: str) -> None:
        (tmp_path / "empty").touch()
        with pytest.raises(Invalid, match=f"cannot be used: .*{why}"):
            read("registry:registry.invalid/app", registry=RegistryAccess(ca_file=tmp_path / name))

    @pytest.mark.parametrize("place", range(3))
    def test_certificates_that_docker_or_podman_was_given(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int
    ) -> None:
        places = (tmp_path / "docker", tmp_path / "containers")
        monkeypatch.setattr(trust, "PLACES", places)
        monkeypatch.setenv("HOME", str(tmp_path))
        context, ca_file = certificate(tmp_path)
        with fake_registry(context) as registry:
            registry.put(IMAGE)
            with pytest.raises(Unavailable, match="certificate verify failed"):
                purls(registry)
            directory = (*places, tmp_path / ".config/containers/certs.d")[place] / registry.host
            directory.mkdir(parents=True)
            (directory / "ca.crt").write_bytes(ca_file.read_bytes())

            assert len(purls(registry)) == 2
            (directory / "client.cert").write_bytes(ca_file.read_bytes())
            with pytest.raises(Invalid, match=r"client\.cert cannot be used: No such file"):
                purls(registry)
            (directory / "client.key").write_bytes(ca_file.with_suffix(".key").read_bytes())
            assert len(purls(registry)) == 2

    def test_a_certificate_of_another_host_is_no_matter_of_trust(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        context, ca_file = certificate(tmp_path)
        with fake_registry(context) as registry:
            host = registry.host.replace("127.0.0.1", "localhost")
            with pytest.raises(Unavailable, match="Hostname mismatch") as refused:
                read(f"registry:{host}/app:1", registry=RegistryAccess(ca_file=ca_file))
        assert "--ca-file" not in str(refused.value)

    @pytest.mark.parametrize("proxy", ["socks5://10.0.0.1:1080", "nonsense://x", "http://me:hush@[::1"])
    def test_a_proxy_that_can_never_work(self, monkeypatch: pytest.MonkeyPatch, naps: list[float], proxy: str) -> None:
        monkeypatch.setenv("https_proxy", proxy)
        with pytest.raises(Invalid, match=r"the proxy of HTTPS_PROXY is no address of an HTTP proxy") as refused:
            read("registry:registry.invalid/app")
        assert "hush" not in str(refused.value)
        assert naps == []

    def test_who_speaks_in_the_clear_to_one_that_wants_tls_is_told(self, registry: FakeRegistry) -> None:
        registry.answers["/v2/app/manifests/1"] = Reply(status=400)
        with pytest.raises(Unavailable, match="if it speaks TLS, leave out --insecure"):
            purls(registry, registry=RegistryAccess(insecure=True))
