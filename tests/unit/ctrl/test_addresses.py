import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.ctrl.addresses import client_address, is_loopback, networks
from hullguard.model.errors import Invalid

PROXIES = networks(["10.0.0.0/8", "2001:db8::1"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.9", None, "192.0.2.9"),
        ("192.0.2.9", "203.0.113.5", "192.0.2.9"),  # a stranger's claim
        ("10.0.0.1", "203.0.113.5", "203.0.113.5"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.5", "203.0.113.5"),  # the left part is the client's own invention
        ("10.0.0.1", "203.0.113.5, 10.0.0.2", "203.0.113.5"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "not an address", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.5, <script>", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("2001:db8::1", "2001:db8::99", "2001:db8::99"),
        ("::ffff:10.0.0.1", "203.0.113.5", "203.0.113.5"),
        ("", "203.0.113.5", ""),
    ],
)
def test_only_trusted_proxies_are_believed(peer, forwarded, expected):
    assert client_address(peer, forwarded, PROXIES) == expected


def test_without_configured_proxies_nobody_is_believed():
    assert client_address("127.0.0.1", "203.0.113.5", ()) == "127.0.0.1"


@given(st.text(max_size=2000))
def test_no_header_breaks_it(header):
    client_address("10.0.0.1", header, PROXIES)


def test_an_endless_chain_is_followed_a_few_hops_only():
    client_address("10.0.0.1", "203.0.113.5," + "10.0.0.2," * 100_000 + "10.0.0.2", PROXIES)


@pytest.mark.parametrize(
    ("text", "loopback"),
    [("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.9", True), ("10.0.0.1", False), ("", False)],
)
def test_loopback(text, loopback):
    assert is_loopback(text) is loopback


def test_a_proxy_that_is_no_address_is_refused():
    with pytest.raises(Invalid, match="proxy"):
        networks(["proxy.example"])
