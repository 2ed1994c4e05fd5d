"""Passwords of what watches, collects and mails, by the file they lie in, and what stands there and is none."""

import pytest
from tests.support.specimens import WORD, rules_found

KEY = "3f9a7bc2d81e40565f1d0a9c2b7e8463"


@pytest.mark.parametrize(
    ("path", "content", "rule"),
    [
        ("etc/alertmanager/alertmanager.yml", f"global:\n  smtp_auth_password: '{WORD}'\n", "monitoring-password"),
        ("etc/alertmanager.yml", f"  pagerduty_configs:\n  - service_key: {WORD}\n", "monitoring-password"),
        ("etc/prometheus/prometheus.yml", f"    basic_auth:\n      password: {WORD}\n", "monitoring-password"),
        ("etc/prometheus/prometheus.yaml", f"      credentials: {WORD}\n", "monitoring-password"),
        ("etc/prometheus/prometheus.yml", f"  basic_auth: {{username: u, password: {WORD}}}\n", "monitoring-password"),
        (
            "etc/logstash/conf.d/x.conf",
            f'output {{ elasticsearch {{ user => "u" password => "{WORD}" }} }}\n',
            "logstash-password",
        ),
        ("srv/app/settings/base.py", f'SECRET_KEY: str = "{WORD}{KEY}"\n', "python-secret-key"),
        ("srv/app/settings.py", f'SECRET_KEY = os.environ.get("SECRET_KEY", "{WORD}{KEY}")\n', "python-secret-key"),
        ("srv/app/app.py", f'app.config["SECRET_KEY"] = "{WORD}{KEY}"\n', "python-secret-key"),
        ("etc/filebeat/filebeat.yml", f'output.elasticsearch:\n  password: "{WORD}"\n', "beats-password"),
        ("etc/metricbeat/metricbeat.yml", f"output.elasticsearch.password: {WORD}\n", "beats-password"),
        ("etc/kibana/kibana.yml", f"elasticsearch.password: {WORD}\n", "beats-password"),
        ("etc/logstash/conf.d/out.conf", f'    password => "{WORD}"\n', "logstash-password"),
        ("usr/share/logstash/pipeline/logstash.conf", f"  password => '{WORD}'\n", "logstash-password"),
        ("etc/datadog-agent/datadog.yaml", f"api_key: {KEY}\n", "datadog-agent-key"),
        ("etc/telegraf/telegraf.conf", f'  password = "{WORD}"\n', "telegraf-password"),
        ("etc/zabbix/zabbix_server.conf", f"DBPassword={WORD}\n", "zabbix-password"),
        ("etc/ddclient.conf", f"login=a, password='{WORD}'\n", "ddclient-password"),
        ("etc/ddclient.conf", f"password={WORD} \\\n", "ddclient-password"),
        ("etc/exim4/passwd.client", f"*.corp.com:app:{WORD}\n", "exim-password"),
        (
            "etc/mosquitto/passwd",
            "app:$7$101$kq7Lw2Xv5Rb8Nc3M$z6Hf1Jg4Pskq7Lw2Xv5Rb8Nc3Mz6Hf1Jg4==\n",
            "mosquitto-hash",
        ),
        ("srv/app/settings.py", f"SECRET_KEY = 'django-{WORD}{WORD}'\n", "python-secret-key"),
        ("srv/app/config.py", f'    SECRET_KEY = "{WORD}{WORD}"\n', "python-secret-key"),
        ("srv/app/local_settings.py", f"DB_PASSWORD = '{WORD}'\n", "python-settings-password"),
    ],
)
def test_a_password_in_its_file(path: str, content: str, rule: str) -> None:
    assert rules_found(path, content) == [rule]
    assert rules_found(path, "# a comment\n" + content) == [rule]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (
            "etc/alertmanager/alertmanager.yml",
            "  smtp_auth_password_file: /run/secrets/smtp\n  # password: tr0ub4dor9\n",
        ),
        (
            "etc/prometheus/prometheus.yml",
            "  authorization:\n    credentials_file: /etc/prometheus/t0ken\n  type: Bearer\n",
        ),
        ("etc/filebeat/filebeat.yml", '  #password: "tr0ub4dor9"\n  password: "${ES_PWD}"\n'),
        ("etc/logstash/conf.d/out.conf", '  password => "${ES_PWD}"\n  # password => "tr0ub4dor9"\n'),
        ("etc/datadog-agent/datadog.yaml", "api_key:\n# api_key: 3f9a7bc2d81e40565f1d0a9c2b7e8463\n"),
        ("etc/telegraf/telegraf.conf", '  # password = "tr0ub4dor9"\n  token = "$INFLUX_TOKEN"\n'),
        ("etc/zabbix/zabbix_server.conf", "# DBPassword=\nDBUser=zabbix\n"),
        ("etc/exim4/passwd.client", "# target.mail.server.example:login:password\n"),
        ("srv/app/settings.py", "SECRET_KEY = os.environ['SECRET_KEY']\nSECRET_KEY = env('DJANGO_SECRET_KEY')\n"),
        ("lib/python3.11/site-packages/flask/config.py", "    DEBUG = True\n    SECRET_KEY = 'development key'\n"),
        ("etc/prometheus/prometheus.yml", "  # basic_auth: {username: u, password: tr0ub4dor9}\n"),
        ("srv/app/local_settings.py", "DB_PASSWORD = getenv('DB_PASSWORD')\nPASSWORD_FIELD = 'password'\n"),
    ],
)
def test_what_refers_to_a_password_or_is_commented_out_is_none(path: str, content: str) -> None:
    assert rules_found(path, content) == []
