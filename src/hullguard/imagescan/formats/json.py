"""The report for programs: ``hullguard/scan-report/1``, exactly the model."""

import msgspec

from hullguard.imagescan.formats.format import Format, Page
from hullguard.model.report import ScanReport


class JsonFormat(Format):
    """Indented, so that two reports can be compared line by line."""

    name = "json"
    suffix = "json"

    def render(self, report: ScanReport, page: Page) -> bytes:
        del page
        return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"
