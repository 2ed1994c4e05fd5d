"""What the words of options mean, and which words are refused."""

import io
import os
from pathlib import Path

import pytest

from hullguard.app.cli.scan_options import (
    Counting,
    Malware,
    Reading,
    default_cache,
    job_of,
    parse_size,
    scanners_of,
)
from hullguard.inventory import Limits
from hullguard.model.errors import Invalid, NotFound
from hullguard.model.severity import Severity


@pytest.mark.parametrize(
    ("text", "size"),
    [("1", 1), ("10k", 10240), ("512MiB", 512 << 20), ("64GiB", 64 << 30), ("2 GB", 2 << 30), ("1t", 1 << 40)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5G", "many", "1PiB", "9" * 40, "1G2"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(Invalid, match="is no size; write for example 512MiB"):
        parse_size(text)


def test_the_defaults_in_the_help_are_those_of_the_reader() -> None:
    assert Reading().limits() == Limits()


def test_scanners_are_names() -> None:
    assert scanners_of(" Vuln, license ,") == {"vuln", "license"}


@pytest.mark.parametrize(("text", "words"), [("vuln,virus", "no scanner 'virus'"), ("", "names none"), (",", "vuln")])
def test_what_is_no_scanner_names_those_that_are(text: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        scanners_of(text)


def test_a_password_comes_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("p w\r\nnot this\n"))

    access = Reading(username="me", password_stdin=True, insecure=True).registry()

    assert (access.username, access.password, access.insecure) == ("me", "p w", True)
    assert "p w" not in repr(access)


def test_a_password_comes_from_the_environment_only_for_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HULLGUARD_REGISTRY_PASSWORD", "secret")

    assert Reading(username="me").registry().password == "secret"
    assert Reading().registry().password is None


def test_half_a_sign_in_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HULLGUARD_REGISTRY_PASSWORD", raising=False)

    with pytest.raises(Invalid, match="needs --username"):
        Reading(password_stdin=True).registry()
    with pytest.raises(Invalid, match="needs a password"):
        Reading(username="me").registry()
    with pytest.raises(Invalid, match="there is no file"):
        Reading(ca_file=tmp_path / "absent.pem").registry()
    with pytest.raises(Invalid, match="wants a file of certificates"):
        Reading(ca_file=tmp_path).registry()


def test_the_cache_follows_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")

    assert default_cache() == Path("/somewhere/hullguard/layers")


def test_nothing_is_kept_of_a_scan_without_a_cache() -> None:
    assert Reading().cache == default_cache()
    assert Reading(no_cache=True).cache is None


def test_a_wrong_rule_is_said_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no file"):
        job_of(Reading(), Counting(ignore_file=tmp_path / "absent.yaml"), frozenset({"vuln"}))


def test_a_job_asks_what_the_options_say(tmp_path: Path) -> None:
    job = job_of(
        Reading(platform="linux/arm64", all_mounts=True, max_files=5),
        Counting(db=tmp_path / "x.db", severity="high", ignore_unfixed=True),
        frozenset({"vuln"}),
        Severity.CRITICAL,
    )

    assert (job.platform, job.all_mounts, job.limits.entries) == ("linux/arm64", True, 5)
    assert (job.database, job.severities, job.fixable_only) == (tmp_path / "x.db", {Severity.HIGH}, True)
    assert job.bound is Severity.CRITICAL


def test_rules_and_digests_of_ones_own_are_known_to_every_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for variable in ("HULLGUARD_MALWARE_RULES", "HULLGUARD_MALWARE_HASHES"):
        monkeypatch.setenv(variable, "before")  # so that what it was comes back
    rules, digests = tmp_path / "own.yar", tmp_path / "own.txt"

    Malware(malware_rules=rules, malware_hashes=digests).apply(frozenset({"malware"}))

    assert os.environ["HULLGUARD_MALWARE_RULES"] == str(rules)
    assert os.environ["HULLGUARD_MALWARE_HASHES"] == str(digests)
    with pytest.raises(Invalid, match="need malware among --scanners"):
        Malware(malware_rules=rules).apply(frozenset({"vuln"}))
    Malware().apply(frozenset({"vuln"}))
