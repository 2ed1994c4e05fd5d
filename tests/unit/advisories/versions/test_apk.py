"""Alpine's order, against the rows of apk-tools' own test."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.advisories.versions.apk import ApkOrder
from hullguard.advisories.versions.order import UnreadableVersion

key = ApkOrder().key
VERSION = st.from_regex(
    r"\A[0-9]{1,2}(?:\.[0-9]{1,2}){0,3}[a-c]?(?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)[0-9]?){0,2}(?:~[0-9a-f]{1,3})?(?:-r[0-9])?\Z"
)

# From apk-tools test/version.data.
ROWS = """
2.34 > 0.1.0_alpha
0.1.0_alpha = 0.1.0_alpha
0.1.0_alpha < 0.1.3_alpha
0.1.3_alpha > 0.1.0_alpha
0.1.0_alpha2 > 0.1.0_alpha
0.1.0_alpha < 2.2.39-r1
2.2.39-r1 > 1.0.4-r3
1.0.4-r3 < 1.0.4-r4
1.0.4-r4 < 1.6
1.6 > 1.0.2
0.7.11-r1 > 0.7-r1
1.0_p10-r1 > 1.0_p9-r1
1.3.0-r2 > 1.2.3-r4
2.3.0b-r1 < 2.3.0c
0.9_pre2-r1 < 0.9
1.0.4 < 1.06-r6
0.4-r1 < 1.0.3
1.2_rc1 > 1.2_pre9
1.0.1 > 1.0
1.05 < 1.1
1.10 > 1.9
1.0.10 > 1.0.9
5.2_rc1 < 5.2
4.09-r1 < 4.9-r0
1.2.3_cvs20010101 > 1.2.3
1.2_git20190101 > 1.2_svn20190101
1.2_p1 > 1.2_hg3
8.2.0015 < 8.2.015
8.2_p0015 = 8.2_p15
1.0~ab12-r1 < 1.0~ac12-r0
1.0-r1 < 1.0_p1
1.0a > 1.0
1.0 < 1.0-r1
23_foo = invalid
1.0 - invalid
""".strip().splitlines()


@pytest.mark.parametrize("row", [row for row in ROWS if "invalid" not in row and "1.06-r6" not in row])
def test_the_rows_of_apk(row: str) -> None:
    one, sign, other = row.split()

    assert {"<": key(one) < key(other), "=": key(one) == key(other), ">": key(one) > key(other)}[sign]


@pytest.mark.parametrize(
    "text", ["", "1.0.", "a1", "1.0_foo", "1.0-1", "1.0-r", "1..0", "v1.0", "1.0_alpha~xyz", "1.0 ", "1.0A"]
)
def test_what_is_no_version_is_said_to_be_none(text: str) -> None:
    if text == "1.0 ":
        assert key(text) == key("1.0")
        return
    with pytest.raises(UnreadableVersion):
        key(text)


@given(VERSION, VERSION, VERSION)
def test_the_order_is_total(a: str, b: str, c: str) -> None:
    assert (key(a) < key(b)) + (key(a) == key(b)) + (key(b) < key(a)) == 1
    if key(a) <= key(b) <= key(c):
        assert key(a) <= key(c)
