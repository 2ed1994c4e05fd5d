"""What a registry says that it has: of one that behaves, and of some that do not."""

import base64
import itertools
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.images import Image, digest_of, file, layer
from tests.support.registry import INDEX, MANIFEST, Asked, FakeRegistry, Reply, fake_registry

from hullguard.inventory.source.opened import RegistryAccess
from hullguard.inventory.source.registry import client
from hullguard.inventory.source.registry.listing import Bounds, list_registry, try_registry
from hullguard.inventory.source.registry.names import matches
from hullguard.model.errors import HullguardError, Invalid, NotFound, Unauthenticated, Unavailable
from hullguard.model.registry import ImageState, RegistryAttempt, RegistryListing, RegistrySpec, Trouble
from hullguard.model.tag_order import newest_first, order
from hullguard.net import pace

AMD, ARM = (Image([layer(file("etc/arch", name))], architecture=name) for name in ("amd64", "arm64"))


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
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return slept


def listing(
    registry: FakeRegistry,
    *repositories: str,
    known: dict[tuple[str, str], str] | None = None,
    bounds: Bounds | None = None,
    access: RegistryAccess | None = None,
    **spec: Any,
) -> RegistryListing:
    wanted = RegistrySpec("r", registry.host, list(repositories or ("app",)), insecure=True, **spec)
    return list_registry(wanted, access or RegistryAccess(insecure=True, for_others=True), known or {}, bounds)


def found(listed: RegistryListing) -> list[tuple[str, str, str]]:
    return [(image.repository, image.tag, image.platform) for image in listed.images]


def test_repositories_and_tags_are_read_page_by_page(registry: FakeRegistry) -> None:
    registry.lists("_catalog", [f"team/app-{number}" for number in range(5)] + ["other"], page=2)
    digest = ""
    for number in range(5):
        registry.lists(f"team/app-{number}/tags/list", ["1.0", "2.0", "test"], page=1)
        for tag in ("1.0", "2.0", "test"):
            digest = registry.put(AMD, f"team/app-{number}", tag)
    listed = listing(registry, "team/*", tags=["*.0"])
    assert listed.repositories == 5
    assert listed.trouble is None
    assert [(image.repository, image.tag) for image in listed.images] == [
        (f"team/app-{number}", tag) for number in range(5) for tag in ("2.0", "1.0")
    ]
    assert {(i.digest, i.tag_digest, i.image_id) for i in listed.images} == {(digest, digest, digest_of(AMD.config))}
    assert not any("/blobs/" in path and digest_of(AMD.layers[0]) in path for path in registry.paths())


def test_all_of_a_registry_is_asked_over_one_connection(registry: FakeRegistry) -> None:
    names = [f"team/app-{number}" for number in range(4)]
    registry.lists("_catalog", names)
    for name in names:
        registry.lists(f"{name}/tags/list", ["1", "2"])
        for tag in ("1", "2"):
            registry.put(AMD, name, tag)
    assert len(listing(registry, "team/*").images) == 8
    assert len(registry.asked) > 16
    assert len(registry.connections) == 1


def test_one_that_hangs_is_asked_once_where_others_wait_for_their_turn(
    registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = threading.Event()

    def never(_: Asked) -> Reply:
        waits.wait(60)
        return Reply(b"{}")

    registry.answers["/v2/app/tags/list"] = never
    monkeypatch.setattr(client, "READ_SECONDS", 0.2)
    monkeypatch.setattr(client, "_SHORT_PATIENCE_SECONDS", 0.1)
    try:
        with pytest.raises(Unavailable) as refused:
            listing(registry, "app", "later")
        assert refused.value.code == "registry.unreachable"
        assert len(registry.asked) == 1
    finally:
        waits.set()


def test_a_name_without_a_star_needs_no_catalog(registry: FakeRegistry) -> None:
    registry.lists("app/tags/list", ["1"])
    registry.put(AMD)
    assert found(listing(registry)) == [("app", "1", "linux/amd64")]
    assert "/v2/_catalog" not in "".join(registry.paths())


def test_a_tag_that_names_what_it_named_is_asked_for_by_its_head_alone(registry: FakeRegistry) -> None:
    registry.lists("app/tags/list", ["1", "2"])
    digest = registry.put(AMD)
    registry.put(ARM, tag="2")
    listed = listing(registry, known={("app", "1"): digest, ("app", "2"): digest})
    assert listed.unchanged == (("app", "1"),)
    asked = [(one.method, one.path) for one in registry.asked if one.path.endswith("manifests/1") or digest in one.path]
    assert asked == [("HEAD", "/v2/app/manifests/1")]


def test_a_registry_that_tells_no_digest_has_it_computed(registry: FakeRegistry) -> None:
    registry.lists("app/tags/list", ["1"])
    digest = registry.put(AMD)
    registry.answers["/v2/app/manifests/1"] = Reply(FakeRegistry.manifest(AMD), headers={"Content-Type": MANIFEST})
    assert [image.digest for image in listing(registry).images] == [digest]
    assert listing(registry, known={("app", "1"): digest}).unchanged == (("app", "1"),)


def index(registry: FakeRegistry, tag: str, images: dict[str, Image], **more: Any) -> str:
    """A list of manifests; by platform."""
    manifests = []
    for platform, image in images.items():
        content = FakeRegistry.manifest(image)
        registry.put(image, "app", f"of-{platform.replace('/', '-')}")
        named = dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))
        one = {"mediaType": MANIFEST, "digest": digest_of(content), "size": len(content), "platform": named}
        manifests.append(one)
    body = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests, **more}).encode()
    reply = Reply(body, headers={"Content-Type": INDEX, "Docker-Content-Digest": digest_of(body)})
    registry.answers[f"/v2/app/manifests/{tag}"] = registry.answers[f"/v2/app/manifests/{digest_of(body)}"] = reply
    return digest_of(body)


