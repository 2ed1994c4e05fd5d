"""Registries that a server asks for people who sign in elsewhere: with nothing of this machine, and nowhere near it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.images import Image, digest_of, file, layer
from tests.support.registry import FakeRegistry, Reply, certificate, fake_registry

from hullguard.inventory import read
from hullguard.inventory.source.opened import RegistryAccess
from hullguard.inventory.source.registry import client, trust
from hullguard.model.errors import HullguardError, Invalid, Unauthenticated, Unavailable

IMAGE = Image([layer(file("etc/hello", "x"))], compression="gzip")
OTHERS = RegistryAccess(insecure=True, for_others=True)


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with fake_registry() as fake:
        fake.put(IMAGE)
        yield fake


@pytest.fixture(autouse=True)
def naps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(client.time, "sleep", lambda _: None)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def get(registry: FakeRegistry, access: RegistryAccess = OTHERS) -> int:
    return len(read(f"registry:{registry.host}/app:1", registry=access, platform="linux/amd64").layers)


def test_it_is_read(registry: FakeRegistry) -> None:
    assert get(registry) == 1


def test_logins_of_this_machine_are_not_used(registry: FakeRegistry, tmp_path: Path) -> None:
    noted = {"auths": {registry.host: {"username": "root", "password": "of this machine"}}}
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text(json.dumps(noted))
    registry.answers["/v2/app/manifests/1"] = Reply(b"{}", 401, {"WWW-Authenticate": 'Basic realm="r"'})
    with pytest.raises(Unauthenticated, match="give a user name and a password"):
        get(registry)
    assert not [asked for asked in registry.asked if "authorization" in asked.headers]


def test_certificates_of_this_machine_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, public = certificate(tmp_path)
    with fake_registry(context) as fake:
        fake.put(IMAGE)
        place = tmp_path / "certs.d"
        (place / fake.host).mkdir(parents=True)
        (place / fake.host / "ca.crt").write_bytes(public.read_bytes())
        monkeypatch.setattr(trust, "PLACES", (place,))
        assert get(fake, RegistryAccess()) == 1
        with pytest.raises(Unavailable, match="give its authority"):
            get(fake, RegistryAccess(for_others=True))
        assert get(fake, RegistryAccess(for_others=True, ca=public.read_text())) == 1


def test_a_registry_on_this_machine_is_not_asked_in_the_clear_unless_that_was_said(registry: FakeRegistry) -> None:
    with pytest.raises(Unavailable, match="switch plain HTTP on"):
        get(registry, RegistryAccess("user", "secret", for_others=True))
    assert not registry.asked


def test_no_certificate_is_none() -> None:
    with pytest.raises(Invalid, match="no certificate in PEM form"):
        trust.given("nonsense")
    with pytest.raises(Invalid, match="cannot be used"):
        trust.given("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest/meta-data", "http://[fe80::1]/x", "http://[::ffff:a9fe:a9fe]/"]
)
def test_no_redirect_leads_to_the_machine(registry: FakeRegistry, target: str) -> None:
    (blob,) = (path for path in registry.answers if "/blobs/" in path and digest_of(IMAGE.config) not in path)
    registry.answers[blob] = Reply(status=307, headers={"Location": target})
    with pytest.raises(HullguardError, match="nothing is asked from here") as refused:
        get(registry)
    assert refused.value.code == "registry.forbidden-address"


@pytest.mark.parametrize("realm", ["http://169.254.169.254/token", "https://metadata.test/token"])
def test_no_token_is_asked_for_there(registry: FakeRegistry, realm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    real = socket.getaddrinfo

    def resolve(host: str, *rest: object) -> list[object]:
        where = "169.254.169.254" if host == "metadata.test" else host
        return list(real(where, *rest))  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    challenge = {"WWW-Authenticate": f'Bearer realm="{realm}",service="s"'}
    registry.answers["/v2/app/manifests/1"] = Reply(b"{}", 401, challenge)
    with pytest.raises(Unavailable, match="nothing is asked from here"):
        get(registry)


def test_a_foreign_registry_leads_to_no_place_of_this_machine(
    registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that calls itself by another name than the machine's own, and sends on to the loopback."""
    import socket

    real = socket.getaddrinfo
    port = registry.host.rpartition(":")[2]

    def resolve(host: str, *rest: object) -> list[object]:
        return list(real("127.0.0.1" if host == "registry.test" else host, *rest))  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    name = f"registry.test:{port}"
    assert len(read(f"registry:{name}/app:1", registry=OTHERS, platform="linux/amd64").layers) == 1
    registry.answers["/v2/app/manifests/1"] = Reply(status=307, headers={"Location": f"http://127.0.0.1:{port}/admin"})
    with pytest.raises(Unavailable, match=r"leads to 127\.0\.0\.1"):
        read(f"registry:{name}/app:1", registry=OTHERS, platform="linux/amd64")
    assert "/admin" not in registry.paths()


def test_it_waits_for_nobody_long(registry: FakeRegistry) -> None:
    registry.answers["/v2/app/manifests/1"] = Reply(b"{}", 429, {"Retry-After": "60"})
    with pytest.raises(Unavailable) as refused:
        get(registry)
    assert refused.value.params["retry_after"] == 60
    assert registry.paths() == ["/v2/app/manifests/1"]
