"""Passwords that are known by the file they lie in, and what stands in such files and is none."""

import pytest
from tests.support.specimens import WORD, rules_found


@pytest.mark.parametrize(
    ("path", "content", "rule"),
    [
        ("etc/redis/redis.conf", f"port 6379\nrequirepass {WORD}\n", "redis-password"),
        ("etc/redis.conf", f'masterauth "{WORD}"\n', "redis-password"),
        ("etc/redis/sentinel.conf", f"sentinel auth-pass mymaster {WORD}\n", "redis-password"),
        ("etc/redis/users.acl", f"user app on ~* &* +@all >{WORD}\n", "redis-acl-password"),
        ("etc/redis/users.acl", f"user app on #{'3f9a7bc2d81e4056' * 4} ~*\n", "redis-acl-hash"),
        ("etc/rabbitmq/rabbitmq.conf", f"default_pass = {WORD}\n", "rabbitmq-password"),
        ("etc/grafana/grafana.ini", f"[security]\nadmin_password = {WORD}\n", "grafana-password"),
        ("etc/pgbouncer/userlist.txt", f'"app" "{WORD}"\n', "pgbouncer-password"),
        ("root/.pg_service.conf", f"[db]\npassword={WORD}\n", "postgres-service-password"),
        ("etc/odbc.ini", f"[db]\nPWD = {WORD}\n", "odbc-password"),
        ("root/.msmtprc", f"account a\npassword {WORD}\n", "mail-password"),
        ("etc/ssmtp/ssmtp.conf", f"AuthPass={WORD}\n", "mail-password"),
        ("etc/postfix/sasl_passwd", f"[smtp.corp.com]:587 app:{WORD}\n", "postfix-password"),
        ("etc/ppp/chap-secrets", f"app * {WORD} *\n", "ppp-secret"),
        ("etc/ipsec.secrets", f'10.0.0.1 : PSK "{WORD}"\n', "ipsec-secret"),
        ("etc/nslcd.conf", f"bindpw {WORD}\n", "ldap-password"),
        ("etc/sssd/sssd.conf", f"ldap_default_authtok = {WORD}\n", "ldap-password"),
        ("opt/tomcat/conf/tomcat-users.xml", f'<user username="a" password="{WORD}" roles="x"/>', "tomcat-password"),
        ("app/appsettings.json", f'{{"Db": "Server=db;User=a;Password={WORD};"}}', "connection-string-password"),
        ("app/application.properties", f"spring.datasource.password={WORD}\n", "spring-password"),
        ("app/application-prod.yml", f"spring:\n  datasource:\n    password: {WORD}\n", "spring-password"),
        ("app/bootstrap.yaml", f'  cloud.client-secret: "{WORD}"\n', "spring-password"),
        ("app/application.yml", "    password: ENC(kq7Lw2Xv5Rb8Nc3Mz6Hf1Jg4)\n", "jasypt-password"),
        ("srv/docker-compose.yml", f"    environment:\n      POSTGRES_PASSWORD: {WORD}\n", "compose-password"),
        ("srv/compose.prod.yaml", f"      - MYSQL_ROOT_PASSWORD={WORD}\n", "compose-password"),
        ("app/.env", f"export SMTP_PASS = '{WORD}'\n", "env-password"),
        ("app/.env", f"PASSWORD={WORD}\n", "env-password"),
        ("app/config/database.yml", f"production:\n  password: {WORD}\n", "database-yml-password"),
        ("srv/www/configuration.php", f"public $password = '{WORD}';", "php-password"),
        ("srv/www/sites/default/settings.php", f"'password' => '{WORD}',", "php-password"),
        ("srv/www/LocalSettings.php", f'$wgDBpassword = "{WORD}";', "php-password"),
        ("srv/app/settings.py", f"'PASSWORD': '{WORD}',", "python-password"),
        ("root/.gradle/gradle.properties", f"sonatypePassword={WORD}\n", "gradle-password"),
        ("srv/terraform.tfstate", f'"master_password": "{WORD}",', "terraform-state-secret"),
        (
            "srv/terraform.tfstate",
            f'"value": "{WORD}",\n "type": "string",\n "sensitive": true',
            "terraform-sensitive-output",
        ),
        ("srv/prod.tfvars", f'db_password = "{WORD}"\n', "terraform-variable"),
        ("srv/prod.tfvars.json", f'{{"db_password": "{WORD}"}}', "terraform-variable"),
        ("root/.config/rclone/rclone.conf", "[a]\npass = Kq7Lw2Xv5Rb8Nc3Mz6Hf1Jg4Ps\n", "rclone-password"),
        ("root/.azure/msal_token_cache.json", f'"secret": "0.{WORD * 3}"', "azure-login"),
        ("root/.config/helm/repositories.yaml", f"- name: a\n  password: {WORD}\n", "helm-password"),
        ("root/.config/pypoetry/auth.toml", f'[http-basic.a]\npassword = "{WORD}"\n', "poetry-password"),
        ("root/.cargo/credentials.toml", f'[registry]\ntoken = "{WORD}"\n', "cargo-token"),
        ("app/.bundle/config", f'BUNDLE_GEMS__CORP__COM: "app:{WORD}"\n', "bundler-password"),
        ("root/.terraform.d/credentials.tfrc.json", f'{{"token": "{WORD}"}}', "terraform-login"),
        ("root/.m2/settings-security.xml", "<master>{kq7Lw2Xv5Rb8Nc3Mz6Hf1Jg4Ps=}</master>", "maven-master-password"),
        ("var/jenkins_home/secrets/master.key", "3f9a7bc2d81e4056" * 16, "jenkins-master-key"),
        (
            "var/jenkins_home/credentials.xml",
            "<password>{AQAAABAAAAAQkq7Lw2Xv5Rb8Nc3Mz6Hf1Jg4Ps=}</password>",
            "jenkins-credential",
        ),
        ("root/.config/filezilla/sitemanager.xml", '<Pass encoding="base64">a3E3THcyWHY=</Pass>', "filezilla-password"),
        ("root/.curlrc", f'user = "app:{WORD}"\n', "curl-password"),
        ("root/.wgetrc", f"http_password={WORD}\n", "wget-password"),
        ("root/.hgrc", f"[auth]\ncorp.password = {WORD}\n", "mercurial-password"),
        ("root/.snowsql/config", f"password = {WORD}\n", "snowflake-password"),
        ("etc/ansible/hosts", f"a ansible_user=b ansible_ssh_pass={WORD}\n", "ansible-password"),
        ("root/.kube/config", f"- user:\n    username: a\n    password: {WORD}\n", "kubeconfig-password"),
        ("var/cache/debconf/passwords.dat", f"Name: a/root\nTemplate: a/root\nValue: {WORD}\n", "debconf-password"),
        ("var/lib/dpkg/info/app.postinst", f"#!/bin/sh\nmysql -u root -p{WORD}\n", "shell-argument"),
        ("var/lib/pacman/local/app-1-1/install", f"post_install() {{\n  DB_PASS={WORD} setup\n}}\n", "shell-variable"),
        ("etc/shadow", "app:kq7Lw2Xv5Rb8N:19000:0:::::\n", "shadow-hash"),
        ("etc/nginx/.htpasswd", "app:{SHA}kq7Lw2Xv5Rb8Nc3Mz6Hf1Jg4PsA=\n", "htpasswd-hash"),
    ],
)
def test_a_password_in_its_file(path: str, content: str, rule: str) -> None:
    assert rules_found(path, content) == [rule]
    assert rules_found(path, "# a comment\n" + content) == [rule]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("etc/redis/redis.conf", f"# requirepass {WORD}\n"),
        ("etc/redis/users.acl", "user default on nopass ~* &* +@all\n"),
        ("etc/rabbitmq/rabbitmq.conf", f"# default_pass = {WORD}\n"),
        ("etc/grafana/grafana.ini", ";admin_password = tr0ub4dor\n"),
        (
            "app/application.yml",
            "    password: ${DB_PASSWORD}\n    password: '{cipher}3f9a7bc2'\n    password: @db.pw@\n",
        ),
        ("app/application.properties", "spring.datasource.password=\nserver.ssl.key-store-password=${X}\n"),
        ("app/messages.properties", f"login.password={WORD}\n"),
        ("srv/docker-compose.yml", "  POSTGRES_PASSWORD: ${PG}\n  POSTGRES_PASSWORD_FILE: /run/secrets/pg\n"),
        ("srv/docker-compose.yml", "  DB_PASSWORD: /run/secrets/db\n  A_TOKEN: !secret a\n"),
        ("app/.env", "DB_PASSWORD=\nDB_PASSWORD=$OTHER\nCOMPASS_HEADING=northwest\nBYPASS=sometimes\n"),
        ("app/config/database.yml", "  password: <%= ENV['DB_PASSWORD'] %>\n"),
        ("srv/app/settings.py", "'PASSWORD': os.environ['X'],\nPASSWORD_HASHERS = ['django.contrib.auth.hashers.X']\n"),
        ("srv/terraform.tfstate", '"password": "", "password": null, "password_length": "sixteen-or-so"'),
        ("srv/prod.tfvars", 'db_password = var.other\n# db_password = "x1y2z3w4"\n'),
        (
            "root/.config/rclone/rclone.conf",
            "# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\nkq7Lw2Xv5Rb8Nc3Mz6\n",
        ),
        ("app/.bundle/config", 'BUNDLE_WITHOUT: "development:test"\nBUNDLE_MIRROR__HTTPS://A: "https://b.corp.com"\n'),
        ("srv/group_vars/all.yml", "ansible_password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  3639376266\n"),
        ("srv/vault.yml", "$ANSIBLE_VAULT;1.1;AES256\n" + "36393762663937626639376266\n" * 4),
        ("etc/shadow", "root:*:19000:0:99999:7:::\ndaemon:!:19000::::::\napp:!!:19000::::::\nb::19000::::::\n"),
        ("var/jenkins_home/credentials.xml", "<password>${X}</password><id>a</id>"),
        ("var/cache/debconf/passwords.dat", "Name: a/root\nTemplate: a/root\nValue: \nOwners: app-server-8\n"),
        ("etc/ppp/chap-secrets", "# Secrets for authentication using CHAP\n# client server secret IP addresses\n"),
    ],
)
def test_what_refers_to_a_password_or_is_commented_out_is_none(path: str, content: str) -> None:
    assert rules_found(path, content) == []


