"""Manifests that ask for packages where no lock file says which were chosen."""

import pytest
from tests.support.images import DEBIAN_12, dpkg_entry, dpkg_status, file
from tests.support.inventories import Found

ASKING = {
    "package.json": ("npm", '{"name": "app", "dependencies": {"lodash": "^4"}}', "yarn.lock"),
    "pyproject.toml": ("Python", '[project]\ndependencies = [\n  "django>=3",\n]\n', "uv.lock"),
    "a/pyproject.toml": ("Python", "[tool.poetry.group.dev.dependencies]\npytest = '*'\n", "a/poetry.lock"),
    "setup.py": ("Python", "setup(name='a', install_requires=['django'])\n", "requirements.txt"),
    "requirements.in": ("Python", "# mine\ndjango[argon2] >= 3\n", "requirements.txt"),
    "Pipfile": ("Python", "[packages]\ndjango = '*'\n", "Pipfile.lock"),
    "crates/a/Cargo.toml": ("Cargo", "[package]\nname = 'a'\n\n[dependencies]\nserde = '1'\n", "Cargo.lock"),
    "Cargo.toml": ("Cargo", "[target.'cfg(unix)'.dependencies]\nlibc = '0.2'\n", "Cargo.lock"),
    "Gemfile": ("Bundler", "source 'x'\ngem 'rails'\n", "Gemfile.lock"),
    "composer.json": ("Composer", '{"require": {"monolog/monolog": "^2"}}', "composer.lock"),
    "build.gradle": ("Gradle", "dependencies {\n    implementation 'a:b:1'\n}\n", "gradle.lockfile"),
    "app/build.gradle.kts": ("Gradle", 'dependencies {\n    testImplementation("a:b:1")\n}\n', "app/gradle.lockfile"),
    "one/build.gradle.kts": ("Gradle", 'dependencies { implementation("a:b:1") }\n', "one/gradle.lockfile"),
    "build.sbt": ("sbt", 'libraryDependencies += "a" %% "b" % "1"\n', "build.sbt.lock"),
    "a.gemspec": ("RubyGems", 'Gem::Specification.new do |s|\n  s.add_dependency "rails"\nend\n', "Gemfile.lock"),
    "pubspec.yaml": ("Dart", "name: a\ndependencies:\n  http: ^1.0.0\n", "pubspec.lock"),
    "mix.exs": ("Elixir", 'defp deps do\n  [{:plug, "~> 1.3"}]\nend\n', "mix.lock"),
    "Package.swift": ("Swift", '.package(url: "https://x.example/nio.git", from: "2.0.0")\n', "Package.resolved"),
    "ios/Podfile": ("CocoaPods", "target 'A' do\n  pod 'AFNetworking'\nend\n", "ios/Podfile.lock"),
    "Project.toml": ("Julia", 'name = "A"\n[deps]\nHTTP = "cd3eb016"\n', "Manifest.toml"),
    "a.cabal": ("Haskell", "library\n  Build-Depends: base, process\n", "cabal.project.freeze"),
    "package.yaml": ("Haskell", "name: a\ndependencies:\n- base\n", "stack.yaml.lock"),
    "DESCRIPTION": ("R", "Package: a\nImports:\n    commonmark\n", "renv.lock"),
    "conda.yaml": ("Conda", "name: a\ndependencies:\n  - numpy\n", "conda-lock.yml"),
    "project.clj": ("Clojure", '(defproject a "1" :dependencies [[a/b "1"]])\n', ""),
    "deps.edn": ("Clojure", '{:deps {a/b {:mvn/version "1"}}}\n', ""),
    "ivy.xml": ("Ivy", '<ivy-module><dependencies><dependency org="a" name="b"/></dependencies></ivy-module>', ""),
    "bower.json": ("Bower", '{"dependencies": {"jquery": "1"}}', ""),
}
"""By path: the kind, what stands in it, and a lock file that answers it, if the kind has one."""
CASES = pytest.mark.parametrize(("path", "kind", "content", "lock"), [(path, *case) for path, case in ASKING.items()])


def told(found: Found) -> dict[str, str]:
    return {unknown.what: unknown.why for unknown in found.unknowns if unknown.what.startswith("dependencies of")}


@CASES
def test_one_that_asks_is_told(path: str, kind: str, content: str, lock: str) -> None:
    del lock
    said = told(Found([file(path, content)]))

    assert list(said) == [f"dependencies of {kind}"]
    assert said[f"dependencies of {kind}"].startswith(f"1 manifests, {path} the first of them")


@pytest.mark.parametrize(
    ("path", "content", "lock"), [(path, content, lock) for path, (_, content, lock) in ASKING.items() if lock]
)
def test_a_lock_file_beside_it_or_above_answers(path: str, content: str, lock: str) -> None:
    assert told(Found([file(path, content), file(lock, "")])) == {}


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("package.json", '{"name": "app", "dependencies": {}}'),
        ("pyproject.toml", "[project]\nname = 'a'\ndependencies = []\n"),
        ("Cargo.toml", "[package]\nname = 'a'\n"),
        ("Gemfile", "source 'x'\n"),
        ("build.gradle", "plugins { id 'java' }\n"),
        ("lib/a/DESCRIPTION", "Package: a\nImports: commonmark\nBuilt: R 4.2.2\n"),
        ("pubspec.yaml", "name: a\ndependencies:\n\ndev_dependencies:\n"),
        ("mix.exs", "defp deps do\n  []\nend\n"),
        ("a.gemspec", "Gem::Specification.new do |s|\n  s.name = 'a'\nend\n"),
        ("specifications/a-1.gemspec", "s.add_runtime_dependency(%q<rails>)\n"),
        ("node_modules/a/package.json", '{"dependencies": {"b": "1"}}'),
    ],
)
def test_one_that_asks_for_nothing_is_not(path: str, content: str) -> None:
    assert told(Found([file(path, content)])) == {}


def test_of_a_system_they_say_nothing() -> None:
    system = [file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("bash", "5.2"))]

    assert told(Found([*system, file("usr/share/doc/a/Gemfile", "gem 'rails'\n")])) == {}
