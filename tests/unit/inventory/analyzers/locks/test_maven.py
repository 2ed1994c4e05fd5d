"""Project files of Maven: each by itself, and what those of one directory decide together."""

import pytest
from tests.support.images import file
from tests.support.inventories import Found
from tests.support.lockfiles import POM

from hullguard.inventory import bounds


def test_versions_that_other_files_decide_are_counted() -> None:
    whys = [unknown.why for unknown in Found([file("pom.xml", POM)]).unknowns]

    assert "leaves the versions of 2 dependencies to other files" in whys


@pytest.mark.parametrize(
    ("inside", "told"),
    [
        (
            "<dependencies><dependency><groupId>a</groupId><artifactId>b</artifactId><version>1</version></dependency></dependencies>",
            "does not list what its dependencies bring in turn; `mvn dependency:list` does",
        ),
        (
            "<parent><groupId>a</groupId><artifactId>b</artifactId><version>1</version></parent>",
            "does not list what its dependencies, or its parent, bring in turn; `mvn dependency:list` does",
        ),
        ("<groupId>a</groupId><modules><module>b</module></modules>", None),
    ],
)
def test_a_project_file_says_that_it_does_not_list_everything(inside: str, told: str | None) -> None:
    found = Found([file("pom.xml", f"<project>{inside}</project>")])

    assert [one.why for one in found.unknowns if one.what == "pom.xml"] == ([told] if told else [])


def dependency(artifact: str, version: str | None) -> str:
    said = f"<version>{version}</version>" if version is not None else ""
    return f"<dependency><groupId>${{group}}</groupId><artifactId>{artifact}</artifactId>{said}</dependency>"


PROPERTIES = "<group>org.a</group><v>${w}</v><w>1.2</w><loop>${loop}</loop><long>" + "1" * 301 + "</long><two>2</two>"
PROFILE = (
    "<properties><two>3</two><three>3</three></properties>"
    f"<dependencies>{dependency('in-profile', '4')}</dependencies>"
    f"<dependencyManagement><dependencies>{dependency('differs', '6')}</dependencies></dependencyManagement>"
)
DECIDED = {"property": "${v}", "own": "${project.version}", "parent": "${project.parent.version}", "managed": None}
OPEN = {"loop": "${loop}", "absent": "${absent}", "range": "[1,2)", "long": "${long}", "two": "${two}", "three": "${three}",
        "differs": None, "elsewhere": None, "half": "1.${", "empty": ""}  # fmt: skip


def test_of_a_project_file_what_it_decides_itself_is_read() -> None:
    managed = dependency("managed", "${v}") + dependency("differs", "5")
    wanted = "".join(dependency(artifact, version) for artifact, version in (DECIDED | OPEN).items())
    project = (
        "<project><parent><groupId>org.p</groupId><version>9</version></parent><version>8</version>"
        f"<properties>{PROPERTIES}</properties><profiles><profile>{PROFILE}</profile></profiles>"
        f"<dependencyManagement><dependencies>{managed}</dependencies></dependencyManagement>"
        f"<dependencies>{wanted}</dependencies></project>"
    )

    found = Found([file("pom.xml", project)])

    assert {(one.name, one.version) for one in found.packages} == {
        ("org.a:property", "1.2"),
        ("org.a:own", "8"),
        ("org.a:parent", "9"),
        ("org.a:managed", "1.2"),
        ("org.a:in-profile", "4"),
    }
    assert f"leaves the versions of {len(OPEN)} dependencies to other files" in [one.why for one in found.unknowns]


def test_a_project_file_with_entities_is_refused() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><project>&b;</project>'

    found = Found([file("pom.xml", bomb)])
    assert ("pom.xml", "declares a document type, which no project file needs; it was not read") in [
        (unknown.what, unknown.why) for unknown in found.unknowns
    ]


IN_TURN = "does not list what its dependencies bring in turn; `mvn dependency:list` does"
PARENTS_TOO = "does not list what its dependencies, or its parent, bring in turn; `mvn dependency:list` does"
OPEN_ONE = "leaves the versions of 1 dependencies to other files"


def gav(group: str, artifact: str, version: str | None, more: str = "") -> str:
    said = f"<version>{version}</version>" if version is not None else ""
    return f"<groupId>{group}</groupId><artifactId>{artifact}</artifactId>{said}{more}"


def wants(*dependencies: str) -> str:
    return f"<dependencies>{''.join(f'<dependency>{each}</dependency>' for each in dependencies)}</dependencies>"


def manages(*dependencies: str) -> str:
    return f"<dependencyManagement>{wants(*dependencies)}</dependencyManagement>"


