"""Passwords and keys in settings of whatever program, and what is called so there and is none."""

import base64
import json

import pytest
from tests.support.specimens import WORD, rules_found

KEY = "kQ7w" + "Lm2xRv5Tb8Nc3Zs6Hf1Jg4Pd9Yq"


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("usr/local/share/x.conf", f"api_key = {KEY}\n"),
        ("etc/app/app.conf", f"[app]\napi-key: {KEY}\n"),
        ("etc/app/app.ini", f'\tapiKey="{KEY}" ; of the shop\r\n'),
        ("srv/shop.properties", f"shop.api.key={KEY}"),
        ("srv/a.cfg", f"secret_key_base : '{KEY}'\n"),
        ("srv/config.toml", f'[db]\npassword = "{WORD}"\n'),
        ("srv/config.toml", '[db]\npassword = "YQusDRpU' + 'kcmTbK"\n'),
        ("srv/config.yaml", f"db:\n  host: h\n  password: {WORD}\n"),
        ("srv/config.json", json.dumps({"db": {"user": "u", "password": WORD}})),
        ("etc/mysql.cnf", f'[mysql]\npassword="{WORD}"\n'),
        ("app/.env", f"SIGNING_KEY={KEY}\n"),
        ("app/.env.production", f"export client_secret={KEY}\n"),
        ("app/prod.env", f"SMTP_PW={KEY}\n"),
        ("app/x.conf", f"api_key_2 = {KEY}\n"),
    ],
)
def test_a_key_in_settings_is_found_by_its_name(path: str, content: str) -> None:
    assert len(rules_found(path, content)) == 1


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("etc/app.conf", f"# api_key = {KEY}\n; api_key = {KEY}\n"),
        ("etc/app.conf", "api_key = your-api-key-1234\napi_key = changeme-1234\n"),
        ("etc/app.conf", "api_key = ${KEY1234}\npassword = %(pw12345)s\ntoken = {{ t1234567 }}\n"),
        ("etc/app.conf", "private_key = /etc/ssl/private/web1.pem\nprivate_key = web1.example2.pem\n"),
        ("etc/app.conf", "session_key = org.corp.web2.SessionKey\ntoken = https://b1.corp.com/token\n"),
        ("etc/app.conf", "access_token = 3600seconds\ntoken = 10.20.30.40\ntoken = 2024-01-01\n"),
        ("etc/app.conf", "password = getPasswordFromVault\npassword = correct-horse-battery\n"),
        ("etc/app.conf", f"bypass = {KEY}\ncompass: {KEY}\nkey = {KEY}\napi_key_file = {KEY}\n"),
        ("etc/app.conf", f"password = {WORD} is what a sentence says\n"),
        ("app/Messages_de.properties", f"login.password={WORD}\n"),
        ("srv/package.json", json.dumps({"token": KEY})),
        ("srv/notes.txt", f"api_key = {KEY}\n"),
    ],
)
def test_what_is_written_by_people_or_refers_to_a_key_is_none(path: str, content: str) -> None:
    assert rules_found(path, content) == []


@pytest.mark.parametrize("path", ["app/database.yml", "srv/database.production.yaml", "app/config/database.yml"])
def test_the_password_of_a_rails_application_is_found_wherever_its_settings_lie(path: str) -> None:
    assert rules_found(path, f"production:\n  password: {WORD}\n") == ["database-yml-password"]


@pytest.mark.parametrize("text", ["https://api.telegram.org/bot{}/sendMessage", "bot{}", "TOKEN={}"])
def test_a_token_of_telegram_is_found_in_the_address_that_it_is_used_in(text: str) -> None:
    token = "6103948217" + ":AA" + "F9aQwErTyUiOpAsDfGhJkLzXcVbNm1234"

    assert rules_found("srv/notify.py", text.format(token)) == ["telegram-bot-token"]


def token(said: dict[str, object]) -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, said)
    packed = (base64.urlsafe_b64encode(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
    return ".".join((*(part.decode().rstrip("=") for part in packed), KEY + "Ab3dEf6hIj9k"))


def test_of_tokens_only_the_one_that_every_manual_prints_is_an_example() -> None:
    mine, printed = ({"sub": "1234567890", "name": name, "iat": 1516239022} for name in ("J D", "John Doe"))

    assert rules_found("srv/app.yml", f"token: {token(mine)}\n") == ["jwt"]
    assert rules_found("srv/app.yml", f"token: {token(printed)}\n") == []


@pytest.mark.parametrize(
    "secret", ["k7Jd93hFkd92+jdKEh3l" + "skd9fjEkslA03kdlsEk2", "+7Jd93hFkd92/jdKEh3l" + "skd9fjEkslA03kdlsEk/"]
)
def test_a_secret_key_of_amazon_may_have_signs_and_few_different_letters(secret: str) -> None:
    text = f"[default]\naws_secret_access_key = {secret}\n"

    assert rules_found("root/.aws/credentials", text) == ["aws-secret-access-key"]


def test_the_name_of_a_commit_is_no_secret_key_of_amazon() -> None:
    assert rules_found("srv/x.py", "aws_key = '" + "3f9a7bc2d81e4056" * 2 + "3f9a7bc2'\n") == []
