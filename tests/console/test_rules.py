"""Rules in policies and incidents: switched, written, checked while typing, and told where something is wrong."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Locator, Page, expect
from tests.support import console_fleet as fleet
from tests.support.console import Console
from tests.support.visitor import Visitor

from hullguard import detect
from hullguard.model.incident import Observation
from hullguard.model.policy import Action, Policy, PolicySpec, RuleSettings, RulesSpec, RuleText
from hullguard.model.rule import RuleInfo
from hullguard.model.severity import Severity
from hullguard.storage.stores import Policies

OWN = "Somebody ran the backup"
SOUND = f"""\
- rule: {OWN}
  desc: Nobody runs the backup by hand.
  condition: evt.type = execve and proc.name = restic
  output: restic started | command=%proc.cmdline
  priority: WARNING
"""
WRONG = SOUND.replace("proc.name", "proc.nam")


def pack() -> tuple[RuleInfo, ...]:
    return detect.pack_info()


@pytest.fixture
def made(console: Console, request: pytest.FixtureRequest) -> Iterator[Callable[[RulesSpec], Policy]]:
    """A policy of this test's own, gone afterwards."""
    policies: list[Policy] = []

    def make(rules: RulesSpec) -> Policy:
        spec = PolicySpec(name=f"rules {len(policies)}", rules=rules)
        policies.append(console.do(lambda tx: Policies(tx).create(spec, "user:alice")))
        return policies[-1]

    yield make
    for policy in policies:
        console.do(lambda tx, gone=policy.id: Policies(tx).delete(gone))


def rules_now(console: Console, policy: Policy) -> RulesSpec:
    return console.do(lambda tx: Policies(tx).get(policy.id)).spec.rules


def row(page: Page, name: str) -> Locator:
    return page.locator(f'[data-rule="{name}"]')


def save(visitor: Visitor, version: int) -> None:
    visitor.button("Save new version").click()
    expect(visitor.toast(f"Version {version} is saved.")).to_be_visible()


def test_a_rule_is_searched_switched_and_followed(
    console: Console, visit: Callable[..., Visitor], made: Callable[[RulesSpec], Policy]
) -> None:
    policy = made(RulesSpec())
    on = [rule for rule in pack() if rule.enabled]
    first = on[0]
    second = next(rule for rule in on if rule.file != first.file)
    visitor = visit().sign_in()
    page = visitor.page
    visitor.go(f"/policies/{policy.id}")
    section = page.get_by_role("region", name="Rules", exact=True)
    expect(section.get_by_role("status").first).to_have_text(f"{len(pack())} rules · {len(on)} on")
    expect(page.locator("[data-rule]")).to_have_count(20)
    section.get_by_role("button", name=f"Show more ({len(pack()) - 20})").click()
    expect(page.locator("[data-rule]")).to_have_count(len(pack()))
    search = section.get_by_role("searchbox", name="Search rules")
    search.fill(first.name)
    expect(row(page, second.name)).to_have_count(0)
    row(page, first.name).get_by_role("checkbox", name=first.title).uncheck()
    row(page, first.name).get_by_role("button", name="Details").click()
    expect(row(page, first.name)).to_contain_text(first.why)
    expect(row(page, first.name)).to_contain_text(first.false_positives)
    expect(section.get_by_role("status").first).to_contain_text(f"{len(on) - 1} on")
    search.fill(second.name)
    row(page, second.name).get_by_role("combobox").select_option("kill")
    page.get_by_label("Also on the host's own processes").check()
    save(visitor, 2)
    assert rules_now(console, policy) == RulesSpec(
        settings={first.name: RuleSettings(enabled=False), second.name: RuleSettings(action=Action.KILL)}, host=True
    )

    section.get_by_role("button", name="Clear filters").click()
    page.get_by_label("Status").select_option("changed")
    expect(page.locator("[data-rule]")).to_have_count(2)
    row(page, first.name).get_by_role("checkbox").check()
    save(visitor, 3)
    assert rules_now(console, policy).settings == {second.name: RuleSettings(action=Action.KILL)}
    visitor.go(f"/policies/{policy.id}?tab=history&version=2")
    expect(page.get_by_text(f"{first.title} › Rule").first).to_be_visible()
    expect(page.get_by_text(f"{second.title} › Action").first).to_be_visible()


