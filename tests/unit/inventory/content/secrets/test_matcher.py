import random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.specimens import secret_of, specimen

from hullguard.inventory import bounds
from hullguard.inventory.content.secrets.inspector import SecretInspector
from hullguard.inventory.content.secrets.matcher import MARGIN, OVERLAP, WINDOW, windows
from hullguard.inventory.content.secrets.rules.catalog import RULES
from hullguard.model.content import Secret
from hullguard.model.package import Unknown

INSPECTOR = SecretInspector()
BY_ID = {rule.id: rule for rule in RULES}
TOKEN = specimen(BY_ID["github-token"])


def inspect(*chunks: bytes) -> list[Secret]:
    return list(INSPECTOR.inspect("app/data", sum(map(len, chunks)), 0o644, iter(chunks)))


def test_the_line_is_counted_from_one() -> None:
    assert [hit.line for hit in inspect(TOKEN)] == [1]
    assert [hit.line for hit in inspect(b"\n" * 41 + TOKEN + b"\n\n")] == [42]


def test_the_line_is_right_beyond_the_first_window() -> None:
    text = b"0123 56789\n" * 300_000

    (hit,) = inspect(*(text[at : at + 65_536] for at in range(0, len(text), 65_536)), b"k = " + TOKEN)

    assert hit.line == 300_001


def test_a_secret_on_the_border_of_two_windows_is_found_once() -> None:
    for shift in (0, 1, len(TOKEN) // 2, len(TOKEN), OVERLAP, OVERLAP + len(TOKEN), OVERLAP + MARGIN):
        before = b" " * (WINDOW - shift)
        assert len(inspect(before + TOKEN + b" " * WINDOW)) == 1


def test_a_secret_cut_into_chunks_is_found() -> None:
    assert len(inspect(*(bytes([byte]) for byte in b"key: " + TOKEN))) == 1


def test_windows_hold_every_byte_and_own_every_offset_once() -> None:
    text = random.Random(1).randbytes(3 * WINDOW + 17)
    seen, owned = 0, b""
    for window, first, stop in windows([text[:100], text[100 : 2 * WINDOW], text[2 * WINDOW :]]):
        assert window in text
        owned += window[first:stop]
        seen += 1

    assert owned == text
    assert seen >= 3


def test_one_secret_in_one_file_is_reported_once() -> None:
    other = specimen(BY_ID["github-token"], seed=9)

    assert [hit.line for hit in inspect(TOKEN + b"\n" + TOKEN + b"\n" + other)] == [1, 3]


def test_of_two_rules_that_claim_the_same_bytes_one_reports() -> None:
    (hit,) = inspect(b"GITEA_TOKEN=" + TOKEN)

    assert hit.rule == "github-token"


def test_reports_of_one_file_are_bounded() -> None:
    text = b"\n".join(specimen(BY_ID["npm-token"], seed=seed) for seed in range(bounds.SECRETS_OF_A_FILE + 50))

    *hits, doubt = INSPECTOR.inspect("app/data", len(text), 0o644, iter([text]))

    assert (len(hits), {type(hit) for hit in hits}) == (bounds.SECRETS_OF_A_FILE, {Secret})
    assert isinstance(doubt, Unknown)


def test_as_many_as_the_bound_allows_are_no_doubt() -> None:
    text = b"\n".join(specimen(BY_ID["npm-token"], seed=seed) for seed in range(bounds.SECRETS_OF_A_FILE))

    assert {type(hit) for hit in inspect(text)} == {Secret}


def test_the_name_is_shown_and_four_characters() -> None:
    assert [hit.match for hit in inspect(b'token: "' + TOKEN + b'"')] == ['token: "ghp_********']


def test_a_secret_is_not_shown_as_the_name_of_another() -> None:
    first = specimen(BY_ID["stripe-secret-key"])
    hits = inspect(first + b":" + TOKEN)

    assert {hit.rule for hit in hits} == {"stripe-secret-key", "github-token"}
    assert all(first.decode()[4:] not in hit.match for hit in hits)


def test_a_short_password_is_not_shown_at_all() -> None:
    (hit,) = inspect(b"redis://app:hunter2!@cache:6379/0")

    assert hit.match == "app:********"


def test_utf8_and_control_characters_do_not_reach_the_report() -> None:
    (hit,) = inspect("https://bot:pä\x1bss-wörd-1@host/".encode())

    assert hit.match.isprintable()
    assert hit.match.isascii()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=8))
def test_arbitrary_bytes_never_raise(chunks: list[bytes]) -> None:
    for hit in inspect(*chunks):
        assert hit.line >= 1


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from([rule for rule in RULES if not rule.paths]), min_size=1, max_size=6),
    st.sampled_from([b"\n", b" ", b":", b"=", b'", "', b" = ", b"\0", b"&"]),
    st.integers(0, 1000),
    st.binary(max_size=40),
)
def test_no_mixture_of_secrets_leaks_more_than_four_characters(rules, separator, seed, noise) -> None:
    texts = [(rule, specimen(rule, seed)) for rule in rules]
    content = noise + separator + separator.join(text for _, text in texts) + separator + noise

    shown = [hit.match for hit in inspect(content)]

    for rule, text in texts:
        secret = secret_of(rule, text)
        for match in shown:
            assert secret not in match
            # What the rule itself spells is no secret: another one may well name what it matched by the same word.
            assert secret[:12] in rule.pattern or secret[:12] not in match


def test_many_beginnings_without_an_end_find_nothing_and_what_follows_is_found() -> None:
    for beginning in (b"eyJ", b"http://a:", b"a:1:", b"AKIA", b"password=", b"aws_secret=a"):
        assert {hit.rule for hit in inspect(beginning * 50_000 + b"\n\nkey " + TOKEN)} >= {"github-token"}
