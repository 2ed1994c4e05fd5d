"""The image's configuration and history against the CIS Docker Benchmark, section 4, and some checks beside it.

No message repeats an instruction or a value: they may hold what must not be shown.
"""

import itertools
import re
from collections.abc import Collection, Iterator
from typing import TypeVar

from hullguard.inventory import bounds
from hullguard.inventory.content.image_checks import (
    ADD,
    HEALTH,
    PORT,
    ROOT,
    SECRET,
    SSH,
    VOLUME,
)
from hullguard.inventory.content.instructions import habits
from hullguard.inventory.content.secrets.inspector import SecretInspector
from hullguard.inventory.content.secrets.judge import is_named_secret
from hullguard.inventory.content.secrets.redaction import holds_password
from hullguard.inventory.content.variables import Declared, declared
from hullguard.inventory.source.documents import ContainerConfig, ImageConfig
from hullguard.inventory.source.image import history_fits
from hullguard.model.content import Misconfiguration
from hullguard.model.package import Unknown

T = TypeVar("T")

_WHERE = "image configuration"
_SSH = 22
_ZERO = re.compile(r"[+-]?0+")
_PORT = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")

_ADDED = re.compile(r"^(?:/bin/sh -c #\(nop\)\s{0,4})?ADD\s")
_SYSTEM = frozenset(
    ("/", "/bin", "/boot", "/dev", "/etc", "/lib", "/proc", "/root", "/sbin", "/sys", "/usr", "/run", "/var/run")
)


def check(config: ImageConfig) -> Iterator[Misconfiguration | Unknown]:
    """What the image's own words say against it, and which of them nobody could judge."""
    container, malformed = config.container
    yield from (Unknown(_WHERE, why) for why in malformed)
    for found in (_root(container), _health(container), _port(container)):
        if found:
            yield found
    yield from _volumes(container)
    yield from _server(container)
    secrets = SecretInspector()
    yield from _values(container, secrets)
    yield from _instructions(config, secrets)


def _root(container: ContainerConfig) -> Misconfiguration | None:
    user = (container.user or "").strip().partition(":")[0]
    if user not in ("", "root") and not _ZERO.fullmatch(user):
        return None
    return ROOT.failed("USER is root" if user else "no USER is set, so it is root")


def _health(container: ContainerConfig) -> Misconfiguration | None:
    test = container.healthcheck.test if container.healthcheck else None
    return (
        None
        if test and test[0] != "NONE"
        else HEALTH.failed("HEALTHCHECK is not set" if not test else "HEALTHCHECK is NONE")
    )


def _port(container: ContainerConfig) -> Misconfiguration | None:
    ranges = (_PORT.fullmatch(port.partition("/")[0]) for port in container.exposed_ports or {})
    ssh = any(found and int(found[1]) <= _SSH <= int(found[2] or found[1]) for found in ranges)
    return PORT.failed(f"port {_SSH} is exposed") if ssh else None


def _volumes(container: ContainerConfig) -> Iterator[Misconfiguration]:
    for path in sorted(set(container.volumes or {})):
        if (path.rstrip("/") or "/") in _SYSTEM or path.endswith("docker.sock"):
            yield VOLUME.failed(f"VOLUME {path[:100]!r}")


def _server(container: ContainerConfig) -> Iterator[Misconfiguration]:
    command = " ".join([*(container.entrypoint or []), *(container.cmd or [])])
    if re.search(r"(?:^|[\s/])(?:sshd|dropbear)(?:\s|$)", command):
        yield SSH.failed("the container's command is an SSH server")


def _values(container: ContainerConfig, secrets: SecretInspector) -> Iterator[Misconfiguration | Unknown]:
    for variable in _first(container.env or [], "variables of the environment"):
        yield from [variable] if isinstance(variable, Unknown) else _variable(variable, "ENV", secrets, None)
    labels = container.labels or {}
    for key in _first(labels, "labels"):
        if isinstance(key, Unknown):
            yield key
            continue
        yield from _text(f"{key}={labels[key]}", "a label", secrets, None)
    test = container.healthcheck.test if container.healthcheck else None
    commands = {
        "CMD": container.cmd,
        "ENTRYPOINT": container.entrypoint,
        "HEALTHCHECK": test,
        "SHELL": container.shell,
        "ONBUILD": container.on_build,
    }
    for what, words in commands.items():
        yield from _text(" ".join(words or []), what, secrets, None)


