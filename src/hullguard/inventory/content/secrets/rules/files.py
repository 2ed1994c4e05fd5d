"""Private keys, tokens in standard formats, and passwords that are known by the file they lie in."""

from hullguard.inventory.content.secrets.rule import Rule
from hullguard.inventory.content.secrets.rules.pem import BETWEEN, HEADERS
from hullguard.model.severity import Severity

_CRITICAL, _HIGH, _MEDIUM, _LOW = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW
# Where it all stands in one line, nothing is between the header of a key and its first line.
_BODY = rf"(?:{BETWEEN}){{0,100}}(?:(?:{HEADERS})[^\n]{{0,120}}\n\s{{0,60}}){{0,4}}([A-Za-z0-9+/=]{{48,76}})"
_ENV_NAMES = (
    r"(?:(?:^|[\nA-Z0-9_ \t])(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|SECRET_KEY|API_?KEY|ACCESS_KEY|PRIVATE_KEY|"
    r"(?:AUTH|ACCESS|API|BOT)_TOKEN)|(?:^|[\n_ \t])(?:PASS|PWD))"
)


# Names that are nobody's (RFC 2606 and 6761): what is sent there is an example of a manual's.
_AT_AN_EXAMPLE = r"@(?:[\w\-]{1,63}\.){0,8}(?:example\.(?:com|net|org)|example|test|invalid)(?![\w.\-])"


def _pem(kind: str) -> str:
    return rf"-----BEGIN {kind}-----{_BODY}"


KEYS = (
    Rule("private-key-rsa", "RSA private key", _HIGH, _pem("RSA PRIVATE KEY"), whole=False),
    Rule("private-key-ec", "EC private key", _HIGH, _pem("EC PRIVATE KEY"), whole=False),
    Rule("private-key-dsa", "DSA private key", _HIGH, _pem("DSA PRIVATE KEY"), whole=False),
    Rule("private-key-pkcs8", "Private key", _HIGH, _pem("PRIVATE KEY"), whole=False),
    Rule("private-key-encrypted", "Encrypted private key", _LOW, _pem("ENCRYPTED PRIVATE KEY"), whole=False),
    Rule("private-key-openssh", "OpenSSH private key", _HIGH, _pem("OPENSSH PRIVATE KEY"), whole=False),
    Rule(
        "private-key-ssh2",
        "SSH2 private key",
        _HIGH,
        _pem("SSH2 ENCRYPTED PRIVATE KEY").replace("-----", "----"),
        whole=False,
    ),
    Rule("private-key-pgp", "PGP private key", _HIGH, _pem("PGP PRIVATE KEY BLOCK"), whole=False),
    Rule(
        "private-key-putty",
        "PuTTY private key",
        _HIGH,
        r"Private-Lines: [0-9]{1,3}\r?\n([A-Za-z0-9+/=]{40,76})",
        whole=False,
    ),
    Rule(
        "private-key-openvpn",
        "OpenVPN key",
        _HIGH,
        r"-----BEGIN OpenVPN (?:Static key V1|tls-crypt-v2 (?:client|server) key)-----[ \t\r]{0,4}\n"
        r"([a-f0-9]{32}|[A-Za-z0-9+/]{48,76})",
        whole=False,
    ),
    Rule("private-key-age", "age secret key", _HIGH, r"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}"),
    Rule(
        "private-key-wireguard",
        "WireGuard private key",
        _HIGH,
        r"PrivateKey[ \t]{0,4}=[ \t]{0,4}([A-Za-z0-9+/]{43}=)",
        whole=False,
    ),
    Rule("private-key-minisign", "minisign secret key", _HIGH, r"RWRTY0I[A-Za-z0-9+/=]{205}", whole=False),
    Rule(
        "private-key-cosign",
        "Encrypted cosign key",
        _LOW,
        _pem("ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY"),
        whole=False,
    ),
    Rule(
        "jwk-private",
        "Private JSON web key",
        _HIGH,
        r'"d"[ \t]{0,4}:[ \t]{0,4}"([A-Za-z0-9_\-]{43,700})"',
        entropy=4.0,
        whole=False,
    ),
    Rule(
        "jwt",
        "JSON web token",
        _MEDIUM,
        r"eyJ[A-Za-z0-9_\-]{14,500}\.eyJ[A-Za-z0-9_\-]{14,2000}\.[A-Za-z0-9_\-]{20,700}",
        entropy=4.0,
    ),
)

