import pytest

from hullguard.agent.dirty_pipe import may_be_open, words


@pytest.mark.parametrize(
    ("release", "may"),
    [
        ("5.7.19", False),
        ("5.8.0", True),
        ("5.8", True),
        ("5.10.0-11-amd64", True),
        ("5.10.101", True),
        ("5.10.102", False),
        ("5.13.0-35-generic", True),
        ("5.15.24", True),
        ("5.15.25-aws", False),
        ("5.16.10", True),
        ("5.16.11", False),
        ("5.17.0", False),
        ("4.18.0-348.el8.x86_64", False),
        ("6.18.4", False),
        ("odd", None),
        ("", None),
    ],
)
def test_the_hole_is_known_by_the_kernels_number(release: str, may: bool | None):
    assert may_be_open(release) is may


def test_what_is_said_of_it():
    assert "kept the number" in words("5.10.0-11-amd64")
    assert words("6.1.0").startswith("closed")
    assert "nobody knows" in words("odd")
