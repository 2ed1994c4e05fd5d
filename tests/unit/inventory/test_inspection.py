"""Files shown to inspectors as layers pass: every layer counts, deleted or not, and nobody can flood the report."""

import importlib
import io
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import pytest
from tests.support.images import DEBIAN_12, Entry, Image, digest_of, file, hardlink, layer, opaque, symlink, whiteout

from hullguard.inventory import LayerCache, Limits, read
from hullguard.inventory.content.inspector import Inspector
from hullguard.inventory.inspection import Inspection
from hullguard.model.content import Hit, Malware, Misconfiguration, Secret
from hullguard.model.inventory import Inventory
from hullguard.model.package import Unknown
from hullguard.model.severity import Severity

KEY = "srv/app/key.pem"


class Keys(Inspector):
    """Finds every line that says KEY."""

    name = "secret"
    version = "1"

    def wants(self, path: str, size: int, mode: int, head: bytes) -> bool:
        return not head.startswith(b"\x7fELF")

    def inspect(self, path: str, size: int, mode: int, chunks: Iterator[bytes]) -> Iterable[Hit]:
        for number, line in enumerate(b"".join(chunks).splitlines(), 1):
            if b"KEY" in line:
                yield Secret("key", "A key", Severity.HIGH, path, number, "***")


class Eicar(Inspector):
    """Finds a word in any file."""

    name = "malware"
    version = "1"

    def wants(self, path: str, size: int, mode: int, head: bytes) -> bool:
        return True

    def inspect(self, path: str, size: int, mode: int, chunks: Iterator[bytes]) -> Iterable[Hit]:
        content = b"".join(chunks)
        return [Malware("eicar", "A test", Severity.CRITICAL, path, digest_of(content))] if b"EVIL" in content else []


class Modes(Inspector):
    """Looks at modes alone and reads nothing."""

    name = "config"
    version = "1"

    def wants(self, path: str, size: int, mode: int, head: bytes) -> bool:
        return bool(mode & 0o4000)

    def inspect(self, path: str, size: int, mode: int, chunks: Iterator[bytes]) -> Iterable[Hit]:
        return [Misconfiguration("SUID", "Set-user-id", Severity.LOW, oct(mode), "chmod", path)]


ALL = frozenset({"secret", "malware", "config"})


def inspectors_of(names: Collection[str]) -> list[Inspector]:
    return [inspector for inspector in (Keys(), Eicar(), Modes()) if inspector.name in names]


@pytest.fixture(autouse=True)
def _inspectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("hullguard.inventory.reading"), "inspectors_of", inspectors_of)


def scan(path: Path, *layers: bytes, scanners: frozenset[str] = ALL, cache: LayerCache | None = None) -> Inventory:
    archive = Image(layers).docker_archive(path / "image.tar")
    return read(str(archive), scanners=scanners, cache=cache)


def test_a_hit_names_its_layer(tmp_path: Path) -> None:
    lower, upper = layer(file("etc/os-release", DEBIAN_12)), layer(file(KEY, "a\nKEY\n"))

    assert scan(tmp_path, lower, upper).secrets == (
        Secret("key", "A key", Severity.HIGH, KEY, 2, "***", digest_of(upper)),
    )


@pytest.mark.parametrize(
    "hiding",
    [
        whiteout(KEY),
        whiteout("srv"),
        opaque("srv/app"),
        opaque(""),
        file(KEY, "harmless"),
        file("srv/app", "a file"),
        symlink("srv", "opt"),
    ],
    ids=lambda entry: f"{entry.name}",
)
def test_what_a_later_layer_hides_is_still_told(tmp_path: Path, hiding: Entry) -> None:
    found = scan(tmp_path, layer(file(KEY, "KEY")), layer(hiding))

    assert [(secret.path, secret.deleted) for secret in found.secrets] == [(KEY, True)]


def test_the_same_secret_written_again_is_hidden_once(tmp_path: Path) -> None:
    found = scan(tmp_path, layer(file(KEY, "KEY")), layer(file(KEY, "KEY\n")))

    assert [secret.deleted for secret in found.secrets] == [True, False]


def test_a_secret_that_its_own_layer_writes_over_is_hidden(tmp_path: Path) -> None:
    found = scan(tmp_path, layer(file(KEY, "KEY"), file(KEY, "harmless"), file("a/b", "KEY"), symlink("a", "x")))

    assert [(secret.path, secret.deleted) for secret in found.secrets] == [(KEY, True), ("a/b", True)]


