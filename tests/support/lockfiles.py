"""Lock files, each as its tool writes it, and the packages that are in it."""

SWIFT_1 = {
    "object": {
        "pins": [
            {
                "package": "swift-nio",
                "repositoryURL": "https://github.com/apple/swift-nio.git",
                "state": {"branch": None, "revision": "0123abc", "version": "2.0.0"},
            },
            {"package": "own", "repositoryURL": "../own", "state": {"branch": "main", "revision": "0123abc"}},
        ]
    },
    "version": 1,
}
SWIFT_2 = {
    "pins": [
        {
            "identity": "swift-nio",
            "kind": "remoteSourceControl",
            "location": "https://user@github.com/apple/swift-nio.git/",
            "state": {"revision": "0123abc", "version": "2.0.0"},
        },
        {
            "identity": "vapor",
            "kind": "remoteSourceControl",
            "location": "git@github.com:vapor/vapor.git",
            "state": {"revision": "0123abc", "version": "4.1.0"},
        },
        {
            "identity": "branch",
            "kind": "remoteSourceControl",
            "location": "https://github.com/a/branch",
            "state": {"branch": "main", "revision": "0123abc"},
        },
        {"identity": "x.y", "kind": "registry", "location": "", "state": {"version": "1.0.0"}},
    ],
    "version": 2,
}
NPM_1 = {
    "lockfileVersion": 1,
    "dependencies": {
        "lodash": {"version": "4.17.4", "resolved": "https://example.org/lodash.tgz", "requires": {"a": "1"}},
        "mkdirp": {"version": "0.5.0", "dependencies": {"minimist": {"version": "0.0.8"}}},
        "renamed": {"version": "npm:@scope/real@1.0.0"},
        "local": {"version": "file:../local"},
    },
}
NPM_3 = {
    "lockfileVersion": 3,
    "packages": {
        "": {"name": "app", "version": "1.0.0"},
        "node_modules/lodash": {"version": "4.17.4", "license": "MIT"},
        "node_modules/mkdirp/node_modules/minimist": {"version": "0.0.8"},
        "node_modules/renamed": {"name": "@scope/real", "version": "1.0.0"},
        "node_modules/workspace": {"resolved": "packages/workspace", "link": True},
        "packages/workspace": {"version": "1.0.0"},
    },
}
YARN_1 = """# yarn lockfile v1


"@babel/core@^7.0.0", "@babel/core@^7.1.0":
  version "7.1.2"
  resolved "https://example.org/core.tgz"
  dependencies:
    lodash "^4.17.10"

lodash@^4.17.10, lodash@^4.17.4:
  version "4.17.4"

"alias@npm:@scope/real@^1.0.0":
  version "1.0.0"
"""
YARN_BERRY = """__metadata:
  version: 6

"@babel/core@npm:^7.0.0, @babel/core@npm:^7.1.0":
  version: 7.1.2
  resolution: "@babel/core@npm:7.1.2"
  dependencies:
    lodash: ^4.17.10
  languageName: node

"app@workspace:.":
  version: 0.0.0-use.local
  resolution: "app@workspace:."

"lodash@npm:^4.17.10":
  version: 4.17.4
  resolution: "lodash@npm:4.17.4"
"""
PNPM_5 = """lockfileVersion: 5.4

dependencies:
  lodash: 4.17.4

packages:

  /@babel/core/7.1.2_react@17.0.0:
    resolution: {integrity: sha512-x}
    dependencies:
      lodash: 4.17.4

  /lodash/4.17.4:
    resolution: {integrity: sha512-x}
"""
PNPM_6 = PNPM_5.replace("core/7.1.2_react@17.0.0", "core@7.1.2(react@17.0.0)").replace("lodash/", "lodash@")
PNPM_9 = """lockfileVersion: '9.0'

importers:

  .:
    dependencies:
      lodash:
        specifier: ^4.17.4
        version: 4.17.4

packages:

  '@babel/core@7.1.2':
    resolution: {integrity: sha512-x}

  lodash@4.17.4:
    resolution: {integrity: sha512-x}

snapshots:

  '@babel/core@7.1.2(react@17.0.0)': {}
"""
BUN = """{
  "lockfileVersion": 1,
  "workspaces": {"": {"name": "app", "dependencies": {"lodash": "^4.17.4",},},},
  "packages": {
    "@babel/core": ["@babel/core@7.1.2", "", {"dependencies": {"lodash": "^4"}}, "sha512-x"],
    "lodash": ["lodash@4.17.4", "", {}, "sha512-x"],
    "own": ["own@workspace:packages/own"],
  },
}
"""
REQUIREMENTS = """# comment
Django==3.2 \\
    --hash=sha256:abc
urllib3[secure]==1.23 ; python_version >= "3"
requests>=2.0
flask==1.*
-r other.txt
idna === 2.8  # pinned
git+https://example.org/x@main
"""
POETRY = """[[package]]
name = "django"
version = "3.2"
optional = false

[[package]]
name = "local"
version = "0.1"

[package.source]
type = "directory"
url = "../local"

[metadata]
lock-version = "2.0"
"""
UV = """version = 1
requires-python = ">=3.11"

[[package]]
name = "app"
version = "0.1.0"
source = { editable = "." }

[[package]]
name = "django"
version = "3.2"
source = { registry = "https://example.org/simple" }
"""
PDM = '[[package]]\nname = "django"\nversion = "3.2"\nrequires_python = ">=3.6"\n\n[[package]]\nname = "own"\nversion = "1"\npath = "./own"\n'
PIPFILE = {
    "_meta": {},
    "default": {"django": {"version": "==3.2", "hashes": []}},
    "develop": {"x": {"git": "https://example.org"}},
}
CARGO = """version = 3

[[package]]
name = "app"
version = "0.1.0"
dependencies = ["time"]

[[package]]
name = "time"
version = "0.1.42"
source = "registry+https://example.org/crates.io-index"
checksum = "x"
"""
GO_MOD = """module example.com/app // the module

go 1.19

require github.com/gin-gonic/gin v1.6.0

require (
	golang.org/x/text v0.3.0 // indirect
	example.com/old v1.0.0
)

replace golang.org/x/text => github.com/fork/text v0.3.9

replace example.com/old v1.0.0 => ./old
"""
GO_SUM = """github.com/gin-gonic/gin v1.6.0 h1:abc=
github.com/gin-gonic/gin v1.6.0/go.mod h1:abc=
golang.org/x/text v0.3.0/go.mod h1:abc=
"""
GEMFILE = """PATH
  remote: .
  specs:
    own (1.0)

GEM
  remote: https://example.org/
  specs:
    nokogiri (1.13.0-x86_64-linux)
      racc (~> 1.4)
    rack (2.0.6)

PLATFORMS
  x86_64-linux

DEPENDENCIES
  rack (~> 2.0)
"""
COMPOSER = {
    "packages": [{"name": "symfony/http-kernel", "version": "v4.4.0", "license": ["MIT"]}],
    "packages-dev": [{"name": "phpunit/phpunit", "version": "9.0.0"}],
}
NUGET_ASSETS = {
    "version": 3,
    "targets": {"net8.0": {"Newtonsoft.Json/12.0.1": {"type": "package"}, "Mine/1.0.0": {"type": "project"}}},
    "libraries": {
        "Newtonsoft.Json/12.0.1": {"sha512": "jdlJ", "type": "package", "path": "newtonsoft.json/12.0.1"},
        "Mine/1.0.0": {"type": "project", "path": "../mine/mine.csproj"},
    },
}

