"""Package databases of distributions and what installers of languages leave beside their packages."""

import gzip
import io
import json
import struct
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import zstandard
from tests.fuzz import samples
from tests.fuzz.reading import DEBIAN, LIMITS, analyzed, indexed, split
from tests.fuzz.target import Target
from tests.support import programs, rpms
from tests.support.archives import jar, manifest, pom_properties
from tests.support.images import ALPINE_318, DEBIAN_12, apk_installed, directory, dpkg_entry, layer
from tests.support.lockfiles import CASES

from hullguard.inventory.analyzers.analyzer import Context, Findings
from hullguard.inventory.analyzers.catalog import ANALYZERS
from hullguard.inventory.layer import Indexer
from hullguard.inventory.limits import Budget
from hullguard.inventory.squash import squash
from hullguard.inventory.wanted import Wanted

_BY_NAME = {analyzer.name: analyzer for analyzer in ANALYZERS}
_BASH = dpkg_entry("bash", "5.2-1", source="bash-source (5.2)") + dpkg_entry("libc6", "2.36-9", status="deinstall ok x")
_OPKG = b"Package: dnsmasq\nVersion: 2.86-16\nStatus: install user installed\nArchitecture: x86_64\n"
_APK = apk_installed(("musl", "1.2.4-r2", "musl"), ("zlib", "1.2.13-r1", "zlib")).content
_PACMAN = (
    b"%NAME%\nlibcurl\n\n%VERSION%\n1:8.5.0-1\n\n%BASE%\ncurl\n\n%ARCH%\nx86_64\n\n%LICENSE%\nMIT\nGPL-2.0-only\n\n"
)
_METADATA = (
    b"Metadata-Version: 2.1\nName: Django\nVersion: 3.2\nLicense: BSD-3-Clause\n"
    b"Classifier: License :: OSI Approved :: BSD License\n\nVersion: 9 of the text\n"
)
_GEM = (
    b'Gem::Specification.new do |s|\n  s.name = "rack".freeze\n  s.version = "2.0.6"\n'
    b'  s.licenses = ["MIT".freeze, "Ruby".freeze]\nend\n'
)
_MODULES = (
    "path\texample.com/app\nmod\texample.com/app\t(devel)\t\ndep\tgithub.com/gin-gonic/gin\tv1.6.0\th1:abc=\n"
    "dep\tgolang.org/x/text\tv0.3.0\th1:abc=\n=>\tgithub.com/fork/text\tv0.3.9\th1:def=\nbuild\t-compiler=gc\n"
)
_CRATES = [
    {"name": "app", "version": "0.1.0", "source": "local", "root": True, "dependencies": [1]},
    {"name": "time", "version": "0.1.42", "source": "crates.io"},
]
_WORDS = (
    b"usr/local/bin/python3.11\0" + b"3.11.4\0", b"/release/v18.16.0/node", b"nginx/1.25.1", b"OpenSSL 3.0.7 1 Nov 2022",
    b"BusyBox v1.36.1", b"ruby 3.2.2 (", b"postgres (PostgreSQL) 15.3", b"7.0.11build-1689023612000000000",
)  # fmt: skip
_MEMBER = b"\n--8<--\n"


def _target(
    name: str, analyzer: str, path: str, *seeds: bytes, beside: dict[str, bytes] | None = None, sample: str = ""
) -> Target:
    """A file of an image; a real one is among the samples where the real image has it, or a sample of its own is."""
    read = analyzed(_BY_NAME[analyzer], path, beside=beside, below=seeds[0])
    real = samples.installed(path) + (samples.sample(sample) if sample else [])
    longest = max([Target.longest, *(len(one) for one in real)])
    return Target(f"packages.{name}", read, lambda: (*seeds, *real), longest=longest)