def test_an_own_file_is_uploaded_mended_and_used(
    console: Console, visit: Callable[..., Visitor], made: Callable[[RulesSpec], Policy], tmp_path: Path
) -> None:
    policy = made(RulesSpec())
    visitor = visit(refusals=(422,)).sign_in()
    page = visitor.page
    visitor.go(f"/policies/{policy.id}")
    file = tmp_path / "my backup.yaml"
    file.write_text("# ours\n" + WRONG)
    page.locator("input[type=file]").set_input_files(file)
    text = page.get_by_label("Rules (YAML)")
    expect(text).to_have_value("# ours\n" + WRONG)
    expect(page.get_by_label("File name")).to_have_value("my-backup.yaml")
    problem = page.get_by_role("list", name="Problems").get_by_role("button")
    expect(problem).to_contain_text("Line 4, column")
    expect(problem).to_contain_text("did you mean 'proc.name'?")

    visitor.button("Save new version").click()
    expect(text).to_have_attribute("aria-invalid", "true")
    expect(text).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("line 4, column")
    page.get_by_label("File name").focus()
    problem.click()
    expect(text).to_be_focused()
    assert text.evaluate("it => it.value.slice(it.selectionStart, it.selectionEnd)") == "proc.nam"

    text.fill(SOUND)
    expect(page.get_by_text("No problem found.")).to_be_visible()
    page.get_by_label("From").select_option("my-backup.yaml")
    row(page, OWN).get_by_role("combobox").select_option("pause")
    save(visitor, 2)
    assert rules_now(console, policy) == RulesSpec(
        files=[RuleText("my-backup.yaml", SOUND)], settings={OWN: RuleSettings(action=Action.PAUSE)}
    )


def test_a_file_is_removed_and_what_was_said_of_its_rules_goes_with_it(
    console: Console, visit: Callable[..., Visitor], made: Callable[[RulesSpec], Policy]
) -> None:
    rules = RulesSpec(files=[RuleText("own.yaml", SOUND)], settings={OWN: RuleSettings(enabled=False)})
    policy = made(rules)
    visitor = visit().sign_in()
    page = visitor.page
    visitor.go(f"/policies/{policy.id}?file=own.yaml")
    expect(row(page, OWN).get_by_role("checkbox")).not_to_be_checked()
    visitor.button("Remove own.yaml").click()
    removed = visitor.told("own.yaml is removed")
    expect(page.get_by_text("This policy says something of a rule that it does not have.")).to_be_visible()
    removed.get_by_role("button", name="Undo").click()
    expect(row(page, OWN).get_by_role("checkbox")).not_to_be_checked()
    expect(visitor.button("Save new version")).to_have_count(0)
    visitor.button("Remove own.yaml").click()
    expect(page.get_by_text("This policy says something of a rule that it does not have.")).to_be_visible()
    save(visitor, 2)
    assert rules_now(console, policy) == RulesSpec()


def test_rules_are_edited_by_keyboard(
    console: Console, visit: Callable[..., Visitor], made: Callable[[RulesSpec], Policy]
) -> None:
    policy = made(RulesSpec(files=[RuleText("own.yaml", SOUND)]))
    visitor = visit().sign_in()
    page, key = visitor.page, visitor.page.keyboard
    visitor.go(f"/policies/{policy.id}")
    search = page.get_by_role("searchbox", name="Search rules")
    search.focus()
    key.type(OWN)
    expect(page.locator("[data-rule]")).to_have_count(1)
    key.press("Enter")
    expect(visitor.button("Save new version")).to_have_count(0)
    for _ in range(4):  # severity, state, file, and what takes them back
        key.press("Tab")
    expect(visitor.button("Clear filters")).to_be_focused()
    key.press("Enter")
    expect(search).to_have_value("")
    expect(page.locator("[data-rule]").nth(1)).to_be_visible()
    search.fill(OWN)
    expect(page.locator("[data-rule]")).to_have_count(1)
    row(page, OWN).get_by_role("checkbox").focus()
    key.press("Space")
    expect(row(page, OWN).get_by_role("checkbox")).not_to_be_checked()
    key.press("Tab")  # what follows a rule that is off is no choice
    key.press("Enter")
    expect(row(page, OWN)).to_contain_text("Nobody runs the backup by hand.")

    page.get_by_role("button", name="own.yaml 1 rule").focus()
    key.press("Enter")
    text = page.get_by_label("Rules (YAML)")
    text.focus()
    key.press("Control+End")
    key.type("  colour: red")
    key.press("Tab")  # the editor lets go of the focus
    expect(text).not_to_be_focused()
    problem = page.get_by_role("list", name="Problems").get_by_role("button")
    expect(problem).to_contain_text("Line 6, column 3")
    expect(problem).to_contain_text("Warning")
    problem.focus()
    key.press("Enter")
    expect(text).to_be_focused()
    save(visitor, 2)
    assert rules_now(console, policy).settings == {OWN: RuleSettings(enabled=False)}


