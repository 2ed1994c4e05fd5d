"""Go's module files beside one another: since Go 1.17 the one has everything, before it the other helps."""

import pytest
from tests.support.images import file
from tests.support.inventories import Found
from tests.support.lockfiles import GO_SUM

OLD = "module a\n\ngo 1.16\n\nrequire example.com/direct v1.0.0\n"
SUM = """example.com/direct v1.0.0 h1:a=
example.com/direct v1.0.0/go.mod h1:b=
example.com/direct v1.9.0 h1:c=
example.com/turn v1.2.0 h1:d=
example.com/turn v1.2.0/go.mod h1:e=
example.com/turn v1.10.0-rc.1 h1:f=
example.com/turn v1.10.0-rc.1/go.mod h1:f=
example.com/turn v1.11.0/go.mod h1:g=
example.com/considered v1.0.0/go.mod h1:h=
"""
BESIDE = (
    "go.mod was written before Go 1.17 and need not list the dependencies of dependencies: of each module the "
    "highest version whose code was fetched is taken, which may no longer be used"
)
ALONE = (
    "no go.mod that was read lies beside it: of each module the highest version whose code was fetched is taken, "
    "which may no longer be used"
)
NOT_ALL = "it was written before Go 1.17 and need not list the dependencies of dependencies"


def found(mod: str | None, sums: str | None) -> Found:
    files = [file(f"a/{name}", text) for name, text in (("go.mod", mod), ("go.sum", sums)) if text is not None]
    return Found(files)


def versions(of: Found) -> dict[str, tuple[str, str]]:
    assert len({package.name for package in of.packages}) == len(of.packages)
    return {package.name: (package.version, package.locations[0]) for package in of.packages}


def told(of: Found) -> list[tuple[str, str]]:
    return [(one.what, one.why) for one in of.unknowns if one.what.startswith("a/go.")]


@pytest.mark.parametrize("language", ["go 1.16", "go 1.9", ""])
def test_of_an_old_module_the_sums_tell_what_it_does_not_list(language: str) -> None:
    both = found(OLD.replace("go 1.16", language), SUM)

    assert versions(both) == {
        "example.com/direct": ("v1.0.0", "a/go.mod"),
        "example.com/turn": ("v1.10.0-rc.1", "a/go.sum"),
    }
    assert told(both) == [("a/go.sum", BESIDE)]


@pytest.mark.parametrize("language", ["go 1.17", "go 1.21.3", "go 2.0"])
def test_of_a_newer_module_the_sums_tell_nothing(language: str) -> None:
    both = found(OLD.replace("go 1.16", language), SUM)

    assert versions(both) == {"example.com/direct": ("v1.0.0", "a/go.mod")}
    assert told(both) == []


def test_the_sums_count_by_themselves_where_no_module_file_is() -> None:
    assert versions(found(None, GO_SUM)) == {"github.com/gin-gonic/gin": ("v1.6.0", "a/go.sum")}
    assert told(found(None, GO_SUM)) == [("a/go.sum", ALONE)]


@pytest.mark.parametrize("sums", [None, ""])
def test_without_sums_an_old_module_says_that_it_does_not_list_everything(sums: str | None) -> None:
    assert told(found(OLD, sums)) == [("a/go.mod", NOT_ALL)]


def test_a_module_that_requires_nothing_has_no_dependencies_of_dependencies() -> None:
    assert told(found("module a\n", None)) == []


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ("exclude example.com/turn v1.10.0-rc.1", "v1.2.0"),
        ("replace example.com/turn v1.10.0-rc.1 => ./turn", "v1.2.0"),
        ("replace example.com/turn => ./turn", None),
        ("require example.com/turn v1.2.0 // indirect", "v1.2.0"),
    ],
)
def test_what_the_module_file_says_of_a_dependency_of_dependencies_counts(says: str, version: str | None) -> None:
    named = versions(found(f"{OLD}{says}\n", SUM))

    assert named.get("example.com/turn", (None,))[0] == version


def test_what_stands_for_a_dependency_of_dependencies_is_told_by_its_sum() -> None:
    sums = SUM.replace("example.com/turn", "example.com/fork")
    named = versions(found(f"{OLD}replace example.com/turn => example.com/fork v1.10.0-rc.1\n", sums))

    assert named["example.com/fork"] == ("v1.10.0-rc.1", "a/go.sum")


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        ("v1.9.0", "v1.10.0"),
        ("v1.0.0-20190101000000-aaaaaaaaaaaa", "v1.0.0-20200101000000-000000000000"),
        ("v2.0.0-rc.2", "v2.0.0-rc.10"),
        ("v2.0.0-rc.10", "v2.0.0-rc.x"),
        ("v2.0.0-rc", "v2.0.0-rc.1"),
        ("v2.0.0-rc.1", "v2.0.0"),
        ("v2.0.0+incompatible", "v3.0.0+incompatible"),
        ("nonsense", "v0.0.0-0"),
    ],
)
def test_the_highest_version_is_the_one_that_a_build_has(lower: str, higher: str) -> None:
    lines = [f"example.com/a {version} h1:x=\n" for version in (lower, higher)]

    for order in (lines, lines[::-1]):
        assert versions(found(None, "".join(order))) == {"example.com/a": (higher, "a/go.sum")}


def test_a_module_file_that_cannot_be_read_hides_no_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hullguard.inventory.bounds.LOCK_BYTES", 1 << 10)
    both = found(f"{OLD}{'//' * 600}", SUM)

    assert set(versions(both)) == {"example.com/direct", "example.com/turn"}
    assert {what for what, _ in told(both)} == {"a/go.mod", "a/go.sum"}