def imports(group: str, artifact: str, version: str) -> str:
    return gav(group, artifact, version, "<type>pom</type><scope>import</scope>")


def pom(own: str, *parts: str, parent: str | None = None) -> str:
    above = f"<parent>{parent}</parent>" if parent is not None else ""
    return f'<project xmlns="http://maven.apache.org/POM/4.0.0">{above}{own}{"".join(parts)}</project>'


PARENT = gav("org.x", "parent", "1")
SET = "<properties><v>2.14.1</v></properties>"
LOG4J = gav("org.log", "core", "${v}")
BARE = gav("org.log", "core", None)
CHILD = "<artifactId>child</artifactId>"


def tree(**files: str) -> Found:
    """Projects by their directories; that of the top is called ``top``, ``_`` stands for a slash."""
    return Found([file(f"{name.replace('_', '/')}/pom.xml".removeprefix("top/"), text) for name, text in files.items()])


def versions(found: Found) -> list[tuple[str, str, str]]:
    every = ((place, one.name, one.version) for one in found.packages for place in one.locations)
    return sorted((place.removesuffix("pom.xml").rstrip("/"), name, version) for place, name, version in every)


def whys(found: Found, place: str) -> list[str]:
    return [one.why for one in found.unknowns if one.what == f"{place}/pom.xml".lstrip("/")]


@pytest.mark.parametrize(
    ("above", "child"),
    [
        (SET, wants(LOG4J)),
        (manages(gav("org.log", "core", "2.14.1")), wants(BARE)),
        (SET + manages(LOG4J), wants(BARE)),
        (manages(LOG4J), "<properties><v>2.14.1</v></properties>" + wants(BARE)),
        (SET + manages(gav("${g}", "core", "${v}")), "<properties><g>org.log</g></properties>" + wants(BARE)),
        (manages(gav("org.log", "core", "${project.version}")), "<version>2.14.1</version>" + wants(BARE)),
        (
            manages(gav("org.log", "core", "2.14.1", "<type>test-jar</type>"), gav("org.log", "core", "2.14.1")),
            wants(BARE),
        ),
        (manages(gav("org.log", "core", "9")), manages(gav("org.log", "core", "2.14.1")) + wants(BARE)),
        ("<properties><v>9</v></properties>" + manages(LOG4J), SET + wants(BARE)),
    ],
)
def test_versions_that_the_parent_decides_are_known(above: str, child: str) -> None:
    found = tree(top=pom(PARENT, above), a=pom(CHILD, child, parent=PARENT))

    assert versions(found) == [("a", "org.log:core", "2.14.1")]
    assert (whys(found, ""), whys(found, "a")) == ([], [IN_TURN])


def test_of_a_type_that_the_parent_does_not_name_it_decides_no_version() -> None:
    managed = manages(gav("org.log", "core", "2", "<type>test-jar</type>"))
    found = tree(top=pom(PARENT, managed), a=pom(CHILD, wants(BARE), parent=PARENT))

    assert (versions(found), whys(found, "a")) == ([], [OPEN_ONE, IN_TURN])


def test_a_project_has_the_group_and_version_of_its_parent() -> None:
    found = tree(
        top=pom(PARENT),
        a=pom(CHILD, wants(gav("${project.groupId}", "other", "${project.version}")), parent=PARENT),
    )

    assert versions(found) == [("a", "org.x:other", "1")]


def test_a_parent_several_directories_and_projects_above_is_found() -> None:
    middle = pom("<artifactId>middle</artifactId>", parent=PARENT + "<relativePath>..</relativePath>")
    child = pom(CHILD, wants(LOG4J), parent=gav("org.x", "middle", "1", "<relativePath>../../m/pom.xml</relativePath>"))

    found = tree(top=pom(PARENT, SET), m=middle, deep_a=child)

    assert versions(found) == [("deep/a", "org.log:core", "2.14.1")]
    assert whys(found, "deep/a") == [IN_TURN]


def test_a_place_may_be_written_as_on_windows() -> None:
    child = pom(CHILD, wants(LOG4J), parent=PARENT + r"<relativePath>..\p\pom.xml</relativePath>")

    assert versions(tree(p=pom(PARENT, SET), a=child)) == [("a", "org.log:core", "2.14.1")]


@pytest.mark.parametrize("where", ["<relativePath/>", "<relativePath>../nowhere</relativePath>", ""])
def test_a_parent_that_lies_elsewhere_in_the_directory_is_found_by_its_name(where: str) -> None:
    found = tree(build_parent=pom(PARENT, SET), a=pom(CHILD, wants(LOG4J), parent=PARENT + where))

    assert versions(found) == [("a", "org.log:core", "2.14.1")]


