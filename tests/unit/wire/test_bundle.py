"""Agent bundles: only what the release key signed, only upwards, only below the destination."""

import hashlib
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hullguard.model.errors import Conflict, HullguardError, Invalid, LimitReached
from hullguard.wire import limits
from hullguard.wire.bundle import build, unpack, verify

KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw()
NOW = datetime(2026, 1, 2, tzinfo=UTC)
PREFIX = b"hullguard agent bundle 1\n"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    source = tmp_path / "source"
    source.mkdir()
    (source / "agent").write_bytes(b"#!/bin/sh\n" + bytes(100_000))
    (source / "agent").chmod(0o755)
    (source / "data").write_bytes(b"data")
    path = tmp_path / "agent.hgb"
    payload = {"bin/agent": source / "agent", "share/data.txt": source / "data"}
    build(path, payload, version="1.2.0", min_version="1.0", created=NOW, key=KEY)
    return path


def forged(
    path: Path, files: dict[str, bytes], manifest: dict, *, key=KEY, extra: dict[str, bytes] | None = None
) -> Path:
    """A bundle with a right signature over whatever manifest is wanted."""
    signed = msgspec.json.encode(manifest)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", signed)
        archive.writestr("manifest.sig", key.sign(PREFIX + signed))
        for name, content in {**{"files/" + name: content for name, content in files.items()}, **(extra or {})}.items():
            archive.writestr(name, content)
    return path


def manifest_of(payload: dict[str, bytes], **changes: object) -> dict:
    return {
        "schema": "hullguard/agent-bundle/1",
        "version": "2.0",
        "min_version": "1.0",
        "created": NOW.isoformat(),
        "files": {n: {"sha256": hashlib.sha256(c).hexdigest(), "size": len(c)} for n, c in payload.items()},
        **changes,
    }


def code_of(call) -> str:
    with pytest.raises(HullguardError) as refused:
        call()
    return refused.value.code


def test_a_bundle_is_verified_and_unpacked(bundle, tmp_path):
    manifest = verify(bundle, PUBLIC, "1.1.9")
    assert manifest.version == "1.2.0"
    target = tmp_path / "target"
    target.mkdir()
    assert unpack(bundle, target, PUBLIC, "1.1.9") == manifest
    assert (target / "share/data.txt").read_bytes() == b"data"
    assert (target / "bin/agent").stat().st_mode & 0o111
    assert not (target / "share/data.txt").stat().st_mode & 0o111


def test_the_same_input_makes_the_same_bundle(bundle, tmp_path):
    payload = {"bin/agent": tmp_path / "source/agent", "share/data.txt": tmp_path / "source/data"}
    again = tmp_path / "again.hgb"
    build(again, payload, version="1.2.0", min_version="1.0", created=NOW, key=KEY)
    assert again.read_bytes() == bundle.read_bytes()


@pytest.mark.parametrize("current", ["1.2.0", "1.2.1", "2.0", "1.2.0.post1"])
def test_versions_only_go_up(bundle, current):
    assert code_of(lambda: verify(bundle, PUBLIC, current)) == "bundle.version-not-newer"


def test_a_step_may_be_too_large(bundle):
    with pytest.raises(Conflict, match=r"install 1.0 first"):
        verify(bundle, PUBLIC, "0.9")


def test_without_a_present_version_any_is_accepted(bundle):
    assert verify(bundle, PUBLIC).min_version == "1.0"


def test_another_key_is_refused(bundle):
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    assert code_of(lambda: verify(bundle, other)) == "bundle.signature-wrong"


def test_a_signature_for_something_else_is_refused(tmp_path):
    signed = msgspec.json.encode(manifest_of({"a": b"a"}))
    path = tmp_path / "b"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", signed)
        archive.writestr("manifest.sig", KEY.sign(signed))
        archive.writestr("files/a", b"a")
    assert code_of(lambda: verify(path, PUBLIC)) == "bundle.signature-wrong"


def test_every_changed_byte_is_noticed_or_harmless(bundle, tmp_path):
    """Wherever a byte is changed, what verifies is still exactly what was signed."""
    whole = bundle.read_bytes()
    for at in range(0, len(whole), 97):
        changed = tmp_path / "changed"
        changed.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        try:
            found = verify(changed, PUBLIC).version
        except HullguardError as refused:
            found = refused.code
        assert found == "1.2.0" or found.startswith("bundle.")


@pytest.mark.parametrize("cut", [0, 1, 100, 1000])
def test_a_truncated_bundle_is_refused(bundle, cut):
    bundle.write_bytes(bundle.read_bytes()[:cut])
    assert code_of(lambda: verify(bundle, PUBLIC)) == "bundle.malformed"


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "/etc/passwd",
        "a/../../x",
        "a//b",
        "./a",
        ".hidden",
        "a/.",
        "a\\b",
        "a\x00b",
        "",
        "a/",
        "C:/x",
        "名",
        "a" * 201,
    ],
)
def test_no_path_leaves_the_destination(tmp_path, name):
    path = forged(tmp_path / "b", {name: b"x"}, manifest_of({name: b"x"}))
    assert code_of(lambda: verify(path, PUBLIC)) in ("bundle.path-unsafe", "bundle.malformed")
    source = tmp_path / "x"
    source.write_bytes(b"x")
    with pytest.raises(Invalid):
        build(tmp_path / "c", {name: source}, version="1", min_version="1", created=NOW, key=KEY)


