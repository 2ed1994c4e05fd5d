"""Passwords in the settings of servers and applications, known by the file they lie in."""

from hullguard.inventory.content.secrets.rule import Rule
from hullguard.inventory.content.secrets.rules.lines import (
    CALLED,
    IS,
    KEY,
    LINE,
    QUOTED,
    SHOUTED,
    VALUE,
    XML_COMMENT,
    setting,
)
from hullguard.model.severity import Severity

_CRITICAL, _HIGH, _MEDIUM, _LOW = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW

SERVERS = (
    setting(
        "redis-password",
        "Redis password",
        _HIGH,
        LINE + r"(?i:requirepass|masterauth|sentinel[ \t]+auth-pass[ \t]+[^ \t\n]{1,64}|sentinel[ \t]+sentinel-pass)"
        r"[ \t]{1,8}" + VALUE,
        r"(?:redis|valkey|sentinel|keydb)[^/]*\.conf|(?:redis|valkey|keydb)/[^/]+\.conf",
    ),
    setting(
        "redis-acl-password",
        "Redis password",
        _HIGH,
        LINE + r"user[ \t]{1,8}[^ \t\n]{1,64}[^\n>#]{0,1000}[ \t]>([^ \t\r\n\x00]{3,300})",
        r"(?:redis|valkey|sentinel|keydb)[^/]*\.conf|[^/]*users?\.acl|redis/[^/]+\.acl",
    ),
    setting(
        "redis-acl-hash",
        "Password hash of Redis",
        _MEDIUM,
        LINE + r"user[ \t]{1,8}[^ \t\n]{1,64}[^\n>#]{0,1000}[ \t]#([a-f0-9]{64})",
        r"(?:redis|valkey|sentinel|keydb)[^/]*\.conf|[^/]*users?\.acl|redis/[^/]+\.acl",
    ),
    setting(
        "rabbitmq-password",
        "RabbitMQ password",
        _HIGH,
        LINE + r"default_pass[ \t]{0,8}=[ \t]{0,8}" + VALUE,
        r"rabbitmq[^/]*\.conf|rabbitmq/conf\.d/[^/]+\.conf",
    ),
    setting(
        "grafana-password",
        "Grafana password",
        _HIGH,
        LINE + r"(?:admin_password|secret_key|password|client_secret|bind_password)[ \t]{0,8}=[ \t]{0,8}" + VALUE,
        r"grafana(?:/[^/]+)?\.(?:ini|toml)|grafana/(?:[^/]+/)?(?:custom|ldap|grafana)\.(?:ini|toml)",
    ),
    setting(
        "pgbouncer-password",
        "Password or its hash for PgBouncer",
        _HIGH,
        LINE + r"\"[^\"\r\n]{1,64}\"[ \t]{1,8}\"([^\"\r\n\x00]{4,300})\"",
        r"userlist\.txt",
    ),
    setting(
        "postgres-service-password",
        "PostgreSQL password",
        _HIGH,
        LINE + r"password[ \t]{0,8}=[ \t]{0,8}" + VALUE,
        r"\.?pg_service\.conf",
    ),
    setting(
        "odbc-password",
        "Password of an ODBC data source",
        _HIGH,
        LINE + r"(?i:password|pwd)[ \t]{0,8}=[ \t]{0,8}" + VALUE,
        r"\.?odbc(?:inst)?\.ini",
    ),
    setting(
        "mail-password",
        "Mail password",
        _HIGH,
        LINE + r"(?i:password|authpass)(?:[ \t]{0,8}=[ \t]{0,8}|[ \t]{1,8})" + VALUE,
        r"\.?msmtprc|s?smtp\.conf|\.fetchmailrc|\.esmtprc",
    ),
    setting(
        "postfix-password",
        "Mail password",
        _HIGH,
        LINE + r"[\[\w.][\w.\-\]:]{2,120}[ \t]{1,8}[^ \t:\r\n]{1,120}:([^ \t\r\n\x00]{4,300})",
        r"sasl_passwd[^/.]*",
    ),
    setting(
        "ppp-secret",
        "PPP secret",
        _HIGH,
        LINE + r"[\"']?[^ \t\r\n\"'#]{1,64}[\"']?[ \t]{1,20}[\"']?[^ \t\r\n\"'#]{1,64}[\"']?[ \t]{1,20}" + VALUE,
        r"(?:chap|pap)-secrets",
    ),
    setting(
        "ipsec-secret",
        "IPsec secret",
        _HIGH,
        r":[ \t]{1,8}(?:PSK|XAUTH|EAP)[ \t]{1,8}\"([^\"\r\n\x00]{4,300})\"",
        r"ipsec(?:\.d/[^/]+)?\.secrets",
    ),
    setting(
        "ldap-password",
        "LDAP bind password",
        _HIGH,
        LINE
        + r"(?i:bindpw|ldap_default_authtok|rootbindpw|bind_?password|rootpw)(?:[ \t]{0,8}=[ \t]{0,8}|[ \t]{1,8})"
        + VALUE,
        r"(?:pam_|nss_)?ldap\.conf|nslcd\.conf|sssd(?:/conf\.d/[^/]+)?\.conf|slapd\.conf|libnss-ldap\.conf",
    ),
    setting(
        "tomcat-password",
        "Tomcat password",
        _HIGH,
        XML_COMMENT + r"|<user[ \t\r\n][^<>]{0,300}password=\"([^\"<>\r\n\x00]{4,300})\"",
        r"tomcat-users\.xml",
    ),
    setting(
        "connection-string-password",
        "Password in a connection string",
        _HIGH,
        r"(?i:[;\"'][ \t]{0,4}(?:password|pwd)[ \t]{0,4}=[ \t]{0,4})([^;\"'<>\s\x00]{4,128})",
        r"(?:appsettings[^/]*|secrets)\.json|(?i:web|app|connectionstrings|[^/]+\.(?:exe|dll))\.config",
    ),
)

