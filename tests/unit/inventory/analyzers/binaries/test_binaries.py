"""Programs that carry their own list of dependencies, or only their own version."""

import json
import shutil
import struct
import subprocess
import tracemalloc
import zlib
from pathlib import Path

import pytest
from tests.support.images import DEBIAN_12, Entry, dpkg_entry, dpkg_status, file
from tests.support.inventories import Found
from tests.support.programs import ADDRESS, elf, go_info, go_program, old_go_program

from hullguard.inventory import Limits, bounds, random_access
from hullguard.inventory.analyzers.binaries.analyzer import BinariesAnalyzer
from hullguard.inventory.limits import Budget
from hullguard.inventory.random_access import held
from hullguard.model.errors import LimitReached

E_PHNUM = 56
"""Where a 64-bit header says how many segments there are."""
_LINES = [
    "path\texample.com/app/cmd/app",
    "mod\texample.com/app\t(devel)\t",
    "dep\tgithub.com/gin-gonic/gin\tv1.6.0\th1:abc=",
    "dep\tgolang.org/x/text\tv0.3.0\th1:abc=",
    "=>\tgithub.com/fork/text\tv0.3.9\th1:def=",
    "dep\texample.com/local\tv1.0.0",
    "=>\t./local\t",
    "dep\texample.com/lately\tv1.1.0",
    "=>\t/src/lately\t(devel)\t",
    "build\t-compiler=gc",
]
MODULES = "".join(f"{line}\n" for line in _LINES)
VERSIONS = {
    "stdlib": "1.19.3",
    "example.com/app": "(devel)",
    "github.com/gin-gonic/gin": "v1.6.0",
    "github.com/fork/text": "v0.3.9",
    "example.com/local": "v1.0.0",
    "example.com/lately": "v1.1.0",
}


def versions(*entries: Entry) -> dict[str, str]:
    return {package.name: package.version for package in Found(entries).packages}


def test_a_go_program_lists_its_modules() -> None:
    found = Found([file("srv/app", go_program("go1.19.3", MODULES))])

    assert {package.name: package.version for package in found.packages} == VERSIONS
    gin = found.named("github.com/gin-gonic/gin")
    assert (gin.purl, gin.ecosystem) == ("pkg:golang/github.com/gin-gonic/gin@v1.6.0", "Go")
    assert gin.locations == ("srv/app",)
    assert found.named("example.com/app").ecosystem == ""


@pytest.mark.parametrize(
    "untagged", ["(devel)", "v0.0.0-20230101000000-abcdefabcdef", "v0.0.0-20230101000000-abcdefabcdef+dirty"]
)
@pytest.mark.parametrize(
    ("flags", "version"),
    [
        ("-X=main.version=1.9.0", "v1.9.0"),
        ("-s -w -X example.com/app/version.Version=v1.9.0-rc1 -X example.com/app/version.GitCommit=abc", "v1.9.0-rc1"),
        ("-X 'example.com/app/internal.buildVersion=1.9'", "v1.9"),
        ("-X k8s.io/client-go/pkg/version.gitVersion=v1.9.0", None),
        ("-X example.com/application.Version=1.9.0", None),
        ("-X main.version=latest", None),
        ("-X main.GoVersion=1.21.0", None),
        ("-s -w", None),
    ],
)
def test_a_main_module_without_a_tag_has_the_version_that_its_makers_set(
    untagged: str, flags: str, version: str | None
) -> None:
    modules = MODULES.replace("(devel)", untagged, 1) + f'build\t-ldflags="{flags}"\n'
    app = Found([file("srv/app", go_program("go1.19.3", modules))]).named("example.com/app")

    assert (app.version, app.ecosystem) == ((version, "Go") if version else (untagged, ""))


def test_a_dependency_without_a_tag_is_judged() -> None:
    modules = MODULES.replace("v1.6.0", "v0.0.0-20230101000000-abcdefabcdef")
    gin = Found([file("srv/app", go_program("go1.19.3", modules))]).named("github.com/gin-gonic/gin")

    assert gin.ecosystem == "Go"