NUGET = {
    "version": 1,
    "dependencies": {
        "net6.0": {
            "Newtonsoft.Json": {"type": "Direct", "requested": "[12.0.1, )", "resolved": "12.0.1"},
            "own": {"type": "Project"},
        }
    },
}
POM = """<?xml version="1.0"?>
<!-- <!DOCTYPE is only a word here -->
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <groupId>org.example</groupId><artifactId>app</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-core</artifactId><version>2.14.1</version></dependency>
    <dependency><groupId>org.example</groupId><artifactId>other</artifactId><version>${other.version}</version></dependency>
    <dependency><groupId>org.example</groupId><artifactId>managed</artifactId></dependency>
  </dependencies>
</project>
"""
GRADLE = "# This is a Gradle generated file\norg.apache.logging.log4j:log4j-core:2.14.1=compileClasspath,runtimeClasspath\nempty=annotationProcessor\n"
MIX = '%{\n  "plug": {:hex, :plug, "1.11.0", "f17217525597", [:mix], [{:mime, "~> 1.0", [hex: :mime]}], "hexpm", "2d9c"},\n  "own": {:git, "https://example.org/own.git", "abc", []},\n}\n'
PUBSPEC = """packages:
  flutter:
    dependency: "direct main"
    description: flutter
    source: sdk
    version: "0.0.0"
  http:
    dependency: "direct main"
    description:
      name: http
      sha256: abc
      url: "https://example.org"
    source: hosted
    version: "0.13.2"
sdks:
  dart: ">=2.12.0 <3.0.0"
"""
NPM_FOUND = ["pkg:npm/%40scope/real@1.0.0", "pkg:npm/lodash@4.17.4"]
BABEL = ["pkg:npm/%40babel/core@7.1.2", "pkg:npm/lodash@4.17.4"]
JULIA_1 = """[[Dates]]
deps = ["Printf"]
uuid = "ade2ca70"

[[HTTP]]
git-tree-sha1 = "abc"
uuid = "cd3eb016"
version = "1.10.0"
"""
JULIA_2 = """julia_version = "1.9.0"
manifest_format = "2.0"

[[deps.HTTP]]
git-tree-sha1 = "abc"
uuid = "cd3eb016"
version = "1.10.0"

[[deps.Own]]
path = "../Own"
uuid = "1"
version = "0.1.0"

[[deps.Printf]]
uuid = "de0858da"
version = "1.9.0"
"""
RENV = {
    "R": {"Version": "4.2.0"},
    "Packages": {
        "readxl": {"Package": "readxl", "Version": "1.0.0", "Source": "Repository", "Repository": "CRAN"},
        "own": {"Package": "own", "Version": "0.1", "Source": "GitHub"},
    },
}
CABAL = """active-repositories: hackage.haskell.org:merge
constraints: any.aeson ==1.5.6.0,
             aeson -cffi +ordered-keymap,
             any.text-metrics ==0.3.0
index-state: hackage.haskell.org 2021-01-01T00:00:00Z
"""
STACK = """packages:
- completed:
    hackage: aeson-1.5.6.0@sha256:2ba66a,613
    pantry-tree:
      sha256: 614b
      size: 226
  original:
    hackage: aeson-1.5.6.0
- completed:
    commit: 0123abc
    git: https://example.org/own
    name: own
  original:
    git: https://example.org/own
snapshots:
- completed:
    sha256: 63539
    url: https://example.org/lts/18/0.yaml
  original: lts-18.0
"""
CASES: list[tuple[str, str | object, list[str]]] = [
    ("Manifest.toml", JULIA_1, ["pkg:julia/HTTP@1.10.0"]),
    ("Manifest-v1.11.toml", JULIA_2, ["pkg:julia/HTTP@1.10.0"]),
    ("renv.lock", RENV, ["pkg:cran/readxl@1.0.0"]),
    ("cabal.project.freeze", CABAL, ["pkg:hackage/aeson@1.5.6.0", "pkg:hackage/text-metrics@0.3.0"]),
    ("stack.yaml.lock", STACK, ["pkg:hackage/aeson@1.5.6.0"]),
    ("package-lock.json", NPM_1, [*NPM_FOUND, "pkg:npm/minimist@0.0.8", "pkg:npm/mkdirp@0.5.0"]),
    ("package-lock.json", NPM_3, [*NPM_FOUND, "pkg:npm/minimist@0.0.8"]),
    ("npm-shrinkwrap.json", NPM_3, [*NPM_FOUND, "pkg:npm/minimist@0.0.8"]),
    ("yarn.lock", YARN_1, ["pkg:npm/%40babel/core@7.1.2", *NPM_FOUND]),
    ("yarn.lock", YARN_BERRY, BABEL),
    ("pnpm-lock.yaml", PNPM_5, BABEL),
    ("pnpm-lock.yaml", PNPM_6, BABEL),
    ("pnpm-lock.yaml", PNPM_9, BABEL),
    ("bun.lock", BUN, BABEL),
    ("requirements.txt", REQUIREMENTS, ["pkg:pypi/django@3.2", "pkg:pypi/idna@2.8", "pkg:pypi/urllib3@1.23"]),
    ("requirements-dev.txt", "a==1\r\n", ["pkg:pypi/a@1"]),
    ("poetry.lock", POETRY, ["pkg:pypi/django@3.2"]),
    ("uv.lock", UV, ["pkg:pypi/django@3.2"]),
    ("pdm.lock", PDM, ["pkg:pypi/django@3.2"]),
    ("Pipfile.lock", PIPFILE, ["pkg:pypi/django@3.2"]),
    ("Cargo.lock", CARGO, ["pkg:cargo/time@0.1.42"]),
    ("go.mod", GO_MOD, ["pkg:golang/github.com/fork/text@v0.3.9"]),
    ("go.sum", GO_SUM, []),
    ("Gemfile.lock", GEMFILE, ["pkg:gem/nokogiri@1.13.0", "pkg:gem/rack@2.0.6"]),
    ("composer.lock", COMPOSER, ["pkg:composer/phpunit/phpunit@9.0.0", "pkg:composer/symfony/http-kernel@v4.4.0"]),
    ("packages.lock.json", NUGET, ["pkg:nuget/Newtonsoft.Json@12.0.1"]),
    ("obj/project.assets.json", NUGET_ASSETS, ["pkg:nuget/Newtonsoft.Json@12.0.1"]),
    ("pom.xml", POM, ["pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"]),
    ("gradle.lockfile", GRADLE, ["pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"]),
    ("mix.lock", MIX, ["pkg:hex/plug@1.11.0"]),
    ("pubspec.lock", PUBSPEC, ["pkg:pub/http@0.13.2"]),
    ("Package.resolved", SWIFT_1, ["pkg:swift/github.com/apple/swift-nio@2.0.0"]),
    (
        "Package.resolved",
        SWIFT_2,
        ["pkg:swift/github.com/apple/swift-nio@2.0.0", "pkg:swift/github.com/vapor/vapor@4.1.0"],
    ),
]
