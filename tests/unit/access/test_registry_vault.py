"""Passwords of registries are opened for what they were given for, and for nothing else."""

import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec import structs

from hullguard.access.registries.vault import Purpose, Vault
from hullguard.model.errors import HullguardError, Invalid, Unavailable

PURPOSE = Purpose("default", "r1", "registry.test", False, "")


def test_what_was_sealed_is_opened_by_another_process_with_the_key(tmp_path: Path) -> None:
    path = tmp_path / "registries.key"
    sealed = Vault.open(path).seal("päss", PURPOSE)
    assert "päss".encode() not in sealed
    assert Vault.open(path).unseal(sealed, PURPOSE) == "päss"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["registries.key"]


def test_two_seals_of_one_password_are_not_alike(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path / "key")
    assert vault.seal("x", PURPOSE) != vault.seal("x", PURPOSE)


@pytest.mark.parametrize(
    "change", [{"tenant": "t"}, {"registry": "r2"}, {"address": "evil.test"}, {"insecure": True}, {"ca": "theirs"}]
)
def test_another_purpose_opens_nothing(tmp_path: Path, change: dict[str, str | bool]) -> None:
    vault = Vault.open(tmp_path / "key")
    with pytest.raises(Unavailable, match="give the password again") as refused:
        vault.unseal(vault.seal("secret", PURPOSE), structs.replace(PURPOSE, **change))
    assert refused.value.code == "registry.sealed"


@pytest.mark.parametrize(
    "damage",
    [lambda s: b"", lambda s: b"\x01", lambda s: s[:20], lambda s: s[:-1] + bytes([s[-1] ^ 1]), lambda s: s + b"x"],
)
def test_what_is_damaged_opens_nothing(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    vault = Vault.open(tmp_path / "key")
    with pytest.raises(Unavailable):
        vault.unseal(damage(vault.seal("secret", PURPOSE)), PURPOSE)


def test_a_lost_key_is_made_anew_and_opens_nothing_old(tmp_path: Path) -> None:
    path = tmp_path / "key"
    sealed = Vault.open(path).seal("secret", PURPOSE)
    path.unlink()
    with pytest.raises(Unavailable, match="another key"):
        Vault.open(path).unseal(sealed, PURPOSE)


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with ThreadPoolExecutor(8) as threads:
        vaults = list(threads.map(lambda _: Vault.open(path), range(8)))
    sealed = vaults[0].seal("secret", PURPOSE)
    assert {vault.unseal(sealed, PURPOSE) for vault in vaults} == {"secret"}


@pytest.mark.parametrize(("content", "mode", "said"), [(b"short", 0o600, "is no key"), (bytes(32), 0o640, "chmod 600")])
def test_a_key_that_is_none_or_that_others_read_is_refused(
    tmp_path: Path, content: bytes, mode: int, said: str
) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(Invalid, match=said) as refused:
        Vault.open(path)
    assert isinstance(refused.value, HullguardError)