@pytest.mark.parametrize(("wide", "order"), [(True, "<"), (True, ">"), (False, "<"), (False, ">")])
def test_older_go_programs_point_at_their_list(wide: bool, order: str) -> None:
    assert versions(file("srv/app", old_go_program("go1.19.3", MODULES, wide=wide, order=order))) == VERSIONS


def test_without_a_section_table_the_mark_is_looked_for() -> None:
    stray = b"\xff Go buildinf:".rjust(17, b"x").ljust(32, b"x")

    content = bytearray(elf(extra=stray + go_info("go1.19.3", MODULES)))

    assert versions(file("srv/app", bytes(content))) == VERSIONS
    struct.pack_into("<H", content, E_PHNUM, 0)
    assert versions(file("srv/app", bytes(content))) == VERSIONS


@pytest.mark.parametrize(
    ("compiler", "version", "ecosystem"),
    [
        ("go1.21.3", "1.21.3", "Go"),
        ("go1.20", "1.20.0", "Go"),
        ("go1.22rc1", "1.22.0-rc.1", "Go"),
        ("go1.21.3 X:boringcrypto", "1.21.3", "Go"),
        ("go1.21.3-fips", "1.21.3", "Go"),
        ("devel go1.23-abcdef", "devel", ""),
    ],
)
def test_the_compiler_says_which_standard_library_is_inside(compiler: str, version: str, ecosystem: str) -> None:
    package = Found([file("srv/app", go_program(compiler, ""))]).named("stdlib")

    assert (package.version, package.ecosystem) == (version, ecosystem)


def audited(packages: list[dict[str, object]]) -> bytes:
    return elf({".text": b"\x90" * 64, ".dep-v0": zlib.compress(json.dumps({"packages": packages}).encode())})


CRATES: list[dict[str, object]] = [
    {"name": "app", "version": "0.1.0", "source": "local", "root": True, "dependencies": [1]},
    {"name": "time", "version": "0.1.42", "source": "crates.io"},
    {"name": "cc", "version": "1.0.0", "source": "crates.io", "kind": "build"},
]


def test_a_rust_program_lists_the_crates_that_run() -> None:
    found = Found([file("usr/local/bin/app", audited(CRATES))])

    assert found.names == ["app", "time"]
    assert (found.named("time").purl, found.named("time").ecosystem) == ("pkg:cargo/time@0.1.42", "crates.io")
    assert found.named("app").ecosystem == ""


def test_a_list_of_crates_without_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "CRATES_BYTES", 1000)

    found = Found([file("app", audited([{"name": "a" * 5000, "version": "1"}]))])
    assert found.names == []
    assert "app" in [unknown.what for unknown in found.unknowns]


