"""Passwords in the settings of what watches, collects and mails, known by the file they lie in."""

from hullguard.inventory.content.secrets.names import PLAIN
from hullguard.inventory.content.secrets.rules.lines import CALLED, HASH_COMMENT, KEY, LINE, VALUE, setting
from hullguard.model.severity import Severity

_HIGH, _MEDIUM = Severity.HIGH, Severity.MEDIUM

DAEMONS = (
    setting(
        "monitoring-password",
        "Password or token in the settings of a monitoring server",
        _HIGH,
        HASH_COMMENT
        + r"|(?:(?:\A|\n)[ \t]{0,40}(?:-[ \t]{1,8})?|[{,][ \t]{0,8})[\w.]{0,60}"
        + r"(?:password|secret|credentials|token|(?:api|integration|service|routing|user)_key):[ \t]{1,8}"
        + VALUE,
        r"(?:alertmanager|prometheus|loki|promtail|tempo|mimir|thanos|blackbox|snmp)[^/]*\.ya?ml|"
        r"(?:alertmanager|prometheus|web)/(?:config|web)\.ya?ml",
        allow=PLAIN,
    ),
    setting(
        "beats-password",
        "Password or key in the settings of Elastic's programs",
        _HIGH,
        LINE + r"(?:-[ \t]{1,8})?[\w.]{0,80}(?:password|api_key|secret_token|encryptionKey)[\"']?:[ \t]{1,8}" + VALUE,
        r"(?:filebeat|metricbeat|heartbeat|packetbeat|auditbeat|winlogbeat|journalbeat|apm-server|elastic-agent|"
        r"elasticsearch|kibana|opensearch(?:_dashboards)?|logstash)[^/]*\.ya?ml",
        allow=PLAIN,
    ),
    setting(
        "logstash-password",
        "Password in the settings of Logstash",
        _HIGH,
        HASH_COMMENT
        + r"|(?:\A|[\n{ \t])(?:[\w]{0,40}(?:password|secret)|api_key|secret_access_key)[ \t]{0,8}=>[ \t]{0,8}"
        + VALUE,
        r"[^/]*logstash[^/]*\.conf|(?:logstash|pipeline)/(?:[^/]+/)?[^/]+\.conf",
        allow=PLAIN,
    ),
    setting(
        "datadog-agent-key",
        "Datadog API key",
        _HIGH,
        LINE + r"(?:api_key|app_key|auth_token):[ \t]{1,8}[\"']?([a-f0-9]{32,40})",
        r"datadog[^/]*\.ya?ml",
        3.0,
    ),
    setting(
        "telegraf-password",
        "Password or token in the settings of Telegraf",
        _HIGH,
        LINE
        + r"(?:password|token|bearer_token_string|auth_password|priv_password)"
        + r"[ \t]{0,8}=[ \t]{0,8}\"([^\"\r\n\x00]{4,300})\"",
        r"telegraf[^/]*\.conf|telegraf\.d/[^/]+\.conf",
        allow=PLAIN,
    ),
    setting(
        "zabbix-password",
        "Database password of Zabbix",
        _HIGH,
        LINE + r"DBPassword[ \t]{0,8}=[ \t]{0,8}" + VALUE,
        r"zabbix_(?:server|proxy)[^/]*\.conf",
    ),
    setting(
        "ddclient-password",
        "Password of a dynamic name server",
        _HIGH,
        r"(?:\A|[\n,])[ \t]{0,40}password[ \t]{0,8}=[ \t]{0,8}[\"']?([^\s,\"'\\\x00]{4,300})",
        r"ddclient\.conf",
    ),
    setting(
        "exim-password",
        "Mail password",
        _HIGH,
        LINE + r"[\w.*\-]{1,120}:[^:\s#]{1,120}:([^\s:\x00]{4,300})",
        r"exim4?/passwd\.client",
    ),
    setting(
        "mosquitto-hash",
        "Password hash of Mosquitto",
        _MEDIUM,
        LINE + r"[^:\s#]{1,120}:\$[67]\$([^\s:\x00]{20,400})",
        r"mosquitto/[^/]*(?:passwd|password|pwfile)[^/]*",
    ),
    setting(
        "python-secret-key",
        "Key that an application signs its sessions with",
        _HIGH,
        LINE
        + r"(?:[\w.\[\"']{0,60})?(?:SECRET_KEY|secret_key)[\"'\]]{0,2}"
        + r"(?:[ \t]{0,4}:[ \t]{0,4}[\w.\[\], |]{1,40}?)?[ \t]{0,8}=[ \t]{0,8}"
        + r"(?:(?:os\.)?(?:environ\.get|getenv|env)\([\"']\w{1,60}[\"'],[ \t]{0,4})?b?[\"']([^\"'\s\x00]{12,300})[\"']",
        r"(?:(?:local_)?settings|settings_local|settings/(?:base|local|prod|production)|(?:superset_|webserver_)?config|app)\.py",
        3.0,
    ),
    setting(
        "python-settings-password",
        "Password in the settings of an application",
        _HIGH,
        LINE + KEY + CALLED + r"[ \t]{0,8}=[ \t]{0,8}b?[\"']([^\"'\r\n\x00]{4,300})[\"']",
        r"(?:local_settings|settings_local|superset_config)\.py",
        allow=PLAIN,
    ),
)
