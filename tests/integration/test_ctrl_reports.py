"""Reports of the platform in every format, bills of materials, and the comparison of two images."""

import asyncio
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import pytest
from msgspec import structs
from tests.support import records
from tests.support.control import Control, control, installation, seed

from hullguard.ctrl.routes import image_reports
from hullguard.ctrl.routes.image_reports import BillFormat, ReportFormat
from hullguard.imagescan.diff import Difference, compare
from hullguard.imagescan.formats import format as formats
from hullguard.imagescan.formats.catalog import FORMATS, format_of
from hullguard.imagescan.formats.format import Page
from hullguard.imagescan.select import narrow
from hullguard.model.identity import Role
from hullguard.model.image import Target
from hullguard.model.report import ScanReport
from hullguard.model.severity import Severity
from hullguard.storage.stores import Images

__all__ = ["control", "installation"]

REPORT = f"/images/{records.IMAGE}/report"
SBOM = f"/images/{records.IMAGE}/sbom"
OTHER = "sha256:" + "c" * 64
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
MEDIA = {
    "json": "application/json",
    "html": "text/html; charset=utf-8",
    "sarif": "application/sarif+json",
    "cyclonedx": "application/vnd.cyclonedx+json",
    "spdx": "application/spdx+json",
    "junit": "application/xml",
}


