"""Passwords in scripts, histories and crontabs, and what only sounds like one there."""

import pytest
from tests.support.specimens import WORD, rules_found


@pytest.mark.parametrize(
    ("path", "line", "rule"),
    [
        ("app/run.sh", f'export DB_PASS="{WORD}"', "shell-variable"),
        ("app/run.sh", f"PGPASSWORD={WORD} psql -h db", "shell-variable"),
        ("app/run.sh", f"cd /srv && MYSQL_PWD='{WORD}' mysqldump app", "shell-variable"),
        ("app/run.sh", f"\tdb_password={WORD}", "shell-variable"),
        ("root/.bashrc", f"export API_TOKEN={WORD}", "shell-variable"),
        ("etc/environment", f'SMTP_PASSWORD="{WORD}"', "shell-variable"),
        ("etc/default/app", f"APP_SECRET={WORD}", "shell-variable"),
        ("etc/cron.d/backup", f"0 1 * * * root PGPASSWORD={WORD} pg_dump app", "shell-variable"),
        ("var/spool/cron/crontabs/root", f"0 1 * * * mysqldump -u root -p{WORD} app", "shell-argument"),
        ("root/.bash_history", f"mysql -u root -p{WORD} -h db", "shell-argument"),
        ("root/.bash_history", f"mysql -u root --password={WORD}", "shell-argument"),
        ("root/.zsh_history", f": 1700000000:0;sshpass -p '{WORD}' ssh app@db", "shell-argument"),
        ("root/.ash_history", f"docker login -u app -p {WORD} hub.corp.com", "shell-argument"),
        ("root/.bash_history", f'curl -s -u "app:{WORD}" https://a.corp.com', "shell-argument"),
        ("root/.bash_history", f"ldapsearch -x -D cn=a -w {WORD}", "shell-argument"),
        ("root/.bash_history", f"redis-cli -h cache -a {WORD} ping", "shell-argument"),
        ("app/run.sh", f"keytool -importkeystore -deststorepass {WORD} -destkeystore a.jks", "shell-argument"),
        ("app/entrypoint", f"exec app --db-password {WORD}", "shell-argument"),
        ("app/run.sh", f"echo 'app:{WORD}' | chpasswd", "shell-chpasswd"),
        ("app/run.sh", f"printf 'app:{WORD}\\n' | sudo /usr/sbin/chpasswd", "shell-chpasswd"),
        ("app/run.sh", f'echo "{WORD}" | docker login -u a --password-stdin', "shell-piped"),
        ("root/.bash_history", f"echo {WORD} | sudo -S true", "shell-piped"),
        ("app/run.sh", f"export ENCRYPTION_KEY={WORD}", "shell-variable"),
        ("app/run.sh", f"ADMIN_PW={WORD}", "shell-variable"),
        ("app/run.sh", f"mariadb -u root -p{WORD}", "shell-argument"),
        ("app/run.sh", f"mongosh -u root -p {WORD}", "shell-argument"),
        ("app/run.sh", f"redis-server --requirepass {WORD}", "shell-argument"),
        ("root/.bash_history", f"htpasswd -bc f u {WORD}", "shell-argument"),
        ("root/.bash_history", f"htpasswd -B -nb u {WORD}", "shell-argument"),
        ("root/.bash_history", f"npm config set //r/:_authToken {WORD}", "shell-argument"),
        ("root/.bash_history", f"composer config --global github-oauth.corp.com {WORD}", "shell-argument"),
        ("root/.bash_history", f"rabbitmqctl add_user app {WORD}", "shell-argument"),
        ("root/.bash_history", f"openssl rsa -in a -passin pass:{WORD}", "shell-argument"),
        ("root/.bash_history", f"usermod -p {WORD} app", "shell-argument"),
        ("root/.bash_history", f"sqlcmd -S a -U sa -P {WORD}", "shell-argument"),
        ("root/.bash_history", f"smbclient -U bob%{WORD} //x/y", "shell-argument"),
        ("root/.bash_history", f"net user app {WORD} /add", "shell-argument"),
        ("root/.bash_history", rf"net use Z: \\\\files\\share {WORD} /user:app", "shell-argument"),
        ("app/run.sh", f"printf '{WORD}' > /run/secrets/db", "shell-kept"),
        ("app/run.sh", f'echo -n "{WORD}" >> /etc/app/db-password.txt', "shell-kept"),
        ("app/run.sh", f"printf '%s\\n' {WORD} > /srv/.token", "shell-kept"),
    ],
)
def test_a_password_in_a_script(path: str, line: str, rule: str) -> None:
    assert rules_found(path, line) == [rule]
    assert rules_found(path, f"#!/bin/sh\n# as before\n{line}\nexit 0\n") == [rule]


