"""Passwords that tools keep for whoever uses them, known by the file they lie in."""

from hullguard.inventory.content.secrets.rule import Rule
from hullguard.inventory.content.secrets.rules.lines import (
    LINE,
    VALUE,
    setting,
)
from hullguard.model.severity import Severity

_CRITICAL, _HIGH, _MEDIUM, _LOW = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW

_S_EXPRESSION = r"private-key[ \t\r\n]{0,8}\((?:[0-9]{1,2}:)?((?:rsa|ecc|dsa|elg)[ \t\r\n(:0-9A-Za-z#\-]{4,200})"
_NKEY = r"S[ACNOUX][A-Z2-7]{56}"
"""A seed of an account, a cluster, a server, an operator or a user (github.com/nats-io/nkeys, "strkey")."""

TOOLS = (
    setting(
        "rclone-password",
        "Password of rclone, which is obscured only",
        _HIGH,
        LINE + r"(?:pass|password|password2|client_secret|secret_access_key|bearer_token|access_token|user_password|"
        r"account_key|key|sas_url|config_password)[ \t]{0,8}=[ \t]{0,8}([^ \t\r\n\x00]{8,600})",
        r"\.?rclone\.conf",
    ),
    setting(
        "rclone-token",
        "Token of rclone",
        _HIGH,
        r"\"(?:access|refresh)_token\":[ \t]{0,4}\"([^\"\r\n\x00]{16,3000})\"",
        r"\.?rclone\.conf",
    ),
    setting(
        "azure-login",
        "Azure sign-in",
        _CRITICAL,
        r"\"(?:refresh_?[tT]oken|access_?[tT]oken|client_?[sS]ecret|service_?[pP]rincipal_?[sS]ecret|secret)\"\s{0,8}:\s{0,8}"
        r"\"([^\"\r\n\x00]{16,3000})\"",
        r"\.azure/[^/]+\.(?:json|bin)",
    ),
    setting(
        "helm-password",
        "Helm repository password",
        _HIGH,
        LINE + r"(?:-[ \t]{1,4})?password:[ \t]{1,8}" + VALUE,
        r"helm/repositories\.yaml|\.helm/repository/repositories\.yaml",
    ),
    setting(
        "poetry-password",
        "Python index password",
        _HIGH,
        LINE + r"(?:password|[\w.\-]{1,40})[ \t]{0,8}=[ \t]{0,8}\"([^\"\r\n\x00]{6,300})\"",
        r"pypoetry/auth\.toml",
    ),
    setting(
        "cargo-token",
        "Cargo registry token",
        _HIGH,
        LINE + r"(?:token|secret-key)[ \t]{0,8}=[ \t]{0,8}\"([^\"\r\n\x00]{12,600})\"",
        r"\.?cargo/credentials(?:\.toml)?",
    ),
    setting(
        "bundler-password",
        "Gem source password",
        _HIGH,
        r"BUNDLE_[A-Z0-9_]{1,100}__[A-Z0-9_]{1,100}:[ \t]{1,8}\"?([^\"/: \t\r\n]{1,100}:[^\"/ \t\r\n\x00]{4,200})",
        r"\.bundle/config|bundle/config",
    ),
    setting(
        "terraform-login",
        "Terraform registry token",
        _HIGH,
        r"\"?token\"?[ \t]{0,8}[:=][ \t]{0,8}\"([^\"\r\n\x00]{12,600})\"",
        r"credentials\.tfrc\.json|\.terraformrc|terraform\.rc",
    ),
    setting(
        "maven-master-password",
        "Maven master password, encrypted by a known key",
        _HIGH,
        r"<master>[ \t\r\n]{0,40}\{([A-Za-z0-9+/=]{16,600})\}",
        r"settings-security\.xml",
    ),
    setting(
        "jenkins-master-key",
        "Master key of Jenkins",
        _CRITICAL,
        r"([a-f0-9]{256})",
        r"secrets/master\.key",
        2.5,
    ),
    setting(
        "jenkins-credential",
        "Credential of Jenkins, encrypted",
        _MEDIUM,
        r"<(?:password|passphrase|secret|secretBytes|privateKey|apiToken|clientSecret|secretKey)>\{(AQAAAB[A-Za-z0-9+/=]{20,3000})",
        r"credentials\.xml|config\.xml",
    ),
    setting(
        "jenkins-credential-clear",
        "Credential of Jenkins",
        _HIGH,
        r"<(?:password|passphrase|secret|apiToken|clientSecret|secretKey)>([^<>{}\s\x00]{6,300})</",
        r"credentials\.xml",
    ),
    setting(
        "filezilla-password",
        "Password of an FTP client",
        _HIGH,
        r"<Pass encoding=\"base64\">([A-Za-z0-9+/=]{4,300})<",
        r"(?i:sitemanager|recentservers|filezilla)\.xml",
    ),
    setting(
        "curl-password",
        "Password in the settings of a download",
        _HIGH,
        LINE
        + r"(?:-u|--?user|--?proxy-user|user|proxy-user)[ \t]{0,4}[= \t:][ \t]{0,4}"
        + r"[\"']?[^\s:\"']{1,100}:([^\s\"'\x00]{4,200})",
        r"[._]curlrc",
    ),
    setting(
        "wget-password",
        "Password in the settings of a download",
        _HIGH,
        LINE + r"(?:http_?|ftp_?|proxy_?)?passw(?:or)?d[ \t]{0,8}=[ \t]{0,8}" + VALUE,
        r"\.?wgetrc",
    ),
    setting(
        "mercurial-password",
        "Password of a code host",
        _HIGH,
        LINE + r"[\w.\-]{1,60}\.password[ \t]{0,8}=[ \t]{0,8}" + VALUE,
        r"\.?hgrc",
    ),
    setting(
        "snowflake-password",
        "Snowflake password",
        _HIGH,
        LINE + r"(?:password|private_key_passphrase)[ \t]{0,8}=[ \t]{0,8}" + VALUE,
        r"\.?snowsql/config|\.?snowflake/(?:config|connections)\.toml",
    ),
    setting(
        "databricks-password",
        "Databricks password",
        _HIGH,
        LINE + r"(?:password|client_secret|azure_client_secret)[ \t]{0,8}=[ \t]{0,8}" + VALUE,
        r"\.databrickscfg",
    ),
    setting(
        "kaggle-key",
        "Kaggle API key",
        _HIGH,
        r"\"key\"[ \t]{0,8}:[ \t]{0,8}\"([a-f0-9]{32})\"",
        r"\.?kaggle/kaggle\.json|kaggle\.json",
    ),
    setting(
        "gnupg-private-key",
        "PGP private key",
        _HIGH,
        r"\((?:11:)?" + _S_EXPRESSION,
        r"private-keys-v1\.d/[^/]+\.key",
    ),
    setting(
        "gnupg-protected-key",
        "PGP private key, encrypted",
        _LOW,
        r"\((?:21:)?protected-" + _S_EXPRESSION,
        r"private-keys-v1\.d/[^/]+\.key",
    ),
    setting(
        "debconf-password",
        "Password that a package of Debian was configured with",
        _HIGH,
        LINE + r"Value:[ \t]{1,8}([^\r\n\x00]{4,300})",
        r"debconf/passwords\.dat(?:-old)?",
    ),
    setting(
        "google-authenticator",
        "Secret of Google Authenticator",
        _HIGH,
        r"(?:\A|\n)([A-Z2-7]{16,128})\r?\n\" ",
        r"[^/]*\.google_authenticator",
    ),
    Rule(
        "nats-seed",
        "Private key of NATS",
        _HIGH,
        rf"SEED-{{3,8}}[ \t]{{0,4}}\r?\n[ \t]{{0,8}}({_NKEY})",
        needs=("SEED-",),
    ),
    setting(
        "nats-seed-file", "Private key of NATS", _HIGH, rf"(?:\A|\n)({_NKEY})[ \t\r]{{0,4}}(?:\n|\Z)", r"[^/]*\.nk"
    ),
)
