import pytest
from tests.support.events import policy

from hullguard.detect.choice import choose
from hullguard.model.event import ImageRef

NGINX = ImageRef("sha256:1", "nginx:1.25")
EVERYWHERE = policy("everywhere", nodes=("*",))
HERE = policy("here", nodes=("n1",))
THERE = policy("there", nodes=("n2",))
IMAGE = policy("image", images=("nginx:*",))
OFF = policy("off", nodes=("*",), images=("*",), enabled=False)


@pytest.mark.parametrize(
    ("given", "image", "expected"),
    [
        ((EVERYWHERE, HERE, IMAGE), NGINX, IMAGE),
        ((EVERYWHERE, HERE, IMAGE), ImageRef("i", "redis:7"), HERE),
        ((EVERYWHERE, THERE), NGINX, EVERYWHERE),
        ((EVERYWHERE, HERE, IMAGE), None, HERE),
        ((IMAGE,), None, None),
        ((THERE,), NGINX, None),
        ((OFF, EVERYWHERE), NGINX, EVERYWHERE),
        ((), NGINX, None),
        ((policy("young", nodes=("*",)), EVERYWHERE), NGINX, policy("young", nodes=("*",))),
    ],
)
def test_the_nearest_binding_wins_then_the_first(given, image, expected):
    assert choose(given, image, "n1") == expected


def test_without_a_node_the_servers_selection_is_believed():
    assert choose((EVERYWHERE, THERE), NGINX) == THERE


def test_an_image_pattern_is_exact_where_it_has_no_star():
    exact = policy("exact", images=("nginx:1.2",))

    assert choose((exact,), NGINX, "n1") is None