def test_a_secret_with_a_name_left_is_not_hidden(tmp_path: Path) -> None:
    named = layer(file(KEY, "KEY"), hardlink("b", KEY))

    assert [secret.deleted for secret in scan(tmp_path, named, layer(whiteout(KEY))).secrets] == [False]
    assert [secret.deleted for secret in scan(tmp_path, named, layer(whiteout(KEY), file("b"))).secrets] == [True]


def test_what_is_found_is_told_by_a_name_that_is_left(tmp_path: Path) -> None:
    named = layer(file(KEY, "KEY"), hardlink("srv/c", KEY), hardlink("srv/b", KEY))

    def paths(*later: bytes) -> list[str]:
        return [secret.path for secret in scan(tmp_path, named, *later).secrets]

    assert paths() == [KEY]
    assert paths(layer(whiteout(KEY))) == ["srv/b"]
    assert paths(layer(file(KEY, "harmless"))) == ["srv/b"]
    assert paths(layer(whiteout(KEY), whiteout("srv/b"))) == ["srv/c"]
    assert paths(layer(whiteout("srv/b"))) == [KEY]
    assert paths(layer(whiteout(KEY), whiteout("srv/b"), whiteout("srv/c"))) == [KEY]


def test_a_secret_that_only_some_engines_hide_is_not_hidden(tmp_path: Path) -> None:
    found = scan(tmp_path, layer(file(KEY, "KEY"), symlink("x", "srv/app")), layer(whiteout("x/key.pem")))

    assert [secret.deleted for secret in found.secrets] == [False]


def test_a_mode_that_a_later_layer_corrects_is_not_told(tmp_path: Path) -> None:
    su = Entry("bin/su", b"x", mode=0o4755)
    kept = scan(tmp_path, layer(su, Entry("bin/mount", b"x", mode=0o4755)), layer(file("bin/su", b"x")))

    assert [(wrong.path, wrong.message) for wrong in kept.config if wrong.path] == [("bin/mount", "0o4755")]


def test_the_configuration_is_judged_when_asked_for(tmp_path: Path) -> None:
    content = layer(file("a", "x"))
    asked = scan(tmp_path, content, scanners=frozenset({"config"}))

    assert "CIS-DI-0001" in {wrong.id for wrong in asked.config}
    assert scan(tmp_path, content, scanners=frozenset({"secret"})).config == ()


def test_files_that_analyzers_want_are_shown_too(tmp_path: Path) -> None:
    found = scan(tmp_path, layer(file("etc/os-release", DEBIAN_12 + b"KEY=1\n")))

    assert [secret.path for secret in found.secrets] == ["etc/os-release"]
    assert found.os is not None
    assert found.os.id == "debian"


def test_every_inspector_that_wants_a_file_gets_all_of_it(tmp_path: Path) -> None:
    content = b"x" * (1 << 20) + b"\nKEY EVIL"
    found = scan(tmp_path, layer(file("a", content)))

    assert len(found.secrets) == 1
    assert [malware.sha256 for malware in found.malware] == [digest_of(content)]


def test_only_the_scanners_asked_for_run(tmp_path: Path) -> None:
    content = layer(file("a", "KEY EVIL"))

    assert scan(tmp_path, content, scanners=frozenset()).secrets == ()
    only = scan(tmp_path, content, scanners=frozenset({"malware"}))
    assert (only.secrets, len(only.malware)) == ((), 1)


def test_a_cached_index_keeps_its_hits_and_belongs_to_its_scanners(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path / "cache")
    content = layer(file("a", "KEY"))

    assert scan(tmp_path, content, scanners=frozenset(), cache=cache).secrets == ()
    first = scan(tmp_path, content, cache=cache)
    assert len(first.secrets) == 1
    assert scan(tmp_path, content, cache=cache) == first


def test_other_rules_are_another_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = LayerCache(tmp_path / "cache")
    scan(tmp_path, layer(file("a", "KEY")), cache=cache)
    monkeypatch.setattr(Keys, "version", "2")
    monkeypatch.setattr(Keys, "inspect", lambda *_: [])

    assert scan(tmp_path, layer(file("a", "KEY")), cache=cache).secrets == ()


def test_a_directory_is_inspected(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "a").write_text("KEY EVIL")
    (tmp_path / "root" / "b").write_text("")
    (tmp_path / "root" / "a").chmod(0o4755)
    found = read(f"dir:{tmp_path / 'root'}", scanners=ALL)

    assert [(secret.path, secret.layer) for secret in found.secrets] == [("a", None)]
    assert [malware.path for malware in found.malware] == ["a"]
    assert [wrong.path for wrong in found.config] == ["a"]