def test_of_a_list_of_manifests_each_wanted_platform_is_one_image(registry: FakeRegistry) -> None:
    registry.lists("app/tags/list", ["1"])
    whole = index(registry, "1", {"linux/amd64": AMD, "linux/arm64/v8": ARM})
    listed = listing(registry, platforms=["linux/arm64", "linux/amd64", "linux/s390x"])
    assert [(i.platform, i.digest, i.tag_digest, i.image_id) for i in listed.images] == [
        ("linux/arm64", digest_of(FakeRegistry.manifest(ARM)), whole, digest_of(ARM.config)),
        ("linux/amd64", digest_of(FakeRegistry.manifest(AMD)), whole, digest_of(AMD.config)),
    ]


def test_what_is_for_no_wanted_platform_says_so(registry: FakeRegistry) -> None:
    registry.lists("app/tags/list", ["list", "one"])
    index(registry, "list", {"linux/arm64": ARM})
    registry.put(ARM, tag="one")
    one, several = listing(registry).images
    assert (one.state, one.code, several.state, several.code) == (
        *(ImageState.UNSUPPORTED, "image.no-platform"),
        *(ImageState.UNSUPPORTED, "image.no-platform"),
    )
    assert one.why == f"{registry.host}/app:one is for linux/arm64, not for linux/amd64"
    assert several.why == f"{registry.host}/app:list has no image for linux/amd64; it has linux/arm64"
    assert (one.image_id, several.image_id) == (None, None)


def test_one_manifest_is_one_image_whatever_is_wanted(registry: FakeRegistry) -> None:
    registry.lists("app/tags/list", ["1"])
    registry.put(ARM)
    assert found(listing(registry, platforms=["linux/amd64", "linux/arm64/v9", "linux/arm64"])) == [
        ("app", "1", "linux/arm64")
    ]


def test_what_is_no_image_is_told_and_not_asked_for_again(registry: FakeRegistry) -> None:
    registry.lists("app/tags/list", ["chart"])
    chart = {"schemaVersion": 2, "layers": [], "config": {"mediaType": "application/vnd.cncf.helm.config.v1+json"}}
    chart["config"] |= {"digest": "sha256:" + "0" * 64, "size": 2}
    body = json.dumps(chart).encode()
    reply = Reply(body, headers={"Docker-Content-Digest": digest_of(body)})
    registry.answers["/v2/app/manifests/chart"] = registry.answers[f"/v2/app/manifests/{digest_of(body)}"] = reply
    (image,) = listing(registry).images
    assert (image.state, image.code) == (ImageState.UNSUPPORTED, "image.not-an-image")
    assert listing(registry, known={("app", "chart"): image.tag_digest}).unchanged == (("app", "chart"),)


@pytest.mark.parametrize("damage", ["manifest", "configuration", "lie"])
def test_what_is_damaged_fails_and_is_looked_at_again(registry: FakeRegistry, damage: str) -> None:
    registry.lists("app/tags/list", ["1", "2"])
    digest = registry.put(AMD)
    registry.put(ARM, tag="2")
    if damage == "manifest":
        registry.answers[f"/v2/app/manifests/{digest}"] = Reply(b"{}")
    elif damage == "lie":
        registry.answers["/v2/app/manifests/1"] = Reply(headers={"Docker-Content-Digest": "sha256:" + "b" * 64})
    else:
        registry.answers[f"/v2/app/blobs/{digest_of(AMD.config)}"] = Reply(b"{}")
    failed = next(image for image in listing(registry, platforms=["linux/amd64", "linux/arm64"]).images if image.code)
    assert (failed.tag, failed.state, failed.tag_digest) == ("1", ImageState.FAILED, "")
    assert failed.why


def test_a_tag_that_goes_meanwhile_is_left_out(registry: FakeRegistry) -> None:
    registry.lists("app/tags/list", ["gone", "1"])
    registry.put(AMD)
    assert found(listing(registry)) == [("app", "1", "linux/amd64")]


def test_only_the_newest_tags_are_read(registry: FakeRegistry) -> None:
    tags = ["1.0", "1.10", "1.9", "latest", "main"]
    registry.lists("app/tags/list", tags)
    for tag in tags:
        registry.put(AMD, tag=tag)
    assert [image.tag for image in listing(registry, newest=3).images] == ["latest", "1.10", "1.9"]


def test_the_order_of_tags() -> None:
    ordered = [
        "latest",
        "v2.0.1",
        "2.0",
        "2.0-rc10",
        "2.0-rc2",
        "1.10-alpine",
        "1.9",
        "1.0b1",
        "main",
        "build-10",
        "build-9",
    ]
    assert newest_first(sorted(ordered)) == ordered


def test_a_database_orders_tags_in_the_same_way() -> None:
    tags = ["latest", "v2.0.1", "2.0", "2.0-rc10", "2.0-rc2", "2", "1.10-alpine", "1.9", "1.0b1", "build-10", "build-9"]
    assert sorted(set(tags), key=order) == newest_first(tags) == tags
    assert sorted([*tags, "main"], key=order) == [*tags, "main"]


@given(st.text("v.0129rcab-_", min_size=1, max_size=128))
def test_what_a_database_orders_tags_by_is_short_and_plain(tag: str) -> None:
    assert len(order(tag)) <= 180
    assert order(tag).isascii()


@given(st.lists(st.text("v.0129rcab-_", max_size=12), max_size=20))
def test_every_order_is_one(tags: list[str]) -> None:
    assert sorted(newest_first(tags)) == sorted(tags)
    assert newest_first(newest_first(tags)) == newest_first(tags)