@pytest.fixture
def _one_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents carry the time at which they are written."""

    class Frozen(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            del tz
            return AT

    monkeypatch.setattr(formats, "datetime", Frozen)


async def kept(control: Control, image: str = records.IMAGE) -> ScanReport:
    async with control.writing() as tx:
        return await Images(tx).report(image)


async def other_image(control: Control, change: Callable[[ScanReport], ScanReport]) -> None:
    """A second image on the same node; its report is that of the first, changed."""
    report = change(records.report())
    async with control.writing() as tx:
        await Images(tx).present("node-1", [(records.IMAGE, ["nginx:1.25"]), (OTHER, ["nginx:1.26"])])
        target = structs.replace(records.inventory().target, image_id=OTHER)
        await Images(tx).store_inventory(OTHER, structs.replace(records.inventory(), target=target))
        await records.matched(tx, OTHER, report)


def test_every_format_for_files_can_be_asked_for():
    assert set(ReportFormat) == set(FORMATS) - {"table"}


@pytest.mark.usefixtures("_one_time")
@pytest.mark.parametrize("name", list(ReportFormat))
@pytest.mark.parametrize("query", ["", "&severity=critical,low", "&severity=high&fixable=true"])
async def test_a_report_is_the_file_that_the_command_writes(control: Control, name: str, query: str):
    await seed(control)
    answer = await (await control.user(Role.VIEWER)).get(f"{REPORT}?format={name}{query}")

    wanted = frozenset(map(Severity, re.findall(r"critical|low|high", query)))
    chosen, hidden = narrow(await kept(control), wanted, fixable_only="fixable" in query)
    made = format_of(name)
    assert made is not None
    assert answer.status_code == 200, answer.text
    assert answer.content == made.render(chosen, Page(hidden=hidden, at=AT))
    assert answer.headers["content-type"] == MEDIA[name]
    if query:
        assert hidden > 0


@pytest.mark.parametrize("path", [*(f"{REPORT}?format={name}" for name in ReportFormat), SBOM])
async def test_no_browser_shows_a_file_as_a_page_of_the_console(control: Control, path: str):
    await seed(control)
    headers = (await (await control.admin()).get(path)).headers

    assert headers["content-disposition"].startswith('attachment; filename="')
    assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "hostile",
    ['a"; filename="evil.exe', "../../etc/passwd", "x\r\nset-cookie: a=b", "<script>alert(1)</script>", "镜像", ""],
)
async def test_a_name_of_an_image_writes_no_header_and_no_markup(control: Control, hostile: str):
    await seed(control)
    await other_image(control, lambda report: structs.replace(report, target=Target(hostile, "docker", OTHER)))
    async with control.writing() as tx:
        await Images(tx).present("node-1", [(OTHER, [hostile])])
    answer = await (await control.admin()).get(f"/images/{OTHER}/report?format=html")

    assert answer.status_code == 200
    assert re.fullmatch(
        r'attachment; filename="[A-Za-z0-9_-][A-Za-z0-9._-]*\.html"', answer.headers["content-disposition"]
    )
    assert "set-cookie" not in answer.headers
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize("path", [*(f"report?format={name}" for name in ReportFormat), "report", "sbom"])
@pytest.mark.parametrize("names", [["shop:1", "shop:2"], []])
async def test_it_has_the_image_s_name_for_a_title_and_not_what_its_reader_called_it(
    control: Control, path: str, names: list[str]
):
    await seed(control)
    read_as = Target(f"docker:{OTHER}", "docker", OTHER)
    await other_image(control, lambda report: structs.replace(report, target=read_as))
    async with control.writing() as tx:
        await Images(tx).present("node-1", [(OTHER, names)])
        await Images(tx).store_inventory(OTHER, structs.replace(records.inventory(reader=9), target=read_as))
        await records.matched(tx, OTHER, structs.replace(records.report(), target=read_as))
    answer = await (await control.admin()).get(f"/images/{OTHER}/{path}")

    assert answer.status_code == 200, answer.text
    assert f"docker:{OTHER}" not in answer.text
    assert (names or [OTHER])[0] in answer.text
    if path == "report":
        told = answer.json()["target"]
        assert (told["ref"], told["image_id"]) == ((names or [OTHER])[0], OTHER)


async def test_what_is_asked_for_wrongly_is_refused_by_name(control: Control):
    await seed(control)
    admin = await control.admin()
    for query, field in [
        ("format=table", "format"),
        ("format=exe", "format"),
        ("severity=bad", "severity[0]"),
        ("to=x", "to"),
    ]:
        answer = await admin.get(f"{REPORT}?{query}")
        assert answer.status_code == 422, query
        assert answer.json()["field"] == field


async def test_a_bill_of_materials_has_packages_and_no_findings(control: Control):
    await seed(control)
    admin = await control.admin()
    default, cyclonedx, spdx = [
        await admin.get(f"{SBOM}{query}") for query in ("", "?format=cyclonedx", "?format=spdx")
    ]

    assert default.headers["content-type"] == cyclonedx.headers["content-type"] == MEDIA["cyclonedx"]
    assert not cyclonedx.json().get("vulnerabilities")
    assert len(cyclonedx.json()["components"]) >= len(records.inventory().packages)
    assert spdx.json()["spdxVersion"].startswith("SPDX-2")
    inventory = await admin.get(f"{SBOM}?format=json")
    assert inventory.json() == msgspec.json.decode(msgspec.json.encode(records.inventory()))
    assert set(BillFormat) == {"json", "cyclonedx", "spdx"}


async def test_a_bill_is_there_before_anything_was_matched(control: Control):
    await seed(control)
    async with control.writing() as tx:
        await Images(tx).present("node-1", [(OTHER, ["new:1"])])
        await Images(tx).store_inventory(OTHER, records.inventory())
    admin = await control.admin()

    assert (await admin.get(f"/images/{OTHER}/sbom")).status_code == 200
    assert (await admin.get(f"/images/{OTHER}/report?format=sarif")).json()["code"] == "image.not-matched"


async def test_too_many_are_sent_away_and_told_when_to_come(control: Control, monkeypatch: pytest.MonkeyPatch):
    await seed(control)
    admin = await control.admin()
    control.app.state.reporting = image_reports.Turns(1, 1, retry_seconds=7)
    entered, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    render = image_reports._report

    def slow(*arguments: object) -> object:
        loop.call_soon_threadsafe(entered.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result()
        return render(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(image_reports, "_report", slow)
    working = asyncio.create_task(admin.get(f"{REPORT}?format=junit"))
    await entered.wait()
    waiting = asyncio.create_task(admin.get(f"{REPORT}?format=json"))
    refused = None
    while refused is None or refused.status_code == 200:
        refused = await admin.get(f"/images/{records.IMAGE}/difference?to={records.IMAGE}") if _full(control) else None
        await asyncio.sleep(0)
    assert (await admin.get("/images")).status_code == 200  # the loop is free meanwhile
    go_on.set()

    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "7"
    assert refused.json()["code"] == "too-busy"
    assert ET.fromstring((await working).text).tag == "testsuites"
    assert (await waiting).status_code == 200
    assert (await admin.get(REPORT)).status_code == 200


def _full(control: Control) -> bool:
    return control.app.state.reporting._here == 2


async def test_a_difference_says_what_the_command_says(control: Control):
    await seed(control)

    def updated(report: ScanReport) -> ScanReport:
        return structs.replace(report, vulnerabilities=report.vulnerabilities[1:])

    await other_image(control, updated)
    viewer = await control.user(Role.VIEWER)
    answer = await viewer.get(f"/images/{records.IMAGE}/difference?to={OTHER}")
    made = msgspec.json.decode(answer.content, type=Difference)

    assert made == compare(await kept(control), await kept(control, OTHER))
    assert made.verdict == "better"
    assert len(made.fixed) == 1
    back = await viewer.get(f"/images/{OTHER}/difference?to={records.IMAGE}")
    assert back.json()["verdict"] == "worse"


async def test_an_image_that_is_not_there_cannot_be_compared(control: Control):
    await seed(control)
    admin = await control.admin()

    for path, code in [
        (f"/images/{records.IMAGE}/difference?to={OTHER}", 404),
        (f"/images/{OTHER}/difference?to={records.IMAGE}", 404),
        (f"/images/{records.IMAGE}/difference", 422),
        (f"/images/{records.IMAGE}/difference?to=", 422),
    ]:
        assert (await admin.get(path)).status_code == code, path