@pytest.mark.parametrize(
    "line",
    [
        "DB_PASSWORD=$1",
        'DB_PASSWORD="${DB_PASSWORD:-}"',
        'PASSWORD="$(cat /run/secrets/db)"',
        "PASSWORD=`openssl rand -hex 16`",
        'DB_PASSWORD="prefix1$SUFFIX"',
        "# export DB_PASSWORD=x1y2z3w4",
        "start  # DB_PASSWORD=x1y2z3w4",
        "PASSWORD=",
        "PASS=passed",
        "TOKEN=NEXT_TOKEN",
        "PASSWORD_FILE=/run/secrets/db",
        "net user app /delete",
        "net user app * /add",
        'echo "$DB_PASSWORD" > /run/secrets/db',
        "echo enter your password > /tmp/prompt",
        "echo done > /var/log/token",
        "echo root:x:0:0:root:/root:/bin/sh > etc/passwd",
        "printf '%s' \"$(openssl rand -hex 8)\" > /srv/.token",
        "SECRET=/etc/app/secret.key",
        "PWD=/srv/app1; OLDPWD=/srv/app2",
        "COMPASS=N0rth-W3st",
        "MAX_TOKEN=4096",
        'mysql -u root -p"$MYSQL_ROOT_PASSWORD"',
        "mysql -u root -p mydb1",
        "mysql -P 3306 --protocol=tcp -h db1",
        "find /var/lib/mysql -name '*.frm' -print0",
        "docker login -u app --password-stdin hub.corp.com",
        'sshpass -p "$PW" ssh a',
        "sshpass -f /run/secrets/pw1 ssh a",
        "curl -u app:$TOKEN https://a.corp.com",
        "curl -fsSL https://a.corp.com:8443/x1 | tar xz",
        "chown -R app:app1 /srv && docker run -u 1000:1000 x",
        "keytool -import -noprompt -storepass changeit -keystore cacerts",
        "app --password-file=/run/secrets/pw1",
        "db_get app/mysql/app-pass && dbc_dbpass=$RET",
        'echo "app:$PW" | chpasswd',
        'echo "$TOKEN" | docker login --password-stdin',
        "echo x1y2z3 | tee /etc/issue",
        "RELEASE_SIGNING_KEY=7169605F62C751356D054A26A821E680E5FA6305",
        "htpasswd -c f user1",
        "npm config set registry https://npm.corp.com/a1",
        "openssl dgst -sha256 a1.tar",
        "unzip -q a1.zip -d /srv1",
        "useradd -r -s /sbin/nologin -p '*' a",
        "adduser --system --disabled-password --gecos '' app1",
        'echo "usage: $0 --password <password>"',
        "  --password=PASSWORD",
    ],
)
def test_what_a_script_does_with_passwords_of_others_is_none(line: str) -> None:
    assert rules_found("srv/app/run.sh", f"#!/bin/sh\n{line}\nexit 0\n") == []


def test_each_of_several_passwords_in_a_row_is_found() -> None:
    content = f"A_PASSWORD={WORD}1\nB_PASSWORD={WORD}2 C_PASSWORD={WORD}3\nsshpass -p {WORD}4 sshpass -p {WORD}5 x\n"

    assert rules_found("srv/app/run.sh", content) == ["shell-variable"] * 3 + ["shell-argument"] * 2
