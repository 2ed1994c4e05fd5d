"""What changes is heard of: each kind that a part announces is sent, and the console listens to all that are."""

import re
from pathlib import Path

from hullguard.ctrl.routes.stream import NEEDED

ROOT = Path(__file__).parents[3]
ANNOUNCED = re.compile(r'\.announce\((?:tx, )?"(\w+)"')
LISTENED = re.compile(r"export const KINDS = \[([^\]]+)\]")


def test_what_is_announced_is_heard_of() -> None:
    sources = (ROOT / "src" / "hullguard").rglob("*.py")
    announced = {kind for path in sources for kind in ANNOUNCED.findall(path.read_text(encoding="utf-8"))}

    assert len(announced) > 5
    assert announced - set(NEEDED) == set()


def test_the_console_listens_to_all_that_is_sent() -> None:
    said = LISTENED.search((ROOT / "console" / "src" / "api" / "stream.ts").read_text(encoding="utf-8"))

    assert said
    assert set(re.findall(r"\w+", said[1])) == set(NEEDED)