@pytest.mark.parametrize("refusal", [Reply(b"{}", 404), Reply(b"{}", 401), Reply(b"{}", 403), Reply(b"nonsense", 200)])
def test_without_a_catalog_the_names_must_be_exact(registry: FakeRegistry, refusal: Reply) -> None:
    registry.answers["/v2/_catalog"] = refusal
    with pytest.raises(HullguardError, match="name its repositories exactly") as refused:
        listing(registry, "team/*")
    assert refused.value.code == "registry.no-catalog"
    registry.lists("app/tags/list", ["1"])
    registry.put(AMD)
    listed = listing(registry, "team/*", "app", known={("team/x", "1"): "d"})
    assert found(listed) == [("app", "1", "linux/amd64")]
    assert listed.unlisted == ("team/x",)
    assert listed.trouble is not None
    assert listed.trouble.code == "registry.no-catalog"


SIGNED = RegistryAccess("user", "secret", insecure=True, for_others=True)
BASIC = Reply(b"{}", 401, {"WWW-Authenticate": 'Basic realm="r"'})


def for_who_signs_in(admitted: Reply) -> Callable[[Asked], Reply]:
    return lambda asked: admitted if "authorization" in asked.headers else BASIC


@pytest.mark.parametrize("ping", [BASIC, for_who_signs_in(Reply(b"{}", 403)), Reply(b"{}"), Reply(b"{}", 404)])
@pytest.mark.parametrize("exact", [(), ("app",)])
def test_a_wrong_password_is_not_told_as_a_missing_catalog(
    registry: FakeRegistry, ping: Reply | Callable[[Asked], Reply], exact: tuple[str, ...]
) -> None:
    registry.answers |= {"/v2/_catalog": BASIC, "/v2/": ping}
    registry.lists("app/tags/list", ["1"])
    with pytest.raises(Unauthenticated, match="wrong password") as refused:
        listing(registry, "team/*", *exact, access=SIGNED)
    assert refused.value.code == "registry.unauthenticated"
    assert "exactly" not in str(refused.value)
    assert len([one for one in registry.asked if "authorization" in one.headers]) <= 2


def test_a_registry_that_forbids_whom_it_does_not_know_is_asked_whether_it_knows_this_one(
    registry: FakeRegistry,
) -> None:
    registry.answers |= {"/v2/_catalog": Reply(b"{}", 403), "/v2/": BASIC}
    with pytest.raises(Unauthenticated, match="wrong password"):
        listing(registry, "team/*", access=SIGNED)


@pytest.mark.parametrize("refusal", [BASIC, for_who_signs_in(Reply(b"{}", 403))])
def test_a_catalog_that_is_refused_to_who_is_admitted_is_what_is_missing(
    registry: FakeRegistry, refusal: Reply | Callable[[Asked], Reply]
) -> None:
    registry.answers |= {"/v2/_catalog": refusal, "/v2/": for_who_signs_in(Reply(b"{}"))}
    with pytest.raises(HullguardError, match="name its repositories exactly") as refused:
        listing(registry, "team/*", access=SIGNED)
    assert refused.value.code == "registry.no-catalog"
    registry.lists("app/tags/list", ["1"])
    registry.put(AMD)
    assert found(listing(registry, "team/*", "app", access=SIGNED)) == [("app", "1", "linux/amd64")]


def test_a_token_server_that_gives_no_right_to_the_catalog_is_asked_whether_it_knows_the_password(
    registry: FakeRegistry,
) -> None:
    bearer = Reply(b"{}", 401, {"WWW-Authenticate": f'Bearer realm="http://{registry.host}/token",service="r"'})
    known = f"Basic {base64.b64encode(b'user:secret').decode()}"

    def token(asked: Asked) -> Reply:
        """Refuses who asks for a right that that one has not."""
        good = asked.headers.get("authorization") == known and "scope=" not in asked.path
        return Reply(b'{"token": "t"}') if good else Reply(b"{}", 403)

    def ping(asked: Asked) -> Reply:
        return Reply(b"{}") if asked.headers.get("authorization") == "Bearer t" else bearer

    registry.answers |= {"/v2/_catalog": bearer, "/token": token, "/v2/": ping}
    for access, code in (
        (SIGNED, "registry.no-catalog"),
        (RegistryAccess("user", "wrong", insecure=True, for_others=True), "registry.unauthenticated"),
    ):
        with pytest.raises(Unauthenticated) as refused:
            listing(registry, "team/*", access=access)
        assert refused.value.code == code


def test_patterns_that_no_repository_has_are_told(registry: FakeRegistry) -> None:
    registry.lists("_catalog", ["app"])
    listed = listing(registry, "team/*")
    assert listed.trouble is not None
    assert listed.trouble.sentence == f"no repository of {registry.host} is called as team/*"


def test_each_pattern_that_nothing_fits_is_told(registry: FakeRegistry) -> None:
    registry.lists("_catalog", ["app", "b"])
    registry.lists("app/tags/list", ["1.0", "2.0"])
    registry.lists("b/tags/list", [])
    registry.put(AMD, "app", "1.0")
    listed = listing(registry, "*", "team/*", tags=["1.*", "v*", "stable"])
    assert found(listed) == [("app", "1.0", "linux/amd64")]
    assert listed.trouble == Trouble(
        "registry.no-repository",
        f"no repository of {registry.host} is called as team/*; "
        f"no tag of the repositories that were looked at on {registry.host} is called as v*, stable",
    )
    no_tag = listing(registry, "app", tags=["v*"]).trouble
    assert (no_tag and no_tag.code) == "registry.no-tag"
    assert listing(registry, "b", tags=["v*"]).trouble is None  # where there is no tag, none is missed


