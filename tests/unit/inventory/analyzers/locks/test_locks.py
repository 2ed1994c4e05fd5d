"""Lock files: every format from a file as its tool writes it, bytes that mean harm, and where they count."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from tests.support.images import Entry, Image, file, layer
from tests.support.inventories import Found
from tests.support.lockfiles import CASES, COMPOSER, NPM_3, POETRY, STACK

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.catalog import ANALYZERS
from hullguard.inventory.reading import read

NAMES = sorted({name for name, _, _ in CASES})


def entry(path: str, content: object) -> Entry:
    return file(path, content if isinstance(content, str) else json.dumps(content))


@pytest.mark.parametrize(("name", "content", "purls"), CASES)
def test_every_format_is_read(name: str, content: object, purls: list[str]) -> None:
    found = Found([entry(f"src/{name}", content)])

    gin = ["pkg:golang/github.com/gin-gonic/gin@v1.6.0"] if name.startswith("go.") else []
    assert sorted(package.purl for package in found.packages) == sorted(purls + gin)
    assert all(package.ecosystem and package.locations == (f"src/{name}",) for package in found.packages)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
@pytest.mark.parametrize(("name", "content", "purls"), CASES)
def test_a_byte_order_mark_hides_nothing(name: str, content: object, purls: list[str], encoding: str) -> None:
    written = content if isinstance(content, str) else json.dumps(content)

    found, plain = Found([file(name, f"\ufeff{written}".encode(encoding))]), Found([file(name, written)])

    assert sorted(package.purl for package in found.packages) == sorted(package.purl for package in plain.packages)
    assert len(found.packages) >= len(purls)
    assert found.unknowns == plain.unknowns


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_every_byte_order_mark_is_known(encoding: str) -> None:
    found = Found([file("requirements.txt", "\ufeffdjango==3.2\r\nidna==2.8".encode(encoding))])

    assert sorted(found.names) == ["django", "idna"]


@pytest.mark.parametrize("name", ["package-lock.json", "poetry.lock", "Cargo.lock", "composer.lock", "pom.xml"])
@pytest.mark.parametrize("content", ["", "{", "<project>"])
def test_without_a_list_nobody_can_tell_how_much_is_missing(name: str, content: str) -> None:
    if not content and name.endswith(("y.lock", "Cargo.lock")):
        content = "[[package]\n"  # TOML that is empty lists nothing
    found = Found([file(name, content)])

    assert [unknown.what for unknown in found.unknowns if unknown.incomplete] == [name]


def test_a_kind_that_is_not_read_is_told_and_leaves_the_report_complete() -> None:
    found = Found([file("Podfile.lock", "PODS:\n")])

    assert ("Podfile.lock", False) in [(unknown.what, unknown.incomplete) for unknown in found.unknowns]


def test_requirements_are_known_by_other_names_too() -> None:
    names = ["Requirements.txt", "requirements/base/prod.txt", "requirements_linux.txt"]

    assert Found([file(name, f"django=={place}.0\n") for place, name in enumerate(names, 1)]).names == ["django"] * 3


def test_licences_that_a_lock_file_states_are_kept() -> None:
    assert Found([entry("package-lock.json", NPM_3)]).named("lodash").licenses == ("MIT",)
    assert Found([entry("composer.lock", COMPOSER)]).named("symfony/http-kernel").licenses == ("MIT",)


@pytest.mark.parametrize("name", ["poetry.lock", "Cargo.lock"])
def test_keys_of_thousands_of_parts_are_not_read(name: str) -> None:
    found = Found([file(f"a/{name}", f"{POETRY}\n{'a.' * 50_000}a = 1\n"), file("b/poetry.lock", POETRY)])

    assert [package.locations for package in found.packages] == [("b/poetry.lock",)]
    why = "has a line with more than 100 dots, which no tool writes; it was not read"
    assert (f"a/{name}", why) in [(unknown.what, unknown.why) for unknown in found.unknowns]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        (
            "uv.lock",
            "[a]\n" * 50_001,
            "has more than 50000 tables and lists, or more than 300000 lines; it was not read",
        ),
        (
            "Cargo.lock",
            "\n" * 300_001,
            "has more than 50000 tables and lists, or more than 300000 lines; it was not read",
        ),
        ("pom.xml", "<a>" * 200_001, "has more than 200000 tags; it was not read"),
    ],
)
def test_what_would_fill_the_memory_is_refused_before_it_is_read(name: str, content: str, why: str) -> None:
    found = Found([file(name, content)])

    assert (name, why) in [(unknown.what, unknown.why) for unknown in found.unknowns]


@pytest.mark.parametrize("inside", ["node_modules/x", "lib/site-packages/x", "vendor/a/b", "gems/rack-2.0.6"])
def test_lock_files_of_installed_packages_do_not_count(inside: str) -> None:
    assert Found([entry(f"srv/{inside}/package-lock.json", NPM_3)]).names == []


@pytest.mark.parametrize("inside", ["vendor", "vendor/app", "gems", "gems/shop"])
def test_a_project_in_a_directory_that_is_only_called_like_those_of_packages_counts(inside: str) -> None:
    assert Found([entry(f"srv/{inside}/package-lock.json", NPM_3)]).names != []


@pytest.mark.parametrize("name", NAMES)
def test_bytes_that_mean_harm_never_raise(name: str) -> None:
    (analyzer,) = (each for each in ANALYZERS if each.name != "manifests" and re.fullmatch(each.paths, name))
    good = next(content for known, content, _ in CASES if known == name)
    content = (good if isinstance(good, str) else json.dumps(good)).encode()
    hostile = [b"", b"\xff" * 100, b"[" * 50_000, b'{"a":' * 50_000, b"<a>" * 50_000, b"a = [" * 20_000, b" " * 100_000]
    hostile += [
        start + unit * 100_000
        for start in (b"packages:\n  a@1.1.1", b"  ", b"")
        for unit in (b"1", b"-1", b" ", b'"a@1')
    ]
    hostile += [content[:position] for position in range(0, len(content), 7)]
    hostile += [content.replace(b"1", b"\x00"), content.replace(b'"', b"'"), content.replace(b":", b"")]

    assert all(isinstance(analyzer.condense(name, each), bytes) for each in hostile)


def test_a_lock_file_without_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "LOCK_BYTES", 100)

    found = Found([entry("package-lock.json", NPM_3)])
    assert found.names == []
    assert "package-lock.json" in [unknown.what for unknown in found.unknowns]


def test_they_count_in_directories_and_not_in_images(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "poetry.lock").write_text(POETRY)
    image = Image([layer(file("project/poetry.lock", POETRY))]).docker_archive(tmp_path / "image.tar")

    assert [package.name for package in read(f"dir:{tmp_path / 'project'}").packages] == ["django"]
    assert read(f"docker-archive:{image}").packages == ()


ELSEWHERE = "come from a repository, an address or a directory, of which no advisories speak"
UNPINNED = "are not held to one version here"
STRANGE = "are written in a way that is not read"
ENDLESS = "stand in lines of more than 2000 characters, which no tool writes"
YARN_BERRY = '__metadata:\n  version: 6\n\n"a@x":\n  version: 1.0.0\n  resolution: "{}"\n'
ODD = [
    (
        "package-lock.json",
        '{"packages": {"node_modules/a": {"version": "git+ssh://x"}, "node_modules/b": {}}}',
        2,
        ELSEWHERE,
    ),
    ("package-lock.json", '{"dependencies": {"a": {"version": "file:../a"}}}', 1, ELSEWHERE),
    ("yarn.lock", 'a@git+ssh://x:\n  version "git"\n', 1, ELSEWHERE),
    ("yarn.lock", 'a@^1:\n      version "1.0.0"\n', 1, STRANGE),
    ("yarn.lock", YARN_BERRY.format("a@https://x/y.git#commit=1"), 1, ELSEWHERE),
    ("yarn.lock", "a@^1, " * 900 + 'b@^1:\n  version "1.0.0"\n', 1, ENDLESS),
    ("pnpm-lock.yaml", "lockfileVersion: '9.0'\npackages: {a@1.0.0: {}}\n", 1, STRANGE),
    ("pnpm-lock.yaml", "lockfileVersion: '9.0'\npackages: &a\n", 1, STRANGE),
    ("pnpm-lock.yaml", "lockfileVersion: '9.0'\npackages:\n    a@1.0.0:\n        x: y\n", 1, STRANGE),
    ("pnpm-lock.yaml", "lockfileVersion: '9.0'\npackages:\n  <<: *a\n", 1, STRANGE),
    ("pnpm-lock.yaml", "lockfileVersion: '9.0'\npackages:\n  github.com/a/b/abc:\n    x: y\n", 1, ELSEWHERE),
    ("pnpm-lock.yaml", '{"packages": {"a@1.0.0": {}}}', 1, STRANGE),
    ("bun.lock", '{"packages": {"a": ["a@github:x/y#1"], "b": ["b@workspace:b"]}}', 1, ELSEWHERE),
    ("requirements.txt", "django\nflask>=1\nx==1.*\n# y\n--index-url https://x\n", 3, UNPINNED),
    ("requirements.txt", "-e ./a\ngit+https://x/y\na @ https://x/y.whl\n./b\n", 4, ELSEWHERE),
    ("requirements.txt", "x==1.0 --hash=sha256:" + "a" * 3000, 1, ENDLESS),
    ("Pipfile.lock", '{"default": {"a": {"version": "*"}}}', 1, UNPINNED),
    ("Pipfile.lock", '{"default": {"a": {"git": "x"}}}', 1, ELSEWHERE),
    ("poetry.lock", "[[package]]\nname = 'a'\n", 1, UNPINNED),
    ("Gemfile.lock", "GIT\n  remote: x\n  specs:\n    a (1.0)\n      b\n\nPATH\n  specs:\n    own (1)\n", 1, ELSEWHERE),
    ("mix.lock", '%{\n  "a": {:git, "x", "y", []},\n}\n', 1, ELSEWHERE),
    ("pubspec.lock", 'packages:\n  a:\n    source: git\n    version: "1"\n', 1, ELSEWHERE),
    ("packages.lock.json", '{"dependencies": {"net": {"a": {"type": "Direct"}}}}', 1, UNPINNED),
    ("Manifest.toml", '[[A]]\npath = "a"\nversion = "1"\n[[B]]\nrepo-url = "x"\nversion = "1"\n', 2, ELSEWHERE),
    ("Manifest.toml", "[[A]]\nversion = 1\n", 1, STRANGE),
    ("renv.lock", '{"Packages": {"a": {"Version": "1", "Source": "GitHub"}}}', 1, ELSEWHERE),
    ("renv.lock", '{"Packages": {"a": {"Package": "a"}}}', 1, STRANGE),
    ("cabal.project.freeze", "constraints: any.b >=1 && <2,\n  any.c ==1.*\n", 2, STRANGE),
    ("cabal.project.freeze", "constraints: { }\n", 1, STRANGE),
    ("stack.yaml.lock", "packages:\n- completed:\n    git: https://x/y\n", 1, ELSEWHERE),
    ("stack.yaml.lock", "- x\n", 1, STRANGE),
    ("gradle.lockfile", "# a\na:b=x\nempty=\n", 1, STRANGE),
]


@pytest.mark.parametrize(("name", "content", "count", "why"), ODD)
def test_what_nobody_can_judge_is_counted(name: str, content: str, count: int, why: str) -> None:
    found = Found([file(f"src/{name}", content)])

    assert found.names == []
    told = [unknown.why for unknown in found.unknowns if unknown.what == f"src/{name}"]
    assert f"{count} of its entries {why}" in told


@pytest.mark.parametrize(("name", "content", "purls"), CASES)
def test_what_tools_write_is_understood(name: str, content: object, purls: list[str]) -> None:
    del purls
    whys = [unknown.why for unknown in Found([entry(f"src/{name}", content)]).unknowns]

    assert not any(why.endswith((STRANGE, ENDLESS)) for why in whys)


def test_a_patched_package_is_the_one_that_was_patched() -> None:
    content = YARN_BERRY.format("@s/a@patch:@s/a@npm%3A1.2.3#~/.yarn/patches/a.patch::version=1.2.3&hash=1")

    assert [package.purl for package in Found([file("yarn.lock", content)]).packages] == ["pkg:npm/%40s/a@1.2.3"]


def test_a_line_without_end_gives_its_version_to_no_other_package() -> None:
    content = 'z@1:\n  version "1.0.0"\n\n' + "a@^1, " * 900 + 'b@^1:\n  version "2.0.0"\n'

    assert [package.purl for package in Found([file("yarn.lock", content)]).packages] == ["pkg:npm/z@1.0.0"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("package-lock.json", '{{"packages": {{"node_modules/a": {{"version": "1.1.{}!"}}}}}}'),
        ("package-lock.json", '{{"dependencies": {{"a": {{"version": "a@1.1.{}!"}}}}}}'),
        ("bun.lock", '{{"packages": {{"a": ["a@1.1.{}!"]}}}}'),
    ],
)
def test_a_version_without_end_is_refused_as_fast_as_any_other(name: str, content: str) -> None:
    assert Found([file(name, content.format("1" * 2_000_000))]).names == []


@pytest.mark.parametrize("line", ["  a@1.1.1" + "1" * 1980, "  a@1.1.1" + "x" * 1980, "    a@1.1." + "1" * 1900])
def test_thousands_of_keys_without_an_end_are_refused_as_fast_as_any_other(line: str) -> None:
    content = "lockfileVersion: '9.0'\npackages:\n" + f"{line}\n" * 5000

    assert Found([file("pnpm-lock.yaml", content)]).names == []


@pytest.mark.parametrize(
    ("name", "document", "purl"),
    [
        ("package-lock.json", {"packages": {"node_modules/a": {"version": "1.0.0"}, "odd": 5}}, "pkg:npm/a@1.0.0"),
        ("Pipfile.lock", {"default": {"a": {"version": "==1"}, "odd": {"version": 5}}}, "pkg:pypi/a@1"),
        (
            "packages.lock.json",
            {"dependencies": {"net6.0": {"a": {"type": "Direct", "resolved": "1"}, "odd": []}}},
            "pkg:nuget/a@1",
        ),
    ],
)
def test_an_odd_entry_costs_only_itself_and_is_named(name: str, document: object, purl: str) -> None:
    found = Found([file(f"srv/{name}", json.dumps(document))])

    assert [package.purl for package in found.packages] == [purl]
    assert (f"srv/{name}", "its entry odd is none; it was left out") in [(u.what, u.why) for u in found.unknowns]


@pytest.mark.parametrize(
    ("name", "content", "purls"),
    [
        ("go.mod", "go 1.20\nrequire(\n\tgolang.org/x/net v0.1.0\n)\n", ["pkg:golang/golang.org/x/net@v0.1.0"]),
        ("go.mod", 'go 1.20\nrequire "golang.org/x/net" v0.1.0\n', ["pkg:golang/golang.org/x/net@v0.1.0"]),
        ("yarn.lock", YARN_BERRY.format("a@npm:1.0.0::__archiveUrl=https%3A%2F%2Fx%2Fa.tgz"), ["pkg:npm/a@1.0.0"]),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n'packages':\n  a@1.0.0: {}\n", ["pkg:npm/a@1.0.0"]),
    ],
)
def test_what_the_tool_reads_in_another_spelling_is_read(name: str, content: str | bytes, purls: list[str]) -> None:
    found = Found([file(name, content)])

    assert [package.purl for package in found.packages] == purls
    assert [unknown.what for unknown in found.unknowns if unknown.what == name] == []


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        (
            "yarn.lock",
            '__metadata:\n  version: 8\n\n"a@npm:^1":\n  resolution: "a@npm:1.0.0"\n\n"b@npm:^4":\n    resolution: "b@npm:4"\n',
            "1 of its entries are written in a way that is not read",
        ),
        (
            "package-lock.json",
            '{"dependencies": {"a": {"version": "1.0.0"}, "b": {"version": 5}}}',
            "1 of its entries are written in a way that is not read",
        ),
        (
            "bun.lockb",
            "#!/usr/bin/env bun\n",
            "is Bun's binary lock file, which is not read; `bun install --save-text-lockfile` writes the other",
        ),
    ],
)
def test_what_is_not_read_is_told(name: str, content: str, why: str) -> None:
    assert (name, why) in [(unknown.what, unknown.why) for unknown in Found([file(name, content)]).unknowns]


@pytest.mark.parametrize(
    "name",
    [
        *("conan.lock", "packages.config", "deno.lock", "Podfile.lock", "rebar.lock", "pixi.lock", "environment.yml"),
        *(
            "gradle/dependency-locks/compile.lockfile",
            "libs.versions.toml",
            "paket.lock",
            "Gopkg.lock",
            "vendor/modules.txt",
        ),
    ],
)
def test_a_list_of_a_kind_that_is_not_read_is_told(name: str) -> None:
    (unknown, *_) = Found([entry(name, "{}")]).unknowns[1:]

    assert (unknown.what, unknown.why) == (name, "is a list of packages of a kind that is not read")


@pytest.mark.parametrize(
    "name", ["dev-requirements.txt", "requirements-dev.txt", "requirements/base.txt", "constraints.txt"]
)
def test_requirements_may_have_more_in_their_name(name: str) -> None:
    assert Found([entry(name, "flask==1.0\n")]).names == ["flask"]


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("-r deps/base.list", "deps/base.list"),
        ("-rdeps/base.list", "deps/base.list"),
        ("  --requirement=base.txt  # of all", "base.txt"),
        ('-c "my limits.txt"', "my limits.txt"),
        ("--constraint ../limits.txt \\", "../limits.txt"),
        ("-r https://user:secret@example.org/requirements.txt", "https://user:********@example.org/requirements.txt"),
        ("-r requirements/absent.txt", "requirements/absent.txt"),
        ("-r poetry.lock", "poetry.lock"),
    ],
)
def test_another_list_that_requirements_ask_for_and_nobody_reads_is_told(line: str, named: str) -> None:
    files = [file("a/requirements.txt", f"{line}\nflask==1.0\n"), file("a/base.txt", ""), file("a/poetry.lock", POETRY)]
    unknowns = Found(files).unknowns

    assert [one.why for one in unknowns if one.what == "a/requirements.txt"] == [
        f"asks for what {named} lists, which was not read"
    ]


@pytest.mark.parametrize(
    "line",
    ["-r base.txt", "-r ../requirements.txt", "-c /srv/constraints.txt", "-r ./base.txt # of all", "-r x/../base.txt"],
)
def test_another_list_that_is_read_by_its_own_name_is_no_doubt(line: str) -> None:
    names = ("srv/requirements/prod.txt", "srv/requirements/base.txt", "srv/requirements.txt", "srv/constraints.txt")
    found = Found([file(name, f"{line}\na==1\n" if name.endswith("prod.txt") else "b==2\n") for name in names])

    assert [one for one in found.unknowns if one.what in names] == []
    assert set(found.names) == {"a", "b"}


def test_of_requirements_every_line_is_understood_or_counted() -> None:
    lines = ["# a", "", "--index-url https://example.org", "a==1 \\", "    --hash=sha256:0", "b==2 --no-binary :all:"]
    found = Found([file("requirements.txt", "\n".join([*lines, '"idna==2.0"', "~/own"]))])

    assert found.names == ["a", "b"]
    assert [one.why for one in found.unknowns if one.what == "requirements.txt"] == [
        "2 of its entries are written in a way that is not read"
    ]


def test_a_wheel_beside_the_project_is_no_part_of_it() -> None:
    packages = [("own", "../own"), ("django", "wheels/django-3.2.0-py3-none-any.whl")]
    content = "".join(
        f'[[package]]\nname = "{name}"\nversion = "1"\nsource = {{ path = "{path}" }}\n' for name, path in packages
    )

    assert Found([file("uv.lock", content)]).names == ["django"]


def test_the_standard_lock_file_of_python_is_read() -> None:
    content = 'lock-version = "1.0"\n[[packages]]\nname = "attrs"\nversion = "25.1.0"\n'

    assert Found([entry("pylock.toml", content)]).names == ["attrs"]


def test_what_swift_takes_from_elsewhere_or_from_a_branch_is_counted() -> None:
    pins = next(content for name, content, named in CASES if name == "Package.resolved" and len(named) == 2)
    unknowns = Found([entry("Package.resolved", pins)]).unknowns

    assert [unknown.why for unknown in unknowns if unknown.what == "Package.resolved"] == [
        "1 of its entries are not held to one version here",
        "1 of its entries come from a repository, an address or a directory, of which no advisories speak",
    ]


def test_a_snapshot_of_stackage_is_told() -> None:
    whys = [unknown.why for unknown in Found([entry("stack.yaml.lock", STACK)]).unknowns]

    assert "names a snapshot of Stackage, whose packages are not listed here; they were not read" in whys


def test_categories_of_a_pipfile_are_read() -> None:
    content = {"_meta": {"hash": {"sha256": "a"}, "requires": {}, "sources": []}, "docs": {"a": {"version": "==1"}}}

    found = Found([entry("Pipfile.lock", content)])
    assert [package.purl for package in found.packages] == ["pkg:pypi/a@1"]


def test_a_dotnet_project_that_names_packages_is_told() -> None:
    why = "names packages that are not read here; `dotnet restore --use-lock-file` lists them"

    assert ("x.csproj", why) in [
        (one.what, one.why) for one in Found([entry("x.csproj", '<PackageReference Include="a" />')]).unknowns
    ]
    assert "x.csproj" not in [one.what for one in Found([entry("x.csproj", "<Project />")]).unknowns]


@pytest.mark.parametrize(("maintainer", "names"), [("debian.org", ["node-a"]), ("a.example", ["left-pad", "node-a"])])
def test_a_lock_file_of_the_distributions_own_package_names_nothing_installed(
    maintainer: str, names: list[str], tmp_path: Path
) -> None:
    place = "usr/share/nodejs/a/package-lock.json"
    lock = '{"lockfileVersion": 3, "packages": {"node_modules/left-pad": {"version": "1.3.0"}}}'
    sums = f"{hashlib.md5(lock.encode()).hexdigest()}  {place}\n"
    files = {
        "etc/os-release": "ID=debian\nVERSION_ID=12\n",
        "var/lib/dpkg/status": (
            f"Package: node-a\nStatus: install ok installed\nMaintainer: A <a@{maintainer}>\nVersion: 1\n\n"
        ),
        "var/lib/dpkg/info/node-a.list": f"/{place}\n",
        "var/lib/dpkg/info/node-a.md5sums": sums,
        place: lock,
    }
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content, encoding="utf-8")

    assert sorted(one.name for one in read(f"dir:{tmp_path}").packages) == names


@pytest.mark.parametrize(
    ("content", "purls", "doubt"),
    [
        ("require a.b/c v1.0.0\nreplace a.b/c => ../c\ngo 1.22\n", [], "1 of its entries come from a repository"),
        ("require a.b/c v1.0.0\nexclude a.b/c v1.0.0\ngo 1.22\n", [], "1 of its entries are not held to one version"),
        ("require a.b/c v1.0.0\nexclude a.b/c v1.1.0\ngo 1.22\n", ["pkg:golang/a.b/c@v1.0.0"], ""),
    ],
)
def test_a_module_that_is_not_built_is_not_judged(content: str, purls: list[str], doubt: str) -> None:
    found = Found([file("go.mod", content)])

    assert [package.purl for package in found.packages] == purls
    assert [unknown.why.startswith(doubt) for unknown in found.unknowns if unknown.what == "go.mod"] == [True] * bool(
        doubt
    )


@pytest.mark.parametrize(
    ("asked", "counts"),
    [
        ("https://git.example/x/gg.git", False),
        ("git+ssh://git@git.example/x/gg.git", False),
        ("x/gg", False),
        ("file:../gg", False),
        ("^1.0.0", True),
        ("npm:^1.0.0", True),
        ("latest", True),
    ],
)
def test_of_yarns_first_lock_file_only_what_the_registry_gave_is_its(asked: str, counts: bool) -> None:
    found = Found([file("yarn.lock", f'# yarn lockfile v1\n\n"gg@{asked}":\n  version "1.0.0"\n')])

    assert [package.name for package in found.packages] == ["gg"] * counts
    assert any("come from a repository" in unknown.why for unknown in found.unknowns) is not counts


def test_a_version_with_a_star_is_none() -> None:
    lock = {"_meta": {}, "default": {"a": {"version": "==1.0.*"}, "b": {"version": "==1.0"}}}

    assert [package.name for package in Found([entry("Pipfile.lock", lock)]).packages] == ["b"]