@pytest.mark.parametrize(
    ("path", "content", "name", "version", "ecosystem"),
    [
        ("usr/local/bin/node", b"https://nodejs.org/download/release/v18.16.0/node", "node", "18.16.0", "Bitnami"),
        ("usr/local/bin/python3.11", b"\x003.11.4\x00", "python", "3.11.4", "Bitnami"),
        ("usr/local/lib/libpython3.7m.so.1.0", b"\x003.7.2rc1\x00", "python", "3.7.2rc1", "Bitnami"),
        ("venv/bin/python3", b"\x00cpython-39\x003.8.1\x003.9.1\x00", "python", "3.9.1", "Bitnami"),
        ("venv/bin/python", b"\x003.13.0a1+\x00cpython-313\x00", "python", "3.13.0a1", "Bitnami"),
        ("opt/p/bin/python2", b"\x00lib/python2.7\x002.7.18\x00", "python", "2.7.18", "Bitnami"),
        ("opt/nginx/sbin/nginx", b"nginx/1.25.1\x00", "nginx", "1.25.1", "Bitnami"),
        ("usr/local/bin/redis-server", b"7.0.11buildkitsandbox-1689023612000000000", "redis", "7.0.11", "Bitnami"),
        ("usr/local/bin/php", b"X-Powered-By: PHP/8.2.7\x00", "php", "8.2.7", "Bitnami"),
        ("usr/local/sbin/php-fpm8.1", b"X-Powered-By: PHP/8.1.2\x00", "php", "8.1.2", "Bitnami"),
        ("usr/local/lib/libruby.so.3.2.2", b"ruby 3.2.2 (2023-03-30", "ruby", "3.2.2", "Bitnami"),
        ("usr/local/apache2/bin/httpd", b"Apache/2.4.57 (Unix)", "apache", "2.4.57", "Bitnami"),
        ("usr/local/bin/postgres", b"postgres (PostgreSQL) 15.3\n", "postgresql", "15.3", "Bitnami"),
        ("usr/sbin/mariadbd", b"\x0010.11.4-MariaDB\x00", "mariadb", "10.11.4", "Bitnami"),
        ("usr/sbin/mysqld", b"/usr/src/mysql-8.0.33/sql", "mysql", "8.0.33", ""),
        ("usr/local/lib/libcrypto.so.1.1", b"OpenSSL 1.1.1k  25 Mar 2021", "openssl", "1.1.1k", ""),
        ("usr/local/bin/openssl", b"OpenSSL 3.0.7-fips 1 Nov 2022", "openssl", "3.0.7", ""),
        ("bin/busybox", b"BusyBox v1.36.1 (2023", "busybox", "1.36.1", ""),
    ],
)
def test_well_known_programs_say_their_version(
    path: str, content: bytes, name: str, version: str, ecosystem: str
) -> None:
    package = Found([file(path, elf(extra=content))]).named(name)

    assert (package.version, package.ecosystem) == (version, ecosystem)
    assert package.purl == f"pkg:generic/{name}@{version}"


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("usr/bin/other", elf(extra=b"nginx/1.25.1\x00")),
        ("usr/bin/python3.11", elf(extra=b"\x003.10.1\x00")),
        ("usr/bin/python3", elf(extra=b"\x003.10.1\x00")),
        ("usr/bin/python3-config", elf(extra=b"\x00cpython-39\x003.9.1\x00")),
        ("usr/bin/nginx", b"#!/bin/sh\n# nginx/1.25.1\n".ljust(100)),
        ("usr/bin/nginx", elf(extra=b"nginx/")),
    ],
)
def test_the_name_and_the_content_must_agree(path: str, content: bytes) -> None:
    assert Found([file(path, content)]).names == []


def test_the_version_may_be_the_tail_of_a_word_but_not_of_a_number() -> None:
    content = elf(extra=b"\x00x13.11.4\x00y.3.11.5\x00/opt/3.11.6\x00")

    assert versions(file("usr/local/lib/libpython3.11.so.1.0", content)) == {"python": "3.11.6"}


def test_what_is_looked_through_slowly_is_looked_through_only_so_far() -> None:
    said = b"7.0.11buildkitsandbox-1689023612000000000"
    near, far = elf(extra=said), elf(extra=b"\x00" * bounds.PROGRAM_BYTES + said)

    assert versions(file("a/redis-server", near)) == {"redis": "7.0.11"}
    assert versions(file("a/redis-server", far)) == {}


@pytest.mark.parametrize(
    ("path", "said", "version"),
    [
        ("opt/java/openjdk/release", '"17.0.7"', "17.0.7"),
        ("usr/lib/jvm/temurin-8-jdk/release", '"1.8.0_372"', "8.0.372"),
        ("usr/lib/jvm/jdk-8/release", '"1.8.0"', "8.0.0"),
        ("opt/zulu11-jre/release", '"11.0.14.1"', "11.0.14.1"),
        ("opt/graalvm-community-17/release", '"17.0.1"', "17.0.1"),
        ("root/.sdkman/candidates/java/17.0.1-tem/release", '"17.0.1"', "17.0.1"),
        ("x/release", '"11.0.1"', "11.0.1"),
        ("release", '"11.0.1"', "11.0.1"),
        ("opt/runtime/release", '"17.0.1"', "17.0.1"),
    ],
)
def test_a_java_runtime_is_known_by_its_release(path: str, said: str, version: str) -> None:
    release = f'IMPLEMENTOR="Eclipse Adoptium"\nJAVA_RUNTIME_VERSION="x"\nJAVA_VERSION={said}\nOS_ARCH="x86_64"\n'

    assert versions(file(path, release)) == {"java": version}