def test_those_that_were_looked_at_are_counted_and_the_others_named(registry: FakeRegistry) -> None:
    # Story: "Repositories looked at: 3", though two of them answered with 500; which two was not said.
    registry.lists("app/tags/list", ["1"])
    registry.put(AMD)
    for name in ("b", "c", "gone", *"defghi"):
        registry.answers[f"/v2/{name}/tags/list"] = Reply(b"", 500)
    del registry.answers["/v2/gone/tags/list"]
    one = listing(registry, "app", "b")
    assert one.trouble == Trouble("registry.refused", f"the registry {registry.host} refused: 500 (repository b)")
    two = listing(registry, "c", "app", "gone", "b")
    assert (two.repositories, two.unlisted) == (1, ("b", "c"))
    assert two.trouble == Trouble(
        "registry.refused",
        f"the registry {registry.host} refused: 500 (repositories c, b); "
        f"{registry.host} has no repository gone, or shows it to nobody whom it does not know",
    )
    many = listing(registry, "app", *"bcdefghi").trouble
    assert many is not None
    assert many.sentence.endswith("refused: 500 (repositories b, c, d, e, f and 3 more)")


@pytest.mark.parametrize(("name", "is_its"), [("b", False), ("team/b", False), ("x/app", False), ("App", True)])
def test_tags_of_another_repository_take_nothing_away(registry: FakeRegistry, name: str, *, is_its: bool) -> None:
    registry.lists("ok/tags/list", ["1"])
    registry.answers["/v2/team/app/tags/list"] = Reply(json.dumps({"name": name, "tags": []}).encode())
    listed = listing(registry, "ok", "team/app", known={("team/app", "1"): "d"})
    if is_its:  # a registry may leave out what stands before the last part
        assert (listed.unlisted, listed.trouble) == ((), None)
        return
    assert listed.unlisted == ("team/app",)
    assert listed.trouble is not None
    assert listed.trouble.code == "registry.bad-list"
    assert f"the tags of team/app were asked for, and those of {name} given" in listed.trouble.sentence


@pytest.mark.parametrize(
    "link",
    [
        "garbage",
        "<>; rel=next",
        '</v2/app/tags/list>; rel="next"',
        '<http://[/x?last=1>; rel="next"',
        "</v2/x?last=1>",
        "</v2/x?last=1 ; rel=next",
        '</v2/x?last=1>; title="next"',
    ],
)
def test_a_page_that_leads_on_to_nowhere_takes_nothing_away(registry: FakeRegistry, link: str) -> None:
    registry.put(AMD)
    registry.answers["/v2/app/tags/list"] = Reply(b'{"tags": ["1"]}', headers={"Link": link})
    listed = listing(registry, known={("app", "2"): "d"})
    assert (found(listed), listed.unlisted) == ([("app", "1", "linux/amd64")], ("app",))
    said = "leads on to nowhere (its Link header cannot be read), so what is known stands"
    assert listed.trouble == Trouble("registry.bad-list", f"a page of {registry.host}/app {said}")
    registry.lists("app/tags/list", ["1"])
    registry.answers["/v2/_catalog"] = Reply(b'{"repositories": ["app"]}', headers={"Link": link})
    listed = listing(registry, "a*", "b*", known={("b", "1"): "d", ("c", "1"): "d", ("app", "1"): "d"})
    assert (found(listed), listed.unlisted) == ([("app", "1", "linux/amd64")], ("b",))
    assert listed.trouble == Trouble("registry.bad-list", f"a page of {registry.host} {said}")


@pytest.mark.parametrize("link", ["", '</v2/x?last=0>; rel="prev"', '<a?b>; rel=first, <c?d>; title=x; rel="last"'])
def test_links_to_other_pages_than_the_next_are_the_end(registry: FakeRegistry, link: str) -> None:
    registry.put(AMD)
    registry.answers["/v2/app/tags/list"] = Reply(b'{"tags": ["1"]}', headers={"Link": link})
    assert (listing(registry).unlisted, listing(registry).trouble) == ((), None)


def test_the_next_page_may_be_the_second_link(registry: FakeRegistry) -> None:
    link = '</v2/app/tags/list?n=1>; rel="prev", </v2/app/tags/list?last=1>; rel="next"'
    registry.answers["/v2/app/tags/list"] = lambda asked: (
        Reply(b'{"tags": ["2"]}') if "last" in asked.path else Reply(b'{"tags": ["1"]}', headers={"Link": link})
    )
    for tag in "12":
        registry.put(AMD, "app", tag)
    assert [tag for _, tag, _ in found(listing(registry))] == ["2", "1"]


def test_a_repository_that_is_refused_is_told_and_the_others_are_listed(registry: FakeRegistry) -> None:
    registry.lists("app/tags/list", ["1"])
    registry.put(AMD)
    registry.answers["/v2/secret/tags/list"] = Reply(b'{"errors": [{"message": "not yours"}]}', 403)
    listed = listing(registry, "secret", "app", "gone", known={("secret", "1"): "d", ("gone", "1"): "d"})
    assert found(listed) == [("app", "1", "linux/amd64")]
    assert listed.unlisted == ("secret",)
    assert listed.trouble is not None
    assert "not yours" in listed.trouble.sentence
    assert f"{registry.host} has no repository gone" in listed.trouble.sentence


PAGE_OF_A_PROXY = Reply(b"<html><h1>404 Not Found</h1></html>", 404, {"Content-Type": "text/html"})


def of_code(*codes: object) -> Reply:
    return Reply(json.dumps({"errors": [{"code": code, "message": "it is not here"} for code in codes]}).encode(), 404)