def test_what_no_policy_takes_is_refused_before_it_is_sent(
    console: Console, visit: Callable[..., Visitor], made: Callable[[RulesSpec], Policy], tmp_path: Path
) -> None:
    policy = made(RulesSpec(pack=False))
    visitor = visit(refusals=(422,)).sign_in()
    page = visitor.page
    visitor.go(f"/policies/{policy.id}")
    expect(page.get_by_text("No rules: Hullguard's are off")).to_be_visible()
    large, binary = tmp_path / "large.yaml", tmp_path / "binary.yaml"
    large.write_bytes(b"#" * (256 * 1024 + 1))
    binary.write_bytes(b"\xff\xfe\x00")
    page.locator("input[type=file]").set_input_files([large, binary])
    expect(page.get_by_role("alert").filter(has_text="large.yaml")).to_contain_text("too much for one policy")
    expect(page.get_by_role("alert").filter(has_text="binary.yaml")).to_contain_text("not a text in UTF-8")
    expect(page.locator("[data-file]")).to_have_count(0)

    for name in ("a.yaml", "b.yaml"):
        visitor.button("Write or paste").click()
        page.get_by_label("Rules (YAML)").fill(SOUND if name == "a.yaml" else "")
        page.get_by_label("File name").fill(name)
    page.get_by_label("File name").fill("a.yaml")
    expect(page.locator('[data-file="a.yaml"]').get_by_role("alert")).to_have_text("Two rule files have this name.")
    expect(page.get_by_label("File name")).to_have_attribute("aria-invalid", "true")


def test_a_reader_sees_rules_and_changes_none(
    visit: Callable[..., Visitor], made: Callable[[RulesSpec], Policy]
) -> None:
    policy = made(RulesSpec(files=[RuleText("own.yaml", SOUND)]))
    visitor = visit().sign_in("vera")
    page = visitor.page
    visitor.go(f"/policies/{policy.id}")
    page.locator('[data-file="own.yaml"] button').click()
    expect(page.get_by_label("Rules (YAML)")).to_have_attribute("readonly", "")
    expect(row(page, pack()[0].name).get_by_role("checkbox")).to_be_disabled()
    expect(visitor.button("Write or paste")).to_have_count(0)
    expect(visitor.button("Remove own.yaml")).to_have_count(0)


def incident(console: Console, rule: str, sentence: str, number: int) -> Observation:
    """Of a container of its own: what happens in one at one time is one incident."""
    _, observed = fleet.week(console.clock.now)[0]
    assert observed.container is not None
    return msgspec.structs.replace(
        observed,
        id=f"rule-{number}",
        rule=rule,
        details={"proc.name": "restic", "output": sentence},
        severity=Severity.HIGH,
        at=console.clock.now,
        container=msgspec.structs.replace(observed.container, id=f"{number:064x}"),
    )