def test_other_release_files_are_not() -> None:
    assert versions(file("srv/release", "VERSION=17"), file("opt/jdk/release", "nothing")) == {}


@pytest.mark.parametrize("kind", [b"\xbe", b"\xbf"])
def test_go_programs_for_several_processors_are_read(kind: bytes) -> None:
    universal = (b"\xca\xfe\xba" + kind + b"\0\0\0\2").ljust(64, b"\0")

    assert versions(file("srv/app", universal + go_info("go1.19.3", MODULES))) == VERSIONS
    assert versions(file("srv/A.class", b"\xca\xfe\xba\xbe\0\0\0\x34".ljust(64, b"\0") + go_info("go1.19.3", ""))) == {}


def test_a_program_of_the_distribution_is_reported_once_as_its_package() -> None:
    found = Found(
        [
            file("etc/os-release", DEBIAN_12),
            dpkg_status(dpkg_entry("docker.io", "20.10")),
            file("var/lib/dpkg/info/docker.io.list", "/usr/bin/docker\n/usr/lib/libcrypto.so.3\n"),
            file("usr/bin/docker", go_program("go1.19.3", MODULES)),
            file("usr/lib/libcrypto.so.3", elf(extra=b"OpenSSL 3.0.7 1 Nov 2022")),
        ]
    )

    assert found.names == ["docker.io"]


@pytest.mark.parametrize(
    "content", [go_program("go1.19.3", MODULES), audited(CRATES), old_go_program("go1.2", MODULES)]
)
def test_bytes_that_were_changed_never_raise(content: bytes) -> None:
    analyzer = BinariesAnalyzer()

    for position in range(min(len(content), 700)):
        changed = bytearray(content)
        changed[position] ^= 0xFF
        assert isinstance(analyzer.condense("app", bytes(changed)), bytes)
        assert isinstance(analyzer.condense("app", content[:position]), bytes)