@pytest.mark.parametrize(
    "answer",
    [
        PAGE_OF_A_PROXY,
        Reply(b"", 404),
        Reply(b"{}", 404),
        Reply(b'{"errors": []}', 404),
        Reply(b'{"errors": "NAME_UNKNOWN"}', 404),
        Reply(b'{"errors": ["NAME_UNKNOWN"]}', 404),
        Reply(b'{"message": "no Route matched with those values"}', 404),
        of_code("UNSUPPORTED"),
        of_code("NAME_UNKNOWN", "UNKNOWN"),
        of_code(404),
    ],
)
def test_a_404_that_is_not_in_a_registrys_words_takes_nothing_away(registry: FakeRegistry, answer: Reply) -> None:
    # Story: a proxy's page for one of two repositories removed that one's images, and the registry was "read".
    registry.lists("app/tags/list", ["1"])
    registry.put(AMD)
    registry.answers["/v2/b/tags/list"] = answer
    listed = listing(registry, "app", "b", known={("b", "1"): "d"})
    assert found(listed) == [("app", "1", "linux/amd64")]
    assert listed.unlisted == ("b",)
    assert listed.trouble is not None
    assert listed.trouble.code == "registry.bad-list"
    assert listed.trouble.sentence == (
        f"{registry.host}/b was answered with 404, but not in a registry's own words, so what is known of it stands; "
        "look at the proxy before the registry, and name it no longer if it is gone"
    )
    with pytest.raises(Unavailable, match="not in a registry's own words"):
        listing(registry, "b")


@pytest.mark.parametrize("code", ["NAME_UNKNOWN", "NOT_FOUND"])
def test_a_repository_is_gone_where_the_registry_says_so(registry: FakeRegistry, code: str) -> None:
    registry.lists("app/tags/list", ["1"])
    registry.put(AMD)
    registry.answers["/v2/b/tags/list"] = of_code(code)
    listed = listing(registry, "app", "b", known={("b", "1"): "d"})
    assert listed.unlisted == ()
    assert listed.trouble is not None
    assert listed.trouble.code == "registry.no-repository"


def test_a_tag_is_gone_only_where_the_registry_says_so(registry: FakeRegistry) -> None:
    registry.lists("app/tags/list", ["1", "2"])
    registry.put(AMD)
    registry.answers["/v2/app/manifests/2"] = PAGE_OF_A_PROXY
    listed = listing(registry, known={("app", "2"): "d"})
    assert found(listed) == [("app", "1", "linux/amd64")]
    assert listed.unlisted == ("app",)
    assert listed.trouble is not None
    assert f"{registry.host}/app:2 was answered with 404" in listed.trouble.sentence
    registry.answers["/v2/app/manifests/2"] = of_code("MANIFEST_UNKNOWN")
    assert (listing(registry).unlisted, listing(registry).trouble) == ((), None)


@pytest.mark.parametrize("answer", [PAGE_OF_A_PROXY, of_code("NAME_UNKNOWN")])
def test_a_further_page_that_is_not_there_takes_nothing_away(registry: FakeRegistry, answer: Reply) -> None:
    # Story: the first page of tags had just come, and "has no repository b" removed all of them.
    def pages(field: str) -> Callable[[Asked], Reply]:
        link = {"Link": '</v2/x?last=1>; rel="next"'}
        return lambda asked: answer if "last" in asked.path else Reply(f'{{"{field}": ["b"]}}'.encode(), headers=link)

    registry.lists("app/tags/list", ["1"])
    registry.put(AMD)
    registry.answers["/v2/b/tags/list"] = pages("tags")
    listed = listing(registry, "app", "b", known={("b", "1"): "d", ("b", "2"): "d"})
    assert found(listed) == [("app", "1", "linux/amd64")]
    assert listed.unlisted == ("b",)
    assert listed.trouble is not None
    assert listed.trouble.code == "registry.bad-list"
    assert "has no repository" not in listed.trouble.sentence
    assert "page 1 of the list leads there, so what is known stands" in listed.trouble.sentence
    registry.answers["/v2/_catalog"] = pages("repositories")
    with pytest.raises(Unavailable, match="page 1 of the list leads there"):
        listing(registry, "*")


def test_a_catalog_of_null_empties_nothing(registry: FakeRegistry) -> None:
    registry.answers["/v2/_catalog"] = Reply(b'{"repositories": null}')
    with pytest.raises(Invalid, match="is null in the place of names, so what is known stands"):
        listing(registry, "*", known={("b", "1"): "d"})
    registry.lists("app/tags/list", ["1"])
    registry.put(AMD)
    listed = listing(registry, "*", "app", known={("b", "1"): "d"})
    assert (found(listed), listed.unlisted) == ([("app", "1", "linux/amd64")], ("b",))


def test_a_wrong_password_is_sent_once(registry: FakeRegistry) -> None:
    for name in ("a", "b"):
        registry.answers[f"/v2/{name}/tags/list"] = Reply(b"{}", 401, {"WWW-Authenticate": 'Basic realm="r"'})
    access = RegistryAccess("user", "wrong", insecure=True, for_others=True)
    with pytest.raises(Unauthenticated, match="wrong password"):
        listing(registry, "a", "b", access=access)
    assert len([one for one in registry.asked if "authorization" in one.headers]) == 1


def leads_away(registry: FakeRegistry, *names: str) -> None:
    for name in names:
        registry.answers[f"/v2/{name}/tags/list"] = Reply(b"", 307, {"Location": "http://169.254.169.254/latest"})


def test_a_repository_that_leads_to_where_nothing_is_asked_hides_no_other(registry: FakeRegistry) -> None:
    leads_away(registry, "away")
    registry.lists("app/tags/list", ["1"])
    registry.put(AMD)

    listed = listing(registry, "away", "app")

    assert (found(listed), listed.repositories) == ([("app", "1", "linux/amd64")], 1)
    assert (listed.stopped, listed.unlisted) == (False, ("away",))
    assert listed.trouble is not None
    assert listed.trouble.code == "registry.forbidden-address"
    assert "(repository away)" in listed.trouble.sentence


