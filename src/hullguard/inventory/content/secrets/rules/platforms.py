"""Passwords in the settings of what whole platforms are made of, known by the file they lie in."""

from hullguard.inventory.content.secrets.names import PARTS, PLAIN
from hullguard.inventory.content.secrets.rules.lines import (
    CALLED,
    HASH_COMMENT,
    IS,
    LINE,
    SHOUTED,
    VALUE,
    setting,
)
from hullguard.model.severity import Severity

_CRITICAL, _HIGH = Severity.CRITICAL, Severity.HIGH
_IN_QUOTES = r"[\"']([^\"'\r\n\x00]{4,300})[\"']"

PLATFORMS = (
    setting(
        "nextcloud-secret",
        "Password or secret of Nextcloud or ownCloud",
        _HIGH,
        r"[\"'](?:dbpassword|passwordsalt|secret|mail_smtppassword)[\"'][ \t]{0,20}=>[ \t]{0,20}" + _IN_QUOTES,
        r"config/config\.php",
    ),
    setting(
        "systemd-password",
        "Password in a unit of systemd",
        _HIGH,
        HASH_COMMENT + r"|(?:\A|\n|[ \t\"']|Environment=)" + SHOUTED + r"=[\"']?([^\s\"'\x00]{4,300})",
        r"[^/]*\.service(?:\.d/[^/]+\.conf)?|environment\.d/[^/]+\.conf",
        allow=rf"%|{PLAIN}",
        needs=PARTS,
    ),
    setting(
        "gitlab-password",
        "Password or secret in the settings of GitLab",
        _HIGH,
        LINE
        + rf"(?:\w{{1,40}}(?:\[[\"'][\w.\-]{{1,60}}[\"']\]){{0,3}}\[[\"'][\w.\-]{{0,60}}{CALLED}[\"']\][ \t]{{0,8}}=|"
        + r"[\"':]?(?:bind_)?(?:password|(?:client_)?secret|(?:aws_)?secret_access_key)[\"']?[ \t]{0,8}(?:=>|:))"
        + r"[ \t]{0,8}"
        + _IN_QUOTES,
        r"gitlab\.rb",
    ),
    setting(
        "keycloak-password",
        "Password in the settings of Keycloak",
        _HIGH,
        LINE + r"[\w.\-]{0,60}(?:password|secret)[ \t]{0,8}=[ \t]{0,8}" + VALUE,
        r"keycloak\.conf",
    ),
    setting(
        "kafka-password",
        "Password in the settings of Kafka",
        _HIGH,
        LINE
        + r"(?:[\w.\-]{0,100}password"
        + IS
        + r"[\"']?|[\w.\-]{0,100}sasl\.jaas\.config"
        + IS
        + r"[^\n]{0,600}?[ \t]password[ \t]{0,4}=[ \t]{0,4}\\?[\"'])([^ \t\r\n\"'\\;\x00]{4,300})",
        r"(?:server|broker|controller|consumer|producer|client|admin|zookeeper|connect-[a-z\-]{1,40}|kafka[^/]*)\.properties",
    ),
    setting(
        "odoo-password",
        "Password in the settings of Odoo",
        _HIGH,
        LINE + r"(?:admin_passwd|db_password|smtp_password)" + IS + VALUE,
        r"(?:odoo|openerp)[^/]*\.conf|\.(?:odoo|openerp_server)rc",
        allow="(?:False|None|admin)$",
    ),
    setting(
        "rails-secret-key",
        "Key that a Rails application signs its sessions with",
        _HIGH,
        LINE + r"(?:[\w.:]{1,60}\.)?secret_(?:key_base|token)[ \t]{0,8}[:=][ \t]{0,8}[\"']?([a-f0-9]{30,300})",
        r"config/secrets\.ya?ml|initializers/secret_token\.rb",
        3.0,
    ),
    setting(
        "supervisor-password",
        "Password in the settings of Supervisor",
        _HIGH,
        r"(?:\A|[\n \t])[;#][^\n]{0,1000}|"
        r"(?:\n[ \t]{0,40}password[ \t]{0,8}=[ \t]{0,8}|(?:environment[ \t]{0,8}=[ \t]{0,8}|,[ \t]{0,8}|\n[ \t]{1,40})"
        + SHOUTED
        + r"=)[\"']?([^\s\"',;\x00]{4,300})",
        r"supervisord?[^/]*\.(?:conf|ini)|supervisord?(?:/conf)?(?:\.d)?/[^/]+\.(?:conf|ini)",
        allow=rf"%|{PLAIN}",
    ),
    setting(
        "cifs-password",
        "Password of a mounted share",
        _HIGH,
        HASH_COMMENT + r"|(?:\A|[ \t,\n])(?:password2?|pass)[ \t]{0,4}=[ \t]{0,4}([^\s,\"'\x00]{4,300})",
        r"etc/fstab",
    ),
    setting(
        "jenkins-first-password",
        "First password of Jenkins' administrator",
        _CRITICAL,
        r"([a-f0-9]{32})",
        r"secrets/initialAdminPassword",
        2.5,
    ),
    setting(
        "airflow-secret",
        "Password or key in the settings of Airflow",
        _HIGH,
        LINE + r"(?:fernet_key|secret_key|[\w]{0,40}password)[ \t]{0,8}=[ \t]{0,8}" + VALUE,
        r"airflow[^/]*\.cfg",
        allow=PLAIN,
    ),
)
