"""Which files of an OS package may name another package."""

import pytest

from hullguard.inventory.analyzers.ownable import loadable, metadata, ownable


@pytest.mark.parametrize(
    "path",
    [
        "usr/bin/python3.11",
        "sbin/nginx",
        "usr/lib/postgresql/15/bin/postgres",
        "usr/libexec/docker/cli-plugins/docker-compose",
        "usr/lib/cni/bridge",
        "opt/vendor/program",
        "usr/lib/x86_64-linux-gnu/libcrypto.so.3",
        "usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0",
        "usr/share/java/log4j-core.jar",
        "usr/lib/jvm/java-17-openjdk-amd64/release",
        "usr/share/rubygems-integration/all/specifications/rack-2.2.6.gemspec",
        "usr/share/nodejs/node_modules/lodash/package.json",
        "usr/lib/python3/dist-packages/six-1.16.0.egg-info",
        "usr/lib/dotnet/sdk/6.0.1/MSBuild.deps.json",
        "usr/bin/x.sh",
        "etc/bin/x",
        "bin/sh",
        "program",
        "libssl.so.3",
        "usr/lib/x86_64-linux-gnu/libz.so.1",
        "usr/lib/x86_64-linux-gnu/gconv/UTF-16.so",
        "usr/lib/python3/dist-packages/_cffi.cpython-311-x86_64-linux-gnu.so",
    ],
)
def test_what_may_name_a_package_is_kept(path: str) -> None:
    assert ownable(path)


@pytest.mark.parametrize(
    "path",
    [
        "etc/nginx/nginx.conf",
        "usr/share/doc/bash/copyright",
        "usr/share/locale/de",
        "usr/include/c++/12/vector",
        "var/cache/apt",
        "usr/lib/python3/dist-packages/six.py",
        "usr/lib/x86_64-linux-gnu/libz.solid",
        "usr/lib/x.so.d/a.txt",
        "usr/robin/x.sh",
        "usr/bin/",
        "usr/lib/libssl.a",
        "",
    ],
)
def test_the_many_others_are_not(path: str) -> None:
    assert not ownable(path)


def test_what_a_process_may_be_or_load_names_no_package_by_that() -> None:
    assert loadable("usr/lib/libz.so.1")
    assert not metadata("usr/lib/libz.so.1")
    assert metadata("usr/share/java/log4j-core.jar")
    assert not loadable("usr/share/java/log4j-core.jar")
