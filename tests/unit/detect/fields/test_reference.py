"""The pages of rules have the catalog's tables."""

from pathlib import Path

import pytest

from hullguard.detect.fields.catalog import FIELDS
from hullguard.detect.fields.reference import put_into, tables

DOCS = Path(__file__).parents[4] / "docs" / "howto"


@pytest.mark.parametrize(("language", "name"), [("en", "rules.md"), ("zh", "rules.zh.md")])
def test_a_page_says_what_the_catalog_says(language: str, name: str) -> None:
    page = (DOCS / name).read_text(encoding="utf-8")

    assert put_into(page, language) == page, "run scripts/field-tables"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_table_has_every_field_once(language: str) -> None:
    lines = tables(language)["fields"].splitlines()

    assert len(lines) == len(FIELDS) + 2
    assert {line.count(" | ") for line in lines[2:]} == {4}


def test_a_page_without_a_place_for_a_table() -> None:
    with pytest.raises(ValueError, match="no place for the table"):
        put_into("nothing", "en")