FILES = (
    Rule(
        "docker-config-auth",
        "Docker registry password",
        _CRITICAL,
        r'"auth"\s{0,8}:\s{0,8}"([A-Za-z0-9+/=]{8,2000})"',
        whole=False,
    ),
    Rule(
        "docker-identity-token",
        "Docker identity token",
        _CRITICAL,
        r'"identitytoken"\s{0,8}:\s{0,8}"([A-Za-z0-9._\-]{20,2000})"',
        whole=False,
    ),
    Rule(
        "kubeconfig-key",
        "Kubernetes client key",
        _CRITICAL,
        r"client-key-data:[ \t]{0,4}([A-Za-z0-9+/=]{100})",
        whole=False,
    ),
    Rule(
        "kubeconfig-token",
        "Kubernetes user token",
        _CRITICAL,
        r"\n[ \t]{2,12}(?:token|id-token|refresh-token|access-token):[ \t]{1,4}[\"']?([A-Za-z0-9._\-]{16,2000})",
        paths=r"(?:\.kube/config|kubeconfig[^/]*|admin\.conf|kubelet\.conf|k3s\.yaml)",
        whole=False,
    ),
    Rule(
        "kubeconfig-password",
        "Kubernetes user password",
        _CRITICAL,
        r"\n[ \t]{2,12}password:[ \t]{1,4}[\"']?([^ \t\r\n\"'\x00]{4,300})",
        paths=r"(?:\.kube/config|kubeconfig[^/]*|admin\.conf|kubelet\.conf|k3s\.yaml)",
        whole=False,
    ),
    Rule(
        "netrc-password",
        "Password in .netrc",
        _HIGH,
        r"password[ \t\r\n]{1,8}([^ \t\r\n\x00]{4,200})",
        paths=r"[._]netrc|auth\.conf(?:\.d/[^/]+)?",
        whole=False,
    ),
    Rule(
        "pgpass-password",
        "PostgreSQL password file",
        _HIGH,
        r":[0-9*]{1,5}:[^:\n]{1,64}:[^:\n]{1,64}:([^\r\n\x00]{3,200})",
        paths=r"\.pgpass",
        whole=False,
    ),
    Rule(
        "my-cnf-password",
        "MySQL client password",
        _HIGH,
        r"password[ \t]{0,4}=[ \t]{0,4}[\"']?([^ \t\r\n\"'\x00]{4,200})",
        paths=r"\.?my\.cnf|my\.cnf\.d/[^/]+\.cnf|\.mylogin\.cnf|debian\.cnf",
        whole=False,
    ),
    Rule(
        "htpasswd-hash",
        "Password hash of a web server",
        _MEDIUM,
        r":(\$(?:apr1|2[aby]|5|6)\$[A-Za-z0-9./$=]{20,200}|\{SHA\}[A-Za-z0-9+/]{27}=|[^:\r\n]{1,64}:[a-f0-9]{32})",
        paths=r"[^/]*htpasswd[^/]*|[^/]*htdigest[^/]*",
        whole=False,
    ),
    Rule(
        "shadow-hash",
        "Password hash of a system user",
        _HIGH,
        r":(\$(?:1|5|6|7|y|gy|2[aby])\$[A-Za-z0-9./$=,]{20,200}|_[A-Za-z0-9./]{19}:|[A-Za-z0-9./]{13}:)",
        paths=r"etc/g?shadow-?",
        whole=False,
    ),
    Rule(
        "maven-password",
        "Maven server password",
        _HIGH,
        r"<password>([^<$\{\r\n\x00]{4,200})</password>",
        paths=r"(?:\.m2|conf)/settings[^/]*\.xml",
        whole=False,
    ),
    Rule(
        "nuget-password",
        "NuGet feed password",
        _HIGH,
        r'key="ClearTextPassword"\s{1,8}value="([^"%\r\n\x00]{4,200})"',
        whole=False,
    ),
    Rule(
        "wordpress-password",
        "WordPress database password",
        _HIGH,
        r"""define\(\s{0,8}['"]DB_PASSWORD['"]\s{0,8},\s{0,8}['"]([^'"\r\n\x00]{4,200})['"]""",
        whole=False,
    ),
    Rule(
        "wordpress-key",
        "WordPress secret key",
        _MEDIUM,
        r"""define\(\s{0,8}['"](?:SECURE_AUTH|LOGGED_IN|NONCE|AUTH)_(?:KEY|SALT)['"]\s{0,8},\s{0,8}['"]([^'\r\n\x00]{32,200})['"]""",
        entropy=4.0,
        whole=False,
    ),
    Rule(
        "rails-master-key",
        "Rails master key",
        _HIGH,
        r"[a-f0-9]{32}",
        paths=r"config/(?:master|credentials/[a-z]+)\.key",
        entropy=3.0,
    ),
    Rule(
        "django-secret-key",
        "Django secret key",
        _MEDIUM,
        r"SECRET_KEY[ \t]{0,4}=[ \t]{0,4}['\"](django-insecure-[^'\"\r\n\x00]{30,100})",
        whole=False,
    ),
    Rule(
        "composer-auth",
        "Composer password",
        _HIGH,
        r'"password"\s{0,8}:\s{0,8}"([^"\r\n\x00]{4,200})"',
        paths=r"\.?composer/auth\.json|auth\.json",
        whole=False,
    ),
    Rule(
        "pip-password",
        "Python index password",
        _HIGH,
        r"password[ \t]{0,4}[:=][ \t]{0,4}([^ \t\r\n\x00]{4,200})",
        paths=r"\.pypirc",
        whole=False,
    ),
    Rule(
        "s3cfg-secret",
        "s3cmd secret key",
        _CRITICAL,
        r"secret_key[ \t]{0,4}=[ \t]{0,4}([A-Za-z0-9/+=]{16,100})",
        paths=r"\.s3cfg|\.passwd-s3fs|rclone\.conf",
        whole=False,
    ),
    Rule(
        "wifi-passphrase",
        "Wireless network passphrase",
        _MEDIUM,
        r'psk=("?[^"\r\n\x00]{8,64})',
        paths=r"wpa_supplicant[^/]*\.conf|system-connections/[^/]+",
        whole=False,
    ),
    Rule(
        "smb-password",
        "Windows share password",
        _HIGH,
        r"password[ \t]{0,4}=[ \t]{0,4}([^ \t\r\n\x00]{4,200})",
        paths=r"\.?smbcredentials|\.cifs[^/]*",
        whole=False,
    ),
)