def _first(values: Collection[T], what: str) -> Iterator[T | Unknown]:
    """As many as are judged, and a word on those that are too many."""
    yield from itertools.islice(values, bounds.CONFIG_ENTRIES)
    if len(values) > bounds.CONFIG_ENTRIES:
        why = f"of {len(values)} {what} the first {bounds.CONFIG_ENTRIES} were judged"
        yield Unknown(_WHERE, why, incomplete=True)


def _variable(variable: str, where: str, secrets: SecretInspector, layer: str | None) -> Iterator[Misconfiguration]:
    if known := secrets.text(variable):
        for found in known:
            yield SECRET.failed(f"{where} holds a secret ({found.rule.title}): {found.match}", layer)
        return
    name, _, value = variable.partition("=")
    if is_named_secret(name, value) or holds_password(variable[: bounds.INSTRUCTION_CHARACTERS]):
        yield SECRET.failed(f"{where} {_printable(name)} holds a value that looks like a secret", layer)


def _text(text: str, where: str, secrets: SecretInspector, layer: str | None) -> Iterator[Misconfiguration]:
    """Known secrets in a text, or else a password by its place in it."""
    known = secrets.text(text)
    for found in known:
        yield SECRET.failed(f"{where} holds a secret ({found.rule.title}): {found.match}", layer)
    if not known and holds_password(text[: bounds.INSTRUCTION_CHARACTERS]):
        yield SECRET.failed(f"{where} holds a value that looks like a secret", layer)


class _Judged:
    """Variables that need not be judged again.

    Those of the environment are judged where the configuration has them, but for those that others took the place of;
    a builder repeats build arguments with every instruction that follows.
    """

    def __init__(self, environment: set[str]) -> None:
        self._environment = environment
        self.arguments: set[str] = set()

    def others(self, declares: Declared, instruction: str) -> Iterator[str]:
        if declares.what and instruction[declares.start : declares.end].rstrip() in self._environment:
            return
        for variable in declares.variables:
            text = variable.text
            if (
                text not in self._environment
                and text not in self.arguments
                and len(self.arguments) <= bounds.CONFIG_ENTRIES
            ):
                self.arguments.add(text)
                yield text


def _printable(name: str) -> str:
    return "".join(char for char in name[:64] if char.isprintable())


def _instructions(config: ImageConfig, secrets: SecretInspector) -> Iterator[Misconfiguration | Unknown]:
    layers = iter(config.rootfs.diff_ids or [] if history_fits(config) else [])
    judged = _Judged(set(itertools.islice(config.container[0].env or [], bounds.CONFIG_ENTRIES)))
    for number, entry in enumerate(_first(config.history or [], "instructions"), 1):
        if isinstance(entry, Unknown):
            yield entry
            continue
        layer = None if entry.empty_layer else next(layers, None)
        yield from _instruction(entry.created_by or "", number, layer, secrets, judged)
    if len(judged.arguments) > bounds.CONFIG_ENTRIES:
        why = f"more than {bounds.CONFIG_ENTRIES} build arguments; the others were not judged"
        yield Unknown(_WHERE, why, incomplete=True)


def _instruction(
    text: str, number: int, layer: str | None, secrets: SecretInspector, judged: _Judged
) -> Iterator[Misconfiguration | Unknown]:
    where, begin = f"instruction {number}", text[: bounds.INSTRUCTION_CHARACTERS]
    if len(text) > bounds.INSTRUCTION_CHARACTERS:
        why = f"{where} has {len(text)} characters; habits were looked for in its first {len(begin)}"
        yield Unknown(_WHERE, why, incomplete=True)
    if _ADDED.search(begin) and not (number == 1 and _brings_root_filesystem(begin)):
        yield ADD.failed(f"{where} is an ADD", layer)
    for habit in habits(begin):
        yield habit.check.failed(f"{where} {habit.says}", layer)
    variables = declared(begin)
    if variables is not None and variables.what in {"", "ENV"}:
        of = f"variable of {where}:" if variables.what else f"build argument of {where}:"
        for variable in judged.others(variables, text):
            yield from _variable(variable, of, secrets, layer)
        text = text[variables.end :]
    yield from _text(text, where, secrets, layer)


def _brings_root_filesystem(text: str) -> bool:
    return text.rstrip().removesuffix("# buildkit").rstrip().endswith((" /", "\t/"))
