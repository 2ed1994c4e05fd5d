"""What docker login, podman login and credential helpers noted is found."""

import base64
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from hullguard.inventory.source.opened import RegistryAccess
from hullguard.inventory.source.registry import credentials
from hullguard.inventory.source.registry.credentials import Credentials, Known, look_up
from hullguard.inventory.source.registry.reference import parse_reference
from hullguard.model.errors import Invalid

QUAY = parse_reference("quay.io/team/app")
HUB = parse_reference("alpine")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DOCKER_CONFIG", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "REGISTRY_AUTH_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(credentials, "RUN", tmp_path / "run of nobody")
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def config(home: Path, document: Any, path: str = ".docker/config.json") -> Path:
    file = home / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(document if isinstance(document, str) else json.dumps(document))
    return file


def helper(home: Path, monkeypatch: pytest.MonkeyPatch, script: str, name: str = "docker-credential-test") -> None:
    program = home / "bin" / name
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


def auth(text: str) -> dict[str, str]:
    return {"auth": base64.b64encode(text.encode()).decode()}


def test_what_is_told_counts_before_everything(home: Path) -> None:
    config(home, {"auths": {"quay.io": auth("other:other")}})

    assert look_up(QUAY, RegistryAccess("me", "secret")) == Known(Credentials("me", "secret"))


def test_nothing_noted_is_no_error() -> None:
    assert look_up(QUAY, RegistryAccess()) == Known()


@pytest.mark.parametrize(
    "key", ["quay.io", "https://quay.io", "https://quay.io/v1/", "quay.io/v2/", "quay.io/team", "quay.io/team/app"]
)
def test_every_way_to_write_a_registry(home: Path, key: str) -> None:
    config(home, {"auths": {"ghcr.io": auth("no:no"), key: auth("me:se:cret")}})

    assert look_up(QUAY, RegistryAccess()).credentials == Credentials("me", "se:cret")


def test_the_most_exact_entry_counts(home: Path) -> None:
    config(home, {"auths": {"quay.io": auth("a:a"), "quay.io/team": auth("b:b"), "quay.io/te": auth("c:c")}})

    assert look_up(QUAY, RegistryAccess()).credentials == Credentials("b", "b")


def test_docker_hub_by_its_old_name(home: Path) -> None:
    config(home, {"auths": {"https://index.docker.io/v1/": auth("me:secret")}})

    assert look_up(HUB, RegistryAccess()).credentials == Credentials("me", "secret")
    assert look_up(QUAY, RegistryAccess()).credentials is None


def test_tokens_and_plain_names(home: Path) -> None:
    config(
        home,
        {
            "auths": {
                "docker.io": {"identitytoken": "i"},
                "quay.io": {"username": "u", "password": "p", "registrytoken": "r"},
            }
        },
    )

    assert look_up(HUB, RegistryAccess()).credentials == Credentials(identity_token="i")
    assert look_up(QUAY, RegistryAccess()).credentials == Credentials("u", "p", registry_token="r")


def test_the_places_of_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config(home, {"auths": {"quay.io": auth("podman:p")}}, "run/containers/auth.json")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / "run"))
    assert look_up(QUAY, RegistryAccess()).credentials == Credentials("podman", "p")

    config(home, {"auths": {"quay.io": auth("docker:d")}}, "elsewhere/config.json")
    monkeypatch.setenv("DOCKER_CONFIG", str(home / "elsewhere"))
    assert look_up(QUAY, RegistryAccess()).credentials == Credentials("docker", "d")

    told = config(home, {"auths": {"quay.io": auth("told:t")}}, "told.json")
    assert look_up(QUAY, RegistryAccess(docker_config=told)).credentials == Credentials("told", "t")


@pytest.mark.parametrize(
    "document",
    [
        "",
        "[]",
        '{"auths": 1}',
        '{"auths": {"quay.io": {"auth": "%%%"}}}',
        '{"auths": {"quay.io": {"auth": "YQ=="}}}',
        "[" * 9999,
    ],
)
def test_a_bad_file_is_said(home: Path, document: str) -> None:
    path = config(home, document)

    assert look_up(QUAY, RegistryAccess()).trouble
    with pytest.raises(Invalid):
        look_up(QUAY, RegistryAccess(docker_config=path))


def test_a_file_that_was_named_must_be_there(home: Path) -> None:
    with pytest.raises(Invalid, match="there is no file"):
        look_up(QUAY, RegistryAccess(docker_config=home / "absent"))


