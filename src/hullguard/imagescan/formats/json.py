"""The report for programs: ``hullguard/scan-report/1``, exactly the model."""

import msgspec

from hullguard.imagescan.formats.format import Format, Page
from hullguard.model.report import ScanReport


class JsonFormat(Format):
    """Indented, so that two reports can be compared line by line."""

    name = "json"
    suffix = "json"
    media = "application/json"

    def render(self, report: ScanReport, page: Page) -> bytes:
        del page
        fields = msgspec.json.decode(msgspec.json.encode(report), type=dict[str, msgspec.Raw])
        out = bytearray(b"{")
        for name, value in fields.items():
            out += b"%b\n  %b: " % (b"," if len(out) > 1 else b"", msgspec.json.encode(name))
            _indented(value, out)
        return bytes(out + b"\n}\n")


def _indented(value: msgspec.Raw, out: bytearray) -> None:
    """One by one: reports have tens of megabytes, and ``format`` dies of memory that it does not get."""
    if not (text := bytes(value)).startswith(b"[") or text == b"[]":
        out += msgspec.json.format(text, indent=2).replace(b"\n", b"\n  ")
        return
    for number, entry in enumerate(msgspec.json.decode(text, type=list[msgspec.Raw])):
        out += b"%b\n    " % (b"," if number else b"[")
        out += msgspec.json.format(bytes(entry), indent=2).replace(b"\n", b"\n    ")
    out += b"\n  ]"
