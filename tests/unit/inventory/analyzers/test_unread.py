"""Packages of managers that are not read: nobody finds them, and that is said."""

import pytest
from tests.support.images import DEBIAN_12, dpkg_entry, dpkg_status, file
from tests.support.inventories import Found


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("R", "usr/local/lib/R/site-library/readxl/DESCRIPTION"),
        ("R", "usr/lib64/R/library/readxl/DESCRIPTION"),
        ("R", "usr/local/lib/R/library/readxl/DESCRIPTION"),
        ("R", "app/renv/library/R-4.2/x86_64-pc-linux-gnu/readxl/DESCRIPTION"),
        ("Erlang and Elixir", "opt/rabbitmq/plugins/cowboy-2.8.0/ebin/cowboy.app"),
        ("Erlang and Elixir", "opt/rabbitmq/plugins/rabbitmq_web-3.12.0.ez"),
        ("Electron in its archives", "opt/app/resources/app.asar"),
        ("Ruby from repositories", "usr/local/bundle/ruby/3.2.0/bundler/gems/rack-abcdef123456/rack.gemspec"),
        ("Composer without its list", "app/vendor/composer/installed.php"),
        ("Julia", "root/.julia/packages/HTTP/abcde/Project.toml"),
        ("opam", "home/opam/.opam/default/.opam-switch/packages/x509.0.11.0/opam"),
        ("Erlang and Elixir", "app/lib/phoenix-1.5.0/ebin/phoenix.app"),
        ("Lua", "usr/local/lib/luarocks/rocks-5.1/luasocket/3.0-1/luasocket-3.0-1.rockspec"),
        ("Yarn in its archives", "srv/.pnp.cjs"),
        ("Nix in another place", "home/a/nix/var/nix/db/db.sqlite"),
        ("Guix in another place", "srv/root/var/guix/db/db.sqlite"),
        ("snap in its archives", "var/lib/snapd/snaps/core22_1033.snap"),
        ("snap in its archives", "var/lib/snapd/seed/snaps/core22_1033.snap"),
        ("Homebrew's casks", "opt/homebrew/Caskroom/firefox/.metadata/INSTALL_RECEIPT.json"),
        ("Spack in its older form", "opt/spack/zlib-1.2.11/.spack/spec.yaml"),
        ("Dart in its cache", "root/.pub-cache/hosted/pub.example.org/http-0.12.0/pubspec.yaml"),
        ("Go in its cache", "go/pkg/mod/cache/download/golang.org/x/net/@v/v0.1.0.ziphash"),
        ("NuGet in its cache", "root/.nuget/packages/newtonsoft.json/9.0.1/newtonsoft.json.nuspec"),
        ("Cargo in its cache", "root/.cargo/registry/cache/index.example.org-6f17d22bba15001f/time-0.1.42.crate"),
        ("Solus", "var/lib/eopkg/package/openssl-3.0.13-41-1/metadata.xml"),
        ("WordPress's plugins and themes", "var/www/html/wp-content/plugins/akismet/readme.txt"),
        ("bills of materials in other forms, or of packages of Node.js", "layers/sbom/launch/node/sbom.syft.json"),
        ("bills of materials in other forms, or of packages of Node.js", "srv/node_modules/a/bom.json"),
        ("PECL and other channels of PEAR", "usr/local/lib/php/.registry/.channel.pecl.php.net/redis.reg"),
        ("R", "usr/lib/R/library/jsonlite/DESCRIPTION"),
        ("R", "usr/lib/R/site-library/readxl/DESCRIPTION"),
        ("Erlang and Elixir", "usr/lib/myapp/lib/phoenix-1.6.0/ebin/phoenix.app"),
        ("Lua", "usr/lib/luarocks/rocks-5.1/luasocket/3.0-1/luasocket-3.0-1.rockspec"),
        ("Julia", "opt/julia/packages/HTTP/aBcDe/Project.toml"),
        ("PECL and other channels of PEAR", "usr/share/php/.registry/.channel.pecl.php.net/redis.reg"),
        ("CPAN", "usr/local/lib/perl5/site_perl/5.38.2/x86_64-linux-gnu/auto/Mojolicious/.packlist"),
        ("CPAN", "usr/local/lib/perl5/site_perl/5.38.2/x86_64-linux-gnu/.meta/Mojolicious-9.35/install.json"),
    ],
)
def test_packages_that_are_not_read_are_told_once(kind: str, path: str) -> None:
    found = Found([file(path, "content"), file(f"{path.rpartition('/')[0]}/other", "content")])

    why = f"packages of this kind are not read; there are 1 signs of them, {path} the first"
    assert [(one.what, one.why) for one in found.unknowns if one.what != "operating system"] == [
        (f"packages of {kind}", why)
    ]


@pytest.mark.parametrize(
    "path", ["usr/lib64/R/library/stats/DESCRIPTION", "usr/local/lib/R/library/MASS/DESCRIPTION", "srv/DESCRIPTION"]
)
def test_what_r_brings_itself_is_no_package(path: str) -> None:
    assert [one.what for one in Found([file(path, "content")]).unknowns] == ["operating system"]