def test_an_endless_file_is_not_read(home: Path) -> None:
    config(home, " " * 3_000_000)

    assert "more than" in look_up(QUAY, RegistryAccess()).trouble


def test_a_helper_is_asked_for_the_registry(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config(home, {"auths": {"quay.io": auth("file:f")}, "credHelpers": {"quay.io": "test"}, "credsStore": "other"})
    helper(
        home, monkeypatch, """test "$1" = get && printf '{"ServerURL":"x","Username":"%s","Secret":"s"}' "$(cat)" """
    )

    assert look_up(QUAY, RegistryAccess()).credentials == Credentials("quay.io", "s")


def test_the_store_is_asked_for_what_is_not_noted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config(home, {"auths": {"quay.io": auth("file:f"), "docker.io": {}}, "credsStore": "test"})
    helper(home, monkeypatch, """printf '{"Username":"<token>","Secret":"%s"}' "$(cat)" """)

    assert look_up(QUAY, RegistryAccess()).credentials == Credentials("file", "f")
    assert look_up(HUB, RegistryAccess()).credentials == Credentials(identity_token="https://index.docker.io/v1/")


@pytest.mark.parametrize(
    ("name", "script", "trouble"),
    [
        ("test", "echo broken; exit 1", "failed: broken"),
        ("test", "echo '[]'", "no credential"),
        ("test", "exec cat /dev/zero", "no credential"),
        ("test", "echo credentials not found in native keychain; exit 1", ""),
        ("absent", "", "not installed"),
        ("../test", "", "no name of a credential helper"),
        ("a;b", "", "no name of a credential helper"),
    ],
)
def test_a_helper_that_fails_leaves_one_anonymous(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, script: str, trouble: str
) -> None:
    config(home, {"credsStore": name})
    helper(home, monkeypatch, script)

    known = look_up(QUAY, RegistryAccess())

    assert known.credentials is None
    assert trouble in known.trouble
    assert bool(trouble) == bool(known.trouble)


def ended(pid: int) -> bool:
    """Whether a killed process is gone, but for what its parent has to take note of."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_who_keeps_a_helpers_output_open_is_not_waited_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config(home, {"credsStore": "test"})
    helper(home, monkeypatch, """sleep 600 & echo $! > "$HOME/pid"; printf '{"Username":"me","Secret":"s"}'""")

    assert look_up(QUAY, RegistryAccess()).credentials == Credentials("me", "s")
    child = int((home / "pid").read_text())
    assert any(ended(child) or time.sleep(0.01) for _ in range(1000)), "and does not outlive it"


def test_a_helper_that_says_nothing_is_given_up(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "_HELPER_SECONDS", 0.3)
    config(home, {"credsStore": "test"})
    for script in ("exec sleep 600", "while :; do printf .; sleep 0.01; done"):
        helper(home, monkeypatch, script)

        assert look_up(QUAY, RegistryAccess()).trouble.endswith("gave no answer within 0.3 s")


def test_a_helper_that_cannot_be_run_says_why(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config(home, {"credsStore": "test"})
    helper(home, monkeypatch, "exit 0")
    (home / "bin" / "docker-credential-test").write_bytes(b"\x7fELF")

    assert look_up(QUAY, RegistryAccess()).trouble == "docker-credential-test cannot be run: Exec format error"


def test_podman_notes_logins_at_several_places(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def noted() -> str | None:
        found = look_up(QUAY, RegistryAccess()).credentials
        return found and found.username

    monkeypatch.setattr(credentials, "RUN", home / "run")
    config(home, {"auths": {"quay.io": auth("last:x")}}, ".config/containers/auth.json")
    assert noted() == "last"
    config(home, {"auths": {"quay.io": auth("root:x")}}, f"run/{os.getuid()}/auth.json")
    assert noted() == "root"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / "user"))
    assert noted() == "last"
    config(home, {"auths": {"quay.io": auth("user:x")}}, "user/containers/auth.json")
    assert noted() == "user"
    config(home, {"auths": {"quay.io": auth("docker:x")}})
    assert noted() == "docker"
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(config(home, {"auths": {"quay.io": auth("named:x")}}, "named.json")))
    assert noted() == "named"


def test_a_pipe_is_no_configuration(home: Path) -> None:
    (home / ".docker").mkdir()
    os.mkfifo(home / ".docker" / "config.json")

    assert look_up(QUAY, RegistryAccess()).trouble.endswith("config.json is no regular file")


def test_secrets_are_not_shown() -> None:
    assert "hush" not in repr(Credentials("me", "hush", "hush", "hush")) + repr(RegistryAccess("me", "hush"))