def test_incidents_of_rules_are_told_and_found(console: Console, visit: Callable[..., Visitor]) -> None:
    of_pack = pack()[0]
    console.incident("prod-web-01", incident(console, of_pack.name, "a deed | file=/x\x1b[31m", 1))
    console.incident("prod-web-01", incident(console, OWN, "restic started | command=restic backup", 2))
    visitor = visit().sign_in()
    page = visitor.page
    visitor.go("/incidents")
    lines = page.locator("tbody tr")
    expect(lines.filter(has_text=of_pack.title)).to_contain_text(r"a deed | file=/x\x1b[31m")
    expect(lines.filter(has_text=OWN)).to_contain_text("restic started | command=restic backup")
    page.get_by_label("Detector or rule").select_option(OWN)
    expect(page.get_by_role("heading", level=1)).to_have_text("Incidents 1")
    lines.get_by_role("link").first.click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_role("heading", level=2).first).to_have_text(OWN)
    expect(drawer).to_contain_text("restic started | command=restic backup")
    expect(drawer.get_by_text("About this rule")).to_have_count(0)
    drawer.get_by_role("link", name="All incidents of this container that the rule had a part in").click()
    expect(page).to_have_url(re.compile(r"rule=Somebody\+ran\+the\+backup"))
    expect(page.get_by_label("Detector or rule")).to_have_value(OWN)
    expect(lines).to_have_count(1)

    visitor.go("/incidents")
    page.get_by_label("Detector or rule").select_option(of_pack.name)
    expect(lines.filter(has_text=OWN)).to_have_count(0)
    lines.filter(has_text=of_pack.title).get_by_role("link").first.click()
    for text in (of_pack.why, of_pack.advice.split("\n")[0], of_pack.false_positives):
        expect(drawer).to_contain_text(text)
    drawer.get_by_role("link", name="Open as page").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(of_pack.title)


def test_in_chinese_a_rule_speaks_chinese(
    console: Console, visit: Callable[..., Visitor], made: Callable[[RulesSpec], Policy]
) -> None:
    policy = made(RulesSpec())
    first = pack()[0]
    visitor = visit(language="zh-CN").sign_in()
    page = visitor.page
    visitor.go(f"/policies/{policy.id}?q={first.name}")
    expect(row(page, first.name)).to_contain_text(first.title_zh)
    row(page, first.name).get_by_role("button").click()
    for text in (first.why_zh, first.advice_zh.split("\n")[0], first.false_positives_zh):
        expect(row(page, first.name)).to_contain_text(text)
    visitor.button("编写或粘贴").click()
    page.locator("textarea.mono").first.fill(WRONG)
    problem = page.get_by_role("list", name="问题列表").get_by_role("button")
    expect(problem).to_contain_text("没有字段 'proc.nam'；是否想写 'proc.name'？")


@pytest.mark.parametrize(
    ("language", "theme", "width"),
    [("en", "light", 1440), ("zh-CN", "dark", 1440), ("en", "dark", 390), ("zh-CN", "light", 390)],
)
def test_the_editor_fits_and_speaks(
    console: Console,
    visit: Callable[..., Visitor],
    made: Callable[[RulesSpec], Policy],
    screenshots: Path,
    language: str,
    theme: str,
    width: int,
) -> None:
    first = pack()[0]
    policy = made(
        RulesSpec(
            files=[RuleText("own.yaml", SOUND + "\n# a line that is much longer than a phone is wide" + " …" * 60)],
            settings={first.name: RuleSettings(action=Action.KILL)},
        )
    )
    seen = incident(console, first.name, "a deed | " + "file=/a " * 60, len(language) * 10_000 + width)
    named = console.incident("prod-web-01", seen)
    visitor = visit(language=language, theme=theme, width=width).sign_in()
    page = visitor.page
    visitor.go(f"/policies/{policy.id}")
    page.locator('[data-file="own.yaml"] button').first.click()
    row(page, first.name).get_by_role("button").click()
    page.locator("textarea.mono").first.fill(WRONG)
    page.locator("ol button").first.wait_for()
    for name, path in (("rules-editor", None), ("rules-incidents", "/incidents"), ("rules-incident", named)):
        if path is not None:
            visitor.go(path if path.startswith("/") else f"/incidents/{path}")
        page.screenshot(path=screenshots / f"{name}-{language}-{theme}-{width}.png", full_page=True)
        assert (name, visitor.sideways()) == (name, 0)
        assert (name, visitor.nameless()) == (name, [])
