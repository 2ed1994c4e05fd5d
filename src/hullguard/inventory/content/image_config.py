"""The image's configuration and history against the CIS Docker Benchmark, section 4, and some checks beside it.

No message repeats an instruction or a value: they may hold what must not be shown.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from hullguard.inventory.content.image_checks import (
    ADD,
    HABITS,
    HEALTH,
    PORT,
    ROOT,
    SECRET,
    SSH,
    VOLUME,
)
from hullguard.inventory.content.secrets.inspector import SecretInspector
from hullguard.inventory.content.secrets.judge import is_placeholder
from hullguard.inventory.source.documents import ContainerConfig, ImageConfig
from hullguard.model.content import Misconfiguration
from hullguard.model.image import Layer

_MOST_INSTRUCTIONS = 1000
_LONGEST_INSTRUCTION = 1 << 16
_MOST_VALUES = 1000


_HABITS = tuple(
    (habit, re.compile(habit.pattern), re.compile(habit.unless) if habit.unless else None) for habit in HABITS
)

_NAMED_SECRET = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|SECRET_?KEY|API_?KEY|ACCESS_?KEY|AUTH_?TOKEN|ACCESS_?TOKEN|PRIVATE_?KEY|"
    r"TOKEN|CREDENTIALS?)$",
    re.IGNORECASE,
)
_ARGUMENTS = re.compile(r"^(?:RUN )?\|\d{1,4} (.{0,65536}?) /bin/", re.DOTALL)
_ADDED = re.compile(r"^(?:/bin/sh -c #\(nop\)\s{0,4})?ADD\s")
_ENVIRONMENT = re.compile(r"^(?:/bin/sh -c #\(nop\)\s{0,4})?ENV\s")
_ROOT_FILESYSTEM = re.compile(r"\bin /\s*$|\s/\s*(?:# buildkit)?\s*$")
_SYSTEM = frozenset(
    ("/", "/bin", "/boot", "/dev", "/etc", "/lib", "/proc", "/root", "/sbin", "/sys", "/usr", "/run", "/var/run")
)


def check(config: ImageConfig, layers: Sequence[Layer] = ()) -> Iterable[Misconfiguration]:
    """What the image's own words say against it."""
    container = config.container
    for found in (_root(container), _health(container), _port(container)):
        if found:
            yield found
    yield from _volumes(container)
    yield from _server(container)
    secrets = SecretInspector()
    yield from _values(container, secrets)
    yield from _instructions(config, layers, secrets)


def _root(container: ContainerConfig) -> Misconfiguration | None:
    user = (container.user or "").strip().partition(":")[0]
    if user not in ("", "root") and not (user.isdecimal() and user.isascii() and int(user[:20]) == 0):
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
    exposed = {port.partition("/")[0] for port in container.exposed_ports or {}}
    return PORT.failed("port 22 is exposed") if "22" in exposed else None


def _volumes(container: ContainerConfig) -> Iterator[Misconfiguration]:
    for path in sorted(set(container.volumes or {}))[:_MOST_VALUES]:
        if (path.rstrip("/") or "/") in _SYSTEM or path.endswith("docker.sock"):
            yield VOLUME.failed(f"VOLUME {path[:100]!r}")


def _server(container: ContainerConfig) -> Iterator[Misconfiguration]:
    command = " ".join([*(container.entrypoint or []), *(container.cmd or [])])[:_LONGEST_INSTRUCTION]
    if re.search(r"(?:^|[\s/])(?:sshd|dropbear)(?:\s|$)", command):
        yield SSH.failed("the container's command is an SSH server")


def _values(container: ContainerConfig, secrets: SecretInspector) -> Iterator[Misconfiguration]:
    for variable in (container.env or [])[:_MOST_VALUES]:
        yield from _variable(variable, "ENV", secrets, None)
    for key, value in list((container.labels or {}).items())[:_MOST_VALUES]:
        for found in secrets.text(f"{key}={value}"):
            yield SECRET.failed(f"a label holds a secret ({found.rule.title}): {found.match}")
    for words, what in ((container.cmd, "CMD"), (container.entrypoint, "ENTRYPOINT")):
        for found in secrets.text(" ".join(words or [])):
            yield SECRET.failed(f"{what} holds a secret ({found.rule.title}): {found.match}")


def _variable(variable: str, where: str, secrets: SecretInspector, layer: str | None) -> Iterator[Misconfiguration]:
    if known := secrets.text(variable):
        for found in known:
            yield SECRET.failed(f"{where} holds a secret ({found.rule.title}): {found.match}", layer)
        return
    name, _, value = variable.partition("=")
    if (
        _NAMED_SECRET.search(name)
        and len(value) >= 4
        and not value.startswith(("/", "$"))
        and not is_placeholder(value)
    ):
        yield SECRET.failed(f"{where} {_printable(name)} holds a value that looks like a secret", layer)


def _printable(name: str) -> str:
    return "".join(char for char in name[:64] if char.isprintable())


def _instructions(config: ImageConfig, layers: Sequence[Layer], secrets: SecretInspector) -> Iterator[Misconfiguration]:
    number_of_layer = -1
    diff_ids = config.rootfs.diff_ids or [layer.diff_id for layer in layers]
    arguments: set[str] = set()  # a builder repeats them with every instruction that follows
    for number, entry in enumerate((config.history or [])[:_MOST_INSTRUCTIONS], 1):
        number_of_layer += not entry.empty_layer
        text = (entry.created_by or "")[:_LONGEST_INSTRUCTION]
        known = not entry.empty_layer and number_of_layer < len(diff_ids)
        layer = diff_ids[number_of_layer] if known else None
        yield from _instruction(text, number, layer, secrets, arguments)


def _instruction(
    text: str, number: int, layer: str | None, secrets: SecretInspector, arguments: set[str]
) -> Iterator[Misconfiguration]:
    where = f"instruction {number}"
    if _ADDED.search(text) and not (number == 1 and _ROOT_FILESYSTEM.search(text)):
        yield ADD.failed(f"{where} is an ADD", layer)
    for habit, pattern, unless in _HABITS:
        if pattern.search(text) and not (unless and unless.search(text)):
            yield habit.check.failed(f"{where} {habit.says}", layer)
    given = _ARGUMENTS.search(text)
    for variable in given[1].split(" ")[:_MOST_VALUES] if given else ():
        if variable not in arguments:
            arguments.add(variable)
            yield from _variable(variable, f"build argument of {where}:", secrets, layer)
    # Variables of the environment stand in the configuration as well, and are judged there.
    if not _ENVIRONMENT.search(text):
        for found in secrets.text(text[given.end(1) :] if given else text):
            yield SECRET.failed(f"{where} holds a secret ({found.rule.title}): {found.match}", layer)