def test_a_flood_of_hits_is_counted_not_kept(tmp_path: Path) -> None:
    archive = Image(
        [layer(file("etc/os-release", DEBIAN_12), file("a", "KEY\n" * 30), file("b", "KEY\n" * 3))]
    ).docker_archive(tmp_path / "i.tar")
    found = read(str(archive), scanners=ALL, limits=Limits(hits=10))

    assert len(found.secrets) == 10
    assert [(unknown.what, unknown.why) for unknown in found.unknowns if unknown.what != "OS packages"] == [
        ("more secret findings", "layer 0/layer.tar: 23 more were left out")
    ]


def test_the_bound_is_each_inspectors_own() -> None:
    inspection = Inspection((Keys(), Eicar()), 2)
    inspection.show(["a"], 0, 0, b"", io.BytesIO(b"KEY\nKEY\nKEY\nEVIL"))

    assert (len(inspection.hits.secrets), len(inspection.hits.malware)) == (2, 1)
    assert inspection.left_out == {"secret": 1}


class Doubtful(Inspector):
    """Cannot judge anything."""

    name = "malware"
    version = "1"

    def wants(self, path: str, size: int, mode: int, head: bytes) -> bool:
        return True

    def inspect(self, path: str, size: int, mode: int, chunks: Iterator[bytes]) -> Iterable[Hit | Unknown]:
        yield Unknown(path, "too long")


def test_what_an_inspector_cannot_judge_is_said() -> None:
    inspection = Inspection([Doubtful()], 10)
    inspection.show(["a"], 3, 0o644, b"abc", io.BytesIO(b"abc"))

    assert (inspection.unknowns, inspection.hits.malware) == ([Unknown("a", "too long")], [])


def test_doubts_take_no_finding_s_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def doubt_first(_: Keys, path: str, *__: object) -> Iterator[Hit | Unknown]:
        yield Unknown(path, "it is odd")
        if path == "z":
            yield Secret("key", "A key", Severity.HIGH, path, 1, "***")

    monkeypatch.setattr(Keys, "inspect", doubt_first)
    archive = Image([layer(*(file(name, "x") for name in "abcdefgz"))]).docker_archive(tmp_path / "image.tar")
    found = read(str(archive), scanners=frozenset({"secret"}), limits=Limits(hits=3))

    assert [secret.path for secret in found.secrets] == ["z"]
    assert [unknown.what for unknown in found.unknowns if unknown.why == "it is odd"] == ["a", "b", "c"]
    (more,) = (unknown.why for unknown in found.unknowns if unknown.what == "more secret findings")
    assert more.endswith("5 more were left out")


def test_files_that_an_inspector_cannot_look_into_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Keys, "wants", lambda *_: False)
    monkeypatch.setattr(Keys, "passes_over", lambda _, path, *__: "sealed" if path != "b" else "")
    found = scan(tmp_path, layer(*(file(name, "x") for name in "abc")), scanners=frozenset({"secret"}))

    (told,) = (unknown for unknown in found.unknowns if unknown.what == "files that were not searched for secrets")
    assert told.why.endswith("2 that are sealed were not looked into, a the first of them")


def test_what_one_archive_calls_a_layer_is_not_told_of_another_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Keys, "wants", lambda *_: False)
    monkeypatch.setattr(Keys, "passes_over", lambda *_: "sealed")
    image, cache = Image([layer(file("a", "x")), layer(file("b", "x"))]), LayerCache(tmp_path / "cache")
    targets = [str(image.docker_archive(tmp_path / "image.tar")), str(image.oci_dir(tmp_path / "layout"))]
    first, second = (read(target, scanners=frozenset({"secret"}), cache=cache) for target in targets)

    assert first.unknowns == second.unknowns
    assert [told.why for told in first.unknowns if told.what == "files that were not searched for secrets"] == [
        "layer 1: 1 that are sealed were not looked into, a the first of them",
        "layer 2: 1 that are sealed were not looked into, b the first of them",
    ]


def test_an_inspector_that_reads_nothing_is_given_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[bytes] = []
    monkeypatch.setattr(Modes, "reads", False)
    monkeypatch.setattr(Modes, "inspect", lambda *arguments: given.extend(arguments[-1]) or ())
    scan(tmp_path, layer(Entry("bin/su", b"x" * 5000, mode=0o4755)))

    assert given == []
