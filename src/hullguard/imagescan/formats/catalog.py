"""Every format of a report."""

from hullguard.imagescan.formats.cyclonedx import CyclonedxFormat
from hullguard.imagescan.formats.format import Format
from hullguard.imagescan.formats.html import HtmlFormat
from hullguard.imagescan.formats.json import JsonFormat
from hullguard.imagescan.formats.junit import JunitFormat
from hullguard.imagescan.formats.sarif import SarifFormat
from hullguard.imagescan.formats.spdx import SpdxFormat
from hullguard.imagescan.formats.table import TableFormat

FORMATS: tuple[Format, ...] = (
    TableFormat(),
    JsonFormat(),
    HtmlFormat(),
    SarifFormat(),
    CyclonedxFormat(),
    SpdxFormat(),
    JunitFormat(),
)
