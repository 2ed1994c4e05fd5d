"""Every format of a report, by what ``-f`` takes."""

from typing import Final

from hullguard.imagescan.formats.format import Format
from hullguard.model.plugin import load

FORMATS: Final = {
    "table": "table.TableFormat",
    "json": "json.JsonFormat",
    "html": "html.HtmlFormat",
    "sarif": "sarif.SarifFormat",
    "cyclonedx": "cyclonedx.CyclonedxFormat",
    "spdx": "spdx.SpdxFormat",
    "junit": "junit.JunitFormat",
}


def format_of(name: str) -> Format | None:
    """The format of this name; None when there is none."""
    made: Format | None = load(__package__, FORMATS[name]) if name in FORMATS else None
    return made
