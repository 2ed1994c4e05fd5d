"""What a report quotes of an image shows no credential, and is otherwise what the image says."""

import json
from pathlib import Path

import pytest
from tests.support.advisories import affected, database, record
from tests.support.images import DEBIAN_12, Image, file, layer

from hullguard.imagescan.formats.catalog import FORMATS, format_of
from hullguard.imagescan.formats.format import Page
from hullguard.imagescan.scan import Scanner
from hullguard.inventory import read
from hullguard.inventory.content.secrets.redaction import holds_password, redacted_text

TOKEN = "ghp_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5"
SECRET = "Kq8vTz2hunter"
MASKED = "SMTP_PASS=******** ADMIN_PW=******** MYSQL_PWD=******** x"


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
        (f"RUN export PGPASSWORD={SECRET}; x", "RUN export PGPASSWORD=********; x"),
        (f"RUN login -Dx.passphrase={SECRET} --pass-word x", "RUN login -Dx.passphrase=******** --pass-word x"),
        (f"RUN SMTP_PASS={SECRET} ADMIN_PW={SECRET} MYSQL_PWD={SECRET} x", f"RUN {MASKED}"),
        (f"RUN A__FERNET_KEY={SECRET} PASSWORD2={SECRET} x", "RUN A__FERNET_KEY=******** PASSWORD2=******** x"),
        (f"|1 DB_PASS=a {SECRET};| b /bin/sh -c x", "|1 DB_PASS=******** /bin/sh -c x"),
        (f"ENV DB_PASSWORD=a {SECRET};| b C=d", "ENV DB_PASSWORD=******** C=d"),
        (f"/bin/sh -c #(nop)  ENV SECRET_KEY_BASE={SECRET}", "/bin/sh -c #(nop)  ENV SECRET_KEY_BASE=********"),
        (f"ENV DB_PASSWORD a {SECRET} b=c", "ENV DB_PASSWORD ********"),
        (f'/bin/sh -c #(nop)  LABEL a.password "{SECRET}"', '/bin/sh -c #(nop)  LABEL a.password "********"'),
        (
            f"RUN mysql -e \"CREATE USER a IDENTIFIED BY '{SECRET}'\"",
            "RUN mysql -e \"CREATE USER a IDENTIFIED BY '********'\"",
        ),
        (
            f"RUN psql -c \"ALTER ROLE a WITH PASSWORD '{SECRET}'\"",
            "RUN psql -c \"ALTER ROLE a WITH PASSWORD '********'\"",
        ),
        (
            f'RUN echo "machine h login u password {SECRET}" > ~/.netrc',
            'RUN echo "machine h login u password ********" > ~/.netrc',
        ),
        (f"RUN 7z x -p{SECRET} a.7z", "RUN 7z x -p******** a.7z"),
        (f"RUN net user app {SECRET} /add", "RUN net user app ******** /add"),
        (f"RUN printf '{SECRET}' > /run/secrets/db", "RUN printf '********' > /run/secrets/db"),
        (f"RUN oc login -p={SECRET} x", "RUN oc login -p=******** x"),
        (f'LABEL a.password="a {SECRET}" b=c', 'LABEL a.password="********" b=c'),
        (f"RUN echo root:{SECRET} | chpasswd", "RUN echo root:******** | chpasswd"),
        (f"RUN printf 'root:{SECRET}\\n' | sudo chpasswd", "RUN printf 'root:********\\n' | sudo chpasswd"),
        (f'RUN echo "{SECRET}" | docker login --password-stdin', 'RUN echo "********" | docker login --password-stdin'),
        (f"RUN docker login -u a -p {SECRET}", "RUN docker login -u a -p ********"),
        (f"RUN redis-cli -h a -a {SECRET} ping", "RUN redis-cli -h a -a ******** ping"),
        (f"RUN ldapsearch -x -w {SECRET} a", "RUN ldapsearch -x -w ******** a"),
        (f"RUN keytool -storepass {SECRET} -list", "RUN keytool -storepass ******** -list"),
        (f"RUN htpasswd -bc f u {SECRET}", "RUN htpasswd -bc f u ********"),
        (f"RUN htpasswd -nbB u {SECRET} > f", "RUN htpasswd -nbB u ******** > f"),
        (f"RUN npm config set //r/:_authToken {SECRET}", "RUN npm config set //r/:_authToken ********"),
        (
            f"RUN aws configure set aws_secret_access_key {SECRET}",
            "RUN aws configure set aws_secret_access_key ********",
        ),
        (f'RUN curl "https://x?access_token={SECRET}"', 'RUN curl "https://x?access_token=********"'),
        (f"RUN sqlcmd -S . -U sa -P {SECRET}", "RUN sqlcmd -S . -U sa -P ********"),
        (f"RUN smbclient -U bob%{SECRET} //x/y", "RUN smbclient -U bob%******** //x/y"),
        (f"RUN composer config http-basic.x u {SECRET}", "RUN composer config http-basic.x u ********"),
        (f"RUN mc alias set x http://y a {SECRET}", "RUN mc alias set x http://y a ********"),
        (f"RUN openssl enc -k {SECRET} -in x", "RUN openssl enc -k ******** -in x"),
        (
            f"RUN unzip -P {SECRET} x.zip && useradd -p {SECRET} x",
            "RUN unzip -P ******** x.zip && useradd -p ******** x",
        ),
        (f"RUN sed -i s/__DB_PASSWORD__/{SECRET}/ x", "RUN sed -i s/__DB_PASSWORD__/********/ x"),
        (f"RUN make # PGPASSWORD={SECRET}", "RUN make # PGPASSWORD=********"),
        (f'CMD ["redis-server","--requirepass","{SECRET}"]', 'CMD ["redis-server","--requirepass","********"]'),
        (f'CMD ["redis-server" "--requirepass" "{SECRET}"]', 'CMD ["redis-server" "--requirepass" "********"]'),
        (f'CMD ["mysqld", "-u", "x", "-p{SECRET}"]', 'CMD ["mysqld", "-u", "x", "-p********"]'),
        (f'RUN echo \'{{"auth_token": "{SECRET}"}}\' > x', 'RUN echo \'{"auth_token": "********"}\' > x'),
    ],
)
def test_a_credential_is_masked_and_nothing_else(text: str, expected: str) -> None:
    assert redacted_text(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "ENV PATH /usr/local/bin:$PATH",
        "ENV PASSWORD_FILE /run/secrets/password",
        "ENV MYSQL_VERSION 8.0.36-1debian12",
        "LABEL maintainer Somebody password@example.com",
        "ADD file:2ad5b0a0d3d2ea4a9d46d8e5b0c0a9d8e7f6a5b4c3d2e1f00112233445566778 in / ",
        "ENV GPG_KEY=7169605F62C751356D054A26A821E680E5FA6305",
        "RUN DB_PASSWORD=$DB_PASSWORD make && mkdir -p /a/b",
        "RUN TOKEN_FILE=/run/secrets/token useradd --user 1000:1000",
        "RUN --mount=type=secret,id=npm cat /run/secrets/npm",
        "COPY --chown=app:app . /srv # buildkit",
        "RUN wget https://example.org:8080/a@1",
        "ENV JDBC=jdbc:oracle:thin:@db:1521/x A=jdbc:oracle:thin:u/$PASSWORD@db",
        "java -Djavax.net.ssl.keyStore=/etc/store.jks -Dkey.password=$PASSWORD x",
        "ENV GPG_KEYS=39B641343D8C104B2B146DC3F9C39DC0B9698544 E60913E4DF209907D8E30D96659A97C9CF2A795A",
        "ENV RABBITMQ_PGP_KEY_ID=0x0A9AF2115F4687BD29803A206B73A36E6026DFCA",
        "ENV SIGNING_KEY=9DC858229FC7DD38854AE2D88D81803C0EBFCD88 PWD=/app OLDPWD=/srv/app1",
        "ENV MYSQL_VERSION=8.3.0-1.el9 COMPOSE_PASS_THROUGH=1 BYPASS=a1b2c3 COMPAT=1.2.3 AUTH=oauth2 TOKEN_TTL=3600",
        "ENV POSTGRES_PASSWORD_FILE=/run/secrets/pg POSTGRES_INITDB_ARGS=--auth-host=scram-sha-256",
        "ENV MINIO_ROOT_PASSWORD_FILE=secret_key MINIO_UPDATE_MINISIGN_PUBKEY=RWTx5Zr1tiHQLwG9keckT0c45M3AGeHD6IvimQHpyRywVWGb",
        "RUN adduser --system --disabled-password --gecos '' --shell /sbin/nologin app && mkdir -p /srv/app1",
        "RUN { echo a a/root-pass password ''; } | debconf-set-selections && chown -R mysql:mysql /var/lib/mysql1",
        "RUN find /var/lib/mysql -name '*.frm' -print0 | xargs -0 rm; useradd -r -s /usr/sbin/nologin -u 999 -p '*' a",
        "RUN keytool -importcert -noprompt -keystore cacerts -storepass changeit",
        "RUN apt-get install -y libpam-cracklib=1.4.0 passwd=1:4.13 login=1:4.13 sshpass=1.09-1 pass=1.7.4-6",
        'RUN echo "root:$ROOT_PASSWORD" | chpasswd && docker login -u a -p "$TOKEN"',
        "RUN npm config set registry https://registry.corp.com/npm1 && npm config set unsafe-perm true",
        "RUN sed -i 's/#PasswordAuthentication yes/PasswordAuthentication no/' /etc/ssh/sshd_config",
        "RUN SECRET_KEY_BASE=dummy bundle exec rails assets:precompile",
        'HEALTHCHECK &{["CMD-SHELL" "mysqladmin ping -u root -p$MYSQL_ROOT_PASSWORD || exit 1"] "30s" "10s" "0s" \'\\x05\'}',
        'CMD ["mysqld" "--defaults-file=/etc/mysql/my.cnf" "--default-authentication-plugin=mysql_native_password"]',
    ],
)
def test_what_is_no_credential_stands_as_it_is(text: str) -> None:
    assert redacted_text(text) == text


