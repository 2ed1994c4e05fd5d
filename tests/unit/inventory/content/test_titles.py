"""Every rule and every check that this project brings has a title in Chinese."""

import json
import re
from importlib.resources import files
from pathlib import Path

from hullguard import words
from hullguard.inventory.content import image_checks
from hullguard.inventory.content.malware import hashes
from hullguard.inventory.content.modes import ModeInspector
from hullguard.inventory.content.secrets.rules.catalog import RULES
from hullguard.inventory.content.secrets.stores import STORES
from hullguard.inventory.content.titles import chinese, title_of

CONTENT = Path(str(files("hullguard.inventory.content")))
HAN = re.compile(r"[一-鿿]")


def titles() -> set[str]:
    found = {rule.title for rule in (*RULES, *STORES)}
    found |= {check.title for check in vars(image_checks).values() if isinstance(check, image_checks.Check)}
    found |= {
        hit.title for mode in (0o4755, 0o2755, 0o6755, 0o666) for hit in ModeInspector().inspect("x", 1, mode, iter(()))
    }
    found |= set(hashes.BUNDLED.values())
    for path in (CONTENT / "malware" / "rules").glob("*.yar"):
        found |= set(re.findall(r'^\s*title = "([^"]+)"', path.read_text("utf-8"), re.MULTILINE))
    return found


def test_every_title_is_there_in_chinese() -> None:
    assert len(titles()) > 250
    assert sorted(title for title in titles() if not HAN.search(chinese(title))) == []


def test_no_title_is_left_over() -> None:
    written = json.loads((CONTENT / "titles.zh.json").read_text("utf-8"))

    assert sorted(written.keys() - titles()) == ["File on a list of malicious files"]


def test_a_rule_of_a_user_keeps_its_own_title() -> None:
    assert chinese("What our own rule found") == "What our own rule found"


def test_the_title_follows_the_language() -> None:
    assert title_of("AWS access key") == "AWS access key"
    words.use("zh")
    try:
        assert title_of("AWS access key") == "AWS 访问密钥"
    finally:
        words.use("en")
