import re

import pytest
from tests.support.specimens import path_for, secret_of, specimen

from hullguard.inventory.content.secrets.inspector import SecretInspector, rules_of_path
from hullguard.inventory.content.secrets.rule import Rule
from hullguard.inventory.content.secrets.rules.catalog import RULES

INSPECTOR = SecretInspector()
BY_ID = {rule.id: rule for rule in RULES}


def found(path: str, content: bytes) -> set[str]:
    return {hit.rule for hit in INSPECTOR.inspect(path, len(content), 0o644, iter([content]))}


def test_there_are_as_many_kinds_as_the_field_knows_and_no_id_twice() -> None:
    assert len(RULES) > 200
    assert len(BY_ID) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_credential_of_every_kind_is_found_between_other_text(rule: Rule) -> None:
    content = b"# settings\n\n" + specimen(rule) + b"\nend\n"

    hits = list(INSPECTOR.inspect(path_for(rule), len(content), 0o644, iter([content])))

    # Some formats are alike: what matters is that one rule has it, and that nothing of it is shown.
    assert hits
    assert all(secret_of(rule, content)[4:] not in hit.match for hit in hits)
    assert {hit.path for hit in hits} == {path_for(rule)}


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if not rule.words and not rule.paths], ids=lambda rule: rule.id
)
def test_a_format_of_its_own_is_named_for_what_it_is(rule: Rule) -> None:
    assert rule.id in found("app/x", b" " + specimen(rule, seed=1) + b" ")


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.whole], ids=lambda rule: rule.id)
def test_a_match_that_goes_on_is_none(rule: Rule) -> None:
    text = specimen(rule)
    longer = text + b"a1B2c3D4e5F6g7H8" * 200

    assert rule.confirm().fullmatch(text)
    assert not rule.confirm().fullmatch(longer)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_automaton_sees_what_the_expression_sees(rule: Rule) -> None:
    assert re.search(rule.candidate.encode(), specimen(rule, seed=2))


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.needs], ids=lambda rule: rule.id)
def test_what_a_rule_needs_stands_in_whatever_it_matches(rule: Rule) -> None:
    for seed in range(200):
        text = specimen(rule, seed).decode()
        assert any(word in text for word in rule.needs), text


@pytest.mark.parametrize(
    ("parts", "rule"),
    [
        (("AKIA", "QYLPMN5HHHFPZAM2"), "aws-access-key-id"),
        (("aws_secret_access_key = ", "wJ4lrXUtnFE9MIaK7MDENGbPxRfiCYzzK1qW0zzT"), "aws-secret-access-key"),
        (("ghp", "_", "16C7e42F292c6912E7710c838347Ae178B4a"), "github-token"),
        (("ghp", "_", "Kq7Lw2Xv5Rb8Nc3Mz6HfTe9PdJ0123456789"), "github-token"),
        (
            ("-----BEGIN USER NKEY SEED-----\n", "SU", "AKQ7LW2XV5RB3NC3MZ6HFTE2PDJYKQ7LW2XV5RB3NC3MZ6HFTE2PDJY4"),
            "nats-seed",
        ),
        (("glpat", "-", "Xx9qWz1rTy7uIo3pAs5d"), "gitlab-token"),
        (("xoxb", "-", "263594206564", "-", "2343594206574", "-", "FGqddMF8t08v8N7Oq4i57vs1"), "slack-bot-token"),
        (("sk", "_live_", "4eC39HqLyjWDarjtT1zdp7dc"), "stripe-secret-key"),
        (("SG", ".", "ngeVfQFYQlKU0ufo8x5d1A", ".", "TwL2iGABf9DHoTf09kqeF8tAmbihYzrnopKc1s5cr-k"), "sendgrid-api-key"),
        (("npm", "_", "Zx81kQwe72mNbv53LkJh90PoIu64YtRe12Wq"), "npm-token"),
        (("hf", "_", "QwErTyUiOpAsDfGhJkLzXcVbNmQwErTyUi"), "huggingface-token"),
        (("AIza", "SyD9tYkq7Lw2Xv5Rb8Nc3Mz6Hf1Jg4Ps0Aa"), "gcp-api-key"),
        (("dop", "_v1_", "3f9a" * 4, "7bc2d81e" * 6), "digitalocean-token"),
        (("LTAI", "5tQkq7Lw2Xv5Rb8Nc3Mz"), "alibaba-access-key-id"),
        (("postgres://app:", "s7Rong!pwd", "@db.internal/app"), "url-password"),
        (("postgres://app:", "s7Rong!pwd", "@db:5432/app"), "url-password"),
        (("redis://:", "s7Rong!pwd", "@r"), "url-password"),
        (("postgresql+psycopg2://app:", "s7Rong!pwd", "@pg/app"), "url-password"),
        (("socks5h://app:", "s7Rong!pwd", "@proxy:1080"), "url-password"),
        (("jdbc:mysql://db:3306/app?user=app&password=", "s7Rong!pwd"), "jdbc-password"),
        (("1048512345", ":AA", "F9aQwErTyUiOpAsDfGhJkLzXcVbNm1234"), "telegram-bot-token"),
        (("DATADOG_API_KEY: ", "9f3b7c2d1e8a4056b1c2d3e4f5a60718"), "datadog-api-key"),
        (("hvs", ".", "CAESIJ3kq7Lw2Xv5Rb8Nc3Mz6Hf1Jg4PsAaQw"), "vault-service-token"),
    ],
)
def test_well_known_formats(parts: tuple[str, ...], rule: str) -> None:
    assert found("srv/app.conf", "".join(parts).encode()) == {rule}