@pytest.mark.skipif(not shutil.which("gcc") or not shutil.which("objcopy"), reason="needs gcc and objcopy")
def test_a_program_of_a_real_linker_is_read(tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text("int main(void) { return 0; }\n")
    (tmp_path / "deps").write_bytes(zlib.compress(json.dumps({"packages": CRATES}).encode()))
    (tmp_path / "info").write_bytes(go_info("go1.19.3", MODULES))
    subprocess.run(["gcc", "-o", "plain", "main.c"], cwd=tmp_path, check=True, timeout=60)
    added = ["--add-section", ".dep-v0=deps", "--add-section", ".go.buildinfo=info"]
    subprocess.run(["objcopy", *added, "plain", "app"], cwd=tmp_path, check=True, timeout=60)

    assert versions(file("a/plain", (tmp_path / "plain").read_bytes())) == {}
    found = versions(file("a/app", (tmp_path / "app").read_bytes()))
    assert found == {**VERSIONS, "app": "0.1.0", "time": "0.1.42"}


def told(content: bytes, path: str = "srv/app") -> list[str]:
    return [unknown.why for unknown in Found([file(path, content)]).unknowns if unknown.what == path]


def test_of_two_lists_of_go_that_counts_which_the_program_itself_has() -> None:
    content = bytearray(
        elf({".data": go_info("go1.19.3", MODULES), ".go.buildinfo": go_info("go1.2.3", "mod\tx\tv1\n")})
    )
    true, false = (content.find(info) for info in (go_info("go1.19.3", MODULES), go_info("go1.2.3", "mod\tx\tv1\n")))
    told = struct.pack("<QQ", ADDRESS + false, false)
    at = content.find(told)
    content[at : at + 8] = struct.pack("<Q", ADDRESS + true)

    assert versions(file("srv/app", bytes(content))) == VERSIONS


def test_the_list_of_go_is_found_under_another_name_of_its_section() -> None:
    content = elf({".text": b"\x90" * 64, ".data": go_info("go1.19.3", MODULES)})

    assert versions(file("srv/app", content)) == VERSIONS


@pytest.mark.parametrize(
    "info", [go_info("", ""), go_info("go1.19.3", MODULES)[:100], b"\xff Go buildinf:" + bytes(99)]
)
def test_a_mark_of_go_without_a_list_that_can_be_read_is_told(info: bytes) -> None:
    why = "says that Go built it, but the list of its modules cannot be read"

    assert told(elf({".go.buildinfo": info})) == told(elf(extra=info)) == [why]


NO_LIST = "a Go program in which no list of its modules was found: it was removed or damaged, or is older"


@pytest.mark.parametrize("section", [".go.buildinfo", ".gopclntab", ".data.rel.ro.gopclntab"])
def test_a_go_program_whose_mark_is_damaged_is_told_by_its_sections(section: str) -> None:
    damaged = go_info("go1.19.3", MODULES).replace(b"buildinf", b"buildinF", 1)
    content = bytearray(elf({".text": b"\x90" * 64, section: damaged}))

    assert told(bytes(content)) == [NO_LIST]
    # A file with its symbols for a debugger has the section's header alone.
    (sections_at,) = struct.unpack_from("<Q", content, 40)
    struct.pack_into("<I", content, sections_at + 2 * 64 + 4, 8)
    assert told(bytes(content)) == []


@pytest.mark.parametrize(
    "mark", [b'\xff Go build ID: "abc"', b"\4\0\0\0\x53\0\0\0\4\0\0\0Go\0\0abc", b"\0\0\0\4Go\0\0abc"], ids=repr
)
def test_a_go_program_without_its_mark_and_without_sections_is_told_by_its_id(mark: bytes) -> None:
    assert told(elf(extra=bytes(4096) + mark + bytes(4096))) == [NO_LIST]
    assert told(b"MZ".ljust(4096, b"\x90") + mark + bytes(4096), "srv/app.exe") == [NO_LIST]
    assert told(elf({".rodata": mark})) == told(elf(extra=bytes(1 << 15) + mark)) == []


def test_a_go_program_that_was_built_without_its_list_is_told() -> None:
    assert told(go_program("go1.19.3", "")) == [UNLISTED]


UNLISTED = "a Go program that was built without the list of its modules"


@pytest.mark.parametrize(
    ("path", "module"),
    [
        ("github.com/opencontainers/runc", "github.com/opencontainers/runc"),
        ("github.com/cli/cli/v2/cmd/gh", "github.com/cli/cli/v2"),
        ("github.com/docker/libnetwork/cmd/proxy", "github.com/docker/libnetwork"),
        ("golang.org/x/tools/gopls", "golang.org/x/tools"),
        ("example.org/team/shop/cmd/server", "example.org/team/shop"),
        ("hello", None),
    ],
)
def test_a_go_program_that_was_built_outside_of_modules_is_named_and_its_list_missed(
    path: str, module: str | None
) -> None:
    program = go_program("go1.19.8", f"path\t{path}\nbuild\t-compiler=gc\nbuild\t-trimpath=true\n")

    assert told(program) == [UNLISTED]
    assert versions(file("usr/bin/it", program)) == {"stdlib": "1.19.8"} | ({module: "(devel)"} if module else {})


def test_a_go_program_outside_of_modules_has_the_version_that_its_makers_gave_the_linker() -> None:
    flags = r'-ldflags="\t-w \t-X \"github.com/docker/docker/dockerversion.Version=20.10.24+dfsg1\""'
    program = go_program("go1.19.8", f"path\tgithub.com/docker/docker/cmd/dockerd\nbuild\t{flags}\n")

    assert versions(file("usr/bin/dockerd", program)) == {
        "stdlib": "1.19.8",
        "github.com/docker/docker": "v20.10.24+dfsg1",
    }


@pytest.mark.parametrize("path", ["cmd/gofmt", "cmd", "command-line-arguments"])
def test_a_go_program_of_the_standard_library_alone_misses_no_list(path: str) -> None:
    program = go_program("go1.19.8", f"path\t{path}\nbuild\t-compiler=gc\n")

    assert told(program) == []
    assert versions(file("usr/bin/it", program)) == {"stdlib": "1.19.8"}


@pytest.mark.parametrize("damage", [b"\0" * 10, zlib.compress(b"no JSON"), zlib.compress(b"{}")[:-6] + b"x", b""])
def test_a_damaged_list_of_crates_is_told_and_hides_nothing_else(damage: bytes) -> None:
    content = elf({".dep-v0": damage, ".go.buildinfo": go_info("go1.19.3", MODULES), ".rodata": b"nginx/1.25.1\0"})

    assert told(content, "srv/nginx") == ["its list of Rust crates is damaged; not read"]
    assert versions(file("srv/nginx", content)) == {**VERSIONS, "nginx": "1.25.1"}


def test_a_table_of_sections_that_lies_is_told() -> None:
    content = bytearray(audited(CRATES))
    struct.pack_into("<Q", content, 40, 1 << 40)
    why = "its table of sections is damaged: it lies outside the file; a list of Rust crates would not be found"

    assert told(bytes(content)) == [why]


def test_a_packed_program_is_told() -> None:
    assert told(elf(extra=b"UPX!" + bytes(99))) == ["is packed by UPX; what is in it cannot be read"]


def test_lists_of_crates_are_spent_of_the_budget() -> None:
    bomb = elf({".dep-v0": zlib.compress(b'{"packages":[' + b" " * (4 << 20))})
    budget = Budget(Limits(unpacked_bytes=9 << 20))
    analyzer = BinariesAnalyzer()

    assert analyzer.condense("app", bomb, budget) == analyzer.condense("app", bomb, budget) != b""
    with pytest.raises(LimitReached):
        analyzer.condense("app", bomb, budget)


def test_a_program_far_larger_than_memory_should_be_is_read_from_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_access, "IN_MEMORY", 1 << 20)
    monkeypatch.setattr(random_access, "_WINDOW", 1 << 20)
    filling = b"\x90" * (32 << 20) + b"\x003.11.4\0"
    content = elf({".text": filling, ".go.buildinfo": go_info("go1.19.3", MODULES), ".end": bytes(1 << 20)})
    analyzer = BinariesAnalyzer()
    tracemalloc.start()
    with held(content[start : start + (1 << 18)] for start in range(0, len(content), 1 << 18)) as whole:
        kept = analyzer.condense("usr/bin/python3.11", whole)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert kept == analyzer.condense("usr/bin/python3.11", content)
    assert b'"python"' in kept
    assert b"gin-gonic" in kept
    assert peak < 8 << 20