@pytest.mark.parametrize(
    ("text", "held"),
    [
        (f"docker login -u a -p {SECRET}", True),
        (f"redis-server --requirepass {SECRET}", True),
        ("adduser --system --disabled-password --gecos '' app1", False),
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
    for part in (
        "a=",
        "token='",
        "--token ",
        "://a:",
        "mysql ",
        "jdbc:oracle:thin:a/",
        "A" * 20 + "1z ",
        '"a":',
        "ENV a=b ",
        "echo aaaa|",
        "token=$",
    ):
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


def test_no_format_of_a_report_shows_a_password_of_an_instruction(tmp_path: Path) -> None:
    steps = [f"ENV DB_PASS={SECRET}", f"RUN echo root:{SECRET} | chpasswd", f'CMD ["redis-cli","-a","{SECRET}"]']
    image = Image(
        [layer(file("etc/os-release", DEBIAN_12)), layer(file("a", "b")), layer(file("c", "d"))],
        history=[{"created_by": step} for step in steps],
        container={"Env": [f"DB_PASS={SECRET}"], "Cmd": ["redis-cli", "-a", SECRET]},
    )
    scanners = frozenset({"vuln", "secret", "config", "license", "malware"})
    report = Scanner(database(tmp_path / "db", record("GHSA-1", affected("npm", "a", {"introduced": "0"})))).scan(
        str(image.docker_archive(tmp_path / "i.tar")), scanners=scanners
    )

    assert sorted(one.message for one in report.config if one.id == "CIS-DI-0010") == [
        "CMD holds a value that looks like a secret",
        "ENV DB_PASS holds a value that looks like a secret",
        "instruction 2 holds a value that looks like a secret",
        "instruction 3 holds a value that looks like a secret",
    ]
    for name in FORMATS:
        made = format_of(name)
        assert made is not None
        assert SECRET.encode() not in made.render(report, Page()), name


_LINES = [f"{number:02}" + "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8c" for number in range(24)]
_SHORT = "a4Zq3w=="
_KEY = "\n".join(("-----BEGIN " + "RSA PRIVATE KEY-----", *_LINES, _SHORT, "-----END RSA PRIVATE KEY-----"))


@pytest.mark.parametrize(
    "text",
    [
        f"RUN cat <<E >/k\n{_KEY}\nE",
        "RUN |1 KEY=" + _KEY.replace("\n", "\\n") + " /bin/sh -c make",
        f'RUN echo "{_KEY}" > /k',
        "LABEL key=" + _KEY.replace("\n", " "),
        "key: |\n    " + _KEY.replace("\n", "\n    "),
        'k = ("' + _KEY.replace("\n", '\\n"\n  "') + '")',
        _KEY.replace("-----\n", "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,70A2\n\n", 1),
        _KEY.replace("RSA PRIVATE KEY", "PGP PRIVATE KEY BLOCK"),
        _KEY[:700],
    ],
)
def test_no_line_of_a_private_key_is_quoted(text: str) -> None:
    shown = redacted_text(text)

    assert not [line for line in (*_LINES, _SHORT) if line in shown]
    assert "PRIVATE KEY" in shown


@pytest.mark.parametrize(
    "text",
    [
        'grep -q -- "-----BEGIN PRIVATE KEY-----" /etc/ssl/private/a.key && cp a b',
        _KEY.replace("RSA PRIVATE", "PUBLIC"),
    ],
)
def test_what_only_names_a_key_is_quoted_whole(text: str) -> None:
    assert redacted_text(text) == text