GENERIC = (
    Rule(
        "url-password",
        "Password in a URL",
        _HIGH,
        r"(?:https?|ftps?|s?ftp|ssh|git|svn|ldaps?|smtps?|imaps?|amqps?|mqtts?|rediss?|mongodb(?:\+srv)?|postgres(?:ql)?|postgis|"
        r"mysql2?|mariadb|mssql|sqlserver|cockroachdb|oracle|clickhouse|couchbases?|cassandra|elasticsearch|neo4j|bolt|nats|kafka|"
        r"socks[45]h?|rtsps?)(?:\+[a-z0-9]{2,12})?://[^/\s:@\"'<>\x00]{0,64}:([^/\s:@\"'<>\x00]{3,128})@[A-Za-z0-9\[.\-]",
        whole=False,
        allow=r"\$|<|\{|\[|%[sd(]|tiger$",  # scott's, in every manual of a database
        unless=_AT_AN_EXAMPLE,
    ),
    Rule(
        "url-password-with-slash",
        "Password in a URL",
        _HIGH,
        r"(?:https?|ftps?|sftp|ssh|ldaps?|smtps?|imaps?|amqps?|mqtts?|rediss?|mongodb(?:\+srv)?|postgres(?:ql)?|mysql2?|mariadb|mssql|"
        r"sqlserver|clickhouse|nats|socks[45]h?)(?:\+[a-z0-9]{2,12})?://[^/\s:@\"'<>\x00]{0,64}:"
        r"([^/\s:@\"'<>\x00]{0,64}/[^\s:@\"'<>?#\x00]{1,128})@"
        r"(?:[A-Za-z0-9_\-]{1,63}(?:\.[A-Za-z0-9_\-]{1,63}){0,8}|\[[0-9a-f:.]{2,45}\]):[0-9]{2,5}",
        whole=False,
        allow=r"\$|<|\{|\[|%[sd(]|[0-9]{1,5}[/,]",
        unless=_AT_AN_EXAMPLE,
    ),
    Rule(
        "jdbc-password",
        "Password in a JDBC address",
        _HIGH,
        r"jdbc:[a-z0-9]{2,20}:[^\s\"'<>\x00]{1,200}[?&;][Pp]assword=([^&;\s\"'<>\x00]{3,128})",
        whole=False,
        allow=r"\$|<|\{|%[sd(]",
    ),
    Rule(
        "oracle-address-password",
        "Password in a JDBC address",
        _HIGH,
        r"jdbc:oracle:(?:thin|oci8?|kprb):[^/\s:@\"'<>\x00]{1,64}/\"?([^\s@\"'<>\x00]{3,128})\"?@",
        whole=False,
        allow=r"\$|<|\{|%[sd(]|tiger$",
    ),
    Rule(
        "basic-auth-header",
        "Basic authentication header",
        _HIGH,
        r"[Aa]uthorization[\"']?[:=][ \t]{0,4}[\"']?Basic ([A-Za-z0-9+/=]{12,300})",
        whole=False,
    ),
    Rule(
        "bearer-header",
        "Bearer token in a header",
        _HIGH,
        r"[Aa]uthorization[\"']?[:=][ \t]{0,4}[\"']?[Bb]earer ([A-Za-z0-9._~+/=\-]{20,2000})",
        entropy=3.5,
        whole=False,
    ),
    Rule(
        "env-password",
        "Password in an environment file",
        _MEDIUM,
        _ENV_NAMES + r"[ \t]{0,4}=[ \t]{0,4}[\"']?([^ \t\r\n\"'\x00]{6,300})",
        paths=r"\.env(?:\.[a-z0-9_.\-]+)?|[^/]*\.env|\.envrc",
        whole=False,
        allow=r"[$<{/]",
    ),
)
