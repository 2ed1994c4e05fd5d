"""What agent and responder say: it comes back as it was said, and what is no message is refused."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.agent.respond import orders
from hullguard.detect import DenyRule
from hullguard.detect.denial import Listed
from hullguard.model.incident import PolicyRef

RULES = (DenyRule("file.read-sensitive", exec=False, paths=("/etc/shadow",)),)
WATCH = orders.Watch("c" * 64, 7, PolicyRef("p", 1), RULES)
SEEN = orders.Seen(7, 1, "cat", "/bin/cat", ("cat", "x"), 0, 0, 99, inside=True)
LISTED = Listed("profile.departure", ("/bin/sh",), ("/tmp/*",), ("/opt/*",), ("/sbin/apk",))
ORDERS = [
    WATCH,
    msgspec.structs.replace(WATCH, listed=LISTED),
    orders.Leave("c"),
    orders.Kept(3),
    orders.Ask(1),
    orders.Quit(),
]
WORDS = [
    orders.Greeting(1, "0.1.0", 8, 7, 500, {"c": "d"}),
    orders.Watched("c", 3, exec=True, missing=("other-mount /x",)),
    orders.Refused(1, 2, "c", PolicyRef("p", 1), "r", False, "/etc/shadow", (SEEN,)),
    orders.Unmarked("c", 2, 7),
    orders.State(1, 2, 3, 4, 5, 6),
]


@pytest.mark.parametrize("message", ORDERS, ids=lambda each: type(each).__name__)
def test_an_order_comes_back(message):
    assert orders.order(orders.encode(message)) == message
    with pytest.raises(msgspec.DecodeError):
        orders.word(orders.encode(message))


@pytest.mark.parametrize("message", WORDS, ids=lambda each: type(each).__name__)
def test_a_word_comes_back(message):
    assert orders.word(orders.encode(message)) == message
    with pytest.raises(msgspec.DecodeError):
        orders.order(orders.encode(message))


@given(st.binary(max_size=500))
def test_anything_else_is_refused(data):
    for read in (orders.order, orders.word):
        try:
            read(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue


def test_the_digest_is_of_all_that_is_ordered():
    other = msgspec.structs.replace
    changed = [
        other(WATCH, pid=8),
        other(WATCH, policy=PolicyRef("p", 2)),
        other(WATCH, rules=()),
        other(WATCH, listed=LISTED),
    ]
    assert len({orders.digest(each) for each in (WATCH, *changed)}) == 5
    assert orders.digest(WATCH) == orders.digest(other(WATCH))


def test_what_is_more_than_a_message_may_have_is_told():
    many = msgspec.structs.replace(LISTED, files=tuple(f"/{number:0230}" for number in range(1000)))
    assert not orders.too_large(WATCH)
    assert orders.too_large(msgspec.structs.replace(WATCH, listed=many))