def test_a_registry_that_leads_there_again_and_again_is_asked_no_more(registry: FakeRegistry) -> None:
    leads_away(registry, "a", "b", "c")
    for name in ("app", "later"):
        registry.lists(f"{name}/tags/list", ["1"])
        registry.put(AMD, name)

    listed = listing(registry, "app", "a", "b", "c", "later")

    assert (found(listed), listed.stopped) == ([("app", "1", "linux/amd64")], True)
    assert listed.unlisted == ("a", "b", "c", "later")
    assert listed.trouble is not None
    assert listed.trouble.sentence.endswith("(repositories a, b, c); 1 more repositories were not asked for then")


def test_where_everything_is_refused_nothing_was_listed(registry: FakeRegistry) -> None:
    with pytest.raises(NotFound, match="has no repository a"):
        listing(registry, "a", "b")


def test_a_registry_that_has_enough_is_listed_as_far_as_that(registry: FakeRegistry, naps: list[float]) -> None:
    registry.lists("app/tags/list", ["1"])
    registry.put(AMD)
    registry.answers["/v2/busy/tags/list"] = Reply(b"{}", 429, {"Retry-After": "120"})
    listed = listing(registry, "app", "busy", "later")
    assert found(listed) == [("app", "1", "linux/amd64")]
    assert (listed.stopped, listed.retry_after, listed.unlisted) == (True, 120, ("busy", "later"))
    assert not naps  # it would hold up others
    with pytest.raises(Unavailable) as refused:
        listing(registry, "busy", "app")
    assert refused.value.params["retry_after"] == 120


def test_one_that_is_away_is_told(registry: FakeRegistry) -> None:
    with fake_registry() as other:
        host = other.host
    spec = RegistrySpec("r", host, ["app", "b"], insecure=True)
    with pytest.raises(Unavailable, match="cannot be reached"):
        list_registry(spec, RegistryAccess(insecure=True, for_others=True), {})


def test_each_bound_is_told(registry: FakeRegistry) -> None:
    registry.lists("_catalog", ["a", "b", "c"])
    for name in ("a", "b", "c"):
        registry.lists(f"{name}/tags/list", ["1", "2"])
        for tag in ("1", "2"):
            registry.put(AMD, name, tag)
    most = listing(registry, "*", bounds=Bounds(images=3))
    assert len(most.images) == 3
    assert most.trouble is not None
    assert "only 3 images of a registry are read" in most.trouble.sentence
    few = listing(registry, "*", bounds=Bounds(repositories=2))
    assert (few.repositories, len(few.images)) == (2, 4)
    assert few.trouble is not None
    assert "only 2 of 3 repositories are read" in few.trouble.sentence
    names = listing(registry, "*", bounds=Bounds(names=1))
    assert names.trouble is not None
    assert f"only the first 1 names of {registry.host}, {registry.host}/a are looked at" in names.trouble.sentence
    late = listing(registry, "*", bounds=Bounds(seconds=-1), known={("a", "1"): "d"})
    assert (late.images, late.unlisted) == ((), ("a", "b", "c"))
    assert late.trouble is not None
    assert late.trouble.code == "registry.too-slow"


def test_names_that_are_none_are_left_out_and_counted(registry: FakeRegistry) -> None:
    odd = ["../../etc", "UPPER", "a b", "ok", "x" * 300, "app@sha256:1", ""]
    registry.answers["/v2/_catalog"] = Reply(json.dumps({"repositories": odd}).encode())
    registry.answers["/v2/ok/tags/list"] = Reply(json.dumps({"tags": ["1", "../x", "a?b", ".dot"]}).encode())
    registry.put(AMD, "ok")
    listed = listing(registry, "*")
    assert found(listed) == [("ok", "1", "linux/amd64")]
    assert listed.trouble is not None
    assert f"6 of the names that {registry.host} lists" in listed.trouble.sentence
    assert f"3 of the names that {registry.host}/ok lists" in listed.trouble.sentence


@pytest.mark.parametrize(
    "content",
    [
        b"[]",
        b"{",
        b'{"tags": 1}',
        b'{"tags": [1]}',
        b'{"tags": {"a": 1}}',
        b"\xff",
        b"{}",
        b'{"status": "maintenance"}',
    ],
)
def test_what_is_no_list_of_names_is_refused(registry: FakeRegistry, content: bytes) -> None:
    registry.answers["/v2/app/tags/list"] = Reply(content)
    with pytest.raises(Invalid, match="no list of names"):
        listing(registry)


def test_an_answer_that_is_no_catalog_is_not_an_empty_one(registry: FakeRegistry) -> None:
    # Story: a page that said 200 and that the service was being maintained emptied the platform's list.
    registry.answers["/v2/_catalog"] = Reply(b'{"status": "maintenance"}')
    with pytest.raises(Invalid, match="is that its address"):
        listing(registry, "*")