@pytest.mark.parametrize(
    "address",
    [
        "postgres://app:s7R/ng!pwd@db:5432/app",
        "redis://:s7R/ng!/pwd@cache:6379",
        "https://app:s7R/ng!pwd@10.0.0.1:8443/x",
        "amqp://app:s7R/ng!pwd@[fd00::1]:5672/",
    ],
)
def test_a_password_in_an_address_may_hold_a_slash(address: str) -> None:
    assert rules_found("app/x.conf", f"url={address}\n") == ["url-password-with-slash"]


@pytest.mark.parametrize(
    "address",
    [
        "http://cdn.corp.com:8080/npm/@scope/a@1.2.3:80",
        "http://a:9200,http://b:9200/x@c:1",
        "git+ssh://git@code.corp.com:team/repo.git@v1.2",
        "ssh://code:team/repo@main",
        "https://user:${A/B}@host:80/",
        "https://a.corp.com/b:c/d@e",
    ],
)
def test_a_path_behind_a_port_is_no_password(address: str) -> None:
    assert rules_found("app/x.conf", f"url={address}\n") == []


@pytest.mark.parametrize(
    "line",
    [
        "postgresql+psycopg2://scott:tiger@localhost/test",
        "redis://[[username]:[password]]@localhost:6379/0",
        "http://john:S3nsit1ve@my.example.com",
        "https://app:kq7Lw2Xv5Rb8@example.org/x",
        "ftp://app:kq7Lw2Xv5Rb8@host.invalid",
    ],
)
def test_what_manuals_print_is_no_password(line: str) -> None:
    assert rules_found("app/x.conf", f"url={line}\n") == []


def test_a_host_that_only_begins_like_an_example_is_one() -> None:
    assert rules_found("app/x.conf", f"url=https://app:{WORD}@example.com.corp.net/x\n") == ["url-password"]
    assert rules_found("app/x.conf", f"url=https://app:{WORD}@testing.corp.net/x\n") == ["url-password"]
