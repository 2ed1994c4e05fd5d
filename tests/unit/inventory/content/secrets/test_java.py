"""Passwords in the settings of Java's servers, and what those servers come with, which is none."""

import pytest
from tests.support.specimens import WORD, rules_found


@pytest.mark.parametrize(
    ("path", "content", "rule"),
    [
        ("opt/tomcat/conf/server.xml", f'<Connector port="8443" keystorePass="{WORD}"/>', "tomcat-settings-password"),
        (
            "opt/tomcat/conf/server.xml",
            f'<Certificate certificateKeystoreFile="conf/a.jks"\n  certificateKeystorePassword="{WORD}"/>',
            "tomcat-settings-password",
        ),
        ("opt/tomcat/conf/server.xml", f"<Connector secret='{WORD}' port='8009'/>", "tomcat-settings-password"),
        (
            "opt/tomcat/conf/context.xml",
            f'<Resource name="jdbc/x" password="{WORD}" url="jdbc:mysql://db/x"/>',
            "tomcat-settings-password",
        ),
        (
            "srv/app/META-INF/context.xml",
            f'<Realm connectionName="a" connectionPassword="{WORD}"/>',
            "tomcat-settings-password",
        ),
        (
            "opt/tomcat/conf/Catalina/localhost/app.xml",
            f'<Context><Resource password="{WORD}"/></Context>',
            "tomcat-settings-password",
        ),
        ("opt/tomcat/conf/tomcat-users.xml", f'<user username="a"\n password="{WORD}"/>', "tomcat-password"),
        (
            "opt/wildfly/standalone/configuration/standalone-full.xml",
            f"<security><user-name>sa</user-name><password>{WORD}</password></security>",
            "wildfly-password",
        ),
        (
            "opt/jboss/domain/configuration/domain.xml",
            f'<security user-name="sa" password="{WORD}"/>',
            "wildfly-password",
        ),
        (
            "opt/wildfly/standalone/configuration/standalone.xml",
            f'<key-store name="a"><credential-reference clear-text="{WORD}"/></key-store>',
            "wildfly-password",
        ),
        (
            "opt/wildfly/domain/configuration/host-slave.xml",
            f'<server-identities><secret value="{WORD}"/></server-identities>',
            "wildfly-password",
        ),
        (
            "opt/jboss/standalone/deployments/app-ds.xml",
            f'<module-option name="bindCredential" value="{WORD}"/>',
            "wildfly-password",
        ),
        (
            "opt/wildfly/standalone/configuration/mgmt-users.properties",
            "a=9f3b7c2d1e8a4056b1c2d3e4f5a60718\n",
            "wildfly-user-hash",
        ),
        ("opt/domain/servers/a/security/boot.properties", f"username=weblogic\npassword={WORD}\n", "weblogic-password"),
        (
            "srv/app/META-INF/persistence.xml",
            f'<property name="javax.persistence.jdbc.password" value="{WORD}"/>',
            "persistence-password",
        ),
        (
            "srv/app/META-INF/persistence.xml",
            f"<property name='jakarta.persistence.jdbc.password' value='{WORD}'/>",
            "persistence-password",
        ),
        (
            "srv/app/hibernate.cfg.xml",
            f'<property name="hibernate.connection.password">{WORD}</property>',
            "persistence-password",
        ),
        (
            "srv/app/applicationContext-db.xml",
            f'<bean><property name="password" value="{WORD}"/></bean>',
            "persistence-password",
        ),
        ("srv/app/liquibase.properties", f"username: a\npassword: {WORD}\n", "database-properties-password"),
        ("srv/app/flyway.conf", f"flyway.password={WORD}\n", "database-properties-password"),
        ("srv/app/hibernate.properties", f"hibernate.connection.password = {WORD}", "database-properties-password"),
        ("srv/app/jdbc-prod.properties", f"jdbc.password={WORD}\n", "database-properties-password"),
        (
            "srv/app/logback-spring.xml",
            f"<connectionSource><password>{WORD}</password></connectionSource>",
            "logging-password",
        ),
        ("srv/app/log4j2.xml", f'<SMTP smtpHost="a" smtpPassword="{WORD}"/>', "logging-password"),
        ("srv/app/log4j.xml", f'<param name="password" value="{WORD}"/>', "logging-password"),
    ],
)
def test_a_password_in_the_settings_of_a_server(path: str, content: str, rule: str) -> None:
    assert rules_found(path, content) == [rule]
    assert rules_found(path, "<!-- as it was: -->\n" + content) == [rule]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        # Tomcat's own files, as they come with it.
        (
            "opt/tomcat/conf/tomcat-users.xml",
            (
                "<!--\n"
                '  <role rolename="tomcat"/>\n'
                '  <user username="tomcat" password="tomcat" roles="tomcat"/>\n'
                '  <user username="role1" password="<must-be-changed>" roles="role1"/>\n'
                "-->"
            ),
        ),
        ("opt/tomcat/conf/tomcat-users.xml", '<user username="robot" password="<must-be-changed>" roles="manager"/>'),
        (
            "opt/tomcat/conf/server.xml",
            (
                "<!--\n"
                '  <Connector port="8443" SSLEnabled="true"\n'
                '    keystoreFile="conf/localhost-rsa.jks" keystorePass="tr0ub4dor"/>\n'
                "-->\n"
                '<Connector port="8080" protocol="HTTP/1.1" redirectPort="8443" maxParameterCount="1000"/>'
            ),
        ),
        ("opt/tomcat/conf/server.xml", '<Certificate certificateKeystorePassword="changeit" type="RSA"/>'),
        (
            "opt/tomcat/conf/server.xml",
            (
                '<Resource name="UserDatabase" auth="Container" type="org.apache.catalina.UserDatabase"/>\n'
                '<Listener className="org.apache.catalina.security.SecurityListener"/>'
            ),
        ),
        ("opt/tomcat/conf/server.xml", '<Connector port="8009" secretRequired="false" secret=""/>'),
        ("opt/tomcat/conf/context.xml", '<Resource password="${db.password}" maxTotal="20"/>'),
        ("opt/tomcat/conf/context.xml", '<Resource password="{AES}kq7Lw2Xv5Rb8Nc3Mz6Hf"/>'),
        ("opt/wlp/server.xml", '<keyStore id="defaultKeyStore" password="{aes}AKq7Lw2Xv5Rb8Nc3Mz6Hf"/>'),
        # WildFly's.
        (
            "opt/wildfly/standalone/configuration/standalone.xml",
            (
                '<datasource jndi-name="java:jboss/datasources/ExampleDS">\n'
                '<security user-name="sa" password="sa"/>\n'
                '<key-store name="applicationKS"><credential-reference clear-text="password"/></key-store>'
            ),
        ),
        (
            "opt/wildfly/standalone/configuration/standalone-full-ha.xml",
            '<cluster password="${jboss.messaging.cluster.password:CHANGE ME!!}"/>',
        ),
        (
            "opt/wildfly/standalone/configuration/standalone.xml",
            '<module-option name="password-stacking" value="useFirstPass"/><password>${VAULT::ds::pw::1}</password>',
        ),
        (
            "opt/wildfly/domain/configuration/host-slave.xml",
            '<server-identities><secret value="c2xhdmVfdXNlcl9wYXNzd29yZA=="/></server-identities>',
        ),
        (
            "opt/wildfly/standalone/configuration/standalone.xml",
            '<vault><vault-option name="KEYSTORE_PASSWORD" value="MASK-31x/z0Xn83H4JaL0h5eK/N"/></vault>',
        ),
        ("opt/wildfly/standalone/configuration/mgmt-users.properties", "#admin=2a0923285184943425d1f53ddd58ec7a\n"),
        ("opt/domain/servers/a/security/boot.properties", "password={AES}kq7Lw2Xv5Rb8Nc3Mz6Hf1Jg4Ps\\=\n"),
        ("srv/app/META-INF/persistence.xml", '<property name="javax.persistence.jdbc.password" value=""/>'),
        ("srv/app/hibernate.cfg.xml", '<property name="connection.password"></property><!-- password="x1y2z3w4" -->'),
        ("srv/app/jetty.xml", '<Set name="KeyStorePassword">OBF:1vny1zlo1x8e1vnw1vn61x8g1zlu1vn4</Set>'),
        ("srv/app/liquibase.properties", "# password: x1y2z3w4\npassword: ${DB_PASSWORD}\n"),
        ("srv/app/flyway.conf", "# flyway.password=\nflyway.user=app\n"),
        ("srv/app/logback.xml", "<pattern>%d %msg password=%X{pw}</pattern><password>${PW}</password>"),
        ("srv/app/hibernate.cfg.xml", "<password>Enter the new password here</password>"),
    ],
)
def test_what_a_server_comes_with_is_none(path: str, content: str) -> None:
    assert rules_found(path, content) == []


def test_what_stands_behind_a_comment_that_never_ends_is_looked_at() -> None:
    assert rules_found("opt/tomcat/conf/server.xml", f'<!-- {"x" * 5000} <Resource password="{WORD}"/>') == [
        "tomcat-settings-password"
    ]


@pytest.mark.parametrize("driver", ["thin", "oci", "oci8"])
def test_a_password_in_an_address_of_oracle(driver: str) -> None:
    assert rules_found("app/x.conf", f"url=jdbc:oracle:{driver}:app/{WORD}@//db:1521/x\n") == [
        "oracle-address-password"
    ]


@pytest.mark.parametrize(
    "address", ["jdbc:oracle:thin:@db:1521/x", "jdbc:oracle:thin:scott/tiger@db", "jdbc:oracle:thin:app/${PW}@db"]
)
def test_an_address_of_oracle_without_a_password_of_its_own(address: str) -> None:
    assert rules_found("app/x.conf", f"url={address}\n") == []