def test_many_small_answers_are_not_one_slow_one(registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    # Each reading seems to wait for five seconds; sixty for one answer would be too slow.
    clock = itertools.count(step=5)
    monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    names = [f"app-{number}" for number in range(20)]
    registry.lists("_catalog", names)
    for name in names:
        registry.lists(f"{name}/tags/list", [])

    assert listing(registry, "*").repositories == len(names)


def test_a_list_of_nothing_is_empty(registry: FakeRegistry) -> None:
    registry.answers["/v2/app/tags/list"] = Reply(b'{"name": "app", "tags": null}')
    listed = listing(registry)
    assert (listed.images, listed.trouble, listed.repositories) == ((), None, 1)


def test_pages_lead_nowhere_else_and_end(registry: FakeRegistry) -> None:
    registry.answers["/v2/app/tags/list"] = Reply(
        b'{"tags": ["1"]}', headers={"Link": '<http://169.254.169.254/latest?x=1>; rel="next"'}
    )
    with pytest.raises(Invalid, match=r"goes on at another place, 169\.254\.169\.254"):
        listing(registry)

    def endless(asked: Asked) -> Reply:
        number = len(registry.asked)
        return Reply(b'{"tags": ["1"]}', headers={"Link": f'</v2/app/tags/list?last={number % 7}>; rel="next"'})

    registry.put(AMD)
    registry.answers["/v2/app/tags/list"] = endless
    listed = listing(registry)
    assert found(listed) == [("app", "1", "linux/amd64")]
    assert listed.trouble is not None
    assert "lead on without end" in listed.trouble.sentence


@pytest.mark.parametrize(
    ("name", "pattern", "fits"),
    [
        ("app", "app", True),
        ("app", "*", True),
        ("team/app", "team/*", True),
        ("team/app", "*app", True),
        ("team/app", "t*/a*p", True),
        ("team/app", "t*p*p", True),
        ("ap", "a*p*p", False),
        ("aa", "a*a", True),
        ("a", "a*a", False),
        ("team/app", "team", False),
        ("teamapp", "team/*", False),
        ("a.b", "a*c", False),
        ("", "*", True),
    ],
)
def test_patterns(name: str, pattern: str, fits: bool) -> None:
    assert matches(name, pattern) is fits


def test_a_pattern_takes_no_longer_than_looking() -> None:
    assert not matches("a" * 255, "a*" * 127 + "b")


def at_times(registry: FakeRegistry, path: str, refusals: list[Reply]) -> None:
    """What is there now, after as many refusals."""
    usual = registry.answers[path]

    def answer(asked: Asked) -> Reply:
        if refusals:
            return refusals.pop(0)
        return usual(asked) if callable(usual) else usual  # type: ignore[return-value]

    registry.answers[path] = answer


REFUSALS = [Reply(b"{}", 401), Reply(b"{}", 403), BASIC]


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("path", ["/v2/_catalog", "/v2/a/tags/list", "/v2/b/tags/list", "/v2/b/manifests/1"])
@pytest.mark.parametrize("access", [SIGNED, RegistryAccess(insecure=True, for_others=True)])
def test_a_refusal_that_passes_stops_nothing(
    registry: FakeRegistry, access: RegistryAccess, path: str, refusal: Reply
) -> None:
    # Story: one answer 401 in the middle of a scan, and the rest of the registry was not read.
    registry.lists("_catalog", ["a", "b"])
    for name in ("a", "b"):
        registry.lists(f"{name}/tags/list", ["1"])
        registry.put(AMD, name)
    if access is SIGNED:
        for guarded, usual in list(registry.answers.items()):
            registry.answers[guarded] = for_who_signs_in(usual) if isinstance(usual, Reply) else signed(usual)  # type: ignore[arg-type]
        registry.answers["/v2/"] = for_who_signs_in(Reply(b"{}"))
    at_times(registry, path, [refusal] * 2)
    if access is not SIGNED and path == "/v2/_catalog":
        with pytest.raises(HullguardError, match="name its repositories exactly"):
            listing(registry, "*", access=access)  # it has answered nothing yet, so there is nothing to doubt
        return
    listed = listing(registry, "*", access=access)
    assert found(listed) == [("a", "1", "linux/amd64"), ("b", "1", "linux/amd64")]
    assert (listed.trouble, listed.unlisted) == (None, ())


def signed(usual: Callable[[Asked], Reply]) -> Callable[[Asked], Reply]:
    return lambda asked: usual(asked) if "authorization" in asked.headers else BASIC


@pytest.mark.parametrize("refusal", [Reply(b"{}", 401), Reply(b"{}", 403)])
def test_refusals_that_stay_are_believed_in_the_end(registry: FakeRegistry, refusal: Reply) -> None:
    names = [f"app-{number}" for number in range(100)]
    registry.lists("open/tags/list", ["1"])
    registry.put(AMD, "open")
    registry.answers |= {f"/v2/{name}/tags/list": refusal for name in names}
    listed = listing(registry, "open", *names[:99])
    assert found(listed) == [("open", "1", "linux/amd64")]
    assert len(listed.unlisted) == 99
    tries = [sum(f"/{name}/" in path for path in registry.paths()) for name in names[:99]]
    assert (tries[0], tries[-1]) == (3, 1)
    assert sum(tries) < 99 + 20


def test_a_password_that_was_never_accepted_is_not_sent_again(registry: FakeRegistry) -> None:
    registry.lists("app/tags/list", ["1"])
    registry.put(AMD)
    registry.answers |= {"/v2/": BASIC, "/v2/secret/tags/list": BASIC, "/v2/other/tags/list": BASIC}
    with pytest.raises(Unauthenticated, match="wrong password"):
        listing(registry, "secret", "app", "other", access=SIGNED)
    assert len([one for one in registry.asked if "authorization" in one.headers]) == 2


def test_one_repository_that_is_refused_to_who_is_admitted_does_not_stop_the_others(registry: FakeRegistry) -> None:
    registry.answers |= {"/v2/": for_who_signs_in(Reply(b"{}")), "/v2/secret/tags/list": BASIC}
    registry.lists("app/tags/list", ["1"])
    registry.put(AMD)
    listed = listing(registry, "secret", "app", access=SIGNED)
    assert found(listed) == [("app", "1", "linux/amd64")]
    assert listed.unlisted == ("secret",)


def test_lists_without_end_are_told_once(registry: FakeRegistry) -> None:
    def endless(names: list[str], field: str) -> Callable[[Asked], Reply]:
        link = {"Link": '</v2/x?last=again>; rel="next"'}
        return lambda _: Reply(json.dumps({field: names}).encode(), headers=link)

    registry.answers["/v2/_catalog"] = endless([f"app-{number}" for number in range(6)], "repositories")
    for number in range(6):
        registry.answers[f"/v2/app-{number}/tags/list"] = endless(["1"], "tags")
        registry.put(AMD, f"app-{number}")
    listed = listing(registry, "*")
    assert len(listed.images) == 6
    assert listed.trouble is not None
    host = registry.host
    assert listed.trouble.sentence == (
        f"the pages of {host}, {host}/app-0, {host}/app-1 and 4 more lead on without end; "
        "the names that came until then are looked at"
    )
    many = listing(registry, "*", bounds=Bounds(names=5)).trouble
    assert many is not None
    assert many.sentence.count("there are more") == 1
    assert f"only the first 5 names of {host} are looked at" in many.sentence


def tried(registry: FakeRegistry, *repositories: str, access: RegistryAccess | None = None) -> RegistryAttempt:
    wanted = RegistrySpec("r", registry.host, list(repositories), insecure=True, tags=["1*"])
    return try_registry(wanted, access or RegistryAccess(insecure=True, for_others=True))


class TestAskedOnce:
    """What somebody is told of a registry before it is relied on is what a scan would meet with."""

    def guarded(self, registry: FakeRegistry, *, catalog: bool = True) -> None:
        registry.lists("_catalog", ["team/a", "team/b", "other"])
        registry.lists("team/a/tags/list", ["1.0", "1.1", "old"])
        registry.answers["/v2/"] = Reply(b"{}")
        for path, usual in list(registry.answers.items()):
            registry.answers[path] = for_who_signs_in(usual) if isinstance(usual, Reply) else signed(usual)  # type: ignore[arg-type]
        if not catalog:
            registry.answers["/v2/_catalog"] = for_who_signs_in(Reply(b"{}", 403))

    def test_all_is_well(self, registry: FakeRegistry) -> None:
        self.guarded(registry)
        assert tried(registry, "team/*", access=SIGNED) == RegistryAttempt(
            reachable=True, admitted=True, catalog=True, repositories=2, looked_into="team/a", tags=2
        )
        assert not any("manifests" in path for path in registry.paths())

    def test_exact_names_need_no_catalog(self, registry: FakeRegistry) -> None:
        self.guarded(registry, catalog=False)
        found = tried(registry, "team/a", access=SIGNED)
        assert (found.admitted, found.catalog, found.repositories, found.tags) == (True, None, 1, 2)
        assert found.trouble is None

    def test_a_catalog_that_is_kept_back(self, registry: FakeRegistry) -> None:
        self.guarded(registry, catalog=False)
        found = tried(registry, "team/*", access=SIGNED)
        assert (found.reachable, found.admitted, found.catalog) == (True, True, False)
        assert found.trouble is not None
        assert found.trouble.code == "registry.no-catalog"

    @pytest.mark.parametrize("wanted", ["team/*", "team/a"])
    def test_a_wrong_password(self, registry: FakeRegistry, wanted: str) -> None:
        self.guarded(registry)
        registry.answers |= dict.fromkeys(list(registry.answers), BASIC)
        found = tried(registry, wanted, access=SIGNED)
        assert (found.reachable, found.admitted, found.repositories) == (True, False, 0 if "*" in wanted else 1)
        assert found.trouble is not None
        assert found.trouble.code == "registry.unauthenticated"
        assert "wrong password" in found.trouble.sentence
        assert len([one for one in registry.asked if "authorization" in one.headers]) <= 2

    def test_a_wrong_password_where_everybody_may_read(self, registry: FakeRegistry) -> None:
        registry.lists("app/tags/list", ["1"])
        registry.answers["/v2/"] = BASIC
        found = tried(registry, "app", access=SIGNED)
        assert (found.admitted, found.tags) == (False, 1)
        assert found.trouble is not None
        assert found.trouble.code == "registry.unauthenticated"

    def test_one_that_asks_nobody(self, registry: FakeRegistry) -> None:
        registry.lists("app/tags/list", ["1"])
        registry.answers["/v2/"] = Reply(b"{}")
        for access in (SIGNED, None):
            found = tried(registry, "app", access=access)
            assert (found.admitted, found.tags, found.trouble) == (None, 1, None)

    def test_a_repository_that_is_not_there(self, registry: FakeRegistry) -> None:
        registry.lists("app/tags/list", ["1"])
        found = tried(registry, "gone", "app")
        assert (found.repositories, found.looked_into) == (1, "app")
        assert found.trouble is not None
        assert "has no repository gone" in found.trouble.sentence

    def test_nobody_there(self) -> None:
        nobody = RegistrySpec("r", "127.0.0.1:1", ["app"], insecure=True)
        found = try_registry(nobody, RegistryAccess(insecure=True, for_others=True))
        assert (found.reachable, found.admitted) == (False, None)
        assert found.trouble is not None
        assert found.trouble.code == "registry.unreachable"

    @pytest.mark.parametrize("status", [429, 503])
    def test_it_is_not_waited_for(self, registry: FakeRegistry, naps: list[float], status: int) -> None:
        registry.answers["/v2/app/tags/list"] = Reply(b"{}", status, {"Retry-After": "5"})
        found = tried(registry, "app", access=RegistryAccess(insecure=True, for_others=True, once=True))
        assert found.trouble is not None
        assert found.trouble.code == ("registry.busy" if status == 429 else "registry.refused")
        nobody = RegistrySpec("r", "127.0.0.1:1", ["app"], insecure=True)
        assert not try_registry(nobody, RegistryAccess(insecure=True, for_others=True, once=True)).reachable
        assert naps == []

    def test_where_nothing_is_asked(self) -> None:
        metadata = RegistrySpec("r", "169.254.169.254", ["app"], insecure=True)
        found = try_registry(metadata, RegistryAccess(insecure=True, for_others=True))
        assert not found.reachable
        assert found.trouble is not None
        assert found.trouble.code == "registry.forbidden-address"