@pytest.mark.parametrize(
    ("files", "claimed", "code"),
    [
        ({"a": b"evil"}, {"a": b"good"}, "bundle.content-wrong"),
        ({"a": b"longer"}, {"a": b"long"}, "bundle.content-wrong"),
        ({"a": b"lo"}, {"a": b"long"}, "bundle.content-wrong"),
        ({}, {"a": b"a"}, "bundle.malformed"),
        ({"a": b"a", "b": b"b"}, {"a": b"a"}, "bundle.malformed"),
    ],
)
def test_the_payload_is_the_manifests(tmp_path, files, claimed, code):
    path = forged(tmp_path / "b", files, manifest_of(claimed))
    assert code_of(lambda: verify(path, PUBLIC)) == code
    target = tmp_path / "t"
    target.mkdir()
    assert code_of(lambda: unpack(path, target, PUBLIC)) == code


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": "hullguard/agent-bundle/2"},
        {"files": {}},
        {"files": {"a": {"sha256": "x", "size": 1}}},
        {"files": {"a": {"sha256": "a" * 64, "size": -1}}},
        {"run": "rm -rf /"},
        {"created": "yesterday"},
    ],
)
def test_a_manifest_without_its_form_is_refused(tmp_path, changes):
    path = forged(tmp_path / "b", {"a": b"a"}, manifest_of({"a": b"a"}, **changes))
    assert code_of(lambda: verify(path, PUBLIC)) == "bundle.malformed"


def test_a_version_that_cannot_be_ordered_is_refused(tmp_path):
    path = forged(tmp_path / "b", {"a": b"a"}, manifest_of({"a": b"a"}, version="latest"))
    assert code_of(lambda: verify(path, PUBLIC, "1.0")) == "bundle.version-unreadable"


def test_a_bomb_is_refused(tmp_path):
    claimed = manifest_of({"a": b""}, files={"a": {"sha256": "a" * 64, "size": 10}})
    path = forged(tmp_path / "b", {"a": bytes(50 << 20)}, claimed)
    assert path.stat().st_size < 1 << 20
    assert code_of(lambda: verify(path, PUBLIC)) == "bundle.content-wrong"


def test_too_much_payload_is_refused_by_the_manifest_alone(tmp_path):
    size = limits.BUNDLE_UNPACKED_BYTES // 2 + 1
    files = {name: {"sha256": "a" * 64, "size": size} for name in ("a", "b")}
    path = forged(tmp_path / "b", {"a": b"", "b": b""}, manifest_of({}, files=files))
    with pytest.raises(LimitReached):
        verify(path, PUBLIC)


def test_a_name_given_twice_is_refused(tmp_path):
    path = tmp_path / "b"
    forged(path, {"a": b"a"}, manifest_of({"a": b"a"}))
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("files/a", b"evil")
    assert code_of(lambda: verify(path, PUBLIC)) == "bundle.malformed"


def test_an_oversize_bundle_is_refused_unread(tmp_path):
    path = tmp_path / "b"
    with path.open("wb") as file:
        file.truncate(limits.BUNDLE_BYTES + 1)
    assert code_of(lambda: verify(path, PUBLIC)) == "bundle.too-large"


def test_an_oversize_manifest_is_refused(tmp_path):
    path = forged(tmp_path / "b", {}, manifest_of({"a": b"a"}, version=" " * (limits.MANIFEST_BYTES + 1)))
    assert code_of(lambda: verify(path, PUBLIC)) == "bundle.too-large"


def test_unpacking_never_follows_or_overwrites(bundle, tmp_path):
    target = tmp_path / "target"
    (target / "bin").mkdir(parents=True)
    (target / "bin/agent").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        unpack(bundle, target, PUBLIC)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("wrong", [b"#!/bin/sh\n", b"PK"])
def test_places_before_the_beginning_of_the_file_are_refused(bundle, wrong):
    """The end of an archive says where it begins; with bytes taken away in front, before the file's own beginning."""
    bundle.write_bytes(wrong + bundle.read_bytes()[600:])
    assert code_of(lambda: verify(bundle, PUBLIC)) == "bundle.malformed"


@pytest.mark.parametrize("version", [b"\xb4", b'", "x": ' + b"[" * 5000])
def test_a_signed_manifest_that_is_no_text_or_without_end_is_refused(tmp_path, version):
    signed = msgspec.json.encode(manifest_of({"a": b"a"})).replace(b"2.0", version)
    path = tmp_path / "b"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", signed)
        archive.writestr("manifest.sig", KEY.sign(PREFIX + signed))
        archive.writestr("files/a", b"a")
    assert code_of(lambda: verify(path, PUBLIC)) == "bundle.malformed"