@pytest.mark.parametrize(
    "path",
    [
        "usr/lib/R/site-library/readxl/DESCRIPTION",
        "usr/lib/erlang/lib/kernel-8.5/ebin/kernel.app",
        "usr/share/lua/5.1/luasocket-3.0-1.rockspec",
        "usr/share/php/.registry/.channel.pecl.php.net/redis.reg",
        "usr/share/phar/phpab.phar",
    ],
)
def test_what_a_distribution_brought_is_told_by_its_own_package(path: str) -> None:
    debian = [file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("brought", "1.0-1"))]
    listed = file("var/lib/dpkg/info/brought.list", f"/{path}\n")
    content = "__HALT_COMPILER();"

    assert Found([*debian, listed, file(path, content)]).unknowns == []
    assert Found([*debian, file("var/lib/dpkg/info/brought.list", "/usr/x\n"), file(path, content)]).unknowns != []


@pytest.mark.parametrize("path", ["usr/bin/composer", "usr/local/bin/wp", "srv/tools/phpunit.phar"])
def test_archives_of_php_are_told_by_what_they_hold(path: str) -> None:
    phar = file(path, "#!/usr/bin/env php\n<?php Phar::mapPhar(); __HALT_COMPILER(); ?>\r\n" + "x" * 99)

    assert "packages of PHP in its archives" in [one.what for one in Found([phar]).unknowns]
    assert [one.what for one in Found([file(path, "#!/bin/sh\n")]).unknowns] == ["operating system"]


@pytest.mark.parametrize("path", ["usr/local/bin/phar.phar", "usr/bin/phar8.2.phar"])
def test_phps_own_program_for_archives_has_no_packages(path: str) -> None:
    assert [one.what for one in Found([file(path, "<?php __HALT_COMPILER();")]).unknowns] == ["operating system"]


@pytest.mark.parametrize(
    "path",
    [
        "srv/chroot/var/lib/dpkg/status",
        "opt/rootfs/lib/apk/db/installed",
        "opt/rootfs/usr/lib/apk/db/installed",
        "a/var/lib/rpm/Packages",
        "a/b/var/lib/rpm/rpmdb.sqlite",
        "a/usr/lib/sysimage/rpm/Packages.db",
        "a/usr/share/rpm/rpmdb.sqlite",
        "a/usr/lib/opkg/status",
        "a/var/db/xbps/pkgdb-0.38.plist",
        "a/var/lib/rpmmanifest/container-manifest-2",
        "a/var/lib/chisel/manifest.wall",
    ],
)
def test_a_database_below_another_root_is_told(path: str) -> None:
    why = "an OS package database lies outside the root file system: it was not read"

    assert (path, why) in [(one.what, one.why) for one in Found([file(path, "content")]).unknowns]


@pytest.mark.parametrize(
    ("directory", "names"),
    [
        ("rootfs/var/lib/dpkg/status.d", ("base", "tzdata")),
        ("rootfs/var/lib/pacman/local", ("bash-5-1/desc", "vi-1-1/desc")),
        ("rootfs/var/db/pkg", ("sys-libs/zlib-1/PF", "app-shells/bash-5/PF")),
        ("rootfs/var/lib/pkgtools/packages", ("a-1-noarch-1", "b-1-noarch-1")),
    ],
)
def test_one_of_many_files_is_told_once(directory: str, names: tuple[str, ...]) -> None:
    found = Found([file(f"{directory}/{name}", "content") for name in names])

    assert [one.what for one in found.unknowns if "outside" in one.why] == [directory]


@pytest.mark.parametrize(
    "path",
    [
        *("var/lib/dpkg/status", "var/lib/dpkg/status.d/base", "lib/apk/db/installed", "usr/lib/apk/db/installed"),
        *("var/lib/rpm/Packages", "usr/lib/sysimage/rpm/Packages.db", "usr/share/rpm/rpmdb.sqlite"),
        *("lib/opkg/status", "usr/lib/opkg/status", "var/lib/opkg/status", "opt/lib/opkg/status"),
        *("var/lib/pacman/local/bash-5-1/desc", "var/db/pkg/a/b-1/PF", "var/db/xbps/pkgdb-0.38.plist"),
        *("var/lib/pkgtools/packages/a-1-noarch-1", "var/lib/rpmmanifest/container-manifest-2"),
        "var/lib/chisel/manifest.wall",
    ],
)
def test_those_of_the_root_are_read(path: str) -> None:
    assert "outside" not in " ".join(one.why for one in Found([file(path, "content")]).unknowns)


def test_what_another_list_names_is_not_told() -> None:
    listed = file("app/vendor/composer/installed.json", '{"packages": []}')
    found = Found([listed, file("app/vendor/composer/installed.php", "<?php")])

    assert "packages of Composer without its list" not in [one.what for one in found.unknowns]


def test_wheels_that_lie_about_are_told_once() -> None:
    # Story: the same bytes called .zip were told, and as wheels they were passed over.
    found = Found([file(f"wheels/{name}-1.0-py3-none-any.whl", b"PK") for name in ("a", "b")])

    assert found.names == []
    (said,) = [one for one in found.unknowns if one.what == "2 wheels of Python"]
    assert said.why == "they are not installed, so they count for nothing; wheels/a-1.0-py3-none-any.whl is the first"
    assert not said.incomplete


@pytest.mark.parametrize(
    "place",
    [
        "usr/local/lib/python3.12/ensurepip/_bundled",
        "usr/share/python-wheels",
        "srv/lib/python3.12/site-packages/virtualenv/seed/wheels/embed",
    ],
)
def test_wheels_for_new_environments_are_not_told(place: str) -> None:
    found = Found([file(f"{place}/pip-24.0-py3-none-any.whl", b"PK"), file("opt/wheels/b-1-py3-none-any.whl", b"PK")])

    assert [one.what for one in found.unknowns if "wheel" in one.what] == ["1 wheels of Python"]
