"""Passwords in the settings of Java's servers and of what runs on them, known by the file they lie in."""

from hullguard.inventory.content.secrets.rules.lines import CALLED, IS, KEY, LINE, VALUE, XML_COMMENT, setting
from hullguard.model.severity import Severity

_HIGH, _MEDIUM = Severity.HIGH, Severity.MEDIUM

_NAME = r"[\w.\-]{0,60}(?:[Pp]assword|[Pp]ass|[Pp]assphrase|[Ss]ecret|[Cc]redential|clear-text)"
_XML = (
    XML_COMMENT + r"|(?:"
    rf"<{_NAME}>|"
    rf"[ \t\r\n]{_NAME}[ \t]{{0,4}}=[ \t]{{0,4}}[\"']|"
    rf"(?:name|key)[ \t]{{0,4}}=[ \t]{{0,4}}[\"']{_NAME}[\"']"
    r"(?:>|[ \t\r\n]{1,40}value[ \t]{0,4}=[ \t]{0,4}[\"'])|"
    r"<secret[ \t]{1,4}value=\""
    r")[ \t\r\n]{0,40}([^\"<>\s\x00]{4,300})[ \t\r\n]{0,40}[\"'<]"
)
"""An element, an attribute, or a property and its value; a sentence is no password."""
# The host controller's secret that WildFly's own domain comes with; what its vault has masked.
_OF_WILDFLY = r"c2xhdmVfdXNlcl9wYXNzd29yZA==$|MASK-|VAULT::"


JAVA = (
    setting(
        "tomcat-settings-password",
        "Password in the settings of Tomcat",
        _HIGH,
        _XML,
        r"(?:server|context)[^/]*\.xml|conf/tomee\.xml|Catalina/[^/]+/[^/]+\.xml",
    ),
    setting(
        "wildfly-password",
        "Password in the settings of WildFly or JBoss",
        _HIGH,
        _XML,
        r"(?:standalone|domain|host)(?:[-_][^/]*)?\.xml|[^/]+-ds\.xml|wildfly-config\.xml|jboss-cli\.xml",
        allow=_OF_WILDFLY,
    ),
    setting(
        "wildfly-user-hash",
        "Password hash of a user of WildFly or JBoss",
        _MEDIUM,
        LINE + r"[^#=\s]{1,100}=([a-f0-9]{32})",
        r"(?:mgmt|application)-users\.properties",
    ),
    setting(
        "weblogic-password",
        "WebLogic password",
        _HIGH,
        LINE + r"password[ \t]{0,8}=[ \t]{0,8}" + VALUE,
        r"boot\.properties",
    ),
    setting(
        "persistence-password",
        "Database password of an application",
        _HIGH,
        _XML,
        r"persistence[^/]*\.xml|[^/]*hibernate[^/]*\.xml|c3p0[^/]*\.xml|mybatis[^/]*\.xml|"
        r"(?i:applicationContext|spring|beans|datasource)[^/]*\.xml|jetty[^/]*\.xml",
        allow="OBF:",
    ),
    setting(
        "logging-password",
        "Password in the settings of a log",
        _HIGH,
        _XML,
        r"(?:logback|log4j2?)[^/]*\.xml",
    ),
    setting(
        "database-properties-password",
        "Database password of an application",
        _HIGH,
        LINE + KEY + CALLED + IS + VALUE,
        r"(?:liquibase|flyway|hibernate|hikari|c3p0|quartz|jdbc|db|database|datasource)(?:[-.][\w.\-]{1,40})?\.(?:properties|conf|toml)",
    ),
)