def _locks() -> list[Target]:
    seeds = {
        "bun.lockb": [b"#!/usr/bin/env bun\nbun-lockfile-format-v0\n"],
        "deno.lock": [b"{}"],
        "x.csproj": [b"<PackageReference/>"],
    }
    for name, content, _ in CASES:
        seeds.setdefault(name, []).append((content if isinstance(content, str) else json.dumps(content)).encode())
    readers = {"go.mod": "golang", "go.sum": "golang", "pom.xml": "maven"}
    return [
        _target(f"locks.{name}", readers.get(name, "locks"), f"project/{name}", *given) for name, given in seeds.items()
    ]


def _headers() -> list[bytes]:
    return [
        rpms.sealed(
            rpms.header(
                "bash", "5.1.8", "6.el9", epoch=1, arch="x86_64", source="bash-5.1.8-6.el9.src.rpm", vendor="Red Hat"
            )
        ),
        rpms.header(
            "python3-six",
            basenames=["METADATA", "six.py"],
            dirnames=["/usr/lib/python3.9/site-packages/six-1.dist-info/", "/usr/lib/"],
            dirindexes=[0, 1],
            license="MIT",
            module="python39:3.9:8040:x:x86_64",
        ),
    ]


def _sqlite() -> tuple[bytes, bytes]:
    """A database and its log."""
    with tempfile.TemporaryDirectory() as directory:
        database = rpms.SqliteDatabase(Path(directory))
        database.install(_headers() * 3)
        database.checkpoint()
        database.install(_headers())
        database.remove(1)
        return database.main, database.log


def _in_database(data: bytes) -> Findings:
    """One header inside a sound database."""
    return _NDB(rpms.ndb(data))


def _in_store(data: bytes) -> Findings:
    """Directories of a store, whose names the input gives, a line each."""
    names = [name.decode("latin-1") for name in split(data, b"\n", 50)]
    store, wanted = _BY_NAME["stores"], Wanted([_BY_NAME["stores"]])
    indexer = Indexer(wanted, Budget(LIMITS), "layer")
    indexer.run(io.BytesIO(layer(*(directory(f"nix/store/{name}") for name in names))))
    return store.analyze(squash([indexer.index], wanted, LIMITS), Context(layers=("sha256:1",)))


def _archive(data: bytes) -> bytes:
    """An archive whose members the input gives: a name in the first line of each, its content below."""
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # of two members with one name
        for member in split(data, _MEMBER, 50):
            name, _, content = member.partition(b"\n")
            info = zipfile.ZipInfo(name[:1000].decode("latin-1") or "a")
            archive.writestr(info, _archive(content) if name.endswith(b".jar") and _MEMBER not in content else content)
    return out.getvalue()


def _members(members: dict[str, bytes | str]) -> bytes:
    contents = {name: one.encode() if isinstance(one, str) else one for name, one in members.items()}
    return _MEMBER.join(name.encode() + b"\n" + content for name, content in contents.items())


def _inside(path: str, made: Callable[[bytes], bytes], analyzer: str) -> Callable[[bytes], Findings]:
    """Reads the input after something was put around it that it could not be guessed to fit."""
    read = analyzed(_BY_NAME[analyzer], path)
    return lambda data: read(made(data))


_NDB = analyzed(_BY_NAME["rpm"], "usr/lib/sysimage/rpm/Packages.db")
_LOG4J = {**pom_properties("org.apache.logging.log4j", "log4j-core", "2.14.1"), **manifest(Bundle_License="Apache-2.0")}
_BUNDLE = manifest(
    Implementation_Title="commons-lang3",
    Implementation_Version="3.12.0",
    Bundle_SymbolicName="org.apache.commons.lang3",
)


def _jars() -> Iterable[bytes]:
    inner = jar(_LOG4J)
    return jar(_LOG4J), jar(_BUNDLE), jar({"BOOT-INF/lib/log4j-core-2.14.1.jar": inner, "WEB-INF/lib/x-1.jar": jar()})


def _elves() -> Iterable[bytes]:
    section = zlib.compress(json.dumps({"packages": _CRATES}).encode())
    return (
        programs.go_program("go1.19.3", _MODULES),
        *(
            programs.old_go_program("go1.16", _MODULES, wide=wide, order=order)
            for wide in (True, False)
            for order in "<>"
        ),
        programs.elf(extra=programs.go_info("go1.22rc1", _MODULES)),
        programs.elf({".text": b"\x90" * 64, ".dep-v0": section}),
        programs.elf(extra=b"\0".join(_WORDS)),
    )


