"""What a report quotes of an image shows no credential, and is otherwise what the image says."""

import json
from pathlib import Path

import pytest
from tests.support.images import Image, file, layer

from hullguard.inventory import read
from hullguard.inventory.content.secrets.redaction import holds_password, redacted_text

TOKEN = "ghp_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5"
SECRET = "Kq8vTz2hunter"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"RUN curl -d {TOKEN} x", "RUN curl -d ghp_******** x"),
        (f"RUN |1 GH_TOKEN={TOKEN} /bin/sh -c x", "RUN |1 GH_TOKEN=ghp_******** /bin/sh -c x"),
        (f"RUN |2 A=1 DB_PASSWORD={SECRET} /bin/sh -c x", "RUN |2 A=1 DB_PASSWORD=******** /bin/sh -c x"),
        (f"RUN export API_KEY='a {SECRET}'; x", "RUN export API_KEY='********'; x"),
        (f"RUN git clone https://u:{SECRET}@host/x", "RUN git clone https://u:********@host/x"),
        (f"RUN curl https://u:a/{SECRET}@host:80/x", "RUN curl https://u:********@host:80/x"),
        (f'RUN curl -H "Authorization: Bearer {SECRET}" x', 'RUN curl -H "Authorization: Bearer ********" x'),
        (f'RUN curl -H "PRIVATE-TOKEN: {SECRET}" x', 'RUN curl -H "PRIVATE-TOKEN: ********" x'),
        (f"RUN curl -u admin:{SECRET} x", "RUN curl -u admin:******** x"),
        (f"RUN login --password {SECRET} --api-key={SECRET}", "RUN login --password ******** --api-key=********"),
        (f'RUN ["login","--token","{SECRET}"]', 'RUN ["login","--token","********"]'),
        (f"java -Djavax.net.ssl.keyStorePassword={SECRET} x", "java -Djavax.net.ssl.keyStorePassword=******** x"),
        (f"ENV JAVA_OPTS=-Ddb.password={SECRET}", "ENV JAVA_OPTS=-Ddb.password=********"),
        (f"ENV JDBC=jdbc:oracle:thin:u/{SECRET}@db:1521/x", "ENV JDBC=jdbc:oracle:thin:u/********@db:1521/x"),
        (f"RUN mysql -uroot -p{SECRET} -e x", "RUN mysql -uroot -p******** -e x"),
        (f'RUN echo \'{{"auth_token": "{SECRET}"}}\' > x', 'RUN echo \'{"auth_token": "********"}\' > x'),
    ],
)
def test_a_credential_is_masked_and_nothing_else(text: str, expected: str) -> None:
    assert redacted_text(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "ADD file:2ad5b0a0d3d2ea4a9d46d8e5b0c0a9d8e7f6a5b4c3d2e1f00112233445566778 in / ",
        "ENV GPG_KEY=7169605F62C751356D054A26A821E680E5FA6305",
        "RUN DB_PASSWORD=$DB_PASSWORD make && mkdir -p /a/b",
        "RUN TOKEN_FILE=/run/secrets/token useradd --user 1000:1000",
        "RUN --mount=type=secret,id=npm cat /run/secrets/npm",
        "COPY --chown=app:app . /srv # buildkit",
        "RUN wget https://example.org:8080/a@1",
        "ENV JDBC=jdbc:oracle:thin:@db:1521/x A=jdbc:oracle:thin:u/$PASSWORD@db",
        "java -Djavax.net.ssl.keyStore=/etc/store.jks -Dkey.password=$PASSWORD x",
    ],
)
def test_what_is_no_credential_stands_as_it_is(text: str) -> None:
    assert redacted_text(text) == text


@pytest.mark.parametrize(
    ("text", "held"),
    [
        (f"serve --password {SECRET}", True),
        (f"curl -fsu admin {SECRET}", False),
        (f"curl -u admin:{SECRET} http://localhost/", True),
        ("gosu -u nginx:nginx nginx", False),
        ("serve --password ********", False),
        ("serve", False),
    ],
)
def test_a_password_is_told_by_its_place_and_a_group_is_none(text: str, held: bool) -> None:
    assert holds_password(text) is held


def test_a_long_instruction_is_read_in_linear_time() -> None:
    for part in ("a=", "token='", "--token ", "://a:", "mysql ", "jdbc:oracle:thin:a/", "A" * 20 + "1z ", '"a":'):
        assert len(redacted_text(part * 30_000)) > 30_000


def test_a_report_quotes_no_credential_whatever_was_asked_for(tmp_path: Path) -> None:
    metadata = json.dumps({"name": "a", "version": "1", "license": TOKEN})
    history = [{"created_by": f"RUN |1 DB_PASSWORD={SECRET} /bin/sh -c curl -d {TOKEN} x"}]
    entries = (file("srv/node_modules/a/package.json", metadata), file(f"srv/{TOKEN}.env", f"GH={TOKEN}\n"))
    image = Image([layer(*entries)], history=history)

    found = read(str(image.docker_archive(tmp_path / "image.tar")), scanners=frozenset({"secret"}))

    assert {(secret.path, secret.match) for secret in found.secrets} == {
        ("srv/ghp_********.env", "GH=ghp_********"),
        ("srv/node_modules/a/package.json", 'license": "ghp_********'),
    }
    assert [one.created_by for one in found.layers] == ["RUN |1 DB_PASSWORD=******** /bin/sh -c curl -d ghp_******** x"]
    assert [package.licenses for package in found.packages] == [("ghp_********",)]
