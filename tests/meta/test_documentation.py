"""What the documentation says is there, is there."""

import re
from pathlib import Path

import pytest

from hullguard.inventory import bounds
from hullguard.inventory.bounds import Bound
from hullguard.inventory.limits import MIB

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def test_every_path_of_the_where_table_exists() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("|") and "`src/" in line]
    paths = [path for row in rows for path in re.findall(r"`(src/[^`]+)`", row)]

    assert len(paths) >= 25
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = [target for target in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in target]

    assert [target for target in targets if not (page.parent / target).exists()] == []


# Decisions are for those who change the code, as are the pages at the top beside the README.
READ = sorted(
    {ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("docs/howto/*.md")} - {*ROOT.glob("docs/**/*.zh.md")}
)


@pytest.mark.parametrize("page", READ, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_page_that_people_read_is_in_both_languages_and_each_leads_to_the_other(page: Path) -> None:
    other = page.with_suffix(".zh.md")

    assert other.exists()
    assert f"]({other.name})" in page.read_text(encoding="utf-8")
    assert f"]({page.name})" in other.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", READ, ids=lambda page: str(page.relative_to(ROOT)))
def test_both_languages_have_the_same_sections(page: Path) -> None:
    sections = [
        [line.split(" ")[0] for line in text.splitlines() if re.match(r"#+ ", line)]
        for text in (page.read_text(encoding="utf-8"), page.with_suffix(".zh.md").read_text(encoding="utf-8"))
    ]

    assert sections[0] == sections[1]


@pytest.mark.parametrize("name", ["architecture", "glossary", "threat-model"])
def test_both_languages_have_the_same_tables(name: str) -> None:
    rows = [
        sum(
            line.startswith("|")
            for line in (ROOT / "docs" / f"{name}{suffix}").read_text(encoding="utf-8").splitlines()
        )
        for suffix in (".md", ".zh.md")
    ]

    assert rows[0] == rows[1] > 0


def test_every_limit_on_a_part_of_an_image_is_documented() -> None:
    english, chinese = (
        [
            tuple(cell.strip() for cell in line.strip("|").split("|"))
            for line in (ROOT / "docs" / "howto" / name).read_text(encoding="utf-8").splitlines()
            if line.startswith("| ") and line.count("|") == 3
        ]
        for name in ("scan-an-image.md", "scan-an-image.zh.md")
    )
    said = [(bound.of, _written(name, bound)) for name, bound in vars(bounds).items() if isinstance(bound, Bound)]

    assert [row for row in english if row in said] == said
    assert [value for _, value in chinese if re.fullmatch(r"[\d,]+(?: [KM]iB)?", value)] == [value for _, value in said]


def _written(name: str, bound: Bound) -> str:
    if not name.endswith("_BYTES"):
        return f"{bound:,}"
    return f"{bound >> 20} MiB" if bound >= MIB else f"{bound >> 10} KiB"


def test_the_where_table_names_the_same_files_in_both_languages() -> None:
    english, chinese = (
        re.findall(r"`(src/[^`]+)`", (ROOT / "docs" / name).read_text(encoding="utf-8"))
        for name in ("architecture.md", "architecture.zh.md")
    )

    assert english == chinese


def test_the_readme_names_only_make_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        name
        for page in PAGES
        for name in re.findall(r"^make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    }

    assert named
    assert named <= targets


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = sorted(int(page.name[:4]) for page in (ROOT / "docs" / "decisions").glob("*.md"))

    assert numbers == list(range(1, len(numbers) + 1))
