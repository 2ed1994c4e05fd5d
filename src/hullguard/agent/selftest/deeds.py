"""A rule's self-test as a container: what it runs, what it may, and why it cannot be tried here."""

import platform
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from hullguard.agent.runtime.scratch import Rights
from hullguard.detect.rules.definitions import SelfTestOption
from hullguard.detect.rules.ruleset import Rule

PACK: Final = "pack/"
"""Where the names of the product's own rule files begin; no file of a policy can have such a name."""
_END: Final = "sleep 60; exit 0"
"""It lives until it is removed, so that what it is can be read, however late; and a policy on trial counts containers
that fail."""
_MACHINES: Final = frozenset({"x86_64", "aarch64"})
"""Those whose numbers of calls the self-tests know that make calls by number."""
_POWERS: Final = ("DAC_READ_SEARCH", "NET_ADMIN", "SYSLOG", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO")
_UNCONFINED: Final = Rights(security_opt=("seccomp=unconfined",))
_PRIVILEGED: Final = Rights(
    cap_add=_POWERS,
    security_opt=("seccomp=unconfined", "apparmor=unconfined"),
    device_cgroup_rules=("a *:* rwm",),
    masked_paths=(),
    readonly_paths=(),
)
"""Without what some machines do not let even root have; else as privileged containers are."""
_RIGHTS: Final = {
    SelfTestOption.PRIVILEGED: _PRIVILEGED,
    SelfTestOption.UNCONFINED: _UNCONFINED,
    SelfTestOption.TERMINAL: Rights(),
    SelfTestOption.HOST_PID: Rights(pid_mode="host"),
    SelfTestOption.HOST_CGROUPS: Rights(cgroupns_mode="host"),
    SelfTestOption.HOST_NETWORK: Rights(network_mode="host"),
    SelfTestOption.HOST_FILES: Rights(binds=("/etc:/host/etc:ro",)),
}


class Deed(Struct, frozen=True):
    """What is to be done, and what should say so."""

    rule: str
    script: str
    image: str
    """``busybox`` or ``debian``: which scratch image has what the script calls."""
    rights: Rights
    terminal: bool = False
    why_not: str = ""
    """Why it cannot be tried on this machine; empty where it can."""


def deed_of(rule: Rule, *, trusted: bool = False) -> Deed:
    """Rules of a team's own come from the platform: unless ``trusted`` they get no rights beyond a container's."""
    if not rule.self_test:
        why_not = "its file has no self_test"
    elif rule.self_test_options and not trusted and not rule.place.file.startswith(PACK):
        why_not = "its self-test wants rights and does not come with the product: allow them with --own-rights"
    else:
        why_not = ""
    made = make(rule.name, rule.self_test, rule.self_test_image, rule.self_test_options, rule.self_test_needs)
    return msgspec.structs.replace(made, why_not=why_not) if why_not else made


def make(rule: str, script: Sequence[str], image: str, options: Sequence[str] = (), needs: Sequence[str] = ()) -> Deed:
    """A deed by the words of a rule file (``self_test``, ``self_test_image`` and so on)."""
    return Deed(
        rule=rule,
        script="\n".join((*script, _END)),
        image=image,
        rights=_rights(options),
        terminal=SelfTestOption.TERMINAL in options,
        why_not=_why_not(image, needs),
    )


def _rights(options: Sequence[str]) -> Rights:
    found = Rights()
    for option in options:
        more = _RIGHTS.get(SelfTestOption(option)) if option in {*SelfTestOption} else None
        found = _joined(found, more or Rights(cap_add=(option.removeprefix("CAP_"),)))
    return found


def _joined(first: Rights, second: Rights) -> Rights:
    """Both: lists one after the other, of the rest the second where it says something else than others do."""
    usual = Rights()
    changes = {name: value for name, value in msgspec.structs.asdict(second).items() if value != getattr(usual, name)}
    for name in ("cap_add", "security_opt", "binds", "device_cgroup_rules"):
        changes[name] = tuple(dict.fromkeys((*getattr(first, name), *getattr(second, name))))
    return msgspec.structs.replace(first, **changes)


def _why_not(image: str, needs: Sequence[str]) -> str:
    if image == "debian" and platform.machine() not in _MACHINES:
        return f"its self-test does not know the numbers of calls on {platform.machine()}"
    hidden = next((path for path in needs if not _there(Path(path))), None)
    return "" if hidden is None else f"this machine has no {hidden}, or does not show it"


def _there(path: Path) -> bool:
    try:
        path.stat()
    except OSError:
        return False
    return True


def of_detectors(names: Iterable[str]) -> list[Deed]:
    """Those that are no rules but built in."""
    return [_OF_DETECTORS.get(name) or Deed(name, "", "busybox", Rights(), why_not=_NO_DEED) for name in names]


_NO_DEED: Final = "this version has no self-test for it"
_NOT_LEARNED: Final = "it judges by what was learned of an image, and of a scratch image nothing is"
_OF_DETECTORS: Final = {
    deed.rule: deed
    for deed in (
        make("container.terminal-shell", ("true",), "busybox", (SelfTestOption.TERMINAL,)),
        make("container.drop-and-execute", ("cp /bin/busybox /tmp/h; /tmp/h true",), "busybox"),
        make("file.read-sensitive", ("cat /etc/shadow",), "busybox"),
        Deed("profile.departure", "", "busybox", Rights(), why_not=_NOT_LEARNED),
    )
}
