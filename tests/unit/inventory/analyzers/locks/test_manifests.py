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
}
CASES = pytest.mark.parametrize(("path", "kind", "content", "lock"), [(path, *case) for path, case in ASKING.items()])


def told(found: Found) -> dict[str, str]:
    return {unknown.what: unknown.why for unknown in found.unknowns if unknown.what.startswith("dependencies of")}


@CASES
def test_one_that_asks_is_told(path: str, kind: str, content: str, lock: str) -> None:
    del lock
    said = told(Found([file(path, content)]))

    assert list(said) == [f"dependencies of {kind}"]
    assert said[f"dependencies of {kind}"].startswith(f"1 manifests, {path} the first of them")


@CASES
def test_a_lock_file_beside_it_or_above_answers(path: str, kind: str, content: str, lock: str) -> None:
    del kind
    assert told(Found([file(path, content), file(lock, "")])) == {}


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("package.json", '{"name": "app", "dependencies": {}}'),
        ("pyproject.toml", "[project]\nname = 'a'\ndependencies = []\n"),
        ("Cargo.toml", "[package]\nname = 'a'\n"),
        ("Gemfile", "source 'x'\n"),
        ("build.gradle", "plugins { id 'java' }\n"),
        ("node_modules/a/package.json", '{"dependencies": {"b": "1"}}'),
    ],
)
def test_one_that_asks_for_nothing_is_not(path: str, content: str) -> None:
    assert told(Found([file(path, content)])) == {}


def test_of_a_system_they_say_nothing() -> None:
    system = [file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("bash", "5.2"))]

    assert told(Found([*system, file("usr/share/doc/a/Gemfile", "gem 'rails'\n")])) == {}