@pytest.mark.parametrize(
    ("path", "content", "rule"),
    [
        ("root/.netrc", b"machine github.com login me password hunter22!\n", "netrc-password"),
        ("home/app/.pgpass", b"db.internal:5432:app:app:tr0ub4dor\n", "pgpass-password"),
        ("root/.my.cnf", b"[client]\npassword=tr0ub4dor\n", "my-cnf-password"),
        ("etc/mysql/my.cnf", b"[client]\npassword=tr0ub4dor\n", "my-cnf-password"),
        ("root/.npmrc", b"_auth=bWU6czNjUmV0OWtRMnZMcFg=\n", "npmrc-auth"),
        ("root/.npmrc", b'//npm.corp.com/:_password="czNjUmV0OWtRMnZMcFg="\n', "npmrc-password"),
        ("app/.yarnrc.yml", b"npmAuthToken: s3cRet9kQ2vLpX12\n", "yarnrc-token"),
        ("root/.docker/config.json", b'{"auths":{"r":{"auth": "YXBwOnMzY3JldHdvcmQ="}}}', "docker-config-auth"),
        ("root/.kube/config", b"users:\n- user:\n    token: kq7Lw2Xv5Rb8Nc3Mz6Hf\n", "kubeconfig-token"),
        ("etc/shadow", b"root:$6$kq7Lw2Xv$5Rb8Nc3Mz6Hf1Jg4Ps0AaQwErTy:19000:0:::::\n", "shadow-hash"),
        ("app/.env", b"DEBUG=1\nDB_PASSWORD=tr0ub4dor3\n", "env-password"),
    ],
)
def test_passwords_known_by_their_file(path: str, content: bytes, rule: str) -> None:
    assert rule in found(path, content)
    assert rule in {RULES[number].id for number in rules_of_path(path)} or not BY_ID[rule].paths


_LINES = [b"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"] * 3
_KEY = b"\n".join((b"-----BEGIN " + b"PRIVATE KEY-----", *_LINES, b"-----END PRIVATE KEY-----", b""))


@pytest.mark.parametrize(
    "content",
    [
        _KEY,
        _KEY.replace(b"\n", b"\r\n"),
        b"key: |\n" + b"".join(b"      " + line for line in _KEY.splitlines(keepends=True)),
        b"\t" + _KEY.replace(b"\n", b"\n\t"),
        b"> " + _KEY.replace(b"\n", b"\n> "),
        b'KEY = (\n    "' + _KEY.replace(b"\n", b'\\n"\n    "') + b'")\n',
        b'String key = "' + _KEY.replace(b"\n", b'\\n" +\n    "') + b'";\n',
        b'{"key": "' + _KEY.replace(b"\n", b"\\r\\n") + b'"}',
        _KEY.replace(b"\n", b""),
    ],
    ids=["plain", "crlf", "yaml", "tab", "quoted", "python", "java", "json", "one line"],
)
def test_a_private_key_is_one_however_its_lines_are_written(content: bytes) -> None:
    assert found("app/readme.conf", content) == {"private-key-pkcs8"}


@pytest.mark.parametrize(
    "content",
    [
        b"AKIA" + b"IOSFODNN7EXAMPLE",
        b"aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        b"ghp_" + b"x" * 36,
        b"token = ghp_" + b"0" * 36,
        b"token = ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        b"token = ghp_0123456789012345678901234567890123456",
        b"token = ghp_ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
        b"token = ghp_123456789012345678901234567890123456",
        b"postgres://user:password@host/db",
        b"https://user:${PASSWORD}@host/",
        b"https://example.com/@scope:1234/a@b",
        b"http://abc:xyz@example.com",
        b"heroku create and push",
        b"aws_secret_access_key = " + b"a" * 40,
        b"-----BEGIN PUBLIC KEY-----\n" + b"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE" * 2,
        b"-----BEGIN RSA PRIVATE KEY-----\n...\n",
        b"commit 9f3b7c2d1e8a4056b1c2d3e4f5a607189f3b7c2d",
        b"sha256:" + b"9f3b7c2d1e8a4056" * 4,
        b"import os\n\n\ndef main() -> None:\n    print(os.environ['SECRET_KEY'])\n",
    ],
)
def test_examples_placeholders_and_plain_text_are_nothing(content: bytes) -> None:
    assert found("app/readme.conf", content) == set()
