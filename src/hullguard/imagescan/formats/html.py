"""The report as one HTML file: opens anywhere, asks nobody for anything, and runs only the script of ``page.js``."""

import base64
import functools
import hashlib
import html
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files

from msgspec import Struct

from hullguard import __version__, words
from hullguard.imagescan.formats.format import Format, Page
from hullguard.imagescan.formats.words import declaring, markup, page_of
from hullguard.inventory.content.titles import chinese
from hullguard.model.report import FixStatus, ScanReport, Vulnerability
from hullguard.model.severity import Severity

_SEVERITIES = {
    Severity.CRITICAL: "危急",
    Severity.HIGH: "高危",
    Severity.MEDIUM: "中危",
    Severity.LOW: "低危",
    Severity.NEGLIGIBLE: "可忽略",
    Severity.UNKNOWN: "未知",
}
_NO_FIX = {
    FixStatus.AFFECTED: ("no fix yet", "暂无修复"),
    FixStatus.WILL_NOT_FIX: ("will not be fixed", "不予修复"),
    FixStatus.END_OF_LIFE: ("end of life", "已停止支持"),
    FixStatus.UNKNOWN: ("unknown", "未知"),
    FixStatus.FIXED: ("", ""),
}

_FEW = 5
"""Rows that need no search."""


class _Cell(Struct, frozen=True):
    """``text`` is markup already."""

    text: str
    key: str | None = None
    """What it is sorted by, where that is not its text."""


class _Row(Struct, frozen=True):
    cells: tuple[_Cell, ...]
    severity: Severity | None = None
    fixed: bool = False


class HtmlFormat(Format):
    """Every name in it was chosen by whoever made the image, so every one is escaped, and a policy forbids the rest."""

    name = "html"
    suffix = "html"
    media = "text/html"

    def render(self, report: ScanReport, page: Page) -> bytes:
        style, script = _asset("page.css"), _asset("page.js")
        policy = f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'"
        parts = [
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            f"<title>{_e(report.target.ref)} – Hullguard</title><style>{style}</style></head><body>",
            *_head(report, page),
            "<main>",
            *_warnings(report, page),
            *_sections(report),
            f"<footer>Hullguard {__version__} · {page.at:%Y-%m-%d %H:%M} UTC</footer>",
            f"</main><script>{script}</script></body></html>\n",
        ]
        return "\n".join(parts).encode()


def _head(report: ScanReport, page: Page) -> Iterator[str]:
    del page
    facts = [_e(report.os.name or report.os.id)] if report.os else []
    facts += [_e(fact) for fact in (report.target.platform, report.target.digest or report.target.image_id) if fact]
    built, newest = report.advisories.built, report.advisories.newest
    if built:
        day = str(newest) if newest else _both("unknown", "未知")
        facts.append(f"{_both('newest advisory of', '最新漏洞公告')} {day}")
        facts.append(f"{_both('database of', '漏洞库构建于')} {built:%Y-%m-%d}")
    else:
        facts.append(_both("no advisories", "没有漏洞库"))
    yield f'<header><div><h1>{_e(report.target.ref)}</h1><div class="soft">{" · ".join(facts)}</div></div>'
    yield f'<div><button id="language" type="button">{_both("中文", "English")}</button>'
    yield f'<button id="theme" type="button">{_both("Light / dark", "浅色 / 深色")}</button></div></header>'


def _warnings(report: ScanReport, page: Page) -> Iterator[str]:
    counts = [
        (sum(one.severity is severity for one in report.vulnerabilities), _severity(severity)) for severity in Severity
    ]
    counts.append((sum(one.fixed is not None for one in report.vulnerabilities), _both("fixable", "可修复")))
    counts.append((len(report.packages), _both("packages", "软件包")))
    yield '<ul class="counts">'
    yield from (f"<li><b>{number}</b>{label}</li>" for number, label in counts)
    yield "</ul>"
    if not report.complete:
        text = _both(
            "Incomplete: packages or findings may be missing; what could not be decided says why.",
            "不完整：可能缺少软件包或结果，原因见“无法判断”的内容。",
        )
        yield f'<p class="warning">{text}</p>'
    if report.unjudged and report.advisories.built:
        text = _both(
            f"{report.unjudged} packages were not judged; what could not be decided says why.",
            f"有 {report.unjudged} 个软件包未经判断，原因见“无法判断”的内容。",
        )
        yield f'<p class="warning">{text}</p>'
    if page.hidden:
        text = _both("more findings are left out, as the filters asked.", "条结果按筛选条件未列出。")
        yield f'<p class="warning">{page.hidden} {text}</p>'


