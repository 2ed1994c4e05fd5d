"""Which files of an OS package may name another package."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.inventory.analyzers.analyzer import text
from hullguard.inventory.analyzers.ownable import loadable, metadata, ownable, ownables


@pytest.mark.parametrize(
    "path",
    [
        "usr/bin/python3.11",
        "sbin/nginx",
        "usr/lib/postgresql/15/bin/postgres",
        "usr/lib/cgi-bin/php8.2",
        "usr/lib/cgi-bin/a.cgi",
        "opt/vendor/php8.2",
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


@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"", b"d41d8cd98f00b204e9800998ecf8427e"]),
            st.builds(
                bytes.__add__,
                st.sampled_from([b"usr/bin/", b"usr/lib/libssl.so", b"usr/share/doc/", b"a/package.json", b""]),
                st.binary(min_size=1, max_size=8).map(lambda some: some.replace(b"\n", b"\xe2")),
            ),
        ),
        max_size=20,
    )
)
def test_each_name_of_a_list_is_judged_for_itself_whatever_bytes_it_has(names: list[tuple[bytes, bytes]]) -> None:
    assert ownables(iter(names)) == b"\n".join(b" ".join(each) for each in names if ownable(text(each[1])))
