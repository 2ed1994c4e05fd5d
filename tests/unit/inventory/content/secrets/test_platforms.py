"""Passwords in the settings of platforms, and what stands beside them and is none."""

import pytest
from tests.support.specimens import WORD, rules_found

HEX = "3f9a7bc2d81e4056"
FERNET = "kq7Lw2Xv5Rb8Nc3Mz6Hf1Jg4PsAaQw9ErTyUiOp-Zx4="


@pytest.mark.parametrize(
    ("path", "content", "rule"),
    [
        ("var/www/html/config/config.php", f"<?php\n  'dbpassword' => '{WORD}',\n", "nextcloud-secret"),
        ("var/www/html/config/config.php", f"<?php\n  'secret' => '{WORD}',\n", "nextcloud-secret"),
        ("etc/systemd/system/a.service", f'[Service]\nEnvironment="DB_PASSWORD={WORD}"\n', "systemd-password"),
        ("etc/systemd/system/a.service", f"[Service]\nEnvironment=A=b API_TOKEN={WORD}\n", "systemd-password"),
        ("etc/systemd/system/a.service.d/b.conf", f"[Service]\nEnvironment=DB_PASS={WORD}\n", "systemd-password"),
        ("etc/gitlab/gitlab.rb", f"gitlab_rails['smtp_password'] = '{WORD}'\n", "gitlab-password"),
        ("etc/gitlab/gitlab.rb", f'gitlab_rails["initial_root_password"] = "{WORD}"\n', "gitlab-password"),
        ("etc/gitlab/gitlab.rb", f"  'aws_secret_access_key' => '{WORD}',\n", "gitlab-password"),
        ("opt/keycloak/conf/keycloak.conf", f"db-password={WORD}\n", "keycloak-password"),
        ("opt/keycloak/conf/keycloak.conf", f"https-key-store-password={WORD}\n", "keycloak-password"),
        ("opt/kafka/config/server.properties", f"ssl.keystore.password={WORD}\n", "kafka-password"),
        (
            "opt/kafka/config/producer.properties",
            f'sasl.jaas.config=a.b.PlainLoginModule required username="a" password="{WORD}";\n',
            "kafka-password",
        ),
        ("etc/odoo/odoo.conf", f"[options]\nadmin_passwd = {WORD}\n", "odoo-password"),
        ("root/.odoorc", f"[options]\ndb_password = {WORD}\n", "odoo-password"),
        ("app/config/secrets.yml", f"production:\n  secret_key_base: {HEX * 8}\n", "rails-secret-key"),
        (
            "app/config/initializers/secret_token.rb",
            f"A::Application.config.secret_key_base = '{HEX * 8}'\n",
            "rails-secret-key",
        ),
        ("etc/supervisord.conf", f'[program:a]\nenvironment=A="b",DB_PASS="{WORD}"\n', "supervisor-password"),
        ("etc/supervisor/conf.d/a.conf", f"[program:a]\nenvironment=DB_PASSWORD={WORD}\n", "supervisor-password"),
        ("etc/supervisord.conf", f"[inet_http_server]\nusername=a\npassword={WORD}\n", "supervisor-password"),
        ("etc/fstab", f"//srv/x /mnt cifs username=b,password={WORD},vers=3.0 0 0\n", "cifs-password"),
        ("var/jenkins_home/secrets/initialAdminPassword", HEX * 2 + "\n", "jenkins-first-password"),
        ("opt/airflow/airflow.cfg", f"[core]\nfernet_key = {FERNET}\n", "airflow-secret"),
        ("opt/airflow/airflow.cfg", f"[smtp]\nsmtp_password = {WORD}\n", "airflow-secret"),
    ],
)
def test_a_password_in_its_file(path: str, content: str, rule: str) -> None:
    assert rules_found(path, content) == [rule]
    assert rules_found(path, content.replace(WORD, "")) == ([rule] if WORD not in content else [])


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (
            "var/www/html/config/config.php",
            "<?php\n  'dbpassword' => getenv('DB_PASSWORD_1'),\n  'secret' => env('A1'),\n",
        ),
        ("var/www/html/config/app.php", f"<?php\n  'secret' => '{WORD}',\n"),
        ("etc/systemd/system/a.service", f'[Service]\n# Environment="DB_PASSWORD={WORD}"\n'),
        ("etc/systemd/system/a.service", "[Service]\nEnvironmentFile=/etc/default/app1\nPassEnvironment=DB_PASSWORD\n"),
        ("etc/systemd/system/a.service", "[Service]\nEnvironment=TOKEN_FILE=%d/token1 PASSWORD=%I-app1\n"),
        ("etc/systemd/system/a.service", "[Service]\nTTYVHangup=yes\nMemoryMax=1G\nEnvironment=PWD=/srv/a1\n"),
        ("etc/gitlab/gitlab.rb", f"# gitlab_rails['smtp_password'] = '{WORD}'\n"),
        (
            "etc/gitlab/gitlab.rb",
            "gitlab_rails['smtp_password'] = ENV['SMTP_PASSWORD']\npostgresql['sql_user'] = 'app-1x9'\n",
        ),
        ("opt/keycloak/conf/keycloak.conf", f"#db-password={WORD}\ndb-username=app-1x9\ndb-password=${{KC_DB}}\n"),
        ("opt/kafka/config/server.properties", "ssl.keystore.location=/etc/kafka/a1.jks\nlog.dirs=/tmp/kafka-logs1\n"),
        ("opt/kafka/config/server.properties", f"# ssl.keystore.password={WORD}\nssl.key.password=${{file:/a:b}}\n"),
        ("etc/odoo/odoo.conf", f"[options]\n; admin_passwd = {WORD}\ndb_password = False\nadmin_passwd = admin\n"),
        ("app/config/secrets.yml", "production:\n  secret_key_base: <%= ENV['SECRET_KEY_BASE'] %>\n"),
        (
            "etc/supervisord.conf",
            f';password={WORD}\n[program:a]\nenvironment=HOME="/srv/a1",DB_PASS="%(ENV_DB_PASS)s"\n',
        ),
        ("etc/supervisord.conf", f'[program:a]\n;environment=DB_PASS="{WORD}"\ncommand=a --x=1\n'),
        (
            "etc/fstab",
            f"# //srv/x /mnt cifs username=b,password={WORD} 0 0\n//srv/y /mnt cifs credentials=/root/.smb1 0 0\n",
        ),
        ("var/jenkins_home/secrets/initialAdminPassword", "none yet\n"),
        ("opt/airflow/airflow.cfg", "[core]\nfernet_key =\nsecret_key = temporary_key\nfernet_key = {FERNET_KEY}\n"),
    ],
)
def test_what_refers_to_a_password_or_is_commented_out_is_none(path: str, content: str) -> None:
    assert rules_found(path, content) == []