def _sections(report: ScanReport) -> Iterator[str]:
    yield from _vulnerabilities(report)
    yield from _list(
        ("Malware", "恶意软件"),
        (("Severity", "严重程度"), ("What", "内容"), ("Where", "位置"), ("SHA-256", "SHA-256")),
        [
            _Row((_graded(one.severity), _titled(one.title), _place(one.path, deleted=one.deleted), _code(one.sha256)))
            for one in report.malware
        ],
    )
    yield from _list(
        ("Secrets", "敏感信息"),
        (("Severity", "严重程度"), ("What", "内容"), ("Where", "位置"), ("Text, without the secret", "原文（已遮盖）")),
        [
            _Row(
                (
                    _graded(one.severity),
                    _titled(one.title),
                    _place(f"{one.path}:{one.line}", deleted=one.deleted),
                    _code(one.match),
                )
            )
            for one in report.secrets
        ],
    )
    yield from _list(
        ("Configuration", "配置"),
        (("Severity", "严重程度"), ("Check", "检查"), ("Found", "发现"), ("What to do", "如何处理")),
        [
            _Row((_graded(one.severity), _titled(one.title, f"{one.id} "), _said(one.message), _said(one.fix)))
            for one in report.config
        ],
    )
    yield from _list(
        ("Licences", "许可证"),
        (("Licence", "许可证"), ("Kind", "类别"), ("Packages", "软件包")),
        [
            _Row((_text(one.license), _text(one.category), _text(", ".join(names), key=str(len(names)))))
            for one in report.licenses
            for names in (declaring(report, one),)
        ],
    )
    yield from _suppressed(report)
    yield from _list(
        ("Could not be decided", "无法判断"),
        (("What", "内容"), ("Why", "原因")),
        [_Row((_said(one.what), _said(one.why))) for one in report.unknowns],
    )
    yield from _packages(report)


def _vulnerabilities(report: ScanReport) -> Iterator[str]:
    names = {package.purl: package.name for package in report.packages}
    steps = {layer.diff_id: (number, layer.created_by or "") for number, layer in enumerate(report.layers, 1)}
    headings = (
        ("Priority", "优先级"),
        ("Severity", "严重程度"),
        ("Vulnerability", "漏洞"),
        ("Package", "软件包"),
        ("Installed", "已安装"),
        ("Fixed in", "修复版本"),
        ("Layer", "层"),
    )
    ordered = sorted(report.vulnerabilities, key=lambda one: (-one.priority.score, -one.severity.rank, one.package))
    rows = [
        _Row(
            (
                _Cell(str(one.priority.score) if one.priority.score else "–", f"{one.priority.score:03}"),
                _graded(one.severity),
                _Cell(_finding(one), one.id),
                _text(names.get(one.package, one.package)),
                _text(one.installed),
                _text(one.fixed)
                if one.fixed
                else _Cell(f'<span class="soft">{_both(*_NO_FIX[one.status])}</span>', "~"),
                _layer(steps.get(one.layer or "")),
            ),
            one.severity,
            fixed=one.fixed is not None,
        )
        for one in ordered
    ]
    if report.advisories.built is None:
        yield f'<p class="warning">{_both("Vulnerabilities were not looked for.", "未查找漏洞。")}</p>'
    elif not rows:
        yield f"<h2>{_both('Vulnerabilities', '漏洞')} <small>(0)</small></h2>"
        yield f'<p class="soft">{_both("None is known.", "没有已知漏洞。")}</p>'
    yield from _list(("Vulnerabilities", "漏洞"), headings, rows, graded=True)


def _finding(one: Vulnerability) -> str:
    exploited = f'<span class="exploited">{_both("exploited", "已被利用")}</span>' if one.kev else ""
    link = f'<a href="{_e(page_of(one.id))}" rel="noreferrer noopener">{_e(one.id)}</a>'
    summary = f"<small>{_e(one.summary)}</small>" if one.summary else ""
    reasons = [*one.priority.reasons, f"{one.why.rule}: {one.why.evidence}", one.advisory]
    why = "".join(f"<small>{_said(reason).text}</small>" for reason in reasons)
    return f"{link}{exploited}{summary}<details><summary><small>{_both('why', '依据')}</small></summary>{why}</details>"


def _suppressed(report: ScanReport) -> Iterator[str]:
    names = {package.purl: package.name for package in report.packages}
    yield from _list(
        ("Do not count", "不计入"),
        (
            ("Vulnerability", "漏洞"),
            ("Package", "软件包"),
            ("Said by", "来源"),
            ("Why not", "理由"),
            ("Until", "有效期至"),
        ),
        [
            _Row(
                (
                    _text(one.vulnerability.id),
                    _text(names.get(one.vulnerability.package, one.vulnerability.package)),
                    _text(str(one.by)),
                    _text(one.reason),
                    _text(one.until.isoformat() if one.until else ""),
                )
            )
            for one in report.suppressed
        ],
    )


