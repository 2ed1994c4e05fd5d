"""Applications that nothing lists, by the file in which each says its version."""

import pytest
from tests.support.images import DEBIAN_12, dpkg_entry, dpkg_status, file
from tests.support.inventories import Found

WORDPRESS = "<?php\n/**\n * @global string $wp_version\n */\n$wp_version = '5.8';\n$wp_db_version = 49752;\n"
DRUPAL_7 = "<?php\ndefine('VERSION', '7.82');\ndefine('DRUPAL_CORE_COMPATIBILITY', '7.x');\n"
NEXTCLOUD = "<?php\n$OC_Version = array(20,0,0,9);\n$OC_VersionString = '20.0.0';\n$vendor = 'nextcloud';\n"
MOODLE = "<?php\ndefined('MOODLE_INTERNAL') || die();\n$release  = '3.9.1+ (Build: 20200615)';\n"


@pytest.mark.parametrize(
    ("path", "content", "name", "version"),
    [
        ("var/www/html/wp-includes/version.php", WORDPRESS, "wordpress", "5.8"),
        ("usr/src/wordpress/wp-includes/version.php", WORDPRESS.replace("5.8", "6.5-beta2"), "wordpress", "6.5-beta2"),
        ("opt/drupal/web/core/lib/Drupal.php", "class Drupal {\n  const VERSION = '9.0.0';\n}", "drupal", "9.0.0"),
        ("var/www/html/includes/bootstrap.inc", DRUPAL_7, "drupal", "7.82"),
        (
            "srv/administrator/manifests/files/joomla.xml",
            "<extension><name>files_joomla</name><version>3.9.0</version></extension>",
            "joomla",
            "3.9.0",
        ),
        ("usr/src/nextcloud/version.php", NEXTCLOUD, "nextcloud", "20.0.0"),
        ("srv/moodle/version.php", MOODLE, "moodle", "3.9.1"),
        ("srv/libraries/classes/Version.php", "final class Version { const VERSION = '5.1.0';", "phpmyadmin", "5.1.0"),
        ("opt/gitlab/embedded/service/gitlab-rails/VERSION", "13.0.0-ee\n", "gitlab", "13.0.0"),
    ],
)
def test_an_application_says_its_version_in_a_file_of_its_own(path: str, content: str, name: str, version: str) -> None:
    package = Found([file(path, content)]).named(name)

    assert (package.version, package.ecosystem, package.locations) == (version, "Bitnami", (path,))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "<?php $version = 5;",
        MOODLE.replace("MOODLE_INTERNAL", "OTHER"),
        NEXTCLOUD.replace("nextcloud", "owncloud"),
        "\xff\xfe",
    ],
)
@pytest.mark.parametrize("path", ["srv/version.php", "srv/includes/bootstrap.inc"])
def test_of_what_others_call_so_nothing_is_told(path: str, content: str) -> None:
    found = Found([file(path, content)])

    assert found.names == []
    assert [unknown.what for unknown in found.unknowns] == ["operating system"]


def test_a_version_that_is_not_there_is_told() -> None:
    found = Found([file("srv/wp-includes/version.php", "<?php $wp_version = get();")])

    assert found.names == []
    assert any(unknown.what == "srv/wp-includes/version.php" for unknown in found.unknowns)


def test_an_application_of_the_distribution_is_reported_once_as_its_package() -> None:
    path = "usr/share/wordpress/wp-includes/version.php"
    found = Found(
        [
            file("etc/os-release", DEBIAN_12),
            dpkg_status(dpkg_entry("wordpress", "6.1.1+dfsg1-1")),
            file("var/lib/dpkg/info/wordpress.list", f"/{path}\n"),
            file(path, WORDPRESS),
        ]
    )

    assert found.names == ["wordpress"]
    assert found.packages[0].ecosystem.startswith("Debian")