def _sections(data: bytes) -> bytes:
    """A program with the list of crates in it that the input is."""
    return programs.elf({".dep-v0": zlib.compress(data), ".go.buildinfo": data})


def _copyright(data: bytes) -> Findings:
    """As the copyright file of a package of dpkg, in whose place a link may stand."""
    files = {"var/lib/dpkg/status": _BASH.encode(), "usr/share/doc/bash/copyright": data}
    wanted = Wanted([_BY_NAME["dpkg"], _BY_NAME["copyright"]])
    tree = squash([indexed(wanted, files)], wanted, LIMITS)
    return _BY_NAME["dpkg"].analyze(tree, Context(DEBIAN, layers=("sha256:1",), licenses=True))


def _copyrights() -> list[bytes]:
    with_fields = (
        b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: a\n\nFiles: *\n"
        b"License: GPL-2+ with Autoconf exception or Artistic, and Expat\n text of it\n .\n more\n\nLicense:\n public-domain\n"
    )
    grant = (
        b" * under the terms of the GNU Lesser General Public License as published by\n * the Free Software Foundation; either "
        b"version 2.1 of the License, or\n * (at your option) any later version.\n"
    )
    known = (
        b"Redistribution and use in source and binary forms, with or without modification, are permitted provided that the "
        b"following conditions are met:\n1. Redistributions of source code must retain the above copyright notice.\n"
        b"2. Redistributions in binary form must reproduce it.\nThis software is provided ``as is''. License: MIT\n"
        b"the same terms as Perl itself, see /usr/share/common-licenses/GPL-1 and `/usr/share/common-licenses/Artistic'.\n"
    )
    return [with_fields, grant, known, gzip.compress(with_fields)]


_BILL = (
    b'{"bomFormat": "CycloneDX", "specVersion": "1.5", "metadata": {"component": {"name": "app", "type": "application"}},'
    b' "components": [{"type": "library", "name": "a", "version": "1", "purl": "pkg:npm/%40s/a@1", "scope": "required"},'
    b' {"type": "library", "name": "b", "purl": "pkg:deb/debian/b@1:2?distro=debian-12", "components": []}]}'
)


def _native_image(data: bytes) -> bytes:
    """A program whose tables of symbols the input is, and the bill beside them."""
    return programs.elf({".svm_heap": b"x", ".dynsym": data, ".dynstr": b"\0sbom\0sbom_length\0" + data}, extra=data)