APPLICATIONS = (
    setting(
        "spring-password",
        "Password in the settings of a Spring application",
        _HIGH,
        LINE + KEY + CALLED + r"\"?" + IS + VALUE,
        r"(?:application|bootstrap)(?:-[^/]+)?\.(?:properties|ya?ml)",
    ),
    Rule(
        "jasypt-password",
        "Password encrypted by Jasypt",
        _LOW,
        r"ENC\(([A-Za-z0-9+/=]{16,600})\)",
        paths=r"[^/]*\.properties|(?:application|bootstrap|config)[^/]*\.ya?ml",
        whole=False,
    ),
    setting(
        "compose-password",
        "Password in a compose file",
        _HIGH,
        LINE + r"(?:-[ \t]{0,8})?[\"']?" + SHOUTED + r"[\"']?" + IS + VALUE,
        r"(?:docker-)?(?:compose|stack)(?:[.\-_][^/]*)?\.ya?ml",
    ),
    setting(
        "database-yml-password",
        "Database password of an application",
        _HIGH,
        LINE + r"(?:database_)?password:[ \t]{1,8}" + VALUE,
        r"database(?:[.\-_][\w.\-]{1,40})?\.ya?ml|config/(?:parameters|secrets|storage|cable)\.ya?ml",
    ),
    setting(
        "php-password",
        "Database password of an application",
        _HIGH,
        r"(?:\$(?:password|smtppass|dbpass(?:word)?|db_pass(?:word)?|wgDBpassword|databasePassword)|->(?:dbpass|password)|"
        r"\[[\"'](?:password|dbpass|db_password)[\"']\]|[\"'](?:password|db_password)[\"'])"
        r"[ \t]{0,20}=>?[ \t]{0,20}[\"']([^\"'\r\n\x00]{4,200})[\"']",
        r"(?:configuration|config\.inc|config\.db|config-db|settings|settings\.local|LocalSettings|parameters|"
        r"local|global|env|database|config)\.php|config\.php",
    ),
    setting(
        "python-password",
        "Database password of an application",
        _HIGH,
        r"[\"'](?:PASSWORD|password)[\"'][ \t]{0,8}:[ \t]{0,8}[\"']([^\"'\r\n\x00]{4,200})[\"']",
        r"(?:local_)?settings\.py",
    ),
    setting(
        "gradle-password",
        "Password in the settings of a build",
        _HIGH,
        LINE + KEY + CALLED + r"[ \t]{0,8}[=:][ \t]{0,8}" + VALUE,
        r"gradle\.properties|key(?:store)?\.properties|local\.properties|signing\.properties",
    ),
    setting(
        "terraform-state-secret",
        "Secret in a state of Terraform",
        _HIGH,
        r"\"[\w\-]{0,60}" + CALLED + r"(?:_pem|_openssh|_value|_base64|_hash)?\"[ \t]{0,8}:[ \t]{0,8}" + QUOTED,
        r"[^/]*\.tfstate(?:\.backup|\.[0-9]+\.backup)?",
    ),
    setting(
        "terraform-sensitive-output",
        "Secret in a state of Terraform",
        _HIGH,
        r"\"value\"\s{0,8}:\s{0,8}"
        + QUOTED
        + r",\s{0,40}\"type\"\s{0,8}:\s{0,8}\"string\",\s{0,40}\"sensitive\"\s{0,8}:\s{0,8}true",
        r"[^/]*\.tfstate(?:\.backup|\.[0-9]+\.backup)?",
    ),
    setting(
        "terraform-variable",
        "Secret in a variable of Terraform",
        _HIGH,
        r"(?:\A|[\n{,])[ \t]{0,40}\"?[\w\-]{0,60}" + CALLED + r"\"?[ \t]{0,40}[=:][ \t]{0,8}" + QUOTED,
        r"[^/]*\.tfvars(?:\.json)?",
    ),
)