@pytest.mark.parametrize(("times", "found"), [(9_000, {"redis": "7.0.11"}), (10_000, {})])
def test_of_words_that_a_version_may_stand_before_a_bounded_number_is_looked_at(
    times: int, found: dict[str, str]
) -> None:
    content = elf(extra=b"1.1.1-123456789-" * 1000 + b" -1234567890" * times + b" 7.0.11build-1689023612000000000")

    assert versions(file("a/redis-server", content)) == found


def test_a_section_of_the_name_without_the_list_hides_nothing() -> None:
    decoy = elf({".text": b"\x90" * 64, ".go.buildinfo": b"junk" * 16, ".data": go_info("go1.19.3", MODULES)})

    assert "stdlib" in Found([file("opt/app", decoy)]).names


@pytest.mark.parametrize("head", [b"MZ", b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa\xce"], ids=["PE", "Mach-O", "old Mach-O"])
def test_go_programs_for_other_systems_name_their_modules(head: bytes) -> None:
    content = head.ljust(4096, b"\x90") + go_info("go1.19.3", MODULES) + bytes(4096)

    assert {package.name for package in Found([file("srv/tool.exe", content)]).packages} == VERSIONS.keys()
    assert Found([file("srv/tool.exe", head.ljust(4096, b"\x90"))]).names == []


def test_a_go_program_for_another_system_whose_list_is_elsewhere_is_told() -> None:
    old = b"\xff Go buildinf:" + bytes([8, 0]) + bytes(16)
    found = Found([file("srv/tool.exe", b"MZ".ljust(4096, b"\x90") + old + bytes(4096))])

    assert "srv/tool.exe" in [unknown.what for unknown in found.unknowns]