def _packages(report: ScanReport) -> Iterator[str]:
    yield from _list(
        ("Packages", "软件包"),
        (("Package", "软件包"), ("Version", "版本"), ("Kind", "类别"), ("Source", "源码包"), ("Licence", "许可证")),
        [
            _Row(
                (
                    _text(one.name),
                    _text(one.version),
                    _text(one.ecosystem),
                    _text(one.source_name or ""),
                    _text(", ".join(one.licenses)),
                )
            )
            for one in report.packages
        ],
    )


def _list(
    title: tuple[str, str], headings: Sequence[tuple[str, str]], rows: Sequence[_Row], *, graded: bool = False
) -> Iterator[str]:
    """A table that can be searched and sorted; nothing when there is nothing."""
    if not rows:
        return
    yield f"<section data-list><h2>{_both(*title)} <small data-shown>({len(rows)})</small></h2>"
    if len(rows) > _FEW:
        yield from _tools(graded=graded)
    yield '<div class="table"><table><thead><tr>'
    yield from (f'<th scope="col"><button type="button">{_both(*heading)}</button></th>' for heading in headings)
    yield "</tr></thead><tbody>"
    yield from (_row(row, headings) for row in rows)
    yield "</tbody></table></div></section>"


def _tools(*, graded: bool) -> Iterator[str]:
    yield '<div class="tools"><input type="search" data-placeholder-en="Search" data-placeholder-zh="搜索">'
    if graded:
        yield '<select><option value="" data-en="every severity" data-zh="全部严重程度">every severity</option>'
        for severity, chinese in _SEVERITIES.items():
            yield f'<option value="{severity}" data-en="{severity}" data-zh="{chinese}">{severity}</option>'
        yield f'</select><label><input type="checkbox"> {_both("only what can be fixed", "仅可修复")}</label>'
    yield "</div>"


def _row(row: _Row, headings: Iterable[tuple[str, str]]) -> str:
    severity = f' data-severity="{row.severity}"' if row.severity else ""
    fixed = ' data-fixed="yes"' if row.fixed else ""
    cells = "".join(
        f'<td data-en="{english}" data-zh="{chinese}"{_key(cell)}><div>{cell.text}</div></td>'
        for cell, (english, chinese) in zip(row.cells, headings, strict=True)
    )
    return f"<tr{severity}{fixed}>{cells}</tr>"


def _key(cell: _Cell) -> str:
    return "" if cell.key is None else f' data-key="{_e(cell.key)}"'


def _graded(severity: Severity) -> _Cell:
    return _Cell(f'<span class="s {severity}">{_severity(severity)}</span>', str(5 - severity.rank))


def _severity(severity: Severity) -> str:
    return _both(str(severity), _SEVERITIES[severity])


def _place(path: str, *, deleted: bool) -> _Cell:
    note = _both("deleted by a later layer, still in the image", "已被后面的层删除，但仍在镜像中")
    return _Cell(_e(path) + (f"<small>{note}</small>" if deleted else ""), path)


def _layer(step: tuple[int, str] | None) -> _Cell:
    if step is None:
        return _Cell("")
    number, instruction = step
    words = " ".join(instruction.removeprefix("/bin/sh -c #(nop) ").split())
    return _Cell(f"{number} <small>{_e(words[:100])}</small>", f"{number:05}")


def _text(text: str, key: str | None = None) -> _Cell:
    return _Cell(_e(text), key)


def _titled(title: str, before: str = "") -> _Cell:
    """A rule's title in both languages; a user's own has one."""
    return _Cell(_either(before + title, before + chinese(title)), before + title)


def _said(sentence: str) -> _Cell:
    """A sentence that the scan made, in both languages where its Chinese is known."""
    return _Cell(_either(sentence, words.chinese().of(sentence)), sentence)


def _either(english: str, other: str) -> str:
    return _e(english) if english == other else _both(_e(english), _e(other))


def _code(text: str) -> _Cell:
    return _Cell(f"<code>{_e(text)}</code>")


def _both(english: str, chinese: str) -> str:
    """Fixed words in both languages; the style sheet shows one."""
    return f'<span lang="en">{english}</span><span lang="zh">{chinese}</span>'


def _e(text: str) -> str:
    return html.escape(markup(text))


@functools.cache
def _asset(name: str) -> str:
    return (files("hullguard.imagescan.formats") / name).read_text("utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