def test_of_two_projects_of_one_name_none_is_the_parent() -> None:
    other = SET.replace("2.14.1", "3")
    child = pom(CHILD, wants(LOG4J), parent=PARENT + "<relativePath/>")

    assert versions(tree(b=pom(PARENT, SET), c=pom(PARENT, other), a=child)) == []
    assert versions(tree(b=pom(PARENT, SET), c=pom(PARENT, SET), a=child)) == [("a", "org.log:core", "2.14.1")]


@pytest.mark.parametrize(
    "parent",
    [
        gav("org.y", "parent", "1"),
        gav("org.x", "other", "1"),
        gav("org.x", "parent", "2"),
        gav("org.x", "parent", "[1,2)"),
        PARENT + "<relativePath>../../pom.xml</relativePath>",
        PARENT + "<relativePath>/pom.xml</relativePath>",
    ],
)
def test_what_is_not_the_parent_decides_nothing(parent: str) -> None:
    found = tree(top=pom(gav("org.x", "parent", "1.0"), SET), a=pom(CHILD, wants(LOG4J), parent=parent))

    assert versions(found) == []
    assert whys(found, "a") == [OPEN_ONE, PARENTS_TOO]


def test_a_parent_in_the_directory_whose_own_is_not_there_leaves_open_what_it_does_not_say() -> None:
    boot = gav("org.boot", "starter-parent", "3", "<relativePath/>")
    top = pom(PARENT, SET, parent=boot)
    found = tree(top=top, a=pom(CHILD, wants(LOG4J, gav("org.boot", "web", None)), parent=PARENT))

    assert versions(found) == [("a", "org.log:core", "2.14.1")]
    assert whys(found, "a") == [OPEN_ONE, PARENTS_TOO]


@pytest.mark.parametrize("version", ["${revision}", "1"])
def test_a_parent_whose_version_is_a_property_is_found_by_either(version: str) -> None:
    top = pom(gav("org.x", "parent", "${revision}"), "<properties><revision>1</revision><v>2</v></properties>")
    found = tree(top=top, a=pom(CHILD, wants(LOG4J), parent=gav("org.x", "parent", version)))

    assert versions(found) == [("a", "org.log:core", "2")]


def test_inherited_dependencies_are_told_where_they_are_decided() -> None:
    top = pom(PARENT, wants(gav("org.log", "core", "${v}"), gav("org.b", "b", "1"), gav("org.c", "c", "1")))
    child = pom(CHILD, SET, wants(gav("org.c", "c", "2")), parent=PARENT)
    found = tree(top=top, a=child)

    assert versions(found) == [
        ("", "org.b:b", "1"),
        ("", "org.c:c", "1"),
        ("a", "org.c:c", "2"),
        ("a", "org.log:core", "2.14.1"),
    ]
    assert (whys(found, ""), whys(found, "a")) == ([OPEN_ONE, IN_TURN], [IN_TURN])


def test_bills_of_versions_in_the_directory_are_imported() -> None:
    bom = pom(gav("org.x", "bom", "1"), SET, manages(LOG4J, gav("org.b", "b", "1"), gav("org.c", "c", "1")))
    top = pom(PARENT, manages(imports("org.x", "bom", "${project.version}"), gav("org.b", "b", "2")))
    child = pom(CHILD, wants(BARE, gav("org.b", "b", None), gav("org.d", "d", None)), parent=PARENT)
    found = tree(top=top, bom=bom, a=child)

    assert versions(found) == [("a", "org.b:b", "2"), ("a", "org.log:core", "2.14.1")]
    assert whys(found, "a") == [OPEN_ONE, IN_TURN]


def test_of_two_bills_the_first_counts_and_an_absent_one_leaves_it_open() -> None:
    first, second = (pom(gav("org.x", name, "1"), manages(gav("org.log", "core", name))) for name in ("1b", "2b"))
    both = (imports("org.x", "1b", "1"), imports("org.x", "2b", "1"))
    project = gav("org.x", "a", "1")

    assert versions(tree(a=pom(project, manages(*both), wants(BARE)), b=first, c=second)) == [
        ("a", "org.log:core", "1b")
    ]
    assert versions(tree(a=pom(project, manages(*both[::-1]), wants(BARE)), b=first, c=second)) == [
        ("a", "org.log:core", "2b")
    ]
    assert versions(tree(a=pom(project, manages(*both), wants(BARE)), c=second)) == []


def test_what_an_absent_parent_may_say_comes_before_what_is_imported() -> None:
    bom = pom(gav("org.x", "bom", "1"), manages(gav("org.log", "core", "1")))
    child = pom(CHILD, manages(imports("org.x", "bom", "1")), wants(BARE), parent=gav("org.boot", "absent", "3"))

    assert versions(tree(a=child, bom=bom)) == []