_DATABASE, _LOG = _sqlite()
_CHISEL = (
    b'{"jsonwall": "1.0", "schema": "1.0", "count": 4}\n{"kind": "slice", "name": "libc6_libs"}\n'
    b'{"kind": "package", "name": "libc6", "version": "2.35-0ubuntu3.8", "sha256": "76d5", "arch": "amd64"}\n'
    b'{"kind": "path", "path": "/lib/libssl.so.3", "mode": "0644", "slices": ["libc6_libs"], "sha256": "595b", "size": 2}\n'
)
_MANIFEST = b"bash\t5.2-1.azl3\t1\t2\tMicrosoft Corporation\t(none)\t9\tx86_64\t1\tbash-5.2-1.azl3.src.rpm\nbash\t5.2\n"
TARGETS: tuple[Target, ...] = (
    _target(
        "os-release", "os-release", "etc/os-release", DEBIAN_12, ALPINE_318, b'ID="opensuse-leap"\nID_LIKE="suse a"\n'
    ),
    _target("alpine-release", "os-release", "etc/alpine-release", b"3.18.4\n", b"3.19_alpha20230901\n"),
    _target("debian-version", "os-release", "etc/debian_version", b"12.4\n", b"trixie/sid\n"),
    _target(
        "dpkg.status", "dpkg", "var/lib/dpkg/status", _BASH.encode(), b"Package\v:  a\nVersion: 1\x1a\x1aPackage:\n b\n"
    ),
    _target("chisel", "chisel", "var/lib/chisel/manifest.wall", zstandard.compress(_CHISEL)),
    Target(
        "packages.chisel.lines",
        _inside("var/lib/chisel/manifest.wall", zstandard.compress, "chisel"),
        lambda: (_CHISEL,),
    ),
    _target("dpkg.status-d", "dpkg", "var/lib/dpkg/status.d/base", dpkg_entry("base-files", "12.4").encode()),
    _target(
        "dpkg.list",
        "dpkg",
        "var/lib/dpkg/info/bash.list",
        b"/.\n/bin\n/bin/bash\n/usr/lib/python3/dist-packages/six-1.16.0.dist-info/METADATA\n",
        beside={"var/lib/dpkg/status": _BASH.encode()},
    ),
    _target(
        "dpkg.md5sums",
        "dpkg",
        "var/lib/dpkg/status.d/bash.md5sums",
        b"d41d8cd98f00b204e9800998ecf8427e  usr/bin/bash\n",
        beside={"var/lib/dpkg/status.d/bash": _BASH.encode()},
    ),
    Target("packages.dpkg.copyright", _copyright, _copyrights),
    _target("apk", "apk", "lib/apk/db/installed", _APK, _APK.replace(b"F:lib", b"F:usr/bin")),
    _target("rpm.sqlite", "rpm", "var/lib/rpm/rpmdb.sqlite", _DATABASE),
    _target("rpm.wal", "rpm", "var/lib/rpm/rpmdb.sqlite-wal", _LOG, beside={"var/lib/rpm/rpmdb.sqlite": _DATABASE}),
    _target("rpm.manifest", "rpm", "var/lib/rpmmanifest/container-manifest-2", _MANIFEST),
    _target("rpm.manifest.names", "rpm", "var/lib/rpmmanifest/container-manifest-1", b"bash-5.2-1.azl3.x86_64\nkey\n"),
    _target("rpm.ndb", "rpm", "usr/lib/sysimage/rpm/Packages.db", rpms.ndb(*_headers())),
    _target(
        "rpm.bdb",
        "rpm",
        "var/lib/rpm/Packages",
        rpms.bdb(*_headers()),
        rpms.bdb(*_headers(), order=">", size=4096),
        sample="rpm-bdb-libuuid.Packages",
    ),
    Target("packages.rpm.header", _in_database, _headers),
    _target("pacman.desc", "pacman", "var/lib/pacman/local/libcurl-8.5.0-1/desc", _PACMAN),
    _target(
        "pacman.files", "pacman", "var/lib/pacman/local/a-1/files", b"%FILES%\nusr/\nusr/bin/a\n\n%BACKUP%\netc/a\n"
    ),
    _target("opkg.status", "opkg", "usr/lib/opkg/status", _OPKG),
    _target(
        "opkg.control",
        "opkg",
        "usr/lib/opkg/info/dnsmasq.control",
        _OPKG + b"SourceName: dnsmasq\nLicense: GPL-2.0\n",
        beside={"usr/lib/opkg/status": _OPKG},
    ),
    _target("python.wheel", "python", "usr/lib/python3/site-packages/Django-3.2.dist-info/METADATA", _METADATA),
    _target(
        "python.egg",
        "python",
        "usr/lib/python3/site-packages/six.egg-info",
        _METADATA.replace(b"\n", b"\r\n"),
        b"Name: a\rVersion: 1\r\r",
    ),
    _target(
        "node",
        "node",
        "srv/node_modules/@scope/lodash/package.json",
        b'{"name": "@scope/lodash", "version": "4.17.4", "license": {"type": "MIT"}}',
        b'\xef\xbb\xbf{"name": "a", "version": "1", "licenses": [{"type": "MIT"}, "ISC"], "main": "x.js"}',
    ),
    Target(
        "packages.python-archive",
        _inside("srv/app.pex", _archive, "python-archive"),
        lambda: (_members({"a-1.dist-info/METADATA": _METADATA}), _members({"x.egg/EGG-INFO/PKG-INFO": _METADATA})),
        words=(_MEMBER, b"a-1.dist-info/METADATA\n"),
    ),
    Target(
        "packages.java",
        analyzed(_BY_NAME["java"], "srv/app.jar", below=jar(_LOG4J)),
        _jars,
    ),
    Target(
        "packages.java.members",
        _inside("root/.m2/repository/org/example/lib/1.0/lib-1.0.jar", _archive, "java"),
        lambda: (
            _members(_LOG4J),
            _members(_BUNDLE),
            _members({"lib/a-1.0.jar": _members(_LOG4J)}),
            _members({"META-INF/sbom/a.json": _BILL, "META-INF/a.cdx.json.gz": gzip.compress(_BILL)}),
        ),
        words=(_MEMBER, b"META-INF/MANIFEST.MF\n", b"META-INF/maven/a/b/pom.properties\n", b"a.class\n", b"x-1.jar\n"),
    ),
    _target("ruby", "ruby", "usr/lib/ruby/specifications/rack-2.0.6.gemspec", _GEM),
    _target(
        "php",
        "php",
        "app/vendor/composer/installed.json",
        b'{"packages": [{"name": "symfony/http-kernel", "version": "v4.4.0", "license": ["MIT"]}], "dev": true}',
        b'[{"name": "a/b", "version": "dev-main", "license": "MIT"}]',
    ),
    _target(
        "pear",
        "pear",
        "usr/local/lib/php/.registry/archive_tar.reg",
        b'a:3:{s:4:"lead";a:1:{i:0;N;}s:4:"name";s:11:"Archive_Tar";s:7:"version";a:1:{s:7:"release";s:5:"1.4.9";}}',
    ),
    _target(
        "dotnet",
        "dotnet",
        "app/App.deps.json",
        b'\xef\xbb\xbf{"libraries": {"App/1.0.0": {"type": "project"}, "Newtonsoft.Json/12.0.1": {"type": "package"},'
        b' "runtimepack.Microsoft.NETCore.App/6.0.1": {"type": "runtimepack"}}}',
    ),
    Target(
        "packages.assemblies",
        analyzed(_BY_NAME["assemblies"], "app/System.Private.CoreLib.dll"),
        lambda: (programs.assembly("8.0.4+a"), programs.assembly("3.1.22-servicing.1.2+b", machine=0x14C)),
    ),
    _target(
        "conda", "conda", "opt/conda/conda-meta/numpy.json", b'{"name": "numpy", "version": "1.2", "license": "BSD"}'
    ),
    _target(
        "bitnami",
        "bitnami",
        "opt/bitnami/wordpress/.spdx-wordpress.spdx",
        b'{"packages": [{"name": "wordpress", "versionInfo": "6.0.0", "licenseDeclared": "MIT", "externalRefs": '
        b'[{"referenceType": "purl", "referenceLocator": "pkg:bitnami/wordpress@6.0.0-0?arch=amd64"}]}, {"name": 7}]}',
    ),
    Target(
        "packages.stores",
        _in_store,
        lambda: (
            b"0c5wwhcyxz0bgzyj2h1njqv2bzqlfzq3-openssl-3.0.13-bin\n.links\n0c5wwhcyxz0bgzyj2h1njqv2bzqlfzq3-source",
        ),
    ),
    _target(
        "homebrew",
        "homebrew",
        "home/linuxbrew/.linuxbrew/Cellar/openssl@3/3.2.1/INSTALL_RECEIPT.json",
        b'{"homebrew_version": "4.2.10", "source": {"tap": "hashicorp/tap", "spec": "stable"}, "arch": "x86_64"}',
    ),
    _target(
        "cargo",
        "cargo",
        "root/.cargo/.crates2.json",
        b'{"installs": {"ripgrep 11.0.0 (registry+https://github.com/rust-lang/crates.io-index)": {}, "a": 1}, "v": 1}',
    ),
    _target("portage", "portage", "var/db/pkg/dev-libs/openssl-3.0.13/LICENSE", b"|| ( MIT GPL-2 )\n"),
    _target("slackware", "slackware", "var/lib/pkgtools/packages/a-1-noarch-1", b"PACKAGE NAME:     a-1-noarch-1\n"),
    _target(
        "xbps",
        "xbps",
        "var/db/xbps/pkgdb-0.38.plist",
        b'<?xml version="1.0"?>\n<plist version="1.0"><dict><key>a</key><dict><key>pkgver</key><string>a-1_1</string>'
        b"<key>state</key><string>installed</string><key>x</key><array><string>b&gt;=1</string></array></dict>"
        b"<key>b</key><dict><key>pkgver</key><string>b-1_1</string></dict></dict></plist>\n",
    ),
    _target(
        "snap", "snap", "snap/lxd/1/meta/snap.yaml", b"name: lxd\nversion: '5.21' # x\nlicense: \"AGPL-3.0\"\napps:\n"
    ),
    _target(
        "flatpak",
        "flatpak",
        f"var/lib/flatpak/app/org.gimp.GIMP/x86_64/stable/{'c8' * 32}/deploy",
        b"flathub\0appdata-version\0\0002.10.36\0\0s\0\0appdata-license\0GPL-3.0+\0\0s",
    ),
    _target(
        "homebrew.bill",
        "homebrew",
        "usr/local/Cellar/jq/1.7.1/sbom.spdx.json",
        b'{"packages": [{"name": "jq", "licenseConcluded": "MIT"}, {"name": 7}, {"name": "oniguruma"}]}',
        beside={"usr/local/Cellar/jq/1.7.1/INSTALL_RECEIPT.json": b"{}"},
    ),
    _target(
        "spack",
        "spack",
        "opt/spack/zlib/.spack/spec.json",
        b'{"spec": {"_meta": {"version": 4}, "nodes": [{"name": "zlib", "version": "1.3.1", "hash": "u463uou"}, {}]}}',
    ),
    _target(
        "web-applications",
        "web-applications",
        "srv/moodle/version.php",
        b"<?php\ndefined('MOODLE_INTERNAL') || die();\n$release  = '3.9.1+ (Build: 20200615)';\n",
    ),
    _target(
        "bills",
        "bills",
        "srv/app.cdx.json",
        _BILL,
        b'{"spdxVersion": "SPDX-2.3", "packages": [{"name": "a", "SPDXID": "SPDXRef-a", "externalRefs": [{"referenceType":'
        b' "purl", "referenceLocator": "pkg:pypi/a@1"}]}], "relationships": [{"spdxElementId": "SPDXRef-a",'
        b' "relationshipType": "DEV_DEPENDENCY_OF", "relatedSpdxElement": "SPDXRef-b"}]}',
    ),
    _target("unread", "unread", "usr/local/lib/R/site-library/readxl/DESCRIPTION", b"Package: readxl\n"),
    _target("java-release", "binaries", "opt/jdk-17/release", b'IMPLEMENTOR="a"\nJAVA_VERSION="1.8.0_372"\n'),
    Target("packages.binaries", analyzed(_BY_NAME["binaries"], "usr/sbin/nginx"), _elves, words=_WORDS),
    Target("packages.binaries.python", analyzed(_BY_NAME["binaries"], "usr/bin/python3.11"), _elves, words=_WORDS),
    Target(
        "packages.binaries.lists",
        _inside("usr/bin/app", _sections, "binaries"),
        lambda: (json.dumps({"packages": _CRATES}).encode(), programs.go_info("go1.21", _MODULES)),
    ),
    Target(
        "packages.binaries.native-image",
        _inside("usr/bin/app", _native_image, "binaries"),
        lambda: (
            gzip.compress(_BILL).join(
                (struct.pack("<IQQIQQ", 1, 0x400000, 0, 6, 0x400080, 0), struct.pack("<Q", len(_BILL)))
            ),
        ),
    ),
    *_locks(),
)
