"""Ten thousand generated pairs of versions each, against the programs that define the orders."""

import json
import random
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from packaging.version import Version

from hullguard.advisories.versions.composer import ComposerOrder
from hullguard.advisories.versions.gem import GemOrder
from hullguard.advisories.versions.maven import MavenOrder
from hullguard.advisories.versions.order import Order
from hullguard.advisories.versions.pep440 import Pep440Order
from hullguard.advisories.versions.semver import SemverOrder

PAIRS = 10_000
Pair = tuple[str, str]
NODE_SEMVER = (
    Path("/usr/share/nodejs/semver"),
    Path("/usr/share/nodejs/npm/node_modules/semver"),
    Path("/usr/lib/node_modules/npm/node_modules/semver"),
)
NODE = """
const compare = require(process.argv[1] + "/functions/compare.js");
const pairs = JSON.parse(require("fs").readFileSync(0));
console.log(JSON.stringify(pairs.map(([one, other]) => compare(one, other, true))));
"""
MAVEN = (Path("/usr/share/java/maven-artifact-3.x.jar"), Path("/usr/share/java/commons-lang3.jar"))
RUBY = """
require "json"
puts JSON.generate(JSON.parse(STDIN.read).map { |one, other| Gem::Version.new(one) <=> Gem::Version.new(other) })
"""
PHP = "echo json_encode(array_map(fn($p) => version_compare($p[0], $p[1]), json_decode(stream_get_contents(STDIN))));"


def pairs(seed: int, version: Callable[[random.Random], str]) -> list[Pair]:
    """Pairs that are often close to each other: a far one tells little of an order."""
    chance = random.Random(seed)
    made = [(version(chance), version(chance)) for _ in range(PAIRS // 2)]
    return made + [(one, _changed(one, chance)) for one, _ in made]


def _changed(version: str, chance: random.Random) -> str:
    places = [place for place, character in enumerate(version) if character.isdigit()]
    place = chance.choice(places)
    return f"{version[:place]}{chance.randint(1, 9)}{version[place + 1 :]}"


def sign(order: Order, one: str, other: str) -> int:
    left, right = order.key(one), order.key(other)
    return (left > right) - (left < right)


def differing(order: Order, made: list[Pair], expected: list[int]) -> list[tuple[str, str, int]]:
    assert len(made) == len(expected) == PAIRS
    return [
        (one, other, said) for (one, other), said in zip(made, expected, strict=True) if sign(order, one, other) != said
    ]


def ask(command: list[str], made: list[Pair]) -> list[int]:
    done = subprocess.run(command, input=json.dumps(made), capture_output=True, text=True, check=True, timeout=120)
    answer: list[int] = json.loads(done.stdout)
    return answer


@cache
def node_semver() -> Path:
    found = next((path for path in NODE_SEMVER if (path / "package.json").exists()), None)
    if found is None or shutil.which("node") is None:
        pytest.skip("node-semver is not installed")
    return found


def npm_version(chance: random.Random) -> str:
    text = ".".join(str(chance.choice([0, 1, 2, 9, 10, 11])) for _ in range(3))
    if chance.random() < 0.6:
        parts = [chance.choice(["alpha", "beta", "rc", "0", "1", "2", "10", "a-b", "-", "x1", "A"]) for _ in range(3)]
        text += "-" + ".".join(parts[: chance.randint(1, 3)])
    return text + (chance.choice(["+1", "+build.7"]) if chance.random() < 0.2 else "")


def test_node_says_the_same_of_npm_versions() -> None:
    module = node_semver()
    made = pairs(1, npm_version)

    assert differing(SemverOrder(), made, ask(["node", "-e", NODE, str(module)], made)) == []


def python_version(chance: random.Random) -> str:
    text = chance.choice(["", "", "", "v", "1!"]) + ".".join(
        str(chance.choice([0, 0, 1, 2, 10])) for _ in range(chance.randint(1, 4))
    )
    if chance.random() < 0.5:
        text += chance.choice(["a", "b", "rc", ".alpha", "-beta", "c", "_pre"]) + str(chance.randint(0, 11))
    if chance.random() < 0.3:
        text += chance.choice([".post", "-", "rev"]) + str(chance.randint(0, 3))
    if chance.random() < 0.3:
        text += f".dev{chance.randint(0, 3)}"
    return text + (chance.choice(["+cu118", "+1", "+ubuntu.1"]) if chance.random() < 0.2 else "")


def test_packaging_says_the_same_of_python_versions() -> None:
    made = pairs(2, python_version)
    expected = [(Version(one) > Version(other)) - (Version(one) < Version(other)) for one, other in made]

    assert differing(Pep440Order(), made, expected) == []


def gem_version(chance: random.Random) -> str:
    parts = [str(chance.choice([0, 0, 1, 2, 10]))]
    parts += [chance.choice(["0", "0", "1", "2", "10", "a", "rc1", "pre", "beta", "1b2"]) for _ in range(4)]
    text = ".".join(parts[: chance.randint(1, 5)])
    return text + (chance.choice(["-1", "-rc.1", "-alpha"]) if chance.random() < 0.1 else "")


@pytest.mark.skipif(shutil.which("ruby") is None, reason="ruby is not installed")
def test_ruby_says_the_same_of_gem_versions() -> None:
    made = pairs(3, gem_version)

    assert differing(GemOrder(), made, ask(["ruby", "-e", RUBY], made)) == []


def composer_version(chance: random.Random) -> str:
    """A version as Composer normalises it, so that PHP alone can judge it."""
    text = ".".join(str(chance.choice([0, 1, 2, 10])) for _ in range(4))
    if chance.random() < 0.6:
        text += "-" + chance.choice(["alpha", "beta", "RC", "patch"]) + chance.choice(["", "1", "2", "10", "1.2"])
    return text + ("-dev" if chance.random() < 0.2 else "")


@pytest.mark.skipif(shutil.which("php") is None, reason="php is not installed")
def test_php_says_the_same_of_composer_versions() -> None:
    made = pairs(4, composer_version)

    assert differing(ComposerOrder(), made, ask(["php", "-r", PHP], made)) == []


def maven_version(chance: random.Random) -> str:
    """As projects number their releases."""
    text = ".".join(str(chance.choice([0, 0, 1, 2, 10])) for _ in range(chance.randint(1, 4)))
    if chance.random() < 0.2:
        return text + chance.choice(["-ga", ".Final", "-SNAPSHOT", ".RELEASE"])
    if chance.random() < 0.6:
        text += "-" + chance.choice(["alpha", "beta", "rc", "m", "jre", "android", "cr", "sp"])
        text += chance.choice(["", "", "1", "2", "10", "-1", "-SNAPSHOT"])
    return text


@pytest.mark.skipif(
    shutil.which("java") is None or not all(jar.exists() for jar in MAVEN), reason="Maven's own class is not installed"
)
def test_maven_says_the_same_of_its_versions() -> None:
    made = pairs(5, maven_version)
    versions = [version for pair in made for version in pair]
    command = ["java", "-cp", ":".join(map(str, MAVEN)), "org.apache.maven.artifact.versioning.ComparableVersion"]
    done = subprocess.run([*command, *versions], capture_output=True, text=True, check=True, timeout=120)
    # It compares each version with the one before it, so every second answer is about a pair.
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith("   ")]
    answers = [{"<": -1, "==": 0, ">": 1}[relation] for _, relation, _ in lines[::2]]

    assert differing(MavenOrder(), made, answers) == []