def test_projects_that_are_each_others_parents_end() -> None:
    one, other = gav("org.x", "one", "1"), gav("org.x", "other", "1")
    found = tree(
        a=pom(one, wants(LOG4J), parent=other + "<relativePath>../b</relativePath>"),
        b=pom(other, SET, parent=one + "<relativePath>../a</relativePath>"),
        c=pom(gav("org.x", "self", "1"), parent=gav("org.x", "self", "1", "<relativePath>pom.xml</relativePath>")),
    )

    loop = "is its own parent, by way of others; what it inherits was not read"
    assert [whys(found, place)[-1] for place in "abc"] == [loop, loop, loop]


def test_bills_that_import_each_other_end() -> None:
    one, other = (
        pom(gav("org.x", name, "1"), manages(imports("org.x", imported, "1")), wants(BARE))
        for name, imported in (("a", "b"), ("b", "a"))
    )

    assert versions(tree(a=one, b=other)) == []


@pytest.mark.parametrize("kind", ["parents", "imports"])
def test_projects_above_one_another_without_end_are_cut_and_told(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "POM_PARENTS", 3)
    files = {}
    for number in range(8):
        own, above = gav("org.x", f"p{number}", "1"), gav("org.x", f"p{number + 1}", "1", "<relativePath/>")
        imported = manages(imports("org.x", f"p{number + 1}", "1")) if kind == "imports" else ""
        files[f"p{number}"] = pom(
            own, imported, wants(BARE), parent=above if kind == "parents" and number < 7 else None
        )
    files["p8"] = pom(gav("org.x", "p8", "1"), manages(gav("org.log", "core", "1")))
    found = tree(**files)

    why = "inherits or imports over more than 3 projects above one another; those above were left out"
    cut = sorted(one.what for one in found.unknowns if one.why == why and one.incomplete)
    assert cut
    assert cut[0] == "p0/pom.xml"
    assert "p7/pom.xml" not in cut
    assert ("p7", "org.log:core", "1") in versions(found) or kind == "parents"


def test_projects_that_ask_one_another_without_end_are_cut_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "POM_STEPS", 300)
    top = pom(PARENT, *(manages(gav("org.log", f"c{number}", "${v}")) for number in range(50)))
    children = {f"a{number}": pom(CHILD, SET, wants(BARE, LOG4J), parent=PARENT) for number in range(200)}
    found = tree(top=top, **children)

    why = "is read with those before it in more than 300 steps; the rest of it was left out"
    cut = [one.what for one in found.unknowns if one.why == why and one.incomplete]
    assert 0 < len(cut) < 201
    assert len(found.packages) > 0


def test_a_project_that_cannot_be_read_is_no_parent() -> None:
    found = tree(top="<project", a=pom(CHILD, wants(LOG4J), parent=PARENT))

    assert whys(found, "") == ["is no readable project file of Maven"]
    assert whys(found, "a") == [OPEN_ONE, PARENTS_TOO]


@pytest.mark.parametrize(("imported", "version"), [(False, "1"), (True, "2")])
@pytest.mark.parametrize("apart", [True, False])
def test_of_keys_that_are_one_when_they_are_filled_that_counts_which_maven_takes(
    imported: bool, version: str, apart: bool
) -> None:
    one, other = gav("${project.groupId}", "core", "1"), gav("org.x", "core", "2")
    bom = imports("org.x", "bom", "1") if imported else gav("org.x", "else", "1")
    child = pom(CHILD, manages(bom, one, *([] if apart else [other])), wants(gav("org.x", "core", None)), parent=PARENT)
    found = tree(
        top=pom(PARENT, manages(other) if apart else ""),
        a=child,
        bom=pom(gav("org.x", "bom", "1")),
    )

    assert versions(found) == [("a", "org.x:core", version)]


@pytest.mark.parametrize("version", ["r09", "v3-rev20200101-1.30.9", "Hoxton.SR12", "1.0-SNAPSHOT", "2_1+x"])
def test_a_version_may_begin_with_a_letter(version: str) -> None:
    found = tree(top=pom(PARENT, wants(gav("com.google.guava", "guava", version))))

    assert versions(found) == [("", "com.google.guava:guava", version)]


@pytest.mark.parametrize("version", ["LATEST", "RELEASE", "[1,2)", "(,1]", "1,2", ""])
def test_what_stands_for_several_versions_is_none(version: str) -> None:
    found = tree(top=pom(PARENT, wants(gav("com.google.guava", "guava", version))))

    assert (versions(found), whys(found, "")) == ([], [OPEN_ONE, IN_TURN])
